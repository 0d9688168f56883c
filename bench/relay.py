"""The relay: from commits that wait to records that are on the topic for good and commits that are cleared, over a real Kafka."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
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
from bench.measure import Asked, Figure, by_turns, check

IN_MEMORY, IN_MONGODB = 8_000, 512
BATCH, PARTITIONS, AT_ONCE = 500, 8, 64
_Encoded = tuple[int, bytes, bytes, cloudevents.Headers]
_NEVER, _PATIENCE = 3600.0, 60.0


async def run(asked: Asked) -> list[Figure]:
    """With commits in memory, against the producers alone; with commits in MongoDB, against reading, sending and clearing by hand."""
    async with infrastructure(Path(asked.folder) / "relay", databases=["bench"]) as found:
        driver, names = (
            connect(found.mongodb_uris["bench"]),
            [f"bench_{kind}_{uuid4().hex[:8]}" for kind in ("relay", "hand")],
        )
        ours, theirs = (MongoStore(driver, name) for name in names)
        try:
            await ours.start()
            await theirs.start()
            bootstrap = found.kafka_bootstrap
            alone = await _compare(asked.rounds, bootstrap, IN_MEMORY, MemoryStore(), None)
            stored = await _compare(asked.rounds, bootstrap, IN_MONGODB, ours, theirs)
        finally:
            await drop(driver, *names)
            await driver.close()
    return [
        Figure(
            "relay, commits in memory",
            f"a transactional producer a slot, {BATCH} records a transaction",
            "events/s",
            *alone,
        ),
        Figure(
            "relay, commits in MongoDB", "the same, with a read before and a clearing after each", "events/s", *stored
        ),
    ]


async def _compare(
    rounds: int, bootstrap: str, size: int, store: Store, theirs: Store | None
) -> tuple[list[float], list[float]]:
    topics = [f"bench.{kind}.{uuid4().hex[:8]}" for kind in ("relay", "bare")]
    await create_topics(bootstrap, [Topic(topic, PARTITIONS) for topic in topics])
    watched = _Watched(store.commits)
    relay = Relay(
        cast("CommitStore", watched), store.leases, topic=topics[0], source=samples.SOURCE, bootstrap=bootstrap, service=topics[0],
        holder="bench", clock=utc_now, poll=_NEVER,
    )  # fmt: skip

    async def ours(number: int) -> float:
        await _fill(store, size, number)
        began = time.perf_counter()
        relay.wake()
        await watched.cleared(size)
        return size / (time.perf_counter() - began)

    async with AsyncExitStack() as stack:
        producers = [await _producer(stack, bootstrap, f"{topics[1]}-{slot}") for slot in range(SLOTS)]

        async def bare(number: int) -> float:
            if theirs is None:
                batches = _batches(samples.commit(one, f"run-{number}") for one in range(size))
                began = time.perf_counter()
                await asyncio.gather(*(_send(*one, topics[1]) for one in zip(producers, batches, strict=True)))
            else:
                await _fill(theirs, size, number)
                began = time.perf_counter()
                await asyncio.gather(*(_relay_by_hand(*one, theirs, topics[1]) for one in enumerate(producers)))
            return size / (time.perf_counter() - began)

        running = asyncio.create_task(relay.run())
        try:
            kept = await by_turns(rounds, ours, bare)
        finally:
            await relay.stop()
            await running
    for topic in topics:
        await _check_topic(bootstrap, topic, size * (rounds + 1))
    return kept


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


async def _relay_by_hand(slot: int, producer: AIOKafkaProducer, store: Store, topic: str) -> None:
    while commits := await store.commits.pending([slot], BATCH):
        await _send(producer, [_encoded(commit) for commit in commits], topic)
        await store.commits.clear([commit.id for commit in commits])


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
        self._more = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)

    async def clear(self, commit_ids: Sequence[str]) -> None:
        """As the port says."""
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
