"""A projection: whatever comes again, fails or overlaps, its documents are the log folded once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from eventkernel.messages import Checkpoint
from eventkernel.ports import RevisionConflict
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore
from hypothesis import given, settings
from hypothesis import strategies as st

from .library import TENANT, BookBought, Bus, LoanClosed, LoanRemarked
from .projecting import Documents, StoreAway, document, opened, parked, projector, renewed

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
