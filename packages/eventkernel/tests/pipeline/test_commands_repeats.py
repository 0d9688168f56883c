"""Commands that come again: what was answered is answered again, what was acknowledged is kept once, and a key is its owner's."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.commands import Order
from eventkernel.keys import DataKeys, KeyFile
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

from .library import (
    ADA,
    CLOSE,
    OPEN,
    REMARK,
    RENEW,
    TENANT,
    CloseLoanRequest,
    Giver,
    OpenLoanRequest,
    RenewLoanRequest,
    all_commits,
    build,
    is_self,
    someone,
    told,
    versions,
)


async def test_a_repeated_key_gives_the_first_reply_after_the_stream_moved_on(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    first = await give(RENEW, "mine")
    await give(RENEW)
    await give(CLOSE)
    assert await give(RENEW, "mine") == first
    assert told(first) == ("loan-l1", 2, ["loan-renewed"])
    assert versions(await all_commits(store, "loan-l1")) == [1, 2, 3, 4]


async def test_a_repeat_that_would_be_refused_now_gives_the_first_reply(give: Giver) -> None:
    await give(OPEN)
    first = await give(RENEW, "mine")
    await give(CLOSE)
    with pytest.raises(Refusal, match="closed"):
        await give(RENEW, "another")
    assert await give(RENEW, "mine") == first


async def test_a_repeat_whose_relation_ended_gives_the_first_reply(another: Callable[..., Node]) -> None:
    related = [True]

    async def relation(ask: Any) -> bool:
        return related[0] and await is_self(ask)

    give = Giver(another(service=build(relations={"self": relation, "self_or_mentor": relation})))
    first = await give(REMARK, "mine", ADA)
    related[0] = False
    assert await give(REMARK, "mine", ADA) == first
    with pytest.raises(Denied):
        await give(REMARK, "another", ADA)


async def test_a_repeat_after_the_person_was_erased_gives_the_first_reply(
    give: Giver, store: MemoryStore, tmp_path: Path, another: Callable[..., Node]
) -> None:
    first = await give(REMARK, "mine", ADA)
    await DataKeys(store.keys, KeyFile(tmp_path / "key")).destroy(TENANT, "ada")
    restarted = Giver(another())
    assert await restarted(REMARK, "mine", ADA) == first
    with pytest.raises(Refusal) as refused:
        await restarted(REMARK, "another", ADA)
    assert refused.value.code == "PERSON_ERASED"
    assert len(await all_commits(store, "loan-l1")) == 1


async def test_twenty_calls_with_one_key_at_once_are_one_commit_and_one_reply(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    replies = await asyncio.gather(*(give(RENEW, "mine") for _ in range(20)))
    assert all(reply == replies[0] for reply in replies)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_one_key_at_once_from_two_processes_is_one_commit_and_one_reply(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    first, second = Giver(another()), Giver(another())
    await first(OPEN)
    replies = await asyncio.gather(*((first, second)[number % 2](RENEW, "mine") for number in range(20)))
    assert all(reply == replies[0] for reply in replies)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


@pytest.mark.parametrize(
    ("request_", "by"),
    [
        (RenewLoanRequest(loan_id="l1", days=8), someone()),
        (RENEW, someone("moe")),
        (CLOSE, someone()),
        (RenewLoanRequest(loan_id="l2", days=7), someone()),
    ],
    ids=["another request", "another actor", "another command", "another stream"],
)
async def test_a_key_that_was_used_for_another_request_is_refused(
    give: Giver, store: MemoryStore, request_: Any, by: Principal
) -> None:
    await give(OPEN)
    await give(OpenLoanRequest(loan_id="l2", reader_id="ada"))
    await give(RENEW, "mine")
    with pytest.raises(Refusal) as refused:
        await give(request_, "mine", by)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_a_key_is_not_taken_for_a_repeat_by_another_call_whose_request_has_the_same_bytes(give: Giver) -> None:
    renew, close = RenewLoanRequest(loan_id="l1"), CloseLoanRequest(loan_id="l1")
    assert renew.SerializeToString() == close.SerializeToString()
    await give(OPEN)
    await give(renew, "mine")
    with pytest.raises(Refusal) as refused:
        await give(close, "mine")
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


async def test_the_same_key_and_stream_of_another_tenant_are_wholly_separate(give: Giver, store: MemoryStore) -> None:
    other = someone(tenant="provider-2")
    await give(OPEN, "mine")
    await give(replace_reader(OPEN, "bob"), "mine", other)
    await give(RENEW, "second")
    await give(RENEW, "third", other)
    assert [commit.id for commit in await all_commits(store, "loan-l1")] == [f"{TENANT}/mine", f"{TENANT}/second"]
    assert [commit.id for commit in await all_commits(store, "loan-l1", "provider-2")] == [
        "provider-2/mine",
        "provider-2/third",
    ]


async def test_nobody_can_take_the_key_of_a_command_that_the_platform_will_give(give: Giver) -> None:
    """Such keys follow from event ids, and those from a caller's own key: whoever raises something could silence what follows."""
    system = Principal.system(TENANT)
    await give(OPEN)
    await give(RENEW, "derived-key")
    assert told(await give(RENEW, "derived-key", system)) == ("loan-l1", 3, ["loan-renewed"])
    assert told(await give(RENEW, "derived-key", system)) == ("loan-l1", 3, ["loan-renewed"])


@pytest.mark.parametrize("stored", [False, True], ids=["before it was stored", "after it was stored"])
async def test_a_store_that_fails_leaves_nothing_twice(
    give: Giver, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    await give(OPEN)
    append = store.commits.append

    async def fail(commits: Any) -> Any:
        if stored:
            await append(commits)
        raise ConnectionError("the store went away")

    with monkeypatch.context() as patch:
        patch.setattr(store.commits, "append", fail)
        with pytest.raises(ConnectionError):
            await give(RENEW, "mine")
    assert told(await give(RENEW, "mine")) == ("loan-l1", 2, ["loan-renewed"])
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


def replace_reader(request: Any, reader_id: str) -> Any:
    changed = type(request)()
    changed.CopyFrom(request)
    changed.reader_id = reader_id
    return changed


def test_an_order_is_named_within_its_tenant() -> None:
    assert Order(OPEN, someone(), "k").commit_id == f"{TENANT}/k"
    assert Order(OPEN, someone(tenant="provider-2"), "k").commit_id == "provider-2/k"
