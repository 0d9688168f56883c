"""A projection that folds while it writes: whatever fails, dies or changes hands between the two, each event has its effect once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from eventkernel.inbox import NotTried
from eventkernel.messages import Checkpoint
from eventkernel.ports import StoreUnavailable
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore
from hypothesis import given, settings
from hypothesis import strategies as st

from .library import TENANT, Bus
from .projecting import BEHIND, REASONS, StoreAway, document, parked, poison, projector, renewed


class Gated:
    """The store's documents, whose writes wait until they are let through, or made to fail."""

    def __init__(self, store: MemoryStore) -> None:
        self._inner = store.documents
        self._results: asyncio.Queue[BaseException | None] = asyncio.Queue()
        self.open = False
        self.begun: list[tuple[list[str], dict[int, int]]] = []

    async def write(self, collection: str, documents: Sequence[Any], checkpoints: Sequence[Checkpoint]) -> None:
        self.begun.append(([each.id for each in documents], {each.partition: each.offset for each in checkpoints}))
        failure = None if self.open else await self._results.get()
        if failure is not None:
            raise failure
        await self._inner.write(collection, documents, checkpoints)

    def let(self, failure: BaseException | None = None) -> None:
        self._results.put_nowait(failure)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def settled() -> None:
    """Until everything that can go on has gone on."""
    for _ in range(100):
        await asyncio.sleep(0)


def taking(running: Any, bus: Bus, *records: Any) -> asyncio.Task[None]:
    return asyncio.create_task(running.take(bus.topic, records[0].partition, records))


async def checkpoint(store: MemoryStore, bus: Bus, partition: int = 0) -> int | None:
    return await store.documents.checkpoint("readers_v1", "library.readers.v1", bus.topic, partition)


async def test_what_comes_while_a_flush_is_written_travels_in_the_next_each_document_once(
    store: MemoryStore, bus: Bus
) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    first = taking(running, bus, bus.event("loan-l1", renewed(20)))
    await settled()
    later = [taking(running, bus, bus.event("loan-l1", renewed(30))) for _ in range(3)]
    other = taking(running, bus, bus.event("loan-l2", renewed(40, "bob"), partition=1))
    await settled()
    assert gated.begun == [([f"{TENANT}/ada"], {0: 1})]
    assert not first.done()

    gated.let()
    await settled()
    assert first.done()
    assert not any(each.done() for each in [*later, other])
    assert (await document(store)).days == 20
    gated.let()
    await asyncio.gather(*later, other)
    assert gated.begun[1:] == [([f"{TENANT}/ada", f"{TENANT}/bob"], {0: 4, 1: 1})]
    assert (await document(store)).days == 110


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), StoreAway("away")])
async def test_a_flush_that_fails_takes_what_was_folded_on_top_of_it_along(
    store: MemoryStore, bus: Bus, failure: Exception
) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    one, two, three = (bus.event("loan-l1", renewed(days)) for days in (20, 30, 40))
    takes = [taking(running, bus, one), taking(running, bus, two)]
    await settled()
    for _ in range(4):
        gated.let(failure)
    assert not any(each is None for each in await asyncio.gather(*takes, return_exceptions=True))
    with pytest.raises(NotTried):
        await running.take(bus.topic, 0, [three])
    assert (await document(store)).days == 0
    assert await checkpoint(store, bus) is None

    gated.open = True
    await running.take(bus.topic, 0, [one, two])
    await running.take(bus.topic, 0, [three])
    assert (await document(store)).trail == ["loan-l1@1", "loan-l1@2", "loan-l1@3"]


async def test_a_partition_that_cannot_be_written_stops_no_other_of_its_flush(store: MemoryStore, bus: Bus) -> None:
    class OneIsRefused(Gated):
        async def write(self, collection: str, documents: Sequence[Any], checkpoints: Sequence[Checkpoint]) -> None:
            if any(each.partition == 1 for each in checkpoints):
                raise StoreAway("partition 1")
            await super().write(collection, documents, checkpoints)

    gated = OneIsRefused(store)
    running = projector(store, documents=gated)
    held = taking(running, bus, bus.event("loan-l3", renewed(10, "cy")))
    await settled()
    good = taking(running, bus, bus.event("loan-l1", renewed(20)))
    bad = taking(running, bus, bus.event("loan-l2", renewed(30, "bob"), partition=1))
    behind = taking(running, bus, bus.event("loan-l2", renewed(40, "bob"), partition=1))
    await settled()
    gated.open = True
    gated.let()
    await asyncio.gather(held, good)
    with pytest.raises(StoreAway):
        await bad
    with pytest.raises(NotTried):
        await behind
    assert (await document(store)).days == 20
    assert (await document(store, "bob")).days == 0


async def test_a_flush_cut_short_by_a_kill_is_taken_again_and_has_its_effect_once(store: MemoryStore, bus: Bus) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    one, two = bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(30))
    first, second = taking(running, bus, one), taking(running, bus, two)
    await settled()
    first.cancel()
    with pytest.raises(NotTried):
        await second
    assert await checkpoint(store, bus) is None
    restarted = projector(store)
    await restarted.take(bus.topic, 0, [one])
    await restarted.take(bus.topic, 0, [two])
    assert (await document(store)).days == 50


async def test_partitions_that_change_hands_in_the_middle_leave_no_checkpoint_without_its_documents(
    store: MemoryStore, bus: Bus
) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    one, two = bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(30))
    first = taking(running, bus, one)
    await settled()
    told = asyncio.create_task(running.assigned([TopicPartition(bus.topic, 0)]))
    await settled()
    second = taking(running, bus, two)
    await settled()
    gated.open = True
    gated.let()
    await told
    await first
    await asyncio.wait([second])
    at = await checkpoint(store, bus)
    assert at == len((await document(store)).trail)
    await running.take(bus.topic, 0, [one, two])
    assert (await document(store)).days == 50


@pytest.mark.parametrize("kind", ["fold raises", "unknown type"])
async def test_a_record_parked_while_a_flush_is_written_holds_the_rest_of_its_stream(
    store: MemoryStore, bus: Bus, kind: str
) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    records = [bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(30)), poison(bus, kind)]
    records += [bus.event("loan-l1", renewed(days)) for days in (40, 50)]
    takes = [taking(running, bus, record) for record in records]
    await settled()
    assert await parked(store) == []
    gated.open = True
    gated.let()
    await asyncio.gather(*takes)
    assert (await document(store)).days == 50
    assert await parked(store) == [("loan-l1", 2, REASONS[kind]), ("loan-l1", 3, BEHIND), ("loan-l1", 4, BEHIND)]


async def test_a_document_that_another_process_wrote_meanwhile_is_folded_anew_with_all_that_waits(
    store: MemoryStore, bus: Bus
) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    one, two, three = (bus.event("loan-l1", renewed(days)) for days in (20, 30, 40))
    takes = [taking(running, bus, one), taking(running, bus, two), taking(running, bus, three)]
    await settled()
    await projector(store).take(bus.topic, 0, [one, two])
    gated.open = True
    gated.let()
    await asyncio.gather(*takes)
    assert (await document(store)).trail == ["loan-l1@1", "loan-l1@2", "loan-l1@3"]


async def test_no_document_that_waits_to_be_written_is_let_go(store: MemoryStore, bus: Bus) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated, keep=1)

    def round_of_readers() -> list[asyncio.Task[None]]:
        return [taking(running, bus, bus.event(f"loan-{n}", renewed(20, f"r{n}"))) for n in range(4)]

    takes = round_of_readers()
    await settled()
    takes += round_of_readers()
    for _ in range(3):
        gated.let()
        await settled()
        takes += round_of_readers() if len(takes) == 8 else []
        await settled()
    await asyncio.gather(*takes)
    assert len(gated.begun) == 3  # a document let go too soon would be loaded as it was, and its write refused
    assert len(running._held) == 1
    assert [(await document(store, f"r{n}")).days for n in range(4)] == [60] * 4


async def test_where_enough_documents_wait_to_be_written_nothing_more_is_folded(store: MemoryStore, bus: Bus) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated, changed=2)
    takes = [taking(running, bus, bus.event(f"loan-{n}", renewed(20, f"r{n}"))) for n in range(4)]
    # This one is of a document that is there, and does not pass what came before it.
    takes.append(taking(running, bus, bus.event("loan-1", renewed(30, "r1"))))
    await settled()
    assert sorted(running._held) == [f"{TENANT}/r{n}" for n in range(3)]

    gated.let()
    await settled()
    assert sorted(running._held) == [f"{TENANT}/r{n}" for n in range(4)]
    gated.open = True
    gated.let()
    await asyncio.gather(*takes)
    written = [[identity.removeprefix(f"{TENANT}/") for identity in ids] for ids, _ in gated.begun]
    assert written == [["r0"], ["r1", "r2"], ["r3", "r1"]]
    assert [(await document(store, f"r{n}")).days for n in range(4)] == [20, 50, 20, 20]


async def test_whoever_waits_for_room_writes_itself_where_those_who_were_to_write_are_cancelled(
    store: MemoryStore, bus: Bus
) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated, changed=1)
    takes = [taking(running, bus, bus.event(f"loan-{n}", renewed(20, f"r{n}"))) for n in range(3)]
    await settled()
    takes[1].cancel()
    gated.open = True
    gated.let()
    await settled()
    assert takes[2].done()
    assert [(await document(store, f"r{n}")).days for n in range(3)] == [20, 20, 20]


async def test_what_is_being_loaded_when_a_flush_fails_is_not_taken_before_it(store: MemoryStore, bus: Bus) -> None:
    loads = asyncio.Event()

    class SlowToLoad(Gated):
        async def load(self, collection: str, ids: Sequence[str]) -> Any:
            if ids == [f"{TENANT}/bob"]:
                await loads.wait()
            return await store.documents.load(collection, ids)

    gated = SlowToLoad(store)
    running = projector(store, documents=gated)
    first = taking(running, bus, bus.event("loan-l1", renewed(20)))
    second = taking(running, bus, bus.event("loan-l2", renewed(30, "bob")))
    await settled()
    gated.open = True
    gated.let(StoreUnavailable("away"))
    await settled()
    loads.set()
    with pytest.raises(StoreUnavailable):
        await first
    with pytest.raises(NotTried):
        await second
    assert await checkpoint(store, bus) is None


class Failing:
    """The store's documents, each write failing as it is told, and slow enough for others to be folded meanwhile."""

    def __init__(self, store: MemoryStore, fails: Sequence[str]) -> None:
        self._inner = store.documents
        self.fails = deque(fails)

    async def write(self, collection: str, documents: Sequence[Any], checkpoints: Sequence[Checkpoint]) -> None:
        fails = self.fails.popleft() if self.fails else ""
        for _ in range(3):
            await asyncio.sleep(0)
        if fails == "before":
            raise StoreAway(fails)
        if fails == "away":
            raise StoreUnavailable(fails)
        if fails == "half-way":
            await self._inner.write(collection, documents[: len(documents) // 2 + 1], [])
            raise StoreAway(fails)
        await self._inner.write(collection, documents, checkpoints)
        if fails == "after":
            raise StoreAway(fails)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # partition
        st.integers(1, 4),  # records in the batch
        st.integers(0, 4),  # how long until the next batch
        st.sampled_from(["", "", "", "", "settle", "die", "change hands"]),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(
    streams=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    steps=STEPS,
    fails=st.lists(st.sampled_from(["", "", "", "before", "after", "half-way", "away"]), max_size=12),
    keep=st.sampled_from([1, 2, 10_000]),
    changed=st.sampled_from([1, 2, 10_000]),
)
def test_documents_are_the_log_folded_once_however_takes_overlap(
    streams: list[int], steps: Any, fails: list[str], keep: int, changed: int
) -> None:
    asyncio.run(_overlapped(streams, steps, fails, keep, changed))


def stream_of(number: int) -> str:
    """Of three documents, each has a stream of the same name, which may be taken for its beginning, and one of another."""
    return f"loan-r{number}" if number < 3 else f"loan-{number}"


class Feed:
    """Gives a projector the next records of two partitions without waiting, and goes back where it failed."""

    def __init__(self, bus: Bus, streams: Sequence[int]) -> None:
        self.logs: list[list[Any]] = [[], []]
        self._bus = bus
        self._next = [0, 0]
        self._under_way: list[tuple[int, int, asyncio.Task[None]]] = []
        for number in streams:
            event = renewed(number + 20, f"r{number % 3}")
            self.logs[number % 2].append(bus.event(stream_of(number), event, partition=number % 2))

    def give(self, running: Projector, partition: int, size: int) -> None:
        first = self._next[partition]
        if batch := self.logs[partition][first : first + size]:
            self._under_way.append((partition, first, taking(running, self._bus, *batch)))
            self._next[partition] += len(batch)

    def kill(self) -> None:
        for _, _, task in self._under_way:
            task.cancel()

    async def settle(self) -> None:
        for partition, first, task in reversed(self._under_way):
            await asyncio.wait([task])
            if task.cancelled() or task.exception() is not None:
                self._next[partition] = first
        self._under_way.clear()


async def _overlapped(streams: list[int], steps: Any, fails: list[str], keep: int, changed: int) -> None:
    store, bus = MemoryStore(), Bus()
    feed, documents = Feed(bus, streams), Failing(store, fails)
    running = projector(store, keep=keep, changed=changed, documents=documents)
    for partition, size, pause, then in steps:
        feed.give(running, partition, size)
        for _ in range(pause):
            await asyncio.sleep(0)
        if then == "die":
            feed.kill()
            running = projector(store, keep=keep, changed=changed, documents=documents)
        if then:
            await feed.settle()
        if then == "change hands":
            await running.assigned([])
    await feed.settle()
    documents.fails.clear()
    for partition in (0, 1):
        feed.give(running, partition, len(streams))
        await feed.settle()
        assert (await checkpoint(store, bus, partition) or 0) == len(feed.logs[partition])
    for number in set(streams):
        stream = stream_of(number)
        trail = [step for step in (await document(store, f"r{number % 3}")).trail if step.startswith(f"{stream}@")]
        assert trail == [f"{stream}@{version}" for version in range(1, streams.count(number) + 1)]
    assert await parked(store) == []
