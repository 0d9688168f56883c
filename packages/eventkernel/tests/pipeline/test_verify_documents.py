"""Verifying that documents are what the folds make: each planted fault is found, and what moves meanwhile is none."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.node import Node
from eventkernel.projection import Projection

from .library import CONTRACT, TENANT, UNLUCKY, OpenLoanRequest
from .library import readers as read_model
from .test_documents_keys import borrowings, trails
from .world import TOPIC, World, replace_header, texts


async def test_a_document_edited_by_hand_is_found(world: World) -> None:
    await world.change("bob", days=999)
    assert texts(await world.i4()) == [f"readers_v1 {TENANT}/bob: differs from the fold in: days"]


@pytest.mark.parametrize("field", ["more", "tenant"])
async def test_a_field_that_no_fold_makes_is_found(world: World, field: str) -> None:
    await world.change("bob", **{field: "elsewhere"})
    assert texts(await world.i4()) == [f"readers_v1 {TENANT}/bob: differs from the fold in: {field}"]


async def test_a_lost_document_is_found(world: World) -> None:
    del world.store.documents._documents["readers_v1"][f"{TENANT}/bob"]
    (text,) = texts(await world.i4())
    assert text.startswith(f"readers_v1 {TENANT}/bob: is missing, and its checkpoint is past {TOPIC}/")


async def test_a_checkpoint_ahead_of_the_documents_is_found(world: World) -> None:
    await world.more()
    await world.publish()
    findings = await world.i4()
    # On its way: the checkpoint is not past it.
    assert (findings.violations, findings.not_judged) == (0, 1)
    partition, records = world.of("ada")
    ahead = Checkpoint("library.readers.v1", TOPIC, partition.partition, len(records))
    await world.store.documents.write("readers_v1", [], [ahead])
    (text,) = texts(await world.i4())
    assert text.startswith(f"readers_v1 {TENANT}/ada: does not show loan-ada-0@3, and its checkpoint is past")


async def test_a_document_that_nothing_makes_is_found(world: World) -> None:
    body: dict[str, object] = {"reader_id": "eva", "tenant": TENANT, "_seen": {"abc": 1}}
    write = DocumentWrite(f"{TENANT}/eva", 0, body)
    await world.store.documents.write("readers_v1", [write], [Checkpoint("by hand", TOPIC, 0, 0)])
    assert texts(await world.i4()) == [f"readers_v1 {TENANT}/eva: shows events that are not on the topics"]


async def test_a_document_that_moves_meanwhile_is_judged_by_what_it_shows_then(world: World) -> None:
    _move_while_it_is_checked(world)
    findings = await world.i4()
    assert (findings.checked, findings.violations, findings.not_judged) == (4, 0, 0)
    await world.change("ada", days=1)
    assert (await world.i4()).violations == 1


@pytest.mark.parametrize("model", [trails, borrowings], ids=lambda model: model.name)
async def test_a_document_without_a_key_field_in_events_may_move_meanwhile_too(
    world: World, node: Node, model: Projection[Any]
) -> None:
    other = World(node, world.store, world.bus, model)
    other.topics = world.topics
    await other.project()
    _move_while_it_is_checked(other)
    findings = await other.i4()
    assert (findings.checked, findings.violations, findings.not_judged) == (8, 0, 0)


def _move_while_it_is_checked(world: World) -> None:
    async def moved() -> None:
        await world.more()
        await world.publish()
        await world.project()

    # After the first ends were taken: what comes then is beyond them.
    async def nothing() -> None:
        return None

    world.topics.meanwhile = [nothing, moved, nothing, moved]
    read = world.topics.read
    moves = [moved]

    async def reads(starts: Any, ends: Any) -> AsyncIterator[list[Any]]:
        async for records in read(starts, ends):
            yield records
        if moves:
            await moves.pop()()

    world.topics.read = reads  # type: ignore[method-assign]


async def test_what_is_parked_is_not_looked_for_in_the_documents(world: World) -> None:
    await world.give(OpenLoanRequest(loan_id="bad", reader_id="ada"))
    await world.publish()
    await world.project()
    partition, records = world.of("ada")
    unlucky = [one for one in records if dict(one.headers)["ce_subject"] == b"loan-ada-1"][-1]
    event = CONTRACT.events["sample.library.loan-renewed"].message(loan_id="ada-1", reader_id="ada", days=UNLUCKY)
    poison = replace(replace_header(unlucky, "ce_sequence", b"3"), value=event.SerializeToString())
    world.topics.put(poison, partition.partition)
    await world.project()
    assert len(await world.store.parked.list("library.readers.v1")) == 1
    findings = await world.i4()
    assert (findings.checked, findings.violations) == (4, 0)


async def test_a_document_that_cannot_be_folded_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise LookupError

    kind = CONTRACT.events["sample.library.loan-renewed"].message
    monkeypatch.setitem(read_model.folds, kind, fails)
    found = texts(await world.i4())
    assert len(found) == 4
    assert all("cannot be folded: LookupError" in text for text in found)
