"""The relay: from commits that wait to records that are on the topic for good and commits that are cleared, over a real Kafka."""

import asyncio
import time
from collections.abc import Sequence
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
from bench.measure import Asked, Figure, by_turns, check

IN_MEMORY, IN_MONGODB = 8_000, 640
BATCH, PARTITIONS, AT_ONCE = 500, 8, 64
_NEVER = 3600.0


async def run(asked: Asked) -> list[Figure]:
    """With commits in memory, and in the MongoDB-protocol store; against one bare producer a slot, with the same settings."""
    async with infrastructure(Path(asked.folder) / "relay", databases=["bench"]) as found:
        driver, name = connect(found.mongodb_uris["bench"]), f"bench_relay_{uuid4().hex[:8]}"
        mongodb = MongoStore(driver, name)
        await mongodb.start()
        try:
            return [
                await _compare(
                    "relay, commits in memory", asked.rounds, found.kafka_bootstrap, MemoryStore(), IN_MEMORY
                ),
                await _compare("relay, commits in MongoDB", asked.rounds, found.kafka_bootstrap, mongodb, IN_MONGODB),
            ]
        finally:
            await driver.database(name).client.drop_database(name)
            await mongodb.close()


async def _compare(name: str, rounds: int, bootstrap: str, store: Store, size: int) -> Figure:
    topics = [f"bench.{kind}.{uuid4().hex[:8]}" for kind in ("relay", "bare")]
    await create_topics(bootstrap, [Topic(topic, PARTITIONS) for topic in topics])
    watched = _Watched(store.commits)
    relay = Relay(
        cast("CommitStore", watched), store.leases, topic=topics[0], source=samples.SOURCE, bootstrap=bootstrap, service=topics[0],
        holder="bench", clock=utc_now, poll=_NEVER,
    )  # fmt: skip

    async def ours(number: int) -> float:
        commits = [samples.commit(one, f"run-{number}") for one in range(size)]
        for first in range(0, size, AT_ONCE):
            await store.commits.append(commits[first : first + AT_ONCE])
        began = time.perf_counter()
        relay.wake()
        await watched.cleared(size)
        return size / (time.perf_counter() - began)

    async with AsyncExitStack() as stack:
        producers = [await _producer(stack, bootstrap, f"{topics[1]}-{slot}") for slot in range(SLOTS)]

        async def bare(number: int) -> float:
            return await _by_hand(producers, topics[1], [samples.commit(one, f"run-{number}") for one in range(size)])

        running = asyncio.create_task(relay.run())
        try:
            kept = await by_turns(rounds, ours, bare)
        finally:
            await relay.stop()
            await running
    for topic in topics:
        await _check_topic(bootstrap, topic, size * (rounds + 1))
    return Figure(name, f"a transactional producer a slot, {BATCH} records each transaction", "events/s", *kept)


async def _producer(stack: AsyncExitStack, bootstrap: str, name: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=name, acks="all", max_batch_size=512 * 1024
    )
    await producer.start()
    stack.push_async_callback(producer.stop)
    return producer


async def _by_hand(producers: Sequence[AIOKafkaProducer], topic: str, commits: Sequence[Commit]) -> float:
    """The same records, ready beforehand."""
    records: list[list[tuple[int, tuple[bytes, bytes, Any]]]] = [[] for _ in producers]
    for commit in commits:
        place = partition_of(commit.partition_key, PARTITIONS)
        encoded = cloudevents.encode(commit, commit.events[0], samples.SOURCE)
        records[slot_of(commit.partition_key)].append((place, encoded))

    async def slot(producer: AIOKafkaProducer, own: Sequence[tuple[int, tuple[bytes, bytes, Any]]]) -> None:
        for first in range(0, len(own), BATCH):
            async with producer.transaction():
                sent = [
                    await producer.send(topic, value, key, partition=place, headers=headers)
                    for place, (key, value, headers) in own[first : first + BATCH]
                ]
                await asyncio.gather(*sent)

    began = time.perf_counter()
    await asyncio.gather(*map(slot, producers, records))
    return len(commits) / (time.perf_counter() - began)


async def _check_topic(bootstrap: str, topic: str, records: int) -> None:
    """Each event is there once, for a reader of what is committed."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        ids: list[str | None] = []
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for found in (await consumer.getmany(timeout_ms=50)).values():
                ids += map(cloudevents.event_id_of, found)
    finally:
        await consumer.stop()
    check((len(ids), len(set(ids))), (records, records), f"records on {topic.rpartition('.')[0]}, and ids among them")


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
        async with asyncio.timeout(60):
            while self._count < count:
                self._more.clear()
                await self._more.wait()
        check(self._count, count, "commits cleared")
        self._count = 0
