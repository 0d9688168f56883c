"""One sink's consumer: what is read for it, what of that is under way, and which offsets may be committed.

An offset is committed only after the sink has taken every record before it. Where a take fails, its partition is read again from
there, and nothing that follows is taken before it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from eventkernel.inbox import NotTried, Record
from eventkernel.metrics import CONSUMED, LAG

Sleep = Callable[[float], Awaitable[None]]

_log = structlog.get_logger(__name__)
_BACKOFF_FIRST, _BACKOFF_LAST = 0.1, 30.0
_PLACE = attrgetter("topic", "partition")


class Sink(Protocol):
    """What takes a subscription's records: a projection, a reaction."""

    @property
    def subscription(self) -> str:
        """The consumer group, such as `evidence.ksb_progress.v1`."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads. All have the same number of partitions, so one process holds a key's events from each."""
        ...

    @property
    def overlaps(self) -> bool:
        """Whether `take` may be called again, with what follows, before it has returned.

        Where one of those fails, so do all of its partition that follow it; NotTried says that a batch failed by another's fault.
        """
        ...

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are held from now on and no others: whatever is remembered of any is to be dropped.

        It is called after every rebalance, and after a `take` that failed, before the first `take` that follows; again where it
        raised. No `take` is under way.
        """
        ...

    def revoked(self) -> None:
        """The partitions held are about to go to others, or the process stops: what goes on beside `take` is to come to its end.

        A `take` may be under way, and is waited for. `assigned` comes before the next one.
        """
        ...

    async def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Returns when every one of these records has had its durable effect, or has been parked.

        Records may come again, from any earlier offset on. Whatever is raised counts as transient: the same records come
        again after a pause, and nothing of their partition in between.
        """
        ...


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Reads for one intake: only when that has room, and without end until something is there.

    FastStream sleeps after an empty poll, and what comes meanwhile would wait. The broker holds a fetch back until there is
    something, so waiting here costs nothing.
    """

    def __init__(self, *topics: str, intake: "Intake", **options: Any) -> None:
        super().__init__(*topics, **options)
        self._intake = intake

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """As aiokafka's, but never empty."""
        while True:
            await self._intake.prepare()
            try:
                found: dict[TopicPartition, list[Record]] = await super().getmany(
                    *partitions, timeout_ms=timeout_ms, max_records=max_records
                )
            except KafkaError:
                self._intake.could_not_read()
                raise
            self._intake.could_read()
            if found:
                return found


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One sink's consumer: what it fetched, by partition, and which of that is still its business."""

    def __init__(
        self, sink: Sink, service: str, *, ahead: int, drain: float, sleep: Sleep, broken: Callable[[], None]
    ) -> None:
        self.consumer: Callable[[], AIOKafkaConsumer | None] = lambda: None
        self._broken = broken
        self._errors = 0
        self.subscription = sink.subscription
        self._sink = sink
        self._labels = (service, sink.subscription)
        self._ahead = ahead if sink.overlaps else 1
        self._drain = drain
        self._sleep = sleep
        # Counts what ends the business with records fetched before: each revocation, and the stop.
        self._term = 0
        self._stopping = False
        self._moved = asyncio.Event()
        self._handling = False
        # Takes under way with how many records each has; what was taken and is not committed; whether a commit is under way.
        self._under_way: dict[asyncio.Task[None], int] = {}
        self._taken: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        # Where partitions are to be read from again. Nothing of them is begun before that.
        self._back: dict[TopicPartition, int] = {}
        self._held: frozenset[TopicPartition] = frozenset()
        self._untold = False
        self._telling = asyncio.Lock()
        self._failures: dict[TopicPartition, int] = {}
        self._pauses: set[asyncio.Task[None]] = set()
        self._shown: set[TopicPartition] = set()

    async def prepare(self) -> None:
        """Waits until more may be fetched, and goes back to what was not taken. It is called before each fetch."""
        while True:
            await self._until(lambda: not self._stopping and self._has_room())
            if self._back:
                # What is under way of a partition that failed fails as well; only then is it known how far to go back.
                await self._until(lambda: not self._under_way)
                self._go_back()
            if not self._untold:
                return
            try:
                await self._tell()
            except Exception:
                # The next `take` tries again, and goes back where that fails.
                _log.exception("subscription_assignment_failed", subscription=self.subscription)
                return

    async def take(self, records: Sequence[Record]) -> None:
        """Begins with one batch. It raises nothing: FastStream would log it and go on behind the records."""
        term = self._term
        self._handling = True
        try:
            for partition, batch in _by_partition(records).items():
                await self._until(lambda: term != self._term or self._has_room())
                if term != self._term:
                    return
                await self._begin(partition, batch, term)
            if not self._sink.overlaps:
                await self._until(lambda: term != self._term or not self._under_way)
        finally:
            self._handling = False
            self._moved.set()

    def could_read(self) -> None:
        """The consumer polled without an error."""
        self._errors = 0

    def could_not_read(self) -> None:
        """Polling raised. A consumer waits out what passes by itself; one that raises again has ended inside, and stays so."""
        self._errors += 1
        if self._errors > 1:
            self._broken()

    def stop(self) -> None:
        """Nothing more is begun."""
        self._term += 1
        self._sink.revoked()
        self._stopping = True
        self._moved.set()
        for pause in self._pauses:
            pause.cancel()

    async def finish(self) -> None:
        """Gives what is under way time to end and to be committed, then ends it."""
        await self._drained()
        for task in self._under_way:
            task.cancel()

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Gives what is in flight time to be committed, so that the next owner need not read it again."""
        self._term += 1
        self._sink.revoked()
        self._moved.set()
        await self._drained()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Tells the sink, or leaves it to the next `take` where one is still in flight."""
        self._held = frozenset(assigned)
        self._untold = True
        self._failures.clear()
        # Every position is the committed offset again.
        self._back.clear()
        if self._is_idle():
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

    async def _begin(self, partition: TopicPartition, batch: Sequence[Record], term: int) -> None:
        try:
            await self._tell()
        except Exception as failed:
            self._again_later(partition, batch[0].offset, term, failed)
            return
        if partition in self._back:
            self._back[partition] = min(self._back[partition], batch[0].offset)
        elif term == self._term:
            task = asyncio.create_task(self._take(partition, batch, term))
            self._under_way[task] = len(batch)

    async def _take(self, partition: TopicPartition, batch: Sequence[Record], term: int) -> None:
        try:
            await self._sink.take(partition.topic, partition.partition, batch)
        except Exception as failed:
            self._again_later(partition, batch[0].offset, term, failed)
        else:
            self._failures.pop(partition, None)
            CONSUMED.labels(*self._labels).inc(len(batch))
            self._taken[partition] = batch[-1].offset + 1
            if self._committing is None:
                self._committing = asyncio.create_task(self._commit())
        finally:
            task = asyncio.current_task()
            if task is not None:
                self._under_way.pop(task, None)
            self._moved.set()

    def _has_room(self) -> bool:
        return sum(self._under_way.values()) < self._ahead

    def _is_idle(self) -> bool:
        return not self._handling and not self._under_way and self._committing is None

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._moved.clear()
            await self._moved.wait()

    async def _drained(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                await self._until(self._is_idle)

    async def _tell(self) -> None:
        async with self._telling:
            while self._untold:
                await self._until(lambda: not self._under_way)
                held = self._held
                await self._sink.assigned(held)
                self._untold = held is not self._held

    async def _commit(self) -> None:
        """Commits what was taken, and what is taken meanwhile."""
        try:
            while self._taken:
                offsets, self._taken = self._taken, {}
                await self._commit_these(offsets)
        finally:
            self._committing = None
            self._moved.set()

    async def _commit_these(self, offsets: dict[TopicPartition, int]) -> None:
        consumer = self.consumer()
        held = frozenset() if consumer is None else consumer.assignment()
        for partition in offsets.keys() - held:
            # The new owner reads the records again, and the sink knows them by their offsets.
            self._note("subscription_partition_moved", partition, offsets.pop(partition), reason="revoked")
        if consumer is None or not offsets:
            return
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            for partition, offset in offsets.items():
                self._note("subscription_partition_moved", partition, offset, reason=str(error))
        except KafkaError as error:
            # The next commit of these partitions includes this one.
            for partition, offset in offsets.items():
                self._note("subscription_commit_failed", partition, offset, reason=repr(error))

    def _again_later(self, partition: TopicPartition, offset: int, term: int, failed: Exception) -> None:
        """Notes to go back to the first record not taken. A partition that failed rests; the others of this sink flow on."""
        if isinstance(failed, NotTried):
            seconds = 0.0
        else:
            attempt = self._failures[partition] = self._failures.get(partition, 0) + 1
            seconds = min(_BACKOFF_LAST, _BACKOFF_FIRST * 2 ** min(attempt - 1, 16))
            _log.error(
                "subscription_take_failed",
                subscription=self.subscription,
                topic=partition.topic,
                partition=partition.partition,
                offset=offset,
                attempt=attempt,
                retry_in=seconds,
                exc_info=failed,
            )
        consumer = self.consumer()
        # After a rebalance its position is the committed offset, which is right and not ours to change.
        if consumer is None or term != self._term:
            return
        self._back[partition] = min(offset, self._back.get(partition, offset))
        with contextlib.suppress(IllegalStateError):
            if seconds:
                consumer.pause(partition)
                self._later(self._resume(consumer, partition, seconds, term))

    def _go_back(self) -> None:
        consumer, back, self._back = self.consumer(), self._back, {}
        for partition, offset in back.items():
            with contextlib.suppress(IllegalStateError):
                if consumer is not None:
                    consumer.seek(partition, offset)
        # A sink that failed may hold what never became durable.
        self._untold = True

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
    for place, run in groupby(records, _PLACE):
        batches.setdefault(TopicPartition(*place), []).extend(run)
    return batches
