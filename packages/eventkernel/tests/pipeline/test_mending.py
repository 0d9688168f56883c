"""Parked records that an operator gave back: each stream in its order, nothing lost and nothing twice wherever a process dies."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from eventkernel.commands import Order
from eventkernel.intake import Intake
from eventkernel.mending import MendingSink
from eventkernel.messages import Asked, ParkedRecord
from eventkernel.node import Node
from eventkernel.projector import Projector
from eventkernel.reactor import Reactor
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message

from .library import (
    CONTRACT,
    UNLUCKY,
    Bus,
    Hand,
    LoanClosed,
    LoanOpened,
    LoanRenewed,
    OpenLoanRequest,
    all_commits,
    new_readers,
    someone,
    versions,
)
from .test_projector import document
from .test_reactor import mirroring

READERS = "library.readers.v1"
ALL = Asked("act-1", onwards=True)
ONE = Asked("act-1")
DISCARD = Asked("act-2", discard=True)


class Died(Exception):
    """What a process does not live to see."""


class Mended:
    """One process of the read model, whose fold of an unlucky renewal is mended at will."""

    def __init__(self, store: MemoryStore, bus: Bus, clock: Hand) -> None:
        self.store, self.bus = store, bus
        self.readers = new_readers()
        self.broken = self.readers.folds[LoanRenewed]
        self.clock = clock
        self.sink = MendingSink(self._make(store.parked), self._make, store.parked, clock)

    def _make(self, parked: Any) -> Projector:
        return Projector(
            self.readers, service="library", contract=CONTRACT, documents=self.store.documents, parked=parked, clock=self.clock
        )  # fmt: skip

    async def hold(self, *partitions: int) -> "Mended":
        await self.sink.assigned([TopicPartition(self.bus.topic, number) for number in partitions or (0,)])
        return self

    def mend_code(self) -> None:
        def renewed(document: Any, event: Any, meta: Any) -> None:
            document.days += event.days
            document.trail.append(f"{meta.stream}@{meta.version}")

        self.readers.folds[LoanRenewed] = renewed

    async def take(self, *records: Any) -> None:
        await self.sink.take(self.bus.topic, records[0].partition, records)

    async def parked(self) -> list[ParkedRecord]:
        return await self.store.parked.list(READERS)

    async def offsets(self) -> list[int]:
        return [record.offset for record in await self.parked()]

    async def ask(self, asked: Asked, *offsets: int) -> None:
        chosen = [record.id for record in await self.parked() if not offsets or record.offset in offsets]
        assert await self.store.parked.ask(chosen, asked) == len(chosen)

    async def trail(self, reader_id: str = "ada") -> list[str]:
        return (await document(self.store, reader_id)).trail


@pytest.fixture
async def mended(store: MemoryStore, bus: Bus, clock: Hand) -> Mended:
    return await Mended(store, bus, clock).hold()


def opened(loan: str = "l1") -> Message:
    return LoanOpened(loan_id=loan, reader_id="ada")


def renewed(days: int, loan: str = "l1") -> Message:
    return LoanRenewed(loan_id=loan, reader_id="ada", days=days)


async def poisoned(mended: Mended) -> Mended:
    """A stream whose second event is parked, and two more behind it."""
    events = [opened(), renewed(UNLUCKY), renewed(20), LoanClosed(loan_id="l1", reader_id="ada")]
    await mended.take(*(mended.bus.event("loan-l1", event) for event in events))
    assert await mended.offsets() == [1, 2, 3]
    return mended


async def test_a_replayed_stream_is_taken_in_order_and_goes_on_live(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    await mended.sink.mend()
    assert await mended.parked() == []
    assert await mended.trail() == ["loan-l1@1", "loan-l1@2", "loan-l1@3", "loan-l1@4"]
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert (await mended.trail())[-1] == "loan-l1@5"
    assert await mended.parked() == []


async def test_what_fails_again_is_parked_again_with_what_follows_and_nothing_asked(mended: Mended) -> None:
    await poisoned(mended)
    first = (await mended.parked())[0]
    await mended.ask(ALL)
    mended.clock.on(60)
    await mended.sink.mend()
    again = await mended.parked()
    assert [(record.offset, record.attempts, record.asked) for record in again] == [
        (1, 2, None), (2, 1, None), (3, 1, None),
    ]  # fmt: skip
    assert again[0] == replace(first, attempts=2, at=mended.clock())
    assert await mended.trail() == ["loan-l1@1"]
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert await mended.offsets() == [1, 2, 3, 4]


async def test_one_record_alone_is_replayed_and_what_follows_still_waits(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ONE, 1)
    await mended.sink.mend()
    assert await mended.offsets() == [2, 3]
    assert await mended.trail() == ["loan-l1@1", "loan-l1@2"]
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert await mended.offsets() == [2, 3, 4]


async def test_what_comes_after_it_was_asked_is_replayed_as_well(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    await mended.sink.mend()
    assert await mended.parked() == []
    assert (await mended.trail())[-1] == "loan-l1@5"


async def test_a_discarded_head_leaves_what_follows_to_be_replayed(mended: Mended) -> None:
    await poisoned(mended)
    await mended.ask(DISCARD, 1)
    await mended.sink.mend()
    assert await mended.offsets() == [2, 3]
    assert await mended.trail() == ["loan-l1@1"]
    await mended.ask(ALL)
    await mended.sink.mend()
    assert await mended.parked() == []
    assert await mended.trail() == ["loan-l1@1", "loan-l1@3", "loan-l1@4"]


async def test_a_discarded_stream_goes_on_live_with_a_hole(mended: Mended) -> None:
    await poisoned(mended)
    await mended.ask(DISCARD)
    await mended.sink.mend()
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert await mended.parked() == []
    assert await mended.trail() == ["loan-l1@1", "loan-l1@5"]


async def test_what_nobody_saw_is_not_discarded_with_the_rest(mended: Mended) -> None:
    await poisoned(mended)
    await mended.ask(DISCARD)
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    await mended.sink.mend()
    assert await mended.offsets() == [4]


async def test_what_is_asked_only_behind_the_first_is_taken_back(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL, 2, 3)
    await mended.sink.mend()
    assert await mended.offsets() == [1, 2, 3]
    assert await mended.store.parked.asked() == frozenset()


async def test_a_partition_that_another_process_holds_is_left_to_it(
    mended: Mended, store: MemoryStore, clock: Hand
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    await mended.hold(1)
    await mended.sink.mend()
    assert await mended.offsets() == [1, 2, 3]
    await mended.hold(0)
    await mended.sink.mend()
    assert await mended.parked() == []


async def test_a_partition_that_moves_while_it_is_mended_is_gone_on_with_by_its_new_holder(
    mended: Mended, store: MemoryStore, bus: Bus, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    write, moving = store.documents.write, []

    async def moves(*given: Any) -> None:
        await write(*given)
        if not moving:
            moving.append(asyncio.create_task(mended.sink.assigned([])))
            await asyncio.sleep(0)

    monkeypatch.setattr(store.documents, "write", moves)
    await mended.sink.mend()
    await moving[0]
    # Its effect is durable, and it is left to the new holder all the same: only that one's sink is then told.
    assert await mended.offsets() == [1, 2, 3]
    other = await Mended(store, bus, clock).hold()
    other.mend_code()
    await other.sink.mend()
    assert await other.parked() == []
    assert await other.trail() == ["loan-l1@1", "loan-l1@2", "loan-l1@3", "loan-l1@4"]


@pytest.mark.parametrize("end", ["revoked", "stopped"])
async def test_partitions_that_go_to_another_wait_for_the_record_that_is_being_mended_and_no_more(
    mended: Mended, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    intake = Intake(mended.sink, "library", ahead=10, drain=60, sleep=asyncio.sleep, broken=lambda: None)
    write, writing, go_on = mended.store.documents.write, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> None:
        writing.set()
        await go_on.wait()
        await write(*given)

    monkeypatch.setattr(mended.store.documents, "write", slow)
    mending = asyncio.create_task(mended.sink.mend())
    await writing.wait()
    # A record that comes live waits for the mending.
    await intake.take([mended.bus.event("loan-l2", opened("l2"))])
    if end == "stopped":
        intake.stop()
    leaving = asyncio.create_task(intake.finish() if end == "stopped" else intake.on_partitions_revoked([]))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(leaving, mending)
    assert await mended.trail() == ["loan-l1@1", "loan-l1@2", "loan-l2@1"]
    # Nor is anything mended before partitions are assigned again.
    await mended.sink.mend()
    assert await mended.offsets() == [1, 2, 3]
    await mended.hold()
    await mended.sink.mend()
    assert await mended.parked() == []


async def test_nothing_is_taken_while_it_mends_nor_mended_while_it_takes(
    mended: Mended, monkeypatch: pytest.MonkeyPatch
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    order: list[str] = []
    looked, write = mended.store.parked.asked_streams, mended.store.documents.write

    async def slow(subscription: str) -> Any:
        order.append("mends")
        for _ in range(20):
            await asyncio.sleep(0)
        order.append("has looked")
        return await looked(subscription)

    async def noted(*given: Any) -> None:
        order.append("writes")
        await write(*given)

    monkeypatch.setattr(mended.store.parked, "asked_streams", slow)
    monkeypatch.setattr(mended.store.documents, "write", noted)
    mending = asyncio.create_task(mended.sink.mend())
    await asyncio.sleep(0)
    await mended.take(mended.bus.event("loan-l2", opened("l2")))
    await mending
    assert order[:5] == ["mends", "has looked", "writes", "writes", "writes"]
    assert (await mended.trail())[-2:] == ["loan-l1@4", "loan-l2@1"]


async def test_nothing_is_mended_while_records_are_being_taken(mended: Mended, monkeypatch: pytest.MonkeyPatch) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    write, writing, go_on = mended.store.documents.write, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> None:
        if not writing.is_set():
            writing.set()
            await go_on.wait()
        await write(*given)

    monkeypatch.setattr(mended.store.documents, "write", slow)
    taking = asyncio.create_task(mended.take(mended.bus.event("loan-l2", opened("l2"))))
    await writing.wait()
    mending = asyncio.create_task(mended.sink.mend())
    for _ in range(50):
        await asyncio.sleep(0)
    assert await mended.offsets() == [1, 2, 3]
    assert not taking.done()
    go_on.set()
    await asyncio.gather(taking, mending)
    assert await mended.trail() == ["loan-l1@1", "loan-l2@1", "loan-l1@2", "loan-l1@3", "loan-l1@4"]


STEPS = ("ask", "settle", "write", "park_again", "withdraw")


@pytest.mark.parametrize("death", list(itertools.product(STEPS, ("before", "after"), (1, 2, 3))))
async def test_whoever_dies_at_any_step_the_next_one_ends_with_everything_once(
    mended: Mended, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, death: tuple[str, str, int]
) -> None:
    (step, when, nth), bus, clock = death, mended.bus, mended.clock
    await poisoned(mended)
    await mended.ask(ALL)
    await mended.take(bus.event("loan-l1", renewed(30)))
    if step not in {"park_again", "withdraw"}:
        mended.mend_code()
    part = store.documents if step == "write" else store.parked
    original, calls = getattr(part, step), 0

    async def dies(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            raise Died
        result = await original(*given)
        if calls == nth:
            raise Died
        return result

    with monkeypatch.context() as patch:
        patch.setattr(part, step, dies)
        with contextlib.suppress(Died):
            await mended.sink.mend()
    other = await Mended(store, bus, clock).hold()
    other.mend_code()
    await other.sink.mend()
    if step in {"park_again", "withdraw"} and await other.offsets():
        # What failed again before it was mended is not tried by itself: it is asked anew.
        assert (await other.parked())[0].asked is None
        await other.ask(ALL)
        await other.sink.mend()
    assert await other.parked() == []
    assert await other.trail() == [f"loan-l1@{version}" for version in range(1, 6)]
    assert (await document(store)).days == UNLUCKY + 50


async def test_mending_moves_no_checkpoint(mended: Mended) -> None:
    await poisoned(mended)
    before = await mended.store.documents.checkpoint("readers_v1", READERS, mended.bus.topic, 0)
    mended.store.documents._checkpoints.clear()
    mended.mend_code()
    await mended.ask(ALL)
    await mended.sink.mend()
    assert before == 4
    assert await mended.store.documents.checkpoint("readers_v1", READERS, mended.bus.topic, 0) == 0


async def test_a_tombstone_is_no_event_when_it_is_replayed_either(mended: Mended) -> None:
    record = mended.bus.event("loan-l1", opened())
    await mended.take(mended.bus.raw(b"k", None, record.headers))
    await mended.ask(ALL)
    await mended.sink.mend()
    (parked,) = await mended.parked()
    assert (parked.value, parked.attempts) == (None, 2)
    assert parked.reason.startswith("MALFORMED_RECORD")


async def test_a_reactions_records_are_replayed_with_their_commands_once(
    another: Callable[..., Node], store: MemoryStore, bus: Bus, clock: Hand
) -> None:
    node = another()

    def make(parked: Any) -> Reactor:
        return Reactor(
            mirroring(), service="library", contract=CONTRACT, commands=node.commands, due=store.due, parked=parked, clock=clock,
            scheduled=asyncio.Event(),
        )  # fmt: skip

    sink = MendingSink(make(store.parked), make, store.parked, clock)
    await sink.assigned([TopicPartition(bus.topic, 0)])
    await node.commands.give(_open_copy())
    records = [bus.event("loan-l1", renewed(666)), bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(50))]
    await sink.take(bus.topic, 0, records)
    first, *others = await store.parked.list("library.mirror.v1")
    await store.parked.ask([first.id], DISCARD)
    await store.parked.ask([other.id for other in others], ALL)
    await sink.mend()
    assert await store.parked.list() == []
    assert versions(await all_commits(store, "loan-m-l1")) == [1, 2, 3, 4]
    await sink.take(bus.topic, 0, records[1:])
    assert versions(await all_commits(store, "loan-m-l1")) == [1, 2, 3, 4]


async def test_a_reactions_record_that_is_refused_again_is_parked_again(
    another: Callable[..., Node], store: MemoryStore, bus: Bus, clock: Hand
) -> None:
    node = another()

    def make(parked: Any) -> Reactor:
        return Reactor(
            mirroring(), service="library", contract=CONTRACT, commands=node.commands, due=store.due, parked=parked, clock=clock,
            scheduled=asyncio.Event(),
        )  # fmt: skip

    sink = MendingSink(make(store.parked), make, store.parked, clock)
    await sink.assigned([TopicPartition(bus.topic, 0)])
    await sink.take(bus.topic, 0, [bus.event("loan-l1", renewed(666))])
    (record,) = await store.parked.list()
    await store.parked.ask([record.id], ALL)
    await sink.mend()
    assert [(again.attempts, again.asked) for again in await store.parked.list()] == [(2, None)]


def _open_copy() -> Any:
    return Order(OpenLoanRequest(loan_id="m-l1", reader_id="ada"), someone(), "copy")
