"""What lies between a commit and a read model, each part measured alone: one transactional hop, one pending read, one projection write."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from eventkernel import cloudevents
from eventkernel.documents import SEEN, document_id
from eventkernel.messages import Checkpoint, Commit, DocumentWrite, Metadata
from eventkernel.placement import SLOTS
from eventkernel.projection import Projection, stream_mark
from eventkernel.service import document_indexes
from eventkernel.store.mongodb import MongoStore, connect
from mentorstream.embedded import Infrastructure, Topic, create_topics
from sessions.projections.learner_sessions import learner_sessions, planned

from bench import samples
from bench.append import drop
from bench.measure import check

HOP, READ, WRITE = "one transactional hop", "one pending read", "one projection write"
_BATCH = 500
_PATIENCE = 10.0


class Parts:
    """The parts over one broker and one store. Each gives the milliseconds it took."""

    def __init__(self, store: MongoStore, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._store = store
        self._producer = producer
        self._consumer = consumer
        self._topic = topic
        self._waiting: dict[str, asyncio.Future[float]] = {}

    async def measure(self, commits: Sequence[Commit], apart: float) -> Mapping[str, Sequence[float]]:
        """Each part alone over all of these, a part after the other; one begins `apart` seconds after the one before, or later."""
        parts: dict[str, Callable[[Commit], Awaitable[float]]] = {
            HOP: self._hop, READ: self._read, WRITE: self._write,
        }  # fmt: skip
        found: dict[str, list[float]] = {name: [] for name in parts}
        for name, part in parts.items():
            for commit in commits:
                began = time.perf_counter()
                found[name].append(1000 * await part(commit))
                await asyncio.sleep(max(0.0, apart - (time.perf_counter() - began)))
        return found

    async def receive(self) -> None:
        """Takes the hops' records for ever."""
        async for record in self._consumer:
            self._waiting.pop(cloudevents.event_id_of(record) or "").set_result(time.perf_counter())

    async def _hop(self, commit: Commit) -> float:
        """From the beginning of a transaction until a reader of what is committed has its record."""
        event = commit.events[0]
        key, value, headers = cloudevents.encode(commit, event, samples.SOURCE)
        arrives = self._waiting[event.id] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        async with self._producer.transaction():
            await self._producer.send_and_wait(self._topic, value, key, headers=headers)
        arrived: float = await asyncio.wait_for(arrives, _PATIENCE)
        return arrived - began

    async def _read(self, commit: Commit) -> float:
        """What waits in the outbox, which is this commit."""
        await self._store.commits.append([commit])
        began = time.perf_counter()
        found = await self._store.commits.pending(range(SLOTS), _BATCH)
        took = time.perf_counter() - began
        check([one.id for one in found], [commit.id], "what waits")
        await self._store.commits.clear([commit.id])
        return took

    async def _write(self, commit: Commit) -> float:
        """The document and the checkpoint, as the projector writes them."""
        name = commit.stream.removeprefix("session-")
        document = learner_sessions.new(name)
        meta = Metadata(
            commit.events[0].id, commit.events[0].type, commit.tenant, commit.stream, commit.version, commit.at
        )
        planned(document, samples.planned(0, name), meta)
        seen = {stream_mark(self._topic, commit.stream): commit.version}
        body = {**document.model_dump(), "tenant": commit.tenant, SEEN: seen}
        checkpoint = Checkpoint(self._topic, self._topic, 0, commit.version)
        began = time.perf_counter()
        await self._store.documents.write(
            learner_sessions.collection, [DocumentWrite(document_id(commit.tenant, name), 0, body)], [checkpoint]
        )
        return time.perf_counter() - began


@asynccontextmanager
async def parts_alone(found: Infrastructure) -> AsyncIterator[Parts]:
    """Over the platform's own broker and the sessions service's server, in a database apart."""
    topic, name = f"bench.visible.{uuid4().hex[:8]}", f"bench_visible_{uuid4().hex[:8]}"
    await create_topics(found.kafka_bootstrap, [Topic(topic, 1)])
    driver = connect(found.mongodb_uris["sessions"])
    store = MongoStore(driver, name)
    await store.start()
    projection: Projection[Any] = learner_sessions
    await store.documents.prepare(projection.collection, document_indexes(projection))
    producer = AIOKafkaProducer(bootstrap_servers=found.kafka_bootstrap, transactional_id=topic, acks="all")
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=found.kafka_bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    parts = Parts(store, producer, consumer, topic)
    receiving = asyncio.create_task(parts.receive())
    try:
        yield parts
    finally:
        receiving.cancel()
        await consumer.stop()
        await producer.stop()
        await drop(driver, name)
        await driver.close()
