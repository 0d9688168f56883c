"""Parked records in any number, as after a release whose events an older reader does not know: nobody loads more than it looks at."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from eventkernel import node as node_module
from eventkernel.mending import give_back_due
from eventkernel.messages import Asked, ParkedRecord
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore
from prometheus_client import REGISTRY

from .due_rows import LEASE, row
from .library import CONTRACT, NOON, TENANT, Bus, Hand, RenewLoanRequest, until
from .mended import ALL, DISCARD, ONE, READERS, Mended, poisoned, renewed

DUE = "library.due"


class Loaded:
    """How many records were loaded with all they hold."""

    def __init__(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records = 0
        self._list = store.parked.list
        monkeypatch.setattr(store.parked, "list", self._counted)

    async def _counted(self, *given: Any, **named: Any) -> list[ParkedRecord]:
        found = await self._list(*given, **named)
        self.records += len(found)
        return found


@pytest.fixture
def loaded(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    return Loaded(store, monkeypatch)


def _parked(subscription: str, offset: int, stream: str = "loan-l1") -> ParkedRecord:
    return ParkedRecord(
        subscription=subscription, tenant=TENANT, stream=stream, topic=CONTRACT.topic, partition=0, offset=offset, key=b"ada", value=b"x",
        headers=(), reason="HANDLER_FAILED: LookupError", attempts=1, at=NOON,
    )  # fmt: skip


async def _park(store: MemoryStore, records: Sequence[ParkedRecord], asked: Asked | None = None) -> None:
    await store.parked.park(records)
    if asked is not None:
        await store.parked.ask([record.id for record in records], asked)


async def _left(store: MemoryStore, subscription: str = READERS) -> int:
    return (await store.parked.count()).get(subscription, 0)


def _shown(subscription: str) -> float | None:
    return REGISTRY.get_sample_value(
        "mentorstream_parked_records", {"service": "library", "subscription": subscription}
    )


async def test_what_is_parked_is_counted_without_loading_it_and_until_nothing_is(
    another: Callable[..., Node], store: MemoryStore, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "_MEASURE_SECONDS", 0.0)
    await _park(store, [_parked(READERS, offset) for offset in range(30)])
    await _park(store, [_parked(DUE, offset) for offset in range(3)])
    measuring = asyncio.create_task(another()._measure())

    async def tells(*numbers: int) -> bool:
        return (_shown(READERS), _shown(DUE)) == numbers

    await until(lambda: tells(30, 3))
    await store.parked.drop(READERS)
    await store.parked.drop(DUE)
    await until(lambda: tells(0, 0))
    measuring.cancel()
    await asyncio.wait([measuring])
    assert loaded.records == 0


async def test_a_turn_of_mending_loads_what_it_looks_at_and_what_follows_each(
    store: MemoryStore, bus: Bus, clock: Hand, loaded: Loaded
) -> None:
    mended = await Mended(store, bus, clock).hold()
    await _park(store, [_parked(READERS, offset) for offset in range(250)], DISCARD)
    for left in (150, 50, 0):
        loaded.records = 0
        await mended.sink.mend()
        assert await _left(store) == left
        assert loaded.records <= 200


async def test_a_turn_of_mending_looks_at_so_many_in_all_streams_together(
    store: MemoryStore, bus: Bus, clock: Hand, loaded: Loaded
) -> None:
    mended = await Mended(store, bus, clock).hold()
    for number in range(150):
        # The first of each stream alone is asked for, and there is no end of what follows it.
        stream = [_parked(READERS, 100 * number + place, f"loan-{number}") for place in range(20)]
        await store.parked.park(stream)
        await store.parked.ask([stream[0].id], DISCARD)
    await mended.sink.mend()
    assert await _left(store) == 150 * 20 - 50
    assert loaded.records <= 200


async def test_a_subscription_learns_where_its_streams_stop_without_loading_what_is_parked(
    store: MemoryStore, bus: Bus, clock: Hand, loaded: Loaded
) -> None:
    mended = await Mended(store, bus, clock).hold()
    await _park(store, [_parked(READERS, offset) for offset in range(5, 50)])
    await mended.take(*(bus.event("loan-l1", renewed(20)) for _ in range(6)))
    assert loaded.records == 0
    assert await mended.trail() == [f"loan-l1@{version}" for version in range(1, 6)]


async def test_a_turn_of_due_rows_is_given_back_and_the_rest_in_the_next(store: MemoryStore, loaded: Loaded) -> None:
    rows = [row(RenewLoanRequest(loan_id="l1", days=1), f"row-{number}") for number in range(150)]
    await store.due.schedule(rows)
    while claimed := await store.due.claim(NOON, LEASE):
        await store.due.finish(claimed)
    await _park(store, [_parked(DUE, number, each.id) for number, each in enumerate(rows)], ONE)
    await give_back_due(store.parked, store.due, DUE)
    assert (await _left(store, DUE), await store.due.count_overdue(NOON)) == (50, 100)
    assert loaded.records == 100
    await give_back_due(store.parked, store.due, DUE)
    assert (await _left(store, DUE), await store.due.count_overdue(NOON)) == (0, 150)


async def test_what_is_asked_of_followers_while_the_first_fails_again_stands(
    store: MemoryStore, bus: Bus, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that fails may not hold the partition any more, and the operator may have asked its new holder."""
    mended = await poisoned(await Mended(store, bus, clock).hold())
    await mended.ask(ALL)
    again, meanwhile = store.parked.park_again, Asked("act-3", onwards=True)

    async def asked_meanwhile(*given: Any) -> None:
        first, *followers = await mended.parked()
        await store.parked.withdraw(READERS, first.of_stream, [ALL.act_id])
        await again(*given)
        assert await store.parked.ask([record.id for record in (first, *followers)], meanwhile) == 3

    monkeypatch.setattr(store.parked, "park_again", asked_meanwhile)
    await mended.sink.mend()
    assert [record.asked for record in await mended.parked()] == [meanwhile] * 3
