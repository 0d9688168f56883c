"""Records from the bus into sinks: in order within a partition, each at least once, over crashes and rebalances.

An offset is committed only after the sink has taken every record before it, and for that record's partition alone.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.middlewares import AckPolicy

from eventkernel.inbox import Record
from eventkernel.intake import Consumer, Intake, Sink, Sleep

_log = structlog.get_logger(__name__)
_LAG_SECONDS = 2.0
_METADATA_MS = 10_000
# aiokafka asks a broker one thing at a time, and leaves out of it any partition whose records wait to be taken. What comes for that
# one meanwhile waits until the broker, with nothing for the others, has given up waiting.
_FETCH_WAIT_MS = 100


class Subscriptions:
    """The subscriptions of one process.

    Args:
        bootstrap: the brokers' addresses.
        service: the service's name, for metrics.
        max_records: the most records fetched at once for a sink, over all its partitions.
        ahead: a sink that overlaps gets no more while so many records are under way.
        poll_ms: how often a consumer that waits for records looks whether it has to go back to any. Records wake it at once.
        heartbeat_ms: how often a member asks whether its group is being rebalanced.
        drain: seconds that a `take` in flight may go on for when its partition is revoked or the process stops.
        sleep: waits for so many seconds, between two attempts at one partition.
    """

    def __init__(
        self,
        bootstrap: str,
        service: str,
        *,
        max_records: int = 500,
        ahead: int = 4000,
        poll_ms: int = 100,
        heartbeat_ms: int = 1000,
        drain: float = 15.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._service = service
        self._max_records = max_records
        self._ahead = ahead
        self._poll_ms = poll_ms
        self._heartbeat_ms = heartbeat_ms
        self._drain = drain
        self._sleep = sleep
        self._intakes: dict[str, Intake] = {}
        self._measuring: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._broker = KafkaBroker(
            # FastStream takes a text for one address, whatever commas are in it.
            [address.strip() for address in bootstrap.split(",")],
            client_id=service,
            # A consumer that looks for where a partition begins keeps asking a broker that no longer leads it, until it hears
            # of the new one by this; the default is five minutes.
            metadata_max_age_ms=_METADATA_MS,
            apply_types=False,
            consumer_only=True,
            # Zero or None would not wait at all for what is in flight.
            graceful_timeout=drain,
            logger=logging.getLogger("eventkernel.faststream"),
            log_level=logging.DEBUG,
        )

    def add(self, sink: Sink) -> None:
        """Registers a sink, before the start."""
        intake = Intake(
            sink, self._service, ahead=self._ahead, drain=self._drain, sleep=self._sleep, broken=self._broken.set
        )
        subscriber = self._broker.subscriber(
            *sink.topics,
            group_id=sink.subscription,
            batch=True,
            max_records=self._max_records,
            batch_timeout_ms=self._poll_ms,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=[RangePartitionAssignor],
            heartbeat_interval_ms=self._heartbeat_ms,
            listener=intake,
            parser=_unparsed,
            decoder=_raw,
            no_reply=True,
        )

        async def take(records: Sequence[Record]) -> None:
            await intake.take(records)

        subscriber(take)
        intake.consumer = lambda: subscriber.consumer
        self._intakes[sink.subscription] = intake

    async def start(self) -> None:
        """Joins the groups and begins to read; raises KafkaError where no broker answers."""
        await self._broker.connect()
        config = self._broker.config.broker_config
        # FastStream's builder is an AIOKafkaConsumer with the connection's options; a consumer of an intake takes its place.
        connection = cast("partial[AIOKafkaConsumer]", config.builder).keywords
        config.builder = partial(self._consumer, connection)
        await self._broker.start()
        self._measuring = asyncio.create_task(self._measure())

    async def broken(self) -> None:
        """Waits until a consumer has ended inside, so that it will never read again: these are to be stopped, and others made."""
        await self._broken.wait()

    async def stop(self) -> None:
        """Stops fetching, lets each sink finish what it holds of one partition, commits it, and leaves the groups."""
        for intake in self._intakes.values():
            intake.stop()
        if self._measuring is not None:
            self._measuring.cancel()
        await asyncio.gather(*(intake.finish() for intake in self._intakes.values()))
        await self._broker.stop()

    def _consumer(self, connection: Mapping[str, Any], /, *, group_id: str, **options: Any) -> Consumer:
        return Consumer(intake=self._intakes[group_id], group_id=group_id, **{**connection, **options})

    async def _measure(self) -> None:
        while True:
            for intake in self._intakes.values():
                try:
                    await intake.measure()
                except Exception:
                    _log.warning("subscription_lag_unknown", subscription=intake.subscription, exc_info=True)
            await asyncio.sleep(_LAG_SECONDS)


async def _unparsed(records: tuple[Record, ...]) -> KafkaMessage:
    """FastStream's own parser takes every header for UTF-8 text: one that is not would lose the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(
        raw_message=records, body=b"", message_id=f"{first.offset}-{last.offset}", consumer=FAKE_CONSUMER
    )


async def _raw(message: KafkaMessage) -> Any:
    return message.raw_message
