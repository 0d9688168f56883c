"""One relay slot, from the moment it is taken: commits go onto the topic, each exactly once.

Nothing is published before the previous holder is fenced and what it left on the topic is known.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from opentelemetry.trace import SpanKind

from eventkernel import cloudevents, tracing
from eventkernel.messages import Commit
from eventkernel.metrics import PUBLISHED
from eventkernel.placement import partition_of, partitions_of_slot
from eventkernel.ports import CommitStore

_log = structlog.get_logger(__name__)
_EPOCH = datetime.fromtimestamp(0, UTC)
# The records of a whole transaction in one request a partition, not in the default's pieces of 16 KiB, each awaited.
_BATCH_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Outlet:
    """What the slots of one relay share. `patience`: seconds until the broker's silence counts as a failure."""

    commits: CommitStore
    topic: str
    source: str
    bootstrap: str
    service: str
    patience: float


class Holding:
    """One slot held, from fencing the holder before to the first error or the end. After an error a new one begins anew.

    Args:
        slot: its number.
        outlet: what it shares with the others.
        leased: whether the lease still runs.
        on_ready: called whenever it can take a batch.
        show_halted: shows whether the slot is halted: not where it published, or found nothing to publish.
    """

    def __init__(
        self,
        slot: int,
        outlet: Outlet,
        leased: Callable[[], bool],
        on_ready: Callable[[], None],
        show_halted: Callable[[float], None],
    ) -> None:
        self.slot = slot
        # Published and not yet marked so in the store: never to be asked for again.
        self.uncleared: frozenset[str] = frozenset()
        self.ready = False
        self.ended = False
        # Whether it got as far as to be of use, so that a later error is a new one.
        self.worked = False
        self._outlet = outlet
        self._leased = leased
        self._on_ready = on_ready
        self._show_halted = show_halted
        self._tail: frozenset[str] = frozenset()
        self._partitions = 0
        self._box: asyncio.Queue[Sequence[Commit]] = asyncio.Queue()
        self._clearing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Takes the slot and publishes what it is given, until its end or that of the lease.

        Raises anything that leaves it unknown what is on the topic.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=self._outlet.bootstrap,
            client_id=f"{self._outlet.service}-relay-{self.slot}",
            transactional_id=f"{self._outlet.service}-relay-{self.slot}",
            acks="all",
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=int(self._outlet.patience * 1000),
            # What a dead holder left open holds up every reader of the partition until it is aborted, here or by a successor.
            transaction_timeout_ms=int(self._outlet.patience * 2000),
        )
        try:
            await self._take(producer)
            await self._serve(producer)
            await self._settle()
        finally:
            self.ready = False
            if self._clearing is not None:
                self._clearing.cancel()
            await _discard(producer, self._outlet.patience)

    def give(self, commits: Sequence[Commit], everything: bool) -> None:
        """A batch, oldest first, while it is `ready`. `everything`: nothing else of this slot is pending."""
        if everything and not commits:
            # All that was pending at the takeover has come by, so the tail can match nothing any more.
            self._tail = frozenset()
            self._works()
        if commits:
            self.ready = False
            self._box.put_nowait(commits)

    def end(self) -> None:
        """Finishes the transaction in flight, and no other is begun."""
        self.ended = True
        self._box.put_nowait(())

    async def _take(self, producer: AIOKafkaProducer) -> None:
        async with asyncio.timeout(self._outlet.patience):
            # Fences: from here on, whatever an older producer of this transactional id does is refused, and what it
            # had in flight is decided.
            await producer.start()
            self._partitions = len(await producer.partitions_for(self._outlet.topic))
            own = partitions_of_slot(self.slot, self._partitions)
        oldest = await self._outlet.commits.pending([self.slot], limit=1)
        if oldest:
            async with asyncio.timeout(self._outlet.patience):
                self._tail = await _read_tail(self._outlet, own, since=oldest[0].at)
        _log.info(
            "relay_slot_taken",
            service=self._outlet.service,
            slot=self.slot,
            pending=bool(oldest),
            on_topic=len(self._tail),
        )

    async def _serve(self, producer: AIOKafkaProducer) -> None:
        while not self.ended:
            self.ready = True
            self._on_ready()
            batch = await self._box.get()
            self.ready = False
            fresh = [commit for commit in batch if not self._is_out(commit)]
            if fresh:
                if not self._leased():
                    return
                await self._publish(producer, fresh)
                self._works()
            # The last batch's clearing ran beside this one's publishing; one at a time keeps what is left out small.
            await self._settle()
            if batch:
                self._clear(batch)

    def _works(self) -> None:
        self.worked = True
        self._show_halted(0)

    def _is_out(self, commit: Commit) -> bool:
        return bool(self._tail) and all(event.id in self._tail for event in commit.events if event.published)

    async def _publish(self, producer: AIOKafkaProducer, commits: Sequence[Commit]) -> None:
        started = time.time_ns()
        async with asyncio.timeout(self._outlet.patience):
            await producer.begin_transaction()
            sent = [delivery for commit in commits for delivery in await self._send(producer, commit)]
            # Each delivery is looked at: aiokafka would commit a transaction some of whose records it gave up.
            await asyncio.gather(*sent)
            await producer.commit_transaction()
        self.uncleared |= {commit.id for commit in commits}
        PUBLISHED.labels(self._outlet.service, str(self.slot)).inc(len(sent))
        self._trace(commits, started, time.time_ns())

    async def _send(self, producer: AIOKafkaProducer, commit: Commit) -> list[asyncio.Future[object]]:
        partition = partition_of(commit.partition_key, self._partitions)
        # The commit's own time, not this relay's: a takeover looks the tail up by the time of a pending commit, and finds
        # its records whatever any relay's clock said. The division is exact where a float's would not be.
        timestamp = _milliseconds(commit.at)
        deliveries = []
        for event in commit.events:
            if event.published:
                key, value, headers = cloudevents.encode(commit, event, self._outlet.source)
                deliveries.append(
                    await producer.send(
                        self._outlet.topic, value, key, partition=partition, timestamp_ms=timestamp, headers=headers
                    )
                )
        for delivery in deliveries:
            delivery.add_done_callback(_looked_at)
        return deliveries

    def _clear(self, commits: Sequence[Commit]) -> None:
        ids = [commit.id for commit in commits]
        self.uncleared |= set(ids)

        async def clear() -> None:
            await self._outlet.commits.clear(ids)
            self.uncleared -= set(ids)

        self._clearing = asyncio.create_task(clear())
        self._clearing.add_done_callback(self._wake_if_failed)

    def _wake_if_failed(self, clearing: "asyncio.Task[None]") -> None:
        # So that it is noticed though nothing more may come to be published.
        if not clearing.cancelled() and clearing.exception() is not None:
            self._box.put_nowait(())

    async def _settle(self) -> None:
        if self._clearing is not None:
            clearing, self._clearing = self._clearing, None
            await clearing

    def _trace(self, commits: Sequence[Commit], started: int, ended: int) -> None:
        for commit in commits:
            tracing.past_span(
                "relay publish",
                traceparent=commit.traceparent,
                start_ns=started,
                end_ns=ended,
                kind=SpanKind.PRODUCER,
                topic=self._outlet.topic,
                partition=partition_of(commit.partition_key, self._partitions),
            )


async def _read_tail(outlet: Outlet, partitions: Sequence[int], since: datetime) -> frozenset[str]:
    """The ids of the events that these partitions hold from a commit's time on, up to where they end now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=outlet.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    ids: set[str] = set()
    await consumer.start()
    try:
        own = [TopicPartition(outlet.topic, partition) for partition in partitions]
        # A record carries its commit's time: the first at or after the oldest pending commit's comes before every record
        # of any pending commit, in whatever order the times lie in the partition.
        starts = await consumer.offsets_for_times(dict.fromkeys(own, _milliseconds(since)))
        ends = await consumer.end_offsets(own)
        unread = {partition for partition in own if starts[partition] and starts[partition].offset < ends[partition]}
        consumer.assign(unread)
        for partition in unread:
            consumer.seek(partition, starts[partition].offset)
        while unread:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                ids.update(event_id for record in records if (event_id := cloudevents.event_id_of(record)))
            unread = {partition for partition in unread if await consumer.position(partition) < ends[partition]}
    finally:
        await consumer.stop()
    return frozenset(ids)


async def _discard(producer: AIOKafkaProducer, patience: float) -> None:
    """Lets a producer go without ending its transaction: its successor's fencing does, whatever became of it."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(patience):
            await producer.stop()
            return
    # `stop` waits for what can no longer be delivered. aiokafka has no public way to give it up.
    sender = producer._sender.sender_task  # noqa: SLF001
    for _ in range(2):  # the second one interrupts the requests that the first lets finish
        if sender is not None and not sender.done():
            sender.cancel()
            await asyncio.wait([sender], timeout=1.0)
    with contextlib.suppress(Exception):
        await producer.client.close()


def _looked_at(delivery: "asyncio.Future[object]") -> None:
    # Where one send fails, the others' failures are no news.
    if not delivery.cancelled():
        delivery.exception()


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
