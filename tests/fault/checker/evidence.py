"""What the checker judges by, read with plain clients: a MongoDB driver, a consumer of committed records, and the mail that came."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from eventkernel.messages import Metadata
from eventkernel.service import Service
from google.protobuf.message import Message
from mentorstream.contracts import SERVICES
from mentorstream.embedded import read_topics
from mentorstream.topics import topics_file
from pymongo import AsyncMongoClient

from tests.fault.history import Told, told
from tests.fault.world import World

# What the suite itself put on a topic carries this header: it is no event of the log.
INJECTED = "x-injected"
_PARTITIONS = {topic.name: topic.partitions for topic in read_topics(topics_file())}
_READ_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Logged:
    """One event in a service's log."""

    event: Message
    meta: Metadata
    data: bytes
    published: bool
    commit_id: str
    causation_id: str
    partition_key: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One record on a topic, as a reader of committed records sees it."""

    partition: int
    offset: int
    key: str
    value: bytes
    event_id: str
    type: str
    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that the mail server took."""

    notice_id: str
    message_id: str


@dataclass
class Evidence:
    """All that is known of one tenant."""

    tenant: str
    told: Told
    at: datetime
    logs: dict[str, list[Logged]] = field(default_factory=dict)
    pending: int = 0
    records: dict[str, list[Seen]] = field(default_factory=dict)
    documents: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)
    parked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    due: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)

    def events(self, service: str) -> Iterator[Logged]:
        """A service's events, each stream in its order."""
        return iter(self.logs[service])

    def size(self) -> tuple[int, ...]:
        """What must not grow any more once all is done."""
        return (
            sum(map(len, self.logs.values())), sum(map(len, self.records.values())), len(self.mails),
            sum(map(len, self.parked.values())), sum(map(len, self.due.values())),
        )  # fmt: skip

    def unsettled(self) -> list[str]:
        """What is still on its way."""
        overdue = [row for rows in self.due.values() for row in rows if not row["done"] and row["due"] <= self.at]
        found = [f"{self.pending} commits are not published"] if self.pending else []
        return found + ([f"{len(overdue)} due rows are not done"] if overdue else [])


@cache
def service_of(name: str) -> Service:
    """A service's declarations: its contract, folds and policies. Nothing of it is run here."""
    built = import_module(f"{name}.service").build()
    if not isinstance(built, Service):
        raise TypeError(f"{name} builds no service")
    return built


async def gather(world: World, history: Any, tenant: str) -> Evidence:
    """Reads everything about a tenant as it is now."""
    evidence = Evidence(tenant, told(history.path, tenant), datetime.now(UTC))
    stores = [_read_store(world, name, evidence) for name in SERVICES]
    await asyncio.gather(*stores)
    evidence.records = await _read_topics(world.kafka.bootstrap, tenant)
    evidence.mails = [
        Mail(str(received.message["X-Notice-Id"]), str(received.message["Message-ID"]))
        for received in world.mailbox.messages
        if any(recipient.endswith(f"@{tenant}.example") for recipient in received.recipients)
    ]
    return evidence


async def _read_store(world: World, name: str, evidence: Evidence) -> None:
    service = service_of(name)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        world.stores[name].uri, tz_aware=True, serverSelectionTimeoutMS=5000
    )
    try:
        database = client[name]
        mine = {"tenant": evidence.tenant}
        commits = await database["commits"].find(mine).to_list()
        evidence.logs[name] = list(_logged(service, commits))
        evidence.pending += sum(1 for commit in commits if commit.get("pending"))
        for projection in service.projections:
            found = await database[projection.collection].find(mine).to_list()
            evidence.documents[name, projection.name] = {document["_id"]: document for document in found}
        evidence.parked[name] = await database["parked"].find(mine).to_list()
        evidence.due[name] = await database["due"].find(mine).to_list()
    finally:
        await client.close()


def _logged(service: Service, commits: list[dict[str, Any]]) -> Iterator[Logged]:
    for commit in sorted(commits, key=lambda one: (one["at"], one["stream"], one["first_version"])):
        for version, event in zip(commit["versions"], commit["events"], strict=True):
            meta = Metadata(
                event_id=event["id"], type=event["type"], tenant=commit["tenant"], stream=commit["stream"], version=version,
                at=commit["at"], actor=commit["actor"], causation_id=commit["causation_id"],
            )  # fmt: skip
            parsed = service.contract.parse(event["type"], event["data"])
            yield Logged(
                parsed, meta, bytes(event["data"]), event["published"], commit["_id"], commit["causation_id"], commit["partition_key"]
            )  # fmt: skip


async def _read_topics(bootstrap: str, tenant: str) -> dict[str, list[Seen]]:
    topics = {name: service_of(name).contract.topic for name in SERVICES}
    partitions = [TopicPartition(topic, n) for topic in topics.values() for n in range(_PARTITIONS[topic])]
    found: dict[str, list[Seen]] = {topic: [] for topic in topics.values()}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    async with asyncio.timeout(_READ_WITHIN), consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        unread = {partition for partition in partitions if ends[partition]}
        while unread:
            for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                found[partition.topic] += [seen for record in records if (seen := _seen(record, tenant))]
            unread = {partition for partition in unread if await consumer.position(partition) < ends[partition]}
    return {name: found[topic] for name, topic in topics.items()}


def _seen(record: Any, tenant: str) -> Seen | None:
    said: Mapping[str, str] = {name: value.decode(errors="replace") for name, value in record.headers if value}
    if said.get("ce_tenant") != tenant or INJECTED in said:
        return None
    return Seen(
        record.partition, record.offset, record.key.decode(), record.value, said["ce_id"], said["ce_type"],
        said["ce_subject"], int(said["ce_sequence"]),
    )  # fmt: skip
