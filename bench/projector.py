"""Projecting a topic that is full: what the projector costs by itself, and whole, with what it writes."""

import asyncio
import time
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import pymongo
from eventkernel.ports import DocumentStore
from eventkernel.projection import Projection
from eventkernel.service import Service, document_indexes
from eventkernel.store.memory.parked import MemoryParked
from eventkernel.store.mongodb import connect
from eventkernel.store.mongodb.driver import Database
from eventkernel.subscription import Subscriptions
from eventkernel.timing import utc_now
from evidence.projections.ksb_progress import ksb_progress
from evidence.service import build as build_evidence
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from mentorstream.embedded import infrastructure
from sessions.projections.learner_sessions import learner_sessions
from sessions.service import build as build_sessions

from bench import samples, topic
from bench.append import drop
from bench.measure import Asked, Figure, Parts, added_up, by_turns, check
from bench.projector_parts import Alone, written_alone
from bench.sinks import Counted, Stub, Watched

# Two events a session. What is written by the embedded store is fewer, so that a round takes seconds.
SESSIONS, SESSIONS_WRITTEN, ONE_BY_ONE = 20_000, 3_000, 400
_PATIENCE, _OF_THE_LOOP = 60.0, 0.8
_BULK = "the raw bulk insert of the final documents"
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
                own = await on.own_cost(many, f"projector's own cost, {documents}")
                whole = await on.whole(some, f"projector whole, {documents}", median(own.ours))
                each = await on.one_by_one(some, f"projector against one a message, {documents}", whole.parts[_BULK])
                figures += [own, whole, each]
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

    async def own_cost(self, topic_name: str, name: str) -> Figure:
        """The store is a stub; everything else is as it is."""
        events, parts = 2 * SESSIONS, Parts()
        alone = Alone(self._projection, self._service, events)

        async def ours(_: int) -> float:
            documents = Stub()
            rate = await self._project(topic_name, documents, events)
            by_hand = (await topic.folded_by_hand(self._bootstrap, topic_name, self._projection, events))[1]
            for key, document in by_hand.items():
                kept = documents.kept[f"{samples.TENANT}/{key}"]
                check(
                    {field: kept[field] for field in type(document).model_fields}, document.model_dump(), "a document"
                )
            parts.note({"ours": 1e6 / rate})
            return rate

        async def bare(_: int) -> float:
            rate = (await topic.folded_by_hand(self._bootstrap, topic_name, self._projection, events))[0]
            parts.note(
                {
                    "the loop by hand": 1e6 / rate,
                    f"what {_OF_THE_LOOP} of its rate leaves": 1e6 / rate / _OF_THE_LOOP,
                    **await alone.measure(self._bootstrap, topic_name),
                }
            )
            return rate

        kept = await by_turns(self._rounds, ours, bare)
        return Figure(name, _LOOP, "events/s", *kept, parts.medians(), least_ratio=_OF_THE_LOOP, parts_unit="µs")

    async def whole(self, topic_name: str, name: str, own_cost: float) -> Figure:
        """Documents, checkpoints and offsets, against the slower of reading alone and writing alone."""
        events, parts = 2 * SESSIONS_WRITTEN, Parts()

        async def ours(_: int) -> float:
            documents, collection = Counted(self._database), self._projection.collection
            rate = await self._project(topic_name, documents, events)
            apart = Counted(self._database)
            await apart.prepare(collection, document_indexes(self._projection))
            alone = events / await written_alone(documents, apart, collection)
            parts.note(
                {
                    "its own writes": alone,
                    "its own cost and its own writes, if they only added up": added_up(own_cost, alone),
                    "documents it writes; documents": documents.documents,
                    "its writes; writes": documents.writes,
                }
            )
            return rate

        async def bare(_: int) -> float:
            loop, documents = await topic.folded_by_hand(self._bootstrap, topic_name, self._projection, events)
            bulk = events / await self._write(documents)
            parts.note({"the loop by hand": loop, _BULK: bulk})
            return min(loop, bulk)

        kept = await by_turns(self._rounds, ours, bare)
        against = "the slower of that loop alone and a raw bulk insert of the same final documents"
        return Figure(name, against, "events/s", *kept, parts.medians(), least_ratio=_OF_THE_LOOP)

    async def one_by_one(self, topic_name: str, name: str, bulk: float) -> Figure:
        """Against the handler as the libraries' own documentation shows it. `bulk`: the rate of the raw bulk insert."""

        async def ours(_: int) -> float:
            return await self._project(topic_name, Counted(self._database), 2 * SESSIONS_WRITTEN)

        async def bare(_: int) -> float:
            return await self._handle_each(topic_name)

        kept = await by_turns(self._rounds, ours, bare)
        against = "a FastStream handler called, and writing, once a message"
        parts = {_BULK: bulk, "the ratio if nothing but that were done; times": bulk / median(kept[1])}
        return Figure(name, against, "events/s", *kept, parts, least_ratio=15)

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
        stored = [
            {**document.model_dump(), "_id": f"{samples.TENANT}/{key}", "tenant": samples.TENANT}
            for key, document in documents.items()
        ]
        began = time.perf_counter()
        # On a busy machine it takes longer than a service would wait for its store.
        with pymongo.timeout(_PATIENCE):
            await collection.insert_many(stored)
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


async def _whole(message: KafkaMessage) -> KafkaMessage:
    return message
