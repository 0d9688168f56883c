"""Records from the bus into sinks: in order within a partition, each at least once, over crashes and rebalances.

An offset is committed only after the sink has taken every record before it, and for that record's partition alone.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.middlewares import AckPolicy

from eventkernel.metrics import CONSUMED, LAG

Record: TypeAlias = ConsumerRecord[bytes, bytes]
Sleep = Callable[[float], Awaitable[None]]

_log = structlog.get_logger(__name__)
_LAG_SECONDS = 2.0
_BACKOFF_FIRST, _BACKOFF_LAST = 0.1, 30.0


class Sink(Protocol):
    """What takes a subscription's records: a projection, a reaction. It is called by one task at a time."""

    @property
    def subscription(self) -> str:
        """The consumer group, such as `evidence.ksb_progress.v1`."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads. All have the same number of partitions, so one process holds a key's events from each."""
        ...

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are held from now on and no others: whatever is remembered of any is to be dropped.

        It is called after every rebalance and before the first `take` that follows, again where it raised.
        """
        ...

    async def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Returns when every one of these records has had its durable effect, or has been parked.

        Records may come again, from any earlier offset on. Whatever is raised counts as transient: the same records come
        again after a pause, and nothing of their partition in between.
        """
        ...


class Subscriptions:
    """The subscriptions of one process.

    Args:
        bootstrap: the brokers' addresses.
        service: the service's name, for metrics.
        max_records: the most records fetched at once for a sink, over all its partitions.
        poll_ms: how long an empty poll waits; FastStream sleeps as long again after it. 10 costs an idle sink 2 % of a core.
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
        poll_ms: int = 20,
        heartbeat_ms: int = 1000,
        drain: float = 15.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._service = service
        self._max_records = max_records
        self._poll_ms = poll_ms
        self._heartbeat_ms = heartbeat_ms
        self._drain = drain
        self._sleep = sleep
        self._intakes: list[_Intake] = []
        self._measuring: asyncio.Task[None] | None = None
        self._broker = KafkaBroker(
            # FastStream takes a text for one address, whatever commas are in it.
            [address.strip() for address in bootstrap.split(",")],
            client_id=service,
            apply_types=False,
            consumer_only=True,
            # Zero or None would not wait at all for what is in flight.
            graceful_timeout=drain,
            logger=logging.getLogger("eventkernel.faststream"),
            log_level=logging.DEBUG,
        )

    def add(self, sink: Sink) -> None:
        """Registers a sink, before the start."""
        intake = _Intake(sink, self._service, self._drain, self._sleep)
        subscriber = self._broker.subscriber(
            *sink.topics,
            group_id=sink.subscription,
            batch=True,
            max_records=self._max_records,
            batch_timeout_ms=self._poll_ms,
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
        self._intakes.append(intake)

    async def start(self) -> None:
        """Joins the groups and begins to read; raises KafkaError where no broker answers."""
        await self._broker.start()
        self._measuring = asyncio.create_task(self._measure())

    async def stop(self) -> None:
        """Stops fetching, lets each sink finish what it holds of one partition, commits it, and leaves the groups."""
        for intake in self._intakes:
            intake.stop()
        if self._measuring is not None:
            self._measuring.cancel()
        await self._broker.stop()

    async def _measure(self) -> None:
        while True:
            for intake in self._intakes:
                try:
                    await intake.measure()
                except Exception:
                    _log.warning("subscription_lag_unknown", subscription=intake.subscription, exc_info=True)
            await asyncio.sleep(_LAG_SECONDS)


class _Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One sink's consumer: what it fetched, by partition, and which of that is still its business."""

    def __init__(self, sink: Sink, service: str, drain: float, sleep: Sleep) -> None:
        self.consumer: Callable[[], AIOKafkaConsumer | None] = lambda: None
        self.subscription = sink.subscription
        self._sink = sink
        self._labels = (service, sink.subscription)
        self._drain = drain
        self._sleep = sleep
        # Counts what ends the business with records fetched before: each revocation, and the stop.
        self._term = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._held: frozenset[TopicPartition] = frozenset()
        self._untold = False
        self._telling = asyncio.Lock()
        self._failures: dict[TopicPartition, int] = {}
        self._pauses: set[asyncio.Task[None]] = set()
        self._shown: set[TopicPartition] = set()

    async def take(self, records: Sequence[Record]) -> None:
        """Takes one batch. It raises nothing: FastStream would log it and go on behind the records."""
        term = self._term
        self._idle.clear()
        try:
            for partition, batch in _by_partition(records).items():
                if term != self._term:
                    return
                await self._take(partition, batch)
        finally:
            self._idle.set()

    def stop(self) -> None:
        """Nothing more is begun."""
        self._term += 1
        for pause in self._pauses:
            pause.cancel()

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Gives what is in flight time to be committed, so that the next owner need not read it again."""
        self._term += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                await self._idle.wait()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Tells the sink, or leaves it to the next `take` where one is still in flight."""
        self._held = frozenset(assigned)
        self._untold = True
        self._failures.clear()
        if self._idle.is_set():
            try:
                await self._tell()
            except Exception:
                _log.exception("subscription_assignment_failed", subscription=self.subscription)

    async def measure(self) -> None:
        """Shows how far each partition is behind its end."""
        consumer = self.consumer()
        if consumer is None:
            return
        held = consumer.assignment()
        for gone in self._shown - held:
            LAG.remove(*self._labels, gone.topic, str(gone.partition))
            self._shown.discard(gone)
        for partition in held:
            # A position is unknown until the committed offset has been read, and a partition may be revoked in between.
            with contextlib.suppress(TimeoutError, IllegalStateError, AssertionError):
                end = consumer.highwater(partition)
                if end is not None:
                    async with asyncio.timeout(1.0):
                        behind = end - await consumer.position(partition)
                    LAG.labels(*self._labels, partition.topic, str(partition.partition)).set(behind)
                    self._shown.add(partition)

    async def _take(self, partition: TopicPartition, batch: Sequence[Record]) -> None:
        term = self._term
        try:
            await self._tell()
            await self._sink.take(partition.topic, partition.partition, batch)
        except Exception:
            self._again_later(partition, batch[0].offset, term)
            return
        self._failures.pop(partition, None)
        CONSUMED.labels(*self._labels).inc(len(batch))
        await self._commit(partition, batch[-1].offset + 1)

    async def _tell(self) -> None:
        async with self._telling:
            while self._untold:
                held = self._held
                await self._sink.assigned(held)
                self._untold = held is not self._held

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        consumer = self.consumer()
        try:
            if consumer is not None:
                await consumer.commit({partition: offset})
        except (CommitFailedError, IllegalStateError) as error:
            # The new owner reads the records again, and the sink knows them by their offsets.
            self._note("subscription_partition_moved", partition, offset, reason=str(error))
        except KafkaError as error:
            # The next commit of this partition includes this one.
            self._note("subscription_commit_failed", partition, offset, reason=repr(error))

    def _again_later(self, partition: TopicPartition, offset: int, term: int) -> None:
        """Goes back to the first record not taken. The partition rests; the others of this sink flow on."""
        attempt = self._failures[partition] = self._failures.get(partition, 0) + 1
        seconds = min(_BACKOFF_LAST, _BACKOFF_FIRST * 2 ** min(attempt - 1, 16))
        _log.exception(
            "subscription_take_failed",
            subscription=self.subscription,
            topic=partition.topic,
            partition=partition.partition,
            offset=offset,
            attempt=attempt,
            retry_in=seconds,
        )
        consumer = self.consumer()
        # After a rebalance its position is the committed offset, which is right and not ours to change.
        if consumer is None or term != self._term:
            return
        with contextlib.suppress(IllegalStateError):
            consumer.pause(partition)
            consumer.seek(partition, offset)
            self._later(self._resume(consumer, partition, seconds, term))

    async def _resume(self, consumer: AIOKafkaConsumer, partition: TopicPartition, seconds: float, term: int) -> None:
        await self._sleep(seconds)
        if term == self._term:
            with contextlib.suppress(IllegalStateError):
                consumer.resume(partition)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._pauses.add(task)
        task.add_done_callback(self._pauses.discard)

    def _note(self, event: str, partition: TopicPartition, offset: int, reason: str) -> None:
        _log.info(
            event,
            subscription=self.subscription,
            topic=partition.topic,
            partition=partition.partition,
            offset=offset,
            reason=reason,
        )


def _by_partition(records: Sequence[Record]) -> dict[TopicPartition, list[Record]]:
    batches: dict[TopicPartition, list[Record]] = {}
    for record in records:
        batches.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
    return batches


async def _unparsed(records: tuple[Record, ...]) -> KafkaMessage:
    """FastStream's own parser takes every header for UTF-8 text: one that is not would lose the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(
        raw_message=records, body=b"", message_id=f"{first.offset}-{last.offset}", consumer=FAKE_CONSUMER
    )


async def _raw(message: KafkaMessage) -> Any:
    return message.raw_message
