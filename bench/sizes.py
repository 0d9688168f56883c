"""What an event takes: in the store, in its indexes, on the topic, in read models. Measured on the demo's cohort, and on a learner's year."""

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Any
from uuid import uuid4

import bson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from eventkernel import cloudevents
from eventkernel.documents import SEEN
from eventkernel.placement import partition_of
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.service import Service
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.store.mongodb.driver import Database
from eventkernel.timing import utc_now
from evidence.projections.ksb_progress import ksb_progress
from evidence.service import build as build_evidence
from mentoring.sessions.v1.sessions_pb2 import PlanSessionRequest
from mentorstream.contracts import SERVICES
from mentorstream.demo.journey import Journey
from mentorstream.embedded import read_topics
from mentorstream.embedded.polling import becomes
from mentorstream.platform import Platform, platform
from mentorstream.standards import ST0148, load_standard
from mentorstream.topics import topics_file
from sessions.projections.learner_sessions import learner_sessions
from sessions.service import build as build_sessions

from bench import histories, samples
from bench.append import drop
from bench.measure import Asked, Wrong, check

# A relay's transaction; and the demo's notices are few, so these sessions come at once on top, to see how fast notices go out.
BATCH, BURST, BURST_QUICK = 500, 200, 20
_GIVEN_AT_ONCE, _LOADED = 16, 100
_SETTLED = "mentoring.notifications.notice-settled"
_PATIENCE, _TOLD_WITHIN, _LOOK_AGAIN = 30.0, 300.0, 0.5
_MAGIC, _NO_CODEC, _GZIP = 2, 0, 1
_UNBOUNDED = 1 << 30

Found = dict[str, Any]


async def run(asked: Asked) -> Found:
    """By service: counts and bytes of what the cohort left; by read model: what a learner's year makes of a document."""
    async with platform(Path(asked.folder) / "sizes") as running:
        journey = Journey(running, load_standard(ST0148))
        await journey.play()
        services = {name: await _service(running, name) for name in SERVICES}
        notices = await _burst(running, journey, BURST_QUICK if asked.quick else BURST)
        documents = await _documents(running)
    return {"services": services, "notices": notices, "documents": documents, "learners": len(journey.learners)}


async def _service(running: Platform, name: str) -> Found:
    """What one service keeps, and what it published."""
    driver = connect(running.infrastructure.mongodb_uris[name])
    database = driver.database(name)
    commits = [document async for document in database["commits"].find({})]
    # What waits for the relay is in an index for a moment: here nothing does any more.
    check(sum("pending" in document for document in commits), 0, f"commits of {name} that wait")
    events = [event for document in commits for event in document["events"]]
    sizes = {each: await _collection(database, each) for each in await database.list_collection_names()}
    await driver.close()
    records = await _records(running.infrastructure.kafka_bootstrap, f"mentoring.{name}.v1")
    published = sum(event["published"] for event in events)
    check(len(records), published, f"records of {name}")
    return {
        "commits": len(commits), "events": len(events), "published": published,
        "types": dict(Counter(event["type"].rpartition(".")[2] for event in events).most_common()),
        "commit_bytes": mean(len(bson.encode(document)) for document in commits), "collections": sizes,
        "record_bytes": _bytes_a_record(records, _NO_CODEC), "record_gzip_bytes": _bytes_a_record(records, _GZIP),
        "log_bytes": _log_bytes(running.data_dir, name) / published,
    }  # fmt: skip


async def _collection(database: Database, name: str) -> Found:
    """As the store reckons it: the embedded one gives the bytes of documents and of index keys, before any packing."""
    stats = await database.command("collStats", name)
    return {"count": stats["count"], "bytes": stats["size"], "index_bytes": stats["totalIndexSize"], "indexes": stats["indexSizes"]}  # fmt: skip


async def _records(bootstrap: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """All that can be read of it."""
    partitions = next(each.partitions for each in read_topics(topics_file()) if each.name == topic)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    found: list[ConsumerRecord[bytes, bytes]] = []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False
    )  # fmt: skip
    async with consumer, asyncio.timeout(_PATIENCE):
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(each) < ends[each] for each in places]):
            for records in (await consumer.getmany(timeout_ms=50)).values():
                found += records
    return found


def _bytes_a_record(records: Sequence[ConsumerRecord[bytes, bytes]], codec: int) -> float:
    """On the wire and in the log, in batches as large as a busy relay's: their heads are shared among all of a batch."""
    total = 0
    for start in range(0, len(records), BATCH):
        batch = DefaultRecordBatchBuilder(_MAGIC, codec, True, 1, 1, 0, _UNBOUNDED)
        for offset, record in enumerate(records[start : start + BATCH]):
            batch.append(offset, record.timestamp, record.key, record.value, list(record.headers))
        total += len(batch.build())
    return total / len(records) if records else 0.0


def _log_bytes(folder: Path, service: str) -> int:
    """The broker's own segments; 0 where the broker is not the embedded one."""
    return sum(file.stat().st_size for file in folder.glob(f"kafka/**/mentoring.{service}.v1-*/*.log"))


async def _burst(running: Platform, journey: Journey, sessions: int) -> Found:
    """Sessions are planned faster than anybody can be told: how many notices are settled in a second meanwhile."""
    before = len(await _settled_at(running))
    places, prefix = asyncio.Semaphore(_GIVEN_AT_ONCE), uuid4().hex[:8]

    async def plan(number: int) -> None:
        learner = journey.learners[number % len(journey.learners)]
        request = PlanSessionRequest()
        request.CopyFrom(samples.plan(number, f"burst-{prefix}-{number}"))
        request.learner_id, request.mentorship_id = learner.learner_id, learner.mentorship_id
        async with places:
            await journey.give("sessions", learner.mentor_id, ["mentor"], request)

    await asyncio.gather(*(plan(number) for number in range(sessions)))
    # The learner and the contact at work are told of each, and a guardian where there is one.
    asked = sum(2 + bool(journey.learners[number % len(journey.learners)].guardian_id) for number in range(sessions))

    async def all_told() -> bool:
        return len(await _settled_at(running)) - before >= asked

    if not await becomes(all_told, within=_TOLD_WITHIN, every=_LOOK_AGAIN):
        raise Wrong(f"{asked} notices were not settled within {_TOLD_WITHIN:g} s")
    settled = sorted(await _settled_at(running))[before:]
    check(len(settled), asked, "notices")
    # In the middle of it: neither the first, which had to come through everything, nor the last, which found nothing beside them.
    first, last = asked // 10, asked - 1 - asked // 10
    return {
        "sessions": sessions,
        "notices": asked,
        "rate": (last - first) / (settled[last] - settled[first]).total_seconds(),
    }


async def _settled_at(running: Platform) -> list[datetime]:
    driver = connect(running.infrastructure.mongodb_uris["notifications"])
    commits = driver.database("notifications")["commits"].find({"events.type": _SETTLED}, {"at": True})
    found = [document["at"] async for document in commits]
    await driver.close()
    return found


async def _documents(running: Platform) -> Mapping[str, Found]:
    """The documents that one learner's whole year leaves, folded and stored as a service does."""
    uri, name = running.infrastructure.mongodb_uris["evidence"], f"bench_{uuid4().hex[:8]}"
    driver = connect(uri)
    store = MongoStore(driver, name)
    await store.start()
    year = list(histories.events_of(1))
    found = {}
    for projection, service in ((ksb_progress, build_evidence()), (learner_sessions, build_sessions())):
        await _project(projection, service, store, year)
        stored = await driver.database(name)[projection.collection].find({"_rev": {"$exists": True}}).to_list(None)
        found[projection.name] = {
            "documents": len(stored), "bytes": mean(len(bson.encode(document)) for document in stored),
            "memory_bytes": mean(_in_memory(projection, bson.encode(document)) for document in stored),
            "events": sum(happening.commit.events[0].type in _types(projection, service) for happening in year),
        }  # fmt: skip
    await drop(driver, name)
    await driver.close()
    return found


def _in_memory(projection: Projection[Any], stored: bytes) -> float:
    """What it takes in a projector, loaded: the document itself, and the versions of streams that it has seen."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = []
    for _ in range(_LOADED):
        body = bson.decode(stored)
        held.append((projection.document.model_validate(body), body.pop(SEEN)))
        del body
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / len(held)


def _types(projection: Projection[Any], service: Service) -> frozenset[str]:
    return frozenset(service.contract.of(event).type for event in projection.folds)


async def _project(
    projection: Projection[Any], service: Service, store: MongoStore, year: Sequence[histories.Happening]
) -> None:
    projector = Projector(
        projection, service=service.name, contract=service.contract, documents=store.documents, parked=store.parked, clock=utc_now
    )  # fmt: skip
    for offset, happening in enumerate(year):
        topic, event = f"mentoring.{happening.service}.v1", happening.commit.events[0]
        if topic not in projector.topics:
            continue
        key, value, headers = cloudevents.encode(happening.commit, event, f"/mentoring/{happening.service}")
        place = partition_of(happening.commit.partition_key, histories.PARTITIONS)
        record = ConsumerRecord(topic, place, offset, 0, 0, key, value, 0, len(key), len(value), tuple(headers))
        await projector.take(topic, place, [record])
    check(await store.parked.list(), [], "what was parked")
