"""A real broker for these tests, a topic for each, and what a reader of committed records finds on it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from eventkernel.messages import Commit, StoredEvent, event_id
from eventkernel.placement import partition_of
from eventkernel.relay import Relay
from eventkernel.store.memory import MemoryStore
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.subscription import Subscriptions
from mentorstream.embedded import locate
from mentorstream.embedded.testing import beside
from mentorstream.embedded.topics import Topic, create_topics

from .sinks import Takes

# Patience with a machine that is busy; what hangs is found by it all the same.
DEADLINE = 90.0
PARTITIONS = 8


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with beside(locate.kafka(tmp_path_factory.mktemp("kafka"))) as bootstrap:
        yield bootstrap


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    return await new_topic(kafka_bootstrap)


@pytest.fixture
def other_topic(kafka_bootstrap: str) -> Callable[[], Awaitable[str]]:
    return lambda: new_topic(kafka_bootstrap)


async def new_topic(bootstrap: str) -> str:
    name = f"test.{uuid.uuid4().hex}.v1"
    await create_topics(bootstrap, [Topic(name, PARTITIONS)])
    return name


class Hand:
    """A clock held in the hand."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.now = now.replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Hand:
    return Hand()


class Journal:
    """Commits of made-up streams: event data tells stream and version."""

    def __init__(self, store: Any, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock
        self._versions: dict[str, int] = {}

    def make(
        self, stream: str, events: int = 1, *, internal: int = 0, at: datetime | None = None, key: str = ""
    ) -> Commit:
        first = self._versions.get(stream, 0) + 1
        self._versions[stream] = first + events + internal - 1
        commit_id = f"acme/{stream}-{first}"
        made = tuple(
            StoredEvent(
                id=event_id(commit_id, index),
                type="test.thing-done" if index < events else "test.thing-kept",
                version=first + index,
                data=f"{stream} {first + index}".encode(),
                published=index < events,
            )
            for index in range(events + internal)
        )
        return Commit(
            id=commit_id,
            tenant="acme",
            stream=stream,
            events=made,
            partition_key=key or stream,
            at=at or self._clock(),
            actor="mentor-1",
            published_version=first + events - 1,
            correlation_id="cor-1",
            causation_id="cause-1",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )

    async def add(self, *commits: Commit) -> None:
        """Stores them in order, with as many streams a call as are next to each other."""
        batch: dict[str, Commit] = {}
        for commit in commits:
            if commit.stream in batch:
                await self.store.commits.append(list(batch.values()))
                batch.clear()
            batch[commit.stream] = commit
        await self.store.commits.append(list(batch.values()))

    async def fill(self, streams: int, each: int) -> list[Commit]:
        made = [self.make(f"stream-{number}") for _ in range(each) for number in range(streams)]
        await self.add(*made)
        return made


@pytest.fixture
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """In memory, or what `parametrize("store", ...)` names."""
    if getattr(request, "param", "memory") == "memory":
        yield MemoryStore()
        return
    opened = MongoStore(connect(request.getfixturevalue("mongodb_uri")), f"relay_{uuid.uuid4().hex[:12]}")
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
def journal(store: Any, clock: Hand) -> Journal:
    return Journal(store, clock)


@pytest.fixture
def new_journal() -> type[Journal]:
    return Journal


class Relays:
    """Replicas of one service's relay, started and killed by tests."""

    def __init__(self, store: Any, topic: str, bootstrap: str, clock: Hand) -> None:
        self.service = f"test-{uuid.uuid4().hex[:8]}"
        self._parts: dict[str, Any] = {
            "topic": topic,
            "source": "/test/things",
            "bootstrap": bootstrap,
            "service": self.service,
            "clock": clock,
        }
        self.store = store
        self._running: list[asyncio.Task[None]] = []

    def start(self, holder: str, **changed: Any) -> tuple[Relay, asyncio.Task[None]]:
        parts: dict[str, Any] = (
            {"lease_ttl": timedelta(seconds=1), "poll": 0.1, "patience": 10.0} | self._parts | changed
        )
        commits, leases = parts.pop("commits", self.store.commits), parts.pop("leases", self.store.leases)
        relay = Relay(commits, leases, holder=holder, **parts)
        task = asyncio.create_task(relay.run())
        self._running.append(task)
        return relay, task

    async def kill(self, task: asyncio.Task[None]) -> None:
        """As abruptly as one process allows: nothing is aborted, cleared or released."""
        # asyncio.wait_for of Python 3.11 can lose a cancellation, so it is told again until it has ended.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=1)

    async def close(self) -> None:
        for task in self._running:
            await self.kill(task)


@pytest.fixture
async def relays(store: Any, topic: str, kafka_bootstrap: str, clock: Hand) -> AsyncIterator[Relays]:
    made = Relays(store, topic, kafka_bootstrap, clock)
    yield made
    await made.close()


@pytest.fixture
def committed(kafka_bootstrap: str, topic: str) -> Callable[..., Awaitable[list[ConsumerRecord]]]:
    """All that a read_committed reader finds on the topic, in each partition's order.

    A transaction is committed a little before its readers may see it: `settled` waits until no transaction is open.
    """
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    async def ends(isolation_level: str) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, isolation_level=isolation_level)
        async with consumer:
            return dict(await consumer.end_offsets(partitions))

    async def read(settled: bool = True) -> list[ConsumerRecord]:
        until = await ends("read_uncommitted" if settled else "read_committed")
        consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka_bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
        )
        records: list[ConsumerRecord] = []
        async with consumer, asyncio.timeout(DEADLINE):
            consumer.assign(partitions)
            while any([await consumer.position(each) < until[each] for each in partitions]):
                for found in (await consumer.getmany(timeout_ms=20)).values():
                    records += found
        return sorted(records, key=lambda record: (record.partition, record.offset))

    return read


class Bus:
    """Writes plain records."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def put(self, partition: int, *values: bytes | None, topic: str = "", headers: Any = ()) -> None:
        for value in values:
            await self._producer.send_and_wait(
                topic or self._topic, value, key=b"key", partition=partition, headers=list(headers)
            )


@pytest.fixture
async def bus(kafka_bootstrap: str, topic: str) -> AsyncIterator[Bus]:
    async with AsyncExitStack() as stack:
        yield Bus(await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)), topic)


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    """Waits for what will be so, and fails where it is not within the deadline."""

    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(DEADLINE):
            while True:
                result = condition()
                if (await result) if asyncio.iscoroutine(result) else result:
                    return
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def keys() -> Callable[[int], str]:
    """A partition key of the partition."""
    return lambda partition: next(f"k{i}" for i in range(1000) if partition_of(f"k{i}", PARTITIONS) == partition)


@pytest.fixture
async def subscribe(kafka_bootstrap: str) -> AsyncIterator[Any]:
    running: list[Subscriptions] = []

    async def start(*sinks: Takes, member: str = "test", **changed: Any) -> Subscriptions:
        # A member's name: partitions go to the members in the order of their names.
        parts: dict[str, Any] = {"bootstrap": kafka_bootstrap, "heartbeat_ms": 100, "drain": 5.0} | changed
        made = Subscriptions(parts.pop("bootstrap"), member, **parts)
        for sink in sinks:
            made.add(sink)
        running.append(made)
        await made.start()
        return made

    yield start
    for each in running:
        await each.stop()


@pytest.fixture
def offsets(kafka_bootstrap: str, topic: str) -> Any:
    """What the group has committed, by partition."""

    async def read(group: str) -> dict[int, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            found = {partition: await consumer.committed(TopicPartition(topic, partition)) for partition in range(8)}
        finally:
            await consumer.stop()
        return {partition: offset for partition, offset in found.items() if offset is not None}

    return read
