"""The platform's topics, read from data and created where they are missing.

Invariant: a topic that exists is never changed here. Its number of partitions decides where a stream's events lie, so
a difference is an error and not something to correct.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from mentorstream.embedded.errors import StartFailure, StartFailureCode
from mentorstream.embedded.polling import becomes

LEADERS_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it shall be.

    Attributes:
        name: its name.
        partitions: how many.
        replication_factor: copies of each partition; None means three, or as many as there are brokers if fewer.
        config: Kafka's topic settings by name.
    """

    name: str
    partitions: int
    replication_factor: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)


def read_topics(path: Path) -> list[Topic]:
    """The topics in a file such as `deploy/kafka/topics.json`."""
    rows = json.loads(path.read_text(encoding="utf-8"))["topics"]
    return [
        Topic(
            name=row["name"],
            partitions=row["partitions"],
            replication_factor=None if row["replication_factor"] == "default" else int(row["replication_factor"]),
            config=row.get("config", {}),
        )
        for row in rows
    ]


async def create_topics(bootstrap: str, topics: Sequence[Topic]) -> list[str]:
    """Create what is missing and wait until every partition of every topic has a leader. Repeating it is harmless.

    Args:
        bootstrap: the brokers' addresses.
        topics: the topics as they shall be.

    Returns:
        The names that were created now.

    Raises:
        StartFailure: TOPIC_DIFFERS when a topic exists with another number of partitions; BROKER_NOT_READY when a
            partition stays without a leader.
        KafkaError: when the brokers refuse or cannot be reached.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        created = await _create(admin, missing) if missing else []
        await _led(admin, topics)
        return created
    finally:
        await admin.close()


async def brokers_answering(bootstrap: str, within: float = 5.0) -> int:
    """How many brokers are in the metadata that one of them returns; 0 when none answers within `within` seconds."""
    if not await reachable(bootstrap):
        return 0
    with _quiet("aiokafka"), contextlib.suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(within):
            admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            try:
                await admin.start()
                return len((await admin.describe_cluster())["brokers"])
            finally:
                await admin.close()
    return 0


async def reachable(bootstrap: str, within: float = 2.0) -> bool:
    """Whether one of the addresses accepts a connection within `within` seconds each."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(within):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError, ValueError):
            continue
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True
    return False


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[Topic]) -> list[str]:
    brokers = len((await admin.describe_cluster())["brokers"])
    reply = await admin.create_topics(
        [
            NewTopic(
                name=topic.name,
                num_partitions=topic.partitions,
                replication_factor=topic.replication_factor or min(3, brokers),
                topic_configs=dict(topic.config),
            )
            for topic in missing
        ]
    )
    created = []
    for name, code, text in (row[:3] for row in reply.topic_errors):
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:  # someone else creates them at the same time
            raise error(f"{name}: {text}")
    return created


async def _led(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    names = [topic.name for topic in topics]

    async def all_led() -> bool:
        return not _leaderless(await admin.describe_topics(names), topics)

    if not await becomes(all_led, within=LEADERS_SECONDS):
        raise StartFailure(
            StartFailureCode.BROKER_NOT_READY,
            f"Not every partition of {', '.join(names)} has a leader after {LEADERS_SECONDS:g} s.",
            "See that every broker runs and that its log names no full or broken disk.",
        )


def _leaderless(described: Sequence[Mapping[str, Any]], topics: Sequence[Topic]) -> list[str]:
    """The names that are not fully led yet; a wrong number of partitions is an error."""
    found = {row["topic"]: row["partitions"] for row in described if row["error_code"] == 0}
    waiting = []
    for topic in topics:
        partitions = found.get(topic.name, [])
        if partitions and len(partitions) != topic.partitions:
            raise StartFailure(
                StartFailureCode.TOPIC_DIFFERS,
                f"Topic {topic.name} has {len(partitions)} partitions; {topic.partitions} are declared.",
                "Declare what it has, or move its events to a new topic: changing the number would break the order of "
                "every stream in it.",
            )
        if not partitions or any(partition["leader"] < 0 for partition in partitions):
            waiting.append(topic.name)
    return waiting


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """A broker that is still starting is no error: keep the client from logging it as one."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
