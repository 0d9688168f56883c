"""The relay: from commits that wait to records that are on the topic for good and commits that are cleared, over a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from eventkernel import cloudevents
from eventkernel.messages import Commit
from eventkernel.placement import SLOTS, partition_of, slot_of
from eventkernel.ports import CommitStore, Store
from eventkernel.relay import Relay
from eventkernel.store.memory import MemoryStore
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.timing import utc_now
from mentorstream.embedded import Topic, create_topics, infrastructure

from bench import samples
from bench.append import drop
from bench.measure import Asked, Figure, Parts, Run, added_up, by_turns, check

IN_MEMORY, IN_MONGODB = 8_000, 1_000
BATCH, PARTITIONS, AT_ONCE = 500, 8, 64
_Encoded = tuple[int, bytes, bytes, cloudevents.Headers]
_NEVER, _PATIENCE = 3600.0, 60.0
_READS, _CLEARINGS = "the relay's reads of what waits; times", "the relay's clearings; times"
_PRODUCERS = f"a transactional producer a slot with the same records, up to {BATCH} a transaction"


async def run(asked: Asked) -> list[Figure]:
    """Commits in MongoDB against the slower of sending alone and reading and clearing alone; in memory, against sending alone."""
    async with infrastructure(Path(asked.folder) / "relay", databases=["bench"]) as found:
        driver, names = (
            connect(found.mongodb_uris["bench"]),
            [f"bench_{kind}_{uuid4().hex[:8]}" for kind in ("relay", "raw")],
        )
        ours, theirs = (MongoStore(driver, name) for name in names)
        try:
            await ours.start()
            await theirs.start()
            on = _Bench(asked.rounds, found.kafka_bootstrap)
            return [await on.in_memory(), await on.stored(ours, theirs)]
        finally:
            await drop(driver, *names)
            await driver.close()


class _Bench:
    """The relay and the bare producers, over one broker."""

    def __init__(self, rounds: int, bootstrap: str) -> None:
        self._rounds = rounds
        self._bootstrap = bootstrap

    async def in_memory(self) -> Figure:
        """What the relay itself costs: nothing is asked of it."""
        async with self._sending() as send:

            async def bare(number: int) -> float:
                return await send(IN_MEMORY, number)

            kept = await self._compare(IN_MEMORY, MemoryStore(), bare, Parts())
        return Figure("relay, commits in memory", _PRODUCERS, "events/s", *kept)

    async def stored(self, ours: Store, theirs: Store) -> Figure:
        """The relay whole."""
        parts = Parts()
        async with self._sending() as send:

            async def bare(number: int) -> float:
                sent = await send(IN_MONGODB, number)
                cleared = await _read_and_clear(theirs, IN_MONGODB, number)
                parts.note(
                    {
                        "the bare transactional producers": sent,
                        "reading and clearing": cleared,
                        "if the two only added up": added_up(sent, cleared),
                    }
                )
                return min(sent, cleared)

            kept = await self._compare(IN_MONGODB, ours, bare, parts)
        against = f"the slower of {_PRODUCERS}, and the raw read-and-clear of the same commits, {BATCH} at a time"
        return Figure("relay", against, "events/s", *kept, parts.medians(), least_ratio=0.7)

    async def _compare(self, size: int, store: Store, bare: Run, parts: Parts) -> tuple[list[float], list[float]]:
        topic = await _topic(self._bootstrap)
        watched = _Watched(store.commits)
        relay = Relay(
            cast("CommitStore", watched), store.leases, topic=topic, source=samples.SOURCE, bootstrap=self._bootstrap,
            service=topic, holder="bench", clock=utc_now, poll=_NEVER,
        )  # fmt: skip

        async def ours(number: int) -> float:
            await _fill(store, size, number)
            began = time.perf_counter()
            relay.wake()
            await watched.cleared(size)
            rate = size / (time.perf_counter() - began)
            parts.note(watched.asked())
            return rate

        running = asyncio.create_task(relay.run())
        try:
            kept = await by_turns(self._rounds, ours, bare)
        finally:
            await relay.stop()
            await running
        await _check_topic(self._bootstrap, topic, size * (self._rounds + 1))
        return kept

    @asynccontextmanager
    async def _sending(self) -> AsyncIterator[Callable[[int, int], Awaitable[float]]]:
        """What sends so many events of a round, ready to be sent, and gives the rate; all are on the topic at the end."""
        topic, records = await _topic(self._bootstrap), 0
        async with AsyncExitStack() as stack:
            producers = [await _producer(stack, self._bootstrap, f"{topic}-{slot}") for slot in range(SLOTS)]

            async def send(size: int, number: int) -> float:
                nonlocal records
                records += size
                batches = _batches(samples.commit(one, f"run-{number}") for one in range(size))
                began = time.perf_counter()
                await asyncio.gather(*(_send(*one, topic) for one in zip(producers, batches, strict=True)))
                return size / (time.perf_counter() - began)

            yield send
        await _check_topic(self._bootstrap, topic, records)


async def _topic(bootstrap: str) -> str:
    topic = f"bench.relay.{uuid4().hex[:8]}"
    await create_topics(bootstrap, [Topic(topic, PARTITIONS)])
    return topic


async def _read_and_clear(store: Store, size: int, number: int) -> float:
    """Without Kafka: what waits is read and cleared until nothing waits."""
    await _fill(store, size, number)
    done = 0
    began = time.perf_counter()
    while commits := await store.commits.pending(range(SLOTS), BATCH):
        await store.commits.clear([commit.id for commit in commits])
        done += len(commits)
    rate = size / (time.perf_counter() - began)
    check(done, size, "commits read and cleared")
    return rate


async def _fill(store: Store, size: int, number: int) -> None:
    commits = [samples.commit(one, f"run-{number}") for one in range(size)]
    for first in range(0, size, AT_ONCE):
        await store.commits.append(commits[first : first + AT_ONCE])


async def _producer(stack: AsyncExitStack, bootstrap: str, name: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=name, acks="all", max_batch_size=512 * 1024
    )
    await producer.start()
    stack.push_async_callback(producer.stop)
    return producer


def _batches(commits: Iterable[Commit]) -> list[list[_Encoded]]:
    """For each slot its records, ready to be sent."""
    records: list[list[_Encoded]] = [[] for _ in range(SLOTS)]
    for commit in commits:
        records[slot_of(commit.partition_key)].append(_encoded(commit))
    return records


def _encoded(commit: Commit) -> _Encoded:
    return partition_of(commit.partition_key, PARTITIONS), *cloudevents.encode(commit, commit.events[0], samples.SOURCE)


async def _send(producer: AIOKafkaProducer, records: Sequence[_Encoded], topic: str) -> None:
    for first in range(0, len(records), BATCH):
        async with producer.transaction():
            sent = [
                await producer.send(topic, value, key, partition=place, headers=headers)
                for place, key, value, headers in records[first : first + BATCH]
            ]
            await asyncio.gather(*sent)


async def _check_topic(bootstrap: str, topic: str, records: int) -> None:
    """Each event is there once, for a reader of what is committed."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    ids: list[str | None] = []
    async with AsyncExitStack() as stack, asyncio.timeout(_PATIENCE):
        ends = await (await _consumer(stack, bootstrap, "read_uncommitted")).end_offsets(partitions)
        consumer = await _consumer(stack, bootstrap, "read_committed")
        consumer.assign(partitions)
        # What was committed last may take the broker a moment to show.
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for found in (await consumer.getmany(timeout_ms=50)).values():
                ids += map(cloudevents.event_id_of, found)
    check((len(ids), len(set(ids))), (records, records), f"records on {topic.rpartition('.')[0]}, and ids among them")


async def _consumer(stack: AsyncExitStack, bootstrap: str, isolation: str) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    stack.push_async_callback(consumer.stop)
    return consumer


class _Watched:
    """A store's commits that tells when so many were cleared, without asking the store."""

    def __init__(self, commits: CommitStore) -> None:
        self._commits = commits
        self._count = 0
        self._calls = {_READS: 0, _CLEARINGS: 0}
        self._more = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)

    async def pending(self, slots: Sequence[int], limit: int, leave_out: frozenset[str] = frozenset()) -> list[Commit]:
        """As the port says."""
        self._calls[_READS] += 1
        return await self._commits.pending(slots, limit, leave_out)

    def asked(self) -> dict[str, int]:
        """How often it was read and cleared since this was last asked."""
        asked, self._calls = self._calls, {_READS: 0, _CLEARINGS: 0}
        return asked

    async def clear(self, commit_ids: Sequence[str]) -> None:
        """As the port says."""
        self._calls[_CLEARINGS] += 1
        await self._commits.clear(commit_ids)
        self._count += len(commit_ids)
        self._more.set()

    async def cleared(self, count: int) -> None:
        """Waits for so many, and starts counting again."""
        async with asyncio.timeout(_PATIENCE):
            while self._count < count:
                self._more.clear()
                await self._more.wait()
        check(self._count, count, "commits cleared")
        self._count = 0
