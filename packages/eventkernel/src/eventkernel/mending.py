"""What an operator asked for parked records is done here, by whoever consumes their partition: each stream in its order.

Records that come live wait meanwhile. A record is removed only once its effect is durable, and doing it again has no second effect;
so a process may die at any point, and the next one goes on with what is left.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import cast

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from eventkernel.inbox import NotTried, Record
from eventkernel.intake import Sink
from eventkernel.messages import Asked, AskedStream, DueRow, ParkedRecord, ParkedStream
from eventkernel.ports import DueStore, ParkedStore
from eventkernel.timing import Clock

# After so many records those that come live get their turn.
_A_TURN = 100
_log = structlog.get_logger(__name__)


class MendingSink:
    """A sink that beside its records takes up its parked ones, while none is being taken.

    Args:
        sink: what takes the records that come.
        again: makes a sink of the same kind, which parks where it is told. It shares no memory with the first, and what either writes the
            other does not write over: a document by its revision, a command by its id.
        parked: where both park.
    """

    def __init__(self, sink: Sink, again: Callable[[ParkedStore], Sink], parked: ParkedStore, clock: Clock) -> None:
        self.subscription = sink.subscription
        self.topics = sink.topics
        self.overlaps = sink.overlaps
        self._sink = sink
        self._again = again
        self._parked = parked
        self._clock = clock
        self._held: frozenset[TopicPartition] = frozenset()
        # Counts the assignments: a partition that went to another process is mended there.
        self._term = 0
        self._taking = 0
        # Those that waited for the mending go on in the order in which they came.
        self._turn = asyncio.Lock()
        self._failed = False
        self._mending = False
        self._moved = asyncio.Event()

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """As the sink's; what is being mended ends with the record that it is at."""
        self._held = frozenset(partitions)
        self._term += 1
        await self._until(lambda: not self._mending)
        await self._sink.assigned(self._held)
        self._failed = False

    def revoked(self) -> None:
        """What is being mended ends with the record that it is at: takes wait for it, and the partitions' next holder for them."""
        self._held = frozenset()
        self._term += 1

    async def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """As the sink's, once nothing is being mended."""
        async with self._turn:
            await self._until(lambda: not self._mending)
            if self._failed and self.overlaps:
                # The sink would know, had it not been told to start anew when the mending ended.
                raise NotTried(f"{topic}/{partition}: records before {records[0].offset} failed")
            self._taking += 1
        try:
            await self._sink.take(topic, partition, records)
        except BaseException:
            self._failed = True
            raise
        finally:
            self._taking -= 1
            self._moved.set()

    async def mend(self) -> None:
        """Does what was asked for the records of the partitions held here; a failure that may pass leaves it asked."""
        self._mending = True
        try:
            await self._until(lambda: not self._taking)
            try:
                await self._mend()
            finally:
                # The sink knew which streams were parked, and has documents that were written since.
                await self._sink.assigned(self._held)
        finally:
            self._mending = False
            self._moved.set()

    async def _mend(self) -> None:
        term, left = self._term, _A_TURN
        for asked in await self._parked.asked_streams(self.subscription):
            if TopicPartition(asked.stream.topic, asked.partition) not in self._held:
                continue
            if left <= 0 or term != self._term:
                return
            left -= await self._mend_stream(asked, left, lambda: term == self._term)

    async def _mend_stream(self, of: AskedStream, most: int, goes_on: Callable[[], bool]) -> int:
        """Takes a stream's records up to the first for which nothing is asked, or which fails; how many were looked at."""
        sink = self._again(cast("ParkedStore", _Trial()))
        for place in range(most):
            # One at a time, with what follows: they are kept whole, and a stream may have any number.
            record, *followers = await _first(self._parked, self.subscription, of.stream, 2) or (None,)
            if record is None or not goes_on():
                return place
            asked = record.asked
            if asked is None:
                if not place:
                    # The first failed again and its process died before it said so: what follows is not to be taken before it.
                    await self._parked.withdraw(self.subscription, of.stream, of.acts)
                return place + 1
            if not asked.discard:
                failed = await self._take_again(sink, record)
                if failed is not None:
                    await self._park_again(record, asked, failed, of)
                    return place + 1
                if not goes_on():
                    # Who holds the partition now does it again, which changes nothing, and tells its own sink.
                    return place + 1
            await self._pass_on(asked, followers)
            if await self._parked.settle(record.id, asked.act_id):
                _log.info("parked record settled", record=record.id, act=asked.act_id, discarded=asked.discard)
        return most

    async def _pass_on(self, asked: Asked, followers: Sequence[ParkedRecord]) -> None:
        """Asks the same for the next record, durably, before the one that was asked for is gone."""
        if asked.onwards and followers and not followers[0].asked:
            await self._parked.ask([followers[0].id], asked)

    async def _take_again(self, sink: Sink, record: ParkedRecord) -> str | None:
        """Handles one record; why it is to be parked again, or None. Raises what may pass."""
        try:
            await sink.take(record.topic, record.partition, [_as_it_came(record)])
        except Exception as failed:
            again = _parked_again(failed)
            if again is None:
                raise
            return again.reason
        return None

    async def _park_again(self, record: ParkedRecord, asked: Asked, reason: str, of: AskedStream) -> None:
        again = replace(record, reason=reason, attempts=record.attempts + 1, at=self._clock())
        await self._parked.park_again(again, asked.act_id)
        # What somebody asks meanwhile is of an act of its own, and stands.
        await self._parked.withdraw(self.subscription, of.stream, of.acts | {asked.act_id})
        _log.error("record parked again", record=record.id, act=asked.act_id, reason=reason, attempts=again.attempts)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._moved.clear()
            await self._moved.wait()


async def give_back_due(parked: ParkedStore, due: DueStore, subscription: str) -> None:
    """Opens parked due rows again, or forgets them, as was asked; a turn of them. Several processes may do it at once."""
    if subscription not in await parked.asked():
        return
    settled = 0
    for asked in await parked.asked_streams(subscription):
        # Each row is a stream of its own.
        for record in await _first(parked, subscription, asked.stream, 1):
            settled += await _give_back(parked, due, record)
        if settled >= _A_TURN:
            return


async def _give_back(parked: ParkedStore, due: DueStore, record: ParkedRecord) -> bool:
    """Whether the record is settled by this."""
    if record.asked is None:
        return False
    if record.asked.discard:
        # Whoever parked it may have died before it said that the row is done.
        await due.finish(_row(record))
    elif not await due.reopen(record.stream, record.attempts):
        # Whoever parked it says only now that the row is done: without its record it would be lost.
        return False
    # A row that is refused at once is parked anew, and then nothing is asked for it any more.
    if not await parked.settle(record.id, record.asked.act_id):
        return False
    _log.info("parked record settled", record=record.id, act=record.asked.act_id, discarded=record.asked.discard)
    return True


async def _first(parked: ParkedStore, subscription: str, stream: ParkedStream, limit: int) -> list[ParkedRecord]:
    """A stream's first records."""
    return await parked.list(subscription, **stream._asdict(), limit=limit)


def _row(record: ParkedRecord) -> DueRow:
    """The due row as it was when it was parked."""
    return DueRow(
        record.stream, record.tenant, record.at, record.topic.partition("/")[0], record.value or b"", attempts=record.attempts
    )  # fmt: skip


class _ParkedAgain(Exception):
    """A record that was taken again would be parked again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Trial:
    """Where a sink parks that tries a record again: nothing is parked there, and nothing is kept."""

    async def streams(self, _subscription: str) -> dict[ParkedStream, tuple[int, int]]:
        """None: what is tried is not in its own way."""
        return {}

    async def park(self, records: Sequence[ParkedRecord]) -> None:
        """Tells why instead."""
        for record in records:
            raise _ParkedAgain(record.reason)


def _parked_again(failed: BaseException) -> _ParkedAgain | None:
    if isinstance(failed, BaseExceptionGroup):
        # Only where nothing else failed: what may pass comes first.
        found = [_parked_again(one) for one in failed.exceptions]
        return found[0] if all(found) else None
    return failed if isinstance(failed, _ParkedAgain) else None


def _as_it_came(record: ParkedRecord) -> Record:
    # Its own offset would move the checkpoint, perhaps over records that were not taken yet; before the first one it moves nothing.
    return ConsumerRecord(
        record.topic, record.partition, -1, 0, 0, record.key, record.value, 0, len(record.key), len(record.value or b""), record.headers,
    )  # fmt: skip
