"""The events that projections are measured on: sessions planned and held, on a real topic, and a loop by hand that folds them."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from eventkernel import cloudevents
from eventkernel.messages import Metadata
from eventkernel.placement import partition_of
from eventkernel.projection import Projection
from google.protobuf.message import Message
from mentoring.sessions.v1.events_pb2 import SessionHeld, SessionPlanned
from mentorstream.embedded import Topic, create_topics
from pydantic import BaseModel

from bench import samples

PARTITIONS, WAVE = 4, 100
_TYPES: dict[bytes, type[Message]] = {
    b"mentoring.sessions.session-planned": SessionPlanned,
    b"mentoring.sessions.session-held": SessionHeld,
}
_BYTES = 1 << 18
Documents = dict[str, BaseModel]


async def filled(bootstrap: str, sessions: int) -> str:
    """A new topic with two events a session, in waves: a hundred sessions are planned, then the same are held."""
    topic = f"bench.sessions.{uuid4().hex[:8]}"
    await create_topics(bootstrap, [Topic(topic, PARTITIONS)])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=_BYTES) as producer:
        for first in range(0, sessions, WAVE):
            for kind, version in (("planned", 1), ("held", 2)):
                for number in range(first, min(first + WAVE, sessions)):
                    event = (samples.planned if kind == "planned" else samples.held)(number, f"s-{number}")
                    commit = samples.commit_of(
                        event, f"mentoring.sessions.session-{kind}", number, f"s-{number}", version
                    )
                    key, value, headers = cloudevents.encode(commit, commit.events[0], samples.SOURCE)
                    place = partition_of(commit.partition_key, PARTITIONS)
                    await producer.send(topic, value, key, partition=place, headers=headers)
        await producer.flush()
    return topic


@asynccontextmanager
async def reader(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of the topic in a group of its own, at its beginning."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=f"bench.{uuid4().hex}", enable_auto_commit=False,
        isolation_level="read_committed", auto_offset_reset="earliest",
    )  # fmt: skip
    async with consumer:
        yield consumer


async def folded_by_hand(
    bootstrap: str, topic: str, projection: Projection[Any], events: int
) -> tuple[float, Documents]:
    """Events a second from the first fetch on, and the documents: with nothing between the records and the folds."""
    documents: Documents = {}
    began, done = 0.0, 0
    async with reader(bootstrap, topic) as consumer:
        while done < events:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=500)
            began = began or time.perf_counter()
            for records in fetched.values():
                fold(projection, records, documents)
                done += len(records)
    return events / (time.perf_counter() - began), documents


def fold(projection: Projection[Any], records: Sequence[ConsumerRecord[bytes, bytes]], documents: Documents) -> None:
    """The same documents with no check of a record, of what was seen, of what is parked."""
    for record in records:
        headers = dict(record.headers)
        event = _TYPES[headers["ce_type"]].FromString(record.value)
        key = str(getattr(event, projection.key))
        if key not in documents:
            documents[key] = projection.new(key)
        # The folds that are measured take nothing from the metadata but the time.
        meta = Metadata("", "", "", "", 1, datetime.fromisoformat(headers["ce_time"].decode()))
        projection.folds[type(event)](documents[key], event, meta)


def key_of(projection: Projection[Any], record: ConsumerRecord[bytes, bytes]) -> str:
    """Which document a record is for."""
    return str(getattr(_TYPES[dict(record.headers)["ce_type"]].FromString(record.value), projection.key))


async def committed(bootstrap: str, topic: str, group: str) -> int:
    """The sum of a group's committed offsets: records taken, where no transaction left a marker."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    async with consumer:
        return sum([await consumer.committed(TopicPartition(topic, number)) or 0 for number in range(PARTITIONS)])
