"""Runs a projection: folds records in memory as they come, and writes each document once a flush, with the checkpoints.

A document remembers the version of each stream that it has seen, and is written only over the revision that was loaded. So an
event that comes again, from whatever offset, has no second effect, and two processes never write over each other.

One flush is written at a time; what comes meanwhile is folded, and travels in the next. So a flush is small where a projection
keeps up, and large where it is behind. Whatever is not plain (a record to be parked, a fold that fails, a document that another
process wrote) makes an end of that: what is in memory is dropped, and the records are taken again, one batch after the other.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from pydantic import BaseModel

from eventkernel import metrics, tracing
from eventkernel.contract import Contract
from eventkernel.documents import SEEN, document_id
from eventkernel.inbox import Delivery, Fault, Inbox, NotTried, Record
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.ports import DocumentStore, DocumentTooLarge, ParkedStore, RevisionConflict, StoreUnavailable
from eventkernel.projection import Projection, stream_mark, topics_of
from eventkernel.store.stored_form import is_too_large
from eventkernel.timing import Clock

_TRIES = 10
# A document of a learner's year takes 43 kB of memory (`python -m bench sizes`); with these a rebuild stays in its bounds (`bench rebuild`).
_KEEP, _CHANGED = 1_000, 1_000
_Place = tuple[str, int]
# A delivery, which of its batch it is, and the document that it is for.
_Aimed = tuple[int, Delivery, str]


@dataclass(slots=True)
class _Held:
    """A document in memory, as the store has it or with what was folded since. `revision` counts a write that is under way."""

    document: BaseModel
    tenant: str
    seen: dict[str, int]
    revision: int


@dataclass(slots=True)
class _Batch:
    """What one `take` was given, and what became of it."""

    place: _Place
    records: Sequence[Record]
    checkpoint: Checkpoint
    started: int
    items: list[Delivery | Fault] = field(default_factory=list)
    is_done: bool = False
    failure: Exception | None = None

    def ends(self, failure: Exception | None = None) -> None:
        self.is_done, self.failure = True, failure


class _Unfoldable(Exception):
    """A fold failed half-way: its document in memory is spoilt."""

    def __init__(self, place: int, delivery: Delivery, cause: Exception) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.place = place
        self.delivery = delivery


class _Spoilt(Exception):
    """An event made a document that cannot be kept; which event is not known yet."""


class Projector:
    """A sink that keeps one read model up to date.

    Args:
        keep: how many documents to hold in memory between flushes.
        changed: where so many documents wait to be written, nothing more is folded before they are under way.
    """

    overlaps = True

    def __init__(
        self, projection: Projection[Any], *, service: str, contract: Contract, documents: DocumentStore, parked: ParkedStore,
        clock: Clock, keep: int = _KEEP, changed: int = _CHANGED,
    ) -> None:  # fmt: skip
        self.subscription = projection.subscription(service)
        self.topics = topics_of(projection.folds, contract)
        self._projection = projection
        self._service = service
        self._documents = documents
        self._clock = clock
        self._keep = keep
        self._changed = changed
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._dirty: dict[str, _Held] = {}
        # Folded, or to be taken with care, and in no flush yet.
        self._waiting: list[_Batch] = []
        self._careful = False
        # Where partitions stopped: nothing behind these offsets is taken before them.
        self._stopped: dict[_Place, int] = {}
        # Taken in this order. Whoever waits for room has the turn, so that what came later stays behind it.
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._folding = asyncio.Lock()
        self._room = asyncio.Event()
        handled = [contract.of(event).type for event in projection.folds]
        self._inbox = Inbox(
            self.subscription, service=service, contract=contract, handled=handled, parked=parked, clock=clock
        )

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all are forgotten
        """Forgets what it holds: another process may have written it meanwhile."""
        async with self._writing, self._folding:
            self._give_up([], NotTried("partitions changed hands"))
            self._stopped.clear()
            self._inbox.forget()

    def revoked(self) -> None:
        """Nothing goes on beside `take`."""

    async def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Folds records of one partition and makes that durable; raises what is transient, having folded nothing."""
        checkpoint = Checkpoint(self.subscription, topic, partition, records[-1].offset + 1)
        batch = _Batch((topic, partition), records, checkpoint, time.time_ns())
        async with self._turn:
            while len(self._dirty) >= self._changed and self._writing.locked():
                self._room.clear()
                await self._room.wait()
            await self._add(batch)
        try:
            async with self._writing:
                # Whoever comes first writes for all that wait.
                if not batch.is_done:
                    await self._flush()
        finally:
            # The next flush is about to begin, or, where those who were to write have been cancelled, whoever waits here writes.
            self._room.set()
        if batch.failure is not None:
            raise batch.failure

    async def _add(self, batch: _Batch) -> None:
        """Folds a batch, or leaves it to be taken with care, and has it wait for a flush."""
        records = batch.records
        async with self._folding:
            if records[0].offset > self._stopped.get(batch.place, records[0].offset):
                raise NotTried(f"{batch.place[0]}/{batch.place[1]} stopped before {records[0].offset}")
            self._stopped.pop(batch.place, None)
            try:
                await self._prepare(batch)
            except BaseException:
                self._stop(batch)
                raise
            self._waiting.append(batch)

    async def _prepare(self, batch: _Batch) -> None:
        """Folds a batch in memory, where nothing is in the way."""
        if self._careful:
            return
        batch.items = await self._inbox.opened(batch.records)
        self._take_for_new(batch.items)
        aimed = await self._load(batch.items)
        # A flush may have failed meanwhile.
        if batch.place in self._stopped:
            raise NotTried(f"{batch.place[0]}/{batch.place[1]} stopped before {batch.records[0].offset}")
        if len(aimed) < len(batch.items):
            self._careful = True
            return
        try:
            self._fold(aimed, each=False)
        except _Unfoldable:
            self._careful = True

    async def _flush(self) -> None:
        """Makes all that waits durable, and tells each batch how it ended."""
        if self._careful:
            await self._take_with_care()
            return
        batches, self._waiting = self._waiting, []
        try:
            await self._write(batches)
        except (StoreUnavailable, asyncio.CancelledError) as away:
            self._give_up(batches, away)
            if isinstance(away, asyncio.CancelledError):
                raise
        except Exception as failed:
            if len(batches) + len(self._waiting) == 1 and not isinstance(failed, RevisionConflict | _Spoilt):
                self._give_up(batches, failed)
            else:
                self._waiting[:0] = batches
                self._careful = True
                await self._take_with_care()
        else:
            self._end(batches)

    async def _take_with_care(self) -> None:
        """Takes each batch by itself from the beginning, so that one that cannot be taken stops its own partition alone."""
        async with self._folding:
            batches, self._waiting = self._waiting, []
            self._forget()
            try:
                for batch in batches:
                    await self._take_alone(batch)
            finally:
                left = [batch for batch in batches if not batch.is_done]
                if left:
                    self._give_up(left, NotTried("cut short"))
                self._careful = False

    async def _take_alone(self, batch: _Batch) -> None:
        if batch.place in self._stopped:
            batch.ends(NotTried(f"{batch.place[0]}/{batch.place[1]} stopped before {batch.records[0].offset}"))
            return
        try:
            batch.items = await self._inbox.opened(batch.records)
            batch.items = await self._settle(batch.items, batch)
        except Exception as failed:
            self._forget()
            self._stop(batch)
            batch.ends(failed)
        else:
            self._end([batch])

    async def _settle(self, items: list[Delivery | Fault], batch: _Batch) -> list[Delivery | Fault]:
        conflicts, each = 0, False
        while conflicts < _TRIES:
            try:
                self._fold(await self._load(items), each=each)
                await self._inbox.park([item for item in items if isinstance(item, Fault)])
                await self._write([batch])
            except _Unfoldable as failed:
                self._forget()
                if each:
                    items[failed.place] = self._inbox.fault(failed.delivery, f"HANDLER_FAILED: {failed}")
                    items = self._inbox.behind(items)
                # An event before it may have spoilt the document: that one is to be blamed, so every fold is checked by itself.
                each = True
            except RevisionConflict:
                self._forget()
                conflicts += 1
            except _Spoilt:
                if each:
                    raise
                self._forget()
                each = True
            else:
                return items
        raise RevisionConflict(f"{self.subscription}: its documents change faster than they can be folded")

    def _give_up(self, batches: Sequence[_Batch], failed: BaseException) -> None:
        """None of these, nor of those folded on top of them, has been taken."""
        for batch in [*batches, *self._waiting]:
            self._stop(batch)
            batch.ends(failed if isinstance(failed, Exception) else NotTried("cut short"))
        self._waiting = []
        self._forget()

    def _stop(self, batch: _Batch) -> None:
        first = batch.records[0].offset
        self._stopped[batch.place] = min(first, self._stopped.get(batch.place, first))

    def _forget(self) -> None:
        self._held.clear()
        self._dirty.clear()

    def _end(self, batches: Sequence[_Batch]) -> None:
        for batch in batches:
            batch.ends()
            self._show(batch)
            batch.items = []
        # Nothing is being written now: what is not dirty lies in the store, or is nothing yet.
        while len(self._held) > self._keep:
            oldest = next(iter(self._held))
            if oldest in self._dirty:
                break
            del self._held[oldest]

    def _take_for_new(self, items: Sequence[Delivery | Fault]) -> None:
        """Makes the documents that begin with their own streams here, unread: where one is there all the same, the store refuses it."""
        for item in items:
            if type(item) is Delivery and item.meta.version == 1:
                name = self._projection.key_of(item.event, item.meta)
                identity = document_id(item.meta.tenant, name)
                if f"-{item.meta.stream}".endswith(f"-{name}") and identity not in self._held:
                    self._held[identity] = self._made(identity, item.meta.tenant, None)

    async def _load(self, items: Sequence[Delivery | Fault]) -> list[_Aimed]:
        """Sees that the documents of these are in memory, and says which is whose."""
        key_of, held = self._projection.key_of, self._held
        aimed = [
            (place, item, document_id(item.meta.tenant, key_of(item.event, item.meta)))
            for place, item in enumerate(items)
            if type(item) is Delivery
        ]
        tenants = {identity: item.meta.tenant for _, item, identity in aimed}
        for known in tenants.keys() & held.keys():
            held.move_to_end(known)
        # Again, since a flush that ends meanwhile may let go of some.
        while missing := tenants.keys() - held.keys():
            found = await self._documents.load(self._projection.collection, list(missing))
            for identity in missing:
                held[identity] = self._made(identity, tenants[identity], found.get(identity))
        return aimed

    def _made(self, identity: str, tenant: str, found: tuple[int, dict[str, object]] | None) -> _Held:
        if found is None:
            return _Held(self._projection.new(identity.removeprefix(f"{tenant}/")), tenant, {}, 0)
        revision, body = found
        seen = body.get(SEEN)
        document = self._projection.document.model_validate(body)
        return _Held(document, tenant, dict(seen) if isinstance(seen, dict) else {}, revision)

    def _fold(self, aimed: Sequence[_Aimed], *, each: bool) -> None:
        folds = self._projection.folds
        for place, delivery, identity in aimed:
            record, event, meta = delivery
            held = self._held[identity]
            stream = stream_mark(record.topic, meta.stream)
            if meta.version <= held.seen.get(stream, 0):
                continue
            try:
                folds[type(event)](held.document, event, meta)
                if each:
                    self._check(identity, held)
            except Exception as cause:
                raise _Unfoldable(place, delivery, cause) from cause
            held.seen[stream] = meta.version
            self._dirty[identity] = held

    async def _write(self, batches: Sequence[_Batch]) -> None:
        writes = [DocumentWrite(identity, held.revision, self._body(held)) for identity, held in self._dirty.items()]
        # From here on what is folded belongs to the next write, which is over this one's revisions.
        for held in self._dirty.values():
            held.revision += 1
        self._dirty.clear()
        # A partition's last is its furthest.
        checkpoints = {batch.place: batch.checkpoint for batch in batches}
        try:
            await self._documents.write(self._projection.collection, writes, list(checkpoints.values()))
        except Exception as failed:
            if isinstance(failed, RevisionConflict):
                raise
            if not isinstance(failed, DocumentTooLarge) and all(_is_keepable(write.body) for write in writes):
                raise
            raise _Spoilt(str(failed)) from failed

    def _check(self, identity: str, held: _Held) -> None:
        body = self._body(held)
        if not _is_keepable(body) or is_too_large(DocumentWrite(identity, held.revision, body)):
            raise _Spoilt("no store can keep what it makes of the document")

    def _body(self, held: _Held) -> dict[str, object]:
        try:
            fields = held.document.model_dump(warnings=False)
            # What is written has to be readable: else the next process that loads it cannot go on.
            self._projection.document.model_validate(fields)
        except ValueError as unreadable:
            raise _Spoilt(str(unreadable)) from unreadable
        fields["tenant"], fields[SEEN] = held.tenant, dict(held.seen)
        return fields

    def _show(self, batch: _Batch) -> None:
        now, ended = self._clock(), time.time_ns()
        metas = [item.meta for item in batch.items if type(item) is Delivery]
        if metas:
            # The oldest speaks for the batch: to count each by itself would cost more than to fold it.
            age = (now - min(meta.at for meta in metas)).total_seconds()
            metrics.EVENT_AGE.labels(self._service, self.subscription).observe(max(0.0, age))
        for meta in metas:
            if tracing.is_recorded(meta.traceparent):
                tracing.past_span(
                    f"project {self._projection.name}", traceparent=meta.traceparent, start_ns=batch.started, end_ns=ended,
                    event_id=meta.event_id, event_type=meta.type,
                )  # fmt: skip


def _is_keepable(value: object) -> bool:
    """Whether a store has a type for it."""
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _is_keepable(part) for name, part in value.items())
    if isinstance(value, list | tuple):
        return all(_is_keepable(part) for part in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, str | bytes | float | datetime)
