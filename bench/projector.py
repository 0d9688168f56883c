"""Projecting a topic that is full: what the projector costs by itself, and whole, with what it writes."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import ConsumerRecord
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.ports import DocumentStore
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.service import Service, document_indexes
from eventkernel.store.memory.documents import MemoryDocuments
from eventkernel.store.memory.parked import MemoryParked
from eventkernel.store.mongodb import connect
from eventkernel.store.mongodb.documents import MongoDocuments
from eventkernel.store.mongodb.driver import Database
from eventkernel.subscription import Subscriptions
from eventkernel.timing import utc_now
from evidence.projections.ksb_progress import ksb_progress
from evidence.service import build as build_evidence
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from mentorstream.embedded import infrastructure
from pymongo import ReplaceOne
from sessions.projections.learner_sessions import learner_sessions
from sessions.service import build as build_sessions

from bench import samples, topic
from bench.append import drop
from bench.measure import Asked, Figure, by_turns, check

# Two events a session. What is written by the embedded store is fewer, so that a round takes seconds.
SESSIONS, SESSIONS_WRITTEN, ONE_BY_ONE = 20_000, 3_000, 400
_PATIENCE = 60.0
_LOOP = "a loop by hand over aiokafka that parses and folds"


async def run(asked: Asked) -> list[Figure]:
    """Two read models: one of many small documents, and one of few that grow."""
    async with infrastructure(Path(asked.folder) / "projector", databases=["bench"]) as found:
        driver, name = connect(found.mongodb_uris["bench"]), f"bench_projector_{uuid4().hex[:8]}"
        database = driver.database(name)
        many, some = [await topic.filled(found.kafka_bootstrap, sessions) for sessions in (SESSIONS, SESSIONS_WRITTEN)]
        try:
            figures = []
            for projection, service, documents in (
                (learner_sessions, build_sessions(), "a document a session"),
                (ksb_progress, build_evidence(), "a document a learner"),
            ):
                on = _Bench(asked.rounds, found.kafka_bootstrap, database, projection, service)
                figures += [
                    Figure(f"projector's own cost, {documents}", _LOOP, "events/s", *await on.own_cost(many)),
                    await on.whole(some, f"projector whole, {documents}"),
                ]
            on = _Bench(asked.rounds, found.kafka_bootstrap, database, learner_sessions, build_sessions())
            against = "a FastStream handler called, and writing, once a message"
            figures.append(Figure("projector whole", against, "events/s", *await on.one_by_one(some)))
        finally:
            await drop(driver, name)
            await driver.close()
    return figures


class _Bench:
    """One read model, over one broker and one store."""

    def __init__(
        self, rounds: int, bootstrap: str, database: Database, projection: Projection[Any], service: Service
    ) -> None:
        self._rounds = rounds
        self._bootstrap = bootstrap
        self._database = database
        self._projection = projection
        self._service = service

    async def own_cost(self, topic_name: str) -> tuple[list[float], list[float]]:
        """The store is a stub; everything else is as it is."""
        events = 2 * SESSIONS

        async def ours(_: int) -> float:
            documents = Stub()
            rate = await self._project(topic_name, documents, events)
            by_hand = (await topic.folded_by_hand(self._bootstrap, topic_name, self._projection, events))[1]
            for key, document in by_hand.items():
                kept = documents.kept[f"{samples.TENANT}/{key}"]
                check(
                    {field: kept[field] for field in type(document).model_fields}, document.model_dump(), "a document"
                )
            return rate

        async def bare(_: int) -> float:
            return (await topic.folded_by_hand(self._bootstrap, topic_name, self._projection, events))[0]

        return await by_turns(self._rounds, ours, bare)

    async def whole(self, topic_name: str, name: str) -> Figure:
        """Documents, checkpoints and offsets, against the slower of reading alone and writing alone."""
        events = 2 * SESSIONS_WRITTEN
        loops: list[float] = []
        writes: list[float] = []
        flushes: list[float] = []

        async def ours(_: int) -> float:
            documents = Counted(self._database)
            rate = await self._project(topic_name, documents, events)
            flushes.append(documents.writes)
            return rate

        async def bare(_: int) -> float:
            rate, documents = await topic.folded_by_hand(self._bootstrap, topic_name, self._projection, events)
            loops.append(rate)
            writes.append(events / await self._write(documents))
            return min(rate, writes[-1])

        kept = await by_turns(self._rounds, ours, bare)
        return Figure(
            name, "the slower of that loop alone and a raw bulk write of the same final documents", "events/s", *kept,
            parts={"the loop alone": sorted(loops)[len(loops) // 2], "the bulk write alone": sorted(writes)[len(writes) // 2],
                   "documents written; times": sorted(flushes)[len(flushes) // 2]},
        )  # fmt: skip

    async def one_by_one(self, topic_name: str) -> tuple[list[float], list[float]]:
        """Against the handler as the libraries' own documentation shows it."""

        async def ours(_: int) -> float:
            return await self._project(topic_name, Counted(self._database), 2 * SESSIONS_WRITTEN)

        async def bare(_: int) -> float:
            return await self._handle_each(topic_name)

        return await by_turns(self._rounds, ours, bare)

    async def _project(self, topic_name: str, documents: DocumentStore, events: int) -> float:
        """Events a second, from the first record on until documents, checkpoints and offsets are all there."""
        parked = MemoryParked()
        version = uuid4().hex[:8]
        sink = Watched(
            self._projection, service=f"bench-{version}", contract=self._service.contract, documents=documents, parked=parked,
            clock=utc_now,
        )  # fmt: skip
        sink.topics = (topic_name,)
        await documents.prepare(self._projection.collection, document_indexes(self._projection))
        subscriptions = Subscriptions(self._bootstrap, "bench")
        subscriptions.add(sink)
        await subscriptions.start()
        try:
            await asyncio.wait_for(sink.done(events), _PATIENCE)
            ended = time.perf_counter()
        finally:
            await subscriptions.stop()
        check(await topic.committed(self._bootstrap, topic_name, sink.subscription), events, "offsets committed")
        check(await parked.list(), [], "what was parked")
        return events / (ended - sink.began)

    async def _write(self, documents: topic.Documents) -> float:
        collection = self._database[f"raw_{uuid4().hex[:8]}"]
        for field in document_indexes(self._projection):
            await collection.create_index(field)
        writes = [
            ReplaceOne(
                {"_id": f"{samples.TENANT}/{key}"}, {**document.model_dump(), "tenant": samples.TENANT}, upsert=True
            )
            for key, document in documents.items()
        ]
        began = time.perf_counter()
        await collection.bulk_write(writes, ordered=True)
        return time.perf_counter() - began

    async def _handle_each(self, topic_name: str) -> float:
        broker = KafkaBroker(self._bootstrap, apply_types=False, logger=None)
        collection = self._database[f"each_{uuid4().hex[:8]}"]
        for field in document_indexes(self._projection):
            await collection.create_index(field)
        model = self._projection.document
        enough = asyncio.get_running_loop().create_future()
        began, done = 0.0, 0

        async def handle(message: KafkaMessage) -> None:
            nonlocal began, done
            record = message.raw_message
            began = began or time.perf_counter()
            key = topic.key_of(self._projection, record)
            found = await collection.find_one({"_id": key})
            documents = {key: model.model_validate(found)} if found else {}
            topic.fold(self._projection, [record], documents)
            await collection.replace_one({"_id": key}, documents[key].model_dump(), upsert=True)
            await message.ack()
            done += 1
            if done == ONE_BY_ONE and not enough.done():
                enough.set_result(time.perf_counter())

        broker.subscriber(
            topic_name, group_id=f"bench.{uuid4().hex}", auto_offset_reset="earliest", isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL, no_reply=True, decoder=_whole,
        )(handle)  # fmt: skip
        async with broker:
            await broker.start()
            ended: float = await asyncio.wait_for(enough, _PATIENCE)
        return ONE_BY_ONE / (ended - began)


class Watched(Projector):
    """Notes when it was given its first records, and knows when it has taken all."""

    began = 0.0

    async def take(self, topic: str, partition: int, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """As the projector's."""
        self.began = self.began or time.perf_counter()
        await super().take(topic, partition, records)
        self.taken += len(records)
        self._all.set()

    async def done(self, events: int) -> None:
        """Waits for so many."""
        while self.taken < events:
            self._all.clear()
            await self._all.wait()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.taken = 0
        self._all = asyncio.Event()


class Counted(MongoDocuments):
    """Documents in a collection of their own, and how many were written."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._apart = uuid4().hex[:8]
        self.writes = 0

    async def prepare(self, collection: str, indexes: Sequence[str]) -> None:
        """In the collection of this run."""
        await super().prepare(f"{collection}_{self._apart}", indexes)

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:
        """From the collection of this run."""
        return await super().load(f"{collection}_{self._apart}", ids)

    async def write(
        self, collection: str, documents: Sequence[DocumentWrite], checkpoints: Sequence[Checkpoint]
    ) -> None:
        """Into the collection of this run."""
        self.writes += len(documents)
        await super().write(f"{collection}_{self._apart}", documents, checkpoints)


class Stub(MemoryDocuments):
    """Keeps what it is given, and encodes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, object]] = {}

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:  # noqa: ARG002
        """Nothing is there: every document is new once, and held from then on."""
        return {}

    async def write(
        self,
        collection: str,  # noqa: ARG002
        documents: Sequence[DocumentWrite],
        checkpoints: Sequence[Checkpoint],  # noqa: ARG002
    ) -> None:
        """Keeps the bodies."""
        self.kept.update((document.id, document.body) for document in documents)


async def _whole(message: KafkaMessage) -> KafkaMessage:
    return message
