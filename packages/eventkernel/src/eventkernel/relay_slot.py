"""One relay slot, from the moment it is taken: commits go onto the topic, each exactly once.

Nothing is published before the previous holder is fenced and what it left on the topic is known.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from opentelemetry.trace import SpanKind

from eventkernel import cloudevents, tracing
from eventkernel.messages import Commit
from eventkernel.metrics import PUBLISHED
from eventkernel.placement import partition_of, partitions_of_slot
from eventkernel.ports import CommitStore
from eventkernel.relay_ends import PartitionEnds, milliseconds
from eventkernel.timing import at_most

_log = structlog.get_logger(__name__)
# The records of a whole transaction in one request a partition, not in the default's pieces of 16 KiB, each awaited.
_BATCH_BYTES = 512 * 1024
# Whoever reads what was published writes into the same store in these moments, and somebody waits for that. Nobody waits for a clearing.
_CLEARS_AFTER = 0.02


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
        self._more = asyncio.Event()

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
            ends = await self._fence(producer)
            try:
                await self._take(producer, ends)
                await self._serve(producer, ends)
                await self._settle()
            finally:
                await ends.stop()
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

    async def _fence(self, producer: AIOKafkaProducer) -> PartitionEnds:
        async with asyncio.timeout(self._outlet.patience):
            # From here on, whatever an older producer of this transactional id does is refused, and what it had in flight
            # is decided.
            await producer.start()
            self._partitions = len(await producer.partitions_for(self._outlet.topic))
        return PartitionEnds(
            self._outlet.bootstrap, self._outlet.topic, partitions_of_slot(self.slot, self._partitions)
        )

    async def _take(self, producer: AIOKafkaProducer, ends: PartitionEnds) -> None:
        async with asyncio.timeout(self._outlet.patience):
            await ends.start()
            await ends.close_what_is_open(producer)
        oldest = await self._outlet.commits.pending([self.slot], limit=1)
        if oldest:
            async with asyncio.timeout(self._outlet.patience):
                self._tail = await ends.read_tail(since=oldest[0].at)
        _log.info(
            "relay_slot_taken",
            service=self._outlet.service,
            slot=self.slot,
            pending=bool(oldest),
            on_topic=len(self._tail),
        )

    async def _serve(self, producer: AIOKafkaProducer, ends: PartitionEnds) -> None:
        while not self.ended:
            self.ready = True
            self._on_ready()
            batch = await self._box.get()
            self.ready = False
            self._more.set()
            fresh = [commit for commit in batch if not self._is_out(commit)]
            sent: Sequence[RecordMetadata] = ()
            if fresh:
                if not self._leased():
                    return
                sent = await self._publish(producer, fresh)
                self._works()
            # The last batch's clearing ran beside this one's publishing; one at a time keeps what is left out small.
            await self._settle()
            if batch:
                self._clear(batch, sent, ends)

    def _works(self) -> None:
        self.worked = True
        self._show_halted(0)

    def _is_out(self, commit: Commit) -> bool:
        return bool(self._tail) and all(event.id in self._tail for event in commit.events if event.published)

    async def _publish(self, producer: AIOKafkaProducer, commits: Sequence[Commit]) -> Sequence[RecordMetadata]:
        started = time.time_ns()
        async with asyncio.timeout(self._outlet.patience):
            await producer.begin_transaction()
            deliveries = [delivery for commit in commits for delivery in await self._send(producer, commit)]
            # Each delivery is looked at: aiokafka would commit a transaction some of whose records it gave up.
            sent = await asyncio.gather(*deliveries)
            await producer.commit_transaction()
        self.uncleared |= {commit.id for commit in commits}
        PUBLISHED.labels(self._outlet.service, str(self.slot)).inc(len(sent))
        self._trace(commits, started, time.time_ns())
        return sent

    async def _send(self, producer: AIOKafkaProducer, commit: Commit) -> list[asyncio.Future[RecordMetadata]]:
        partition = partition_of(commit.partition_key, self._partitions)
        # The commit's own time, not this relay's: a takeover looks the tail up by the time of a pending commit, and finds
        # its records whatever any relay's clock said.
        timestamp = milliseconds(commit.at)
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

    def _clear(self, commits: Sequence[Commit], sent: Sequence[RecordMetadata], ends: PartitionEnds) -> None:
        ids = [commit.id for commit in commits]
        self.uncleared |= set(ids)
        self._more.clear()

        async def clear() -> None:
            await at_most(_CLEARS_AFTER, self._more)
            # What a broker acknowledged and its readers never see stays pending, and its slot is taken anew.
            async with asyncio.timeout(self._outlet.patience / 4):
                await ends.until_readable(sent)
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


def _looked_at(delivery: "asyncio.Future[RecordMetadata]") -> None:
    # Where one send fails, the others' failures are no news.
    if not delivery.cancelled():
        delivery.exception()
