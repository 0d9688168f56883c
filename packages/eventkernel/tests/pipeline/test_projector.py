"""A projection: whatever comes again, fails or overlaps, its documents are the log folded once; what cannot be folded is set aside."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from eventkernel.documents import document_id
from eventkernel.messages import Checkpoint, Metadata
from eventkernel.ports import RevisionConflict
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.store import stored_form
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from .library import (
    CONTRACT,
    NOON,
    TENANT,
    TOO_MANY_FOR_A_DOCUMENT,
    UNLUCKY,
    BookBought,
    Bus,
    Hand,
    LoanClosed,
    LoanOpened,
    LoanRemarked,
    LoanRenewed,
    ReaderDocument,
    new_readers,
)

BEHIND = "BEHIND_A_PARKED_RECORD"


class StoreAway(Exception):
    """What a driver would raise."""


class Documents:
    """The store's documents, failing as they are told: before a write, after it, or half-way through."""

    def __init__(self, store: MemoryStore) -> None:
        self._inner = store.documents
        self.fails = ""
        self.writes = 0

    async def write(self, collection: str, documents: Sequence[Any], checkpoints: Sequence[Checkpoint]) -> None:
        fails, self.fails = self.fails, ""
        self.writes += 1
        if fails == "before":
            raise StoreAway(fails)
        if fails == "half-way":
            start = [Checkpoint(each.subscription, each.topic, each.partition, 0) for each in checkpoints]
            await self._inner.write(collection, documents[: len(documents) // 2 + 1], start)
            raise StoreAway(fails)
        await self._inner.write(collection, documents, checkpoints)
        if fails == "after":
            raise StoreAway(fails)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def projector(
    store: MemoryStore, projection: Projection[Any] | None = None, *, keep: int = 10_000, changed: int = 10_000, documents: Any = None,
) -> Projector:  # fmt: skip
    return Projector(
        projection or new_readers(), service="library", contract=CONTRACT, documents=documents or store.documents, parked=store.parked,
        clock=Hand(NOON), keep=keep, changed=changed,
    )  # fmt: skip


async def document(store: MemoryStore, reader_id: str = "ada", tenant: str = TENANT) -> ReaderDocument:
    wanted = document_id(tenant, reader_id)
    found = await store.documents.load("readers_v1", [wanted])
    return ReaderDocument.model_validate(found[wanted][1]) if wanted in found else ReaderDocument(reader_id=reader_id)


async def parked(store: MemoryStore) -> list[tuple[str, int, str]]:
    return [
        (record.stream, record.offset, record.reason.partition(":")[0])
        for record in await store.parked.list("library.readers.v1")
    ]


def opened(reader_id: str = "ada", loan_id: str = "l1") -> Message:
    return LoanOpened(loan_id=loan_id, reader_id=reader_id)


def renewed(days: int, reader_id: str = "ada") -> Message:
    return LoanRenewed(loan_id="l1", reader_id=reader_id, days=days)


# --- exactly once -----------------------------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["opened", "renewed", "closed"])), min_size=1, max_size=40
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # partition
        st.integers(1, 8),  # records in the batch
        st.sampled_from(["", "", "", "before", "after", "half-way"]),  # how the write fails
        st.booleans(),  # whether the process dies after it
        st.integers(0, 12),  # how many records come again next time
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(events=EVENTS, steps=STEPS, keep=st.sampled_from([1, 2, 10_000]))
def test_documents_are_the_log_folded_exactly_once(events: Any, steps: Any, keep: int) -> None:
    asyncio.run(_folded_once(events, steps, keep))


async def _folded_once(events: Any, steps: Any, keep: int) -> None:
    store, bus = MemoryStore(), Bus()
    logs: list[list[Any]] = [[], []]
    for number, kind in events:
        reader = f"r{number % 3}"
        event = {
            "opened": opened(reader),
            "renewed": renewed(number + 20, reader),
            "closed": LoanClosed(reader_id=reader),
        }[kind]
        logs[number % 2].append(bus.event(f"loan-{number}", event, partition=number % 2))
    documents = Documents(store)
    running = projector(store, keep=keep, documents=documents)
    next_ = [0, 0]
    for partition, size, fails, dies, again in steps:
        batch = logs[partition][next_[partition] : next_[partition] + size]
        if not batch:
            continue
        documents.fails = fails
        try:
            await running.take(bus.topic, partition, batch)
        except StoreAway:
            assert fails
        else:
            next_[partition] += len(batch)
        documents.fails = ""
        if dies:
            running = projector(store, keep=keep, documents=documents)
        next_[partition] = max(0, next_[partition] - again)
    for partition in (0, 1):
        if rest := logs[partition][next_[partition] :]:
            await running.take(bus.topic, partition, rest)
    await _are_the_log_folded_once(store, events)


async def _are_the_log_folded_once(store: MemoryStore, events: Any) -> None:
    for name in ("r0", "r1", "r2"):
        mine = [(number, kind) for number, kind in events if f"r{number % 3}" == name]
        found = await document(store, name)
        assert found.opened == sum(kind == "opened" for _, kind in mine)
        assert found.closed == sum(kind == "closed" for _, kind in mine)
        assert found.days == sum(number + 20 for number, kind in mine if kind == "renewed")
        for number in range(6):
            trail = [step for step in found.trail if step.startswith(f"loan-{number}@")]
            count = sum(each == number for each, _ in mine)
            assert trail == [f"loan-{number}@{version}" for version in range(1, count + 1)]
    assert await parked(store) == []


@settings(max_examples=60, deadline=None)
@given(events=EVENTS, cuts=st.lists(st.integers(1, 7), min_size=1, max_size=12), shift=st.integers(0, 10))
def test_two_processes_that_fold_one_partition_at_once_fold_it_once(events: Any, cuts: list[int], shift: int) -> None:
    asyncio.run(_overlapping(events, cuts, shift))


async def _overlapping(events: Any, cuts: list[int], shift: int) -> None:
    store, bus = MemoryStore(), Bus()
    log = [bus.event(f"loan-{number}", renewed(number + 20, f"r{number % 2}")) for number, _ in events]

    async def run(process: Projector, later: int) -> None:
        for _ in range(later):
            await asyncio.sleep(0)
        place, sizes = 0, list(cuts[later % len(cuts) :])
        while place < len(log):
            size = sizes.pop(0) if sizes else 5
            try:
                await process.take(bus.topic, 0, log[place : place + size])
            except RevisionConflict:
                continue
            place += size

    await asyncio.gather(run(projector(store), 0), run(projector(store), 0), run(projector(store, keep=1), shift))
    for name in ("r0", "r1"):
        found = await document(store, name)
        assert found.days == sum(number + 20 for number, _ in events if f"r{number % 2}" == name)
        assert len(found.trail) == len(set(found.trail))


async def test_what_another_process_folded_is_not_folded_again_from_memory(store: MemoryStore, bus: Bus) -> None:
    first, second = projector(store), projector(store)
    one, two, three = (bus.event("loan-l1", renewed(days)) for days in (20, 30, 40))
    await first.take(bus.topic, 0, [one])
    await second.take(bus.topic, 0, [one, two])
    await first.take(bus.topic, 0, [two, three])
    assert (await document(store)).days == 90


async def test_what_a_batch_folded_that_failed_is_not_written_with_another_partitions(
    store: MemoryStore, bus: Bus
) -> None:
    documents = Documents(store)
    running = projector(store, documents=documents)
    documents.fails = "before"
    with pytest.raises(StoreAway):
        await running.take(bus.topic, 0, [bus.event("loan-l1", renewed(20))])
    await running.take(bus.topic, 1, [bus.event("loan-l2", renewed(30, "bob"), partition=1)])
    assert (await document(store)).days == 0
    assert (await document(store, "bob")).days == 30


async def test_the_checkpoint_is_written_with_the_documents(store: MemoryStore, bus: Bus) -> None:
    records = [bus.event("loan-l1", renewed(20)) for _ in range(3)]
    await projector(store).take(bus.topic, 0, records)
    assert await store.documents.checkpoint("readers_v1", "library.readers.v1", bus.topic, 0) == 3


async def test_a_batch_writes_each_document_once(store: MemoryStore, bus: Bus) -> None:
    documents = Documents(store)
    running = projector(store, documents=documents)
    await running.take(bus.topic, 0, [bus.event("loan-l1", renewed(20)) for _ in range(50)])
    assert documents.writes == 1
    assert (await store.documents.load("readers_v1", [f"{TENANT}/ada"]))[f"{TENANT}/ada"][0] == 1


async def test_documents_of_two_tenants_with_one_key_are_two_documents(store: MemoryStore, bus: Bus) -> None:
    await projector(store).take(
        bus.topic, 0, [bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(30), tenant="provider-2")]
    )
    assert (await document(store)).days == 20
    assert (await document(store, tenant="provider-2")).days == 30


async def test_streams_of_two_services_with_one_name_are_two_streams(store: MemoryStore, bus: Bus) -> None:
    """Two services may well have a `standard-ST0148` each: their versions have nothing to do with each other."""
    shop = Bus("sample.shop.v1")
    running = projector(store)
    await running.take(bus.topic, 0, [bus.event("order-1", opened()) for _ in range(3)])
    await running.take(shop.topic, 0, [shop.event("order-1", BookBought(reader_id="ada")) for _ in range(2)])
    found = await document(store)
    assert (found.opened, found.bought) == (3, 2)


async def test_an_event_that_it_does_not_take_is_passed_over(store: MemoryStore, bus: Bus) -> None:
    await projector(store).take(
        bus.topic, 0, [bus.event("loan-l1", LoanRemarked(reader_id="ada")), bus.event("loan-l1", renewed(20))]
    )
    assert (await document(store)).trail == ["loan-l1@2"]
    assert await parked(store) == []


async def test_only_so_many_documents_are_held_in_memory(store: MemoryStore, bus: Bus) -> None:
    running = projector(store, keep=2)
    await running.take(bus.topic, 0, [bus.event(f"loan-{number}", renewed(20, f"r{number}")) for number in range(5)])
    assert len(running._held) == 2
    await running.take(bus.topic, 0, [bus.event(f"loan-{number}", renewed(20, f"r{number}")) for number in range(5)])
    assert [(await document(store, f"r{number}")).days for number in range(5)] == [40] * 5


async def test_documents_that_others_always_change_are_given_up_with_nothing_done(store: MemoryStore, bus: Bus) -> None:
    class Contested(Documents):
        async def write(self, collection: str, documents: Sequence[Any], checkpoints: Sequence[Checkpoint]) -> None:
            self.writes += 1
            raise RevisionConflict("written by another")

    documents = Contested(store)
    with pytest.raises(RevisionConflict):
        await projector(store, documents=documents).take(bus.topic, 0, [bus.event("loan-l1", renewed(20))])
    assert 1 < documents.writes < 100


# --- what cannot be folded --------------------------------------------------------------------------------------------------


def poison(bus: Bus, kind: str, stream: str = "loan-l1") -> Any:
    good = bus.event(stream, renewed(UNLUCKY if kind == "fold raises" else 20))
    headers, value = dict(good.headers), good.value
    if kind == "unreadable":
        value = b"\xff\xff\xff"
    if kind == "not text":
        value = b"\x0a\x02\xff\xfe"
    if kind == "unknown type":
        headers["ce_type"] = b"sample.library.loan-burnt"
    if kind == "malformed":
        headers["ce_sequence"] = b"second"
    if kind == "no value":
        value = None
    if kind == "unstorable":
        value = renewed(TOO_MANY_FOR_A_DOCUMENT).SerializeToString()
    return type(good)(
        good.topic,
        good.partition,
        good.offset,
        0,
        0,
        good.key,
        value,
        0,
        len(good.key),
        len(value or b""),
        tuple(headers.items()),
    )


REASONS = {
    "fold raises": "HANDLER_FAILED", "unreadable": "UNREADABLE_EVENT", "not text": "UNREADABLE_EVENT", "unknown type": "UNKNOWN_EVENT_TYPE",
    "malformed": "MALFORMED_RECORD", "no value": "MALFORMED_RECORD", "unstorable": "HANDLER_FAILED",
}  # fmt: skip


@pytest.mark.parametrize("kind", REASONS)
async def test_what_cannot_be_folded_is_parked_with_the_rest_of_its_stream_and_no_other(
    store: MemoryStore, bus: Bus, kind: str
) -> None:
    batch = [
        bus.event("loan-l1", opened()),
        bus.event("loan-l2", opened(loan_id="l2")),
        poison(bus, kind),
        bus.event("loan-l1", renewed(30)),
        bus.event("loan-l2", renewed(40)),
        bus.event("loan-l3", opened("bob", "l3")),
    ]
    running = projector(store)
    await running.take(bus.topic, 0, batch)
    expected = [("loan-l1", 2, REASONS[kind]), ("loan-l1", 3, BEHIND)]
    assert await parked(store) == expected
    found = await document(store)
    assert (found.opened, found.days, found.trail) == (2, 40, ["loan-l1@1", "loan-l2@1", "loan-l2@2"])
    assert (await document(store, "bob")).opened == 1

    later = [bus.event("loan-l1", renewed(50)), bus.event("loan-l2", renewed(60))]
    await running.take(bus.topic, 0, later[:1])
    restarted = projector(store)
    await restarted.take(bus.topic, 0, [*batch, *later])
    assert await parked(store) == [*expected, ("loan-l1", 6, BEHIND)]
    found = await document(store)
    assert (found.opened, found.days, found.closed) == (2, 100, 0)


async def test_after_a_restart_a_stream_is_held_though_its_parked_record_does_not_come_again(
    store: MemoryStore, bus: Bus
) -> None:
    await projector(store).take(bus.topic, 0, [bus.event("loan-l1", renewed(UNLUCKY))])
    await projector(store).take(bus.topic, 0, [bus.event("loan-l1", renewed(30)), bus.event("loan-l2", renewed(40))])
    assert await parked(store) == [("loan-l1", 0, "HANDLER_FAILED"), ("loan-l1", 1, BEHIND)]
    assert (await document(store)).days == 40


async def test_what_makes_a_document_too_large_for_the_store_is_parked_and_the_rest_flows(
    store: MemoryStore, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_form, "_MOST_BYTES", 400)
    other = bus.event("loan-b", renewed(20, "bob"))
    batch = [bus.event(f"loan-{number}", renewed(20)) for number in range(30)]
    running = projector(store)
    await running.take(bus.topic, 0, [other, *batch[:2]])
    await running.take(bus.topic, 0, batch[2:])
    folded = len((await document(store)).trail)
    assert 2 < folded < 30
    assert await parked(store) == [(f"loan-{number}", number + 1, "HANDLER_FAILED") for number in range(folded, 30)]
    assert (await document(store, "bob")).days == 20
    assert await store.documents.checkpoint("readers_v1", "library.readers.v1", bus.topic, 0) == 31


async def test_two_that_cannot_be_folded_park_two_streams(store: MemoryStore, bus: Bus) -> None:
    batch = [
        bus.event("loan-l1", renewed(UNLUCKY)),
        bus.event("loan-l2", renewed(TOO_MANY_FOR_A_DOCUMENT)),
        bus.event("loan-l1", renewed(20)),
        bus.event("loan-l2", renewed(21)),
        bus.event("loan-l3", renewed(22)),
    ]
    await projector(store).take(bus.topic, 0, batch)
    assert await parked(store) == [
        ("loan-l1", 0, "HANDLER_FAILED"),
        ("loan-l2", 1, "HANDLER_FAILED"),
        ("loan-l1", 2, BEHIND),
        ("loan-l2", 3, BEHIND),
    ]
    assert (await document(store)).trail == ["loan-l3@1"]


async def test_a_parked_record_is_kept_whole_for_a_replay(store: MemoryStore, bus: Bus) -> None:
    record = bus.event("loan-l1", renewed(UNLUCKY))
    await projector(store).take(bus.topic, 0, [record])
    (kept,) = await store.parked.list()
    assert (kept.topic, kept.partition, kept.offset, kept.key, kept.value) == (
        record.topic,
        0,
        0,
        record.key,
        record.value,
    )
    assert (kept.headers, kept.tenant, kept.stream, kept.attempts) == (tuple(record.headers), TENANT, "loan-l1", 1)
    assert kept.reason.startswith("HANDLER_FAILED: ArithmeticError")


async def test_what_came_before_a_parked_record_is_folded_when_it_comes_again(store: MemoryStore, bus: Bus) -> None:
    """The process died after it parked a record, and before it wrote what the batch made of those before it."""
    batch = [
        bus.event("loan-l1", renewed(20)),
        bus.event("loan-l1", renewed(UNLUCKY)),
        bus.event("loan-l1", renewed(30)),
    ]
    documents = Documents(store)
    documents.fails = "before"
    with pytest.raises(StoreAway):
        await projector(store, documents=documents).take(bus.topic, 0, batch)
    await projector(store).take(bus.topic, 0, batch)
    assert (await document(store)).days == 20
    assert await parked(store) == [("loan-l1", 1, "HANDLER_FAILED"), ("loan-l1", 2, BEHIND)]


async def test_a_parked_stream_holds_no_stream_of_another_service_or_tenant(store: MemoryStore, bus: Bus) -> None:
    shop, running = Bus("sample.shop.v1"), projector(store)
    await running.take(bus.topic, 0, [bus.event("order-1", renewed(UNLUCKY))])
    for _ in range(2):
        await running.take(shop.topic, 0, [shop.event("order-1", BookBought(reader_id="ada"))])
        await running.take(bus.topic, 0, [bus.event("order-1", renewed(20), tenant="provider-2")])
        await running.assigned([TopicPartition(bus.topic, 0)])
    assert (await document(store)).bought == 2
    assert (await document(store, tenant="provider-2")).days == 40


async def test_a_record_that_tells_nothing_of_itself_holds_up_nobody(store: MemoryStore, bus: Bus) -> None:
    await projector(store).take(
        bus.topic,
        0,
        [bus.raw(b"", b"\x00", ()), bus.raw(b"", None, (("ce_subject", b"\xff"),)), bus.event("loan-l1", renewed(20))],
    )
    assert [reason for _, _, reason in await parked(store)] == ["MALFORMED_RECORD"] * 2
    assert (await document(store)).days == 20


async def test_a_fold_whose_document_could_not_be_read_again_is_parked(store: MemoryStore, bus: Bus) -> None:
    """Else the stall would come later, with the next event of anybody in this partition, after a restart."""
    broken = Projection("readers", version=1, document=ReaderDocument, key="reader_id")

    @broken.on
    def spoil(document: ReaderDocument, event: LoanOpened, meta: Metadata) -> None:
        document.days = None  # type: ignore[assignment]

    @broken.on
    def count(document: ReaderDocument, event: LoanRenewed, meta: Metadata) -> None:
        document.days += event.days

    await projector(store, broken).take(
        bus.topic, 0, [bus.event("loan-l1", opened()), bus.event("loan-l2", renewed(20))]
    )
    await projector(store, broken).take(bus.topic, 0, [bus.event("loan-l2", renewed(30))])
    assert (await document(store)).days == 50
    assert await parked(store) == [("loan-l1", 0, "HANDLER_FAILED")]


async def test_streams_are_held_no_longer_once_an_operator_mended_them(store: MemoryStore, bus: Bus) -> None:
    running = projector(store)
    await running.take(bus.topic, 0, [bus.event("loan-l1", renewed(UNLUCKY))])
    store.parked._records.clear()
    await running.assigned([TopicPartition(bus.topic, 0)])
    await running.take(bus.topic, 0, [bus.event("loan-l1", renewed(30))])
    assert (await document(store)).days == 30


async def test_a_parked_store_that_fails_parks_and_folds_nothing(
    store: MemoryStore, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise StoreAway

    batch = [
        bus.event("loan-l2", renewed(20)),
        bus.event("loan-l1", renewed(UNLUCKY)),
        bus.event("loan-l1", renewed(30)),
    ]
    running = projector(store)
    with monkeypatch.context() as patch:
        patch.setattr(store.parked, "park", away)
        with pytest.raises(StoreAway):
            await running.take(bus.topic, 0, batch)
    assert (await document(store)).days == 0
    await running.take(bus.topic, 0, batch)
    assert (await document(store)).days == 20
    assert [offset for _, offset, _ in await parked(store)] == [1, 2]
