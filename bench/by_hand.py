"""A command's way to a read model written by hand: nothing that the platform promises beyond durable writes and a transaction."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from eventkernel.messages import Commit
from eventkernel.store.mongodb import connect
from eventkernel.store.mongodb.driver import Database
from eventkernel.store.mongodb.layout import commit_document
from mentoring.sessions.v1.events_pb2 import SessionPlanned
from mentorstream.embedded import Infrastructure, Topic, create_topics

from bench.append import drop

_PATIENCE = 10.0


class ByHand:
    """One process does it all: inserts, sends, reads, and replaces a document."""

    def __init__(self, database: Database, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._database = database
        self._producer = producer
        self._consumer = consumer
        self._topic = topic
        self._waiting: dict[str, asyncio.Future[float]] = {}

    async def hop(self, commit: Commit) -> float:
        """Milliseconds from the acknowledged insert to the acknowledged write of the document."""
        await self._database["commits"].insert_one(commit_document(commit))
        acknowledged = time.perf_counter()
        waiting = self._waiting[commit.stream] = asyncio.get_running_loop().create_future()
        async with self._producer.transaction():
            await self._producer.send_and_wait(self._topic, commit.events[0].data, commit.stream.encode(), partition=0)
        written: float = await asyncio.wait_for(waiting, _PATIENCE)
        return (written - acknowledged) * 1000

    async def project(self) -> None:
        """Reads and writes for ever."""
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    event = SessionPlanned.FromString(record.value)
                    document = {"learner_id": event.learner_id, "ksb_codes": list(event.ksb_codes)}
                    await self._database["sessions"].replace_one({"_id": event.session_id}, document, upsert=True)
                    self._waiting.pop(record.key.decode()).set_result(time.perf_counter())


@asynccontextmanager
async def by_hand(found: Infrastructure) -> AsyncIterator[ByHand]:
    """Ready to hop, over the platform's own broker and the sessions service's server, in a database apart."""
    topic, name = f"bench.by-hand.{uuid4().hex[:8]}", f"bench_by_hand_{uuid4().hex[:8]}"
    await create_topics(found.kafka_bootstrap, [Topic(topic, 1)])
    driver = connect(found.mongodb_uris["sessions"])
    producer = AIOKafkaProducer(bootstrap_servers=found.kafka_bootstrap, transactional_id=topic, acks="all")
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=found.kafka_bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    hand = ByHand(driver.database(name), producer, consumer, topic)
    projecting = asyncio.create_task(hand.project())
    try:
        yield hand
    finally:
        projecting.cancel()
        await consumer.stop()
        await producer.stop()
        await drop(driver, name)
        await driver.close()
