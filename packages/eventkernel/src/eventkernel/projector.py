"""Runs a projection: folds a batch in memory, and writes each document once, together with the checkpoint.

A document remembers the version of each stream that it has seen, and is written only over the revision that was loaded. So an
event that comes again, from whatever offset, has no second effect, and two processes never write over each other.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from pydantic import BaseModel

from eventkernel import metrics, tracing
from eventkernel.contract import Contract
from eventkernel.documents import SEEN, document_id
from eventkernel.inbox import Delivery, Fault, Inbox, Record
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.ports import DocumentStore, ParkedStore, RevisionConflict
from eventkernel.projection import Projection, stream_mark, topics_of
from eventkernel.timing import Clock

_TRIES = 10


@dataclass(slots=True)
class _Held:
    """A document in memory, as the store has it or with what was folded since."""

    document: BaseModel
    tenant: str
    seen: dict[str, int]
    revision: int
    dirty: bool = False


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
        keep: how many documents to hold in memory between batches.
    """

    def __init__(
        self, projection: Projection[Any], *, service: str, contract: Contract, documents: DocumentStore, parked: ParkedStore,
        clock: Clock, keep: int = 10_000,
    ) -> None:  # fmt: skip
        self.subscription = f"{service}.{projection.name}.v{projection.version}"
        self.topics = topics_of(projection.folds, contract)
        self._projection = projection
        self._service = service
        self._documents = documents
        self._clock = clock
        self._keep = keep
        self._held: OrderedDict[str, _Held] = OrderedDict()
        handled = [contract.of(event).type for event in projection.folds]
        self._inbox = Inbox(
            self.subscription, service=service, contract=contract, handled=handled, parked=parked, clock=clock
        )

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all are forgotten
        """Forgets what it holds: another process may have written it meanwhile."""
        self._held.clear()
        self._inbox.forget()

    async def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Folds records of one partition and makes that durable; raises what is transient, having changed nothing in memory."""
        started = time.time_ns()
        checkpoint = Checkpoint(self.subscription, topic, partition, records[-1].offset + 1)
        items = await self._inbox.opened(records)
        try:
            folded = await self._flush(items, checkpoint)
        except BaseException:
            self._held.clear()
            raise
        self._show(folded, started)
        while len(self._held) > self._keep:
            self._held.popitem(last=False)

    async def _flush(self, items: list[Delivery | Fault], checkpoint: Checkpoint) -> list[Delivery]:
        conflicts, each = 0, False
        while conflicts < _TRIES:
            try:
                await self._load(items)
                self._fold(items, each=each)
                await self._inbox.park([item for item in items if isinstance(item, Fault)])
                await self._write(checkpoint)
                return [item for item in items if isinstance(item, Delivery)]
            except _Unfoldable as failed:
                self._held.clear()
                if each:
                    items[failed.place] = self._inbox.fault(failed.delivery, f"HANDLER_FAILED: {failed}")
                    items = self._inbox.behind(items)
                # An event before it may have spoilt the document: that one is to be blamed, so every fold is checked by itself.
                each = True
            except RevisionConflict:
                self._held.clear()
                conflicts += 1
            except _Spoilt:
                if each:
                    raise
                self._held.clear()
                each = True
        raise RevisionConflict(f"{self.subscription}: its documents change faster than they can be folded")

    async def _load(self, items: Sequence[Delivery | Fault]) -> None:
        tenants = {self._id(item): item.meta.tenant for item in items if isinstance(item, Delivery)}
        for known in tenants.keys() & self._held.keys():
            self._held.move_to_end(known)
        missing = [identity for identity in tenants if identity not in self._held]
        if not missing:
            return
        found = await self._documents.load(self._projection.collection, missing)
        for identity in missing:
            tenant = tenants[identity]
            if identity in found:
                revision, body = found[identity]
                seen = body.get(SEEN)
                document = self._projection.document.model_validate(body)
                self._held[identity] = _Held(document, tenant, dict(seen) if isinstance(seen, dict) else {}, revision)
            else:
                document = self._projection.new(identity.removeprefix(f"{tenant}/"))
                self._held[identity] = _Held(document, tenant, {}, 0)

    def _fold(self, items: Sequence[Delivery | Fault], *, each: bool) -> None:
        for place, item in enumerate(items):
            if isinstance(item, Fault):
                continue
            held = self._held[self._id(item)]
            stream = stream_mark(item.record.topic, item.meta.stream)
            if item.meta.version <= held.seen.get(stream, 0):
                continue
            try:
                self._projection.folds[type(item.event)](held.document, item.event, item.meta)
                if each:
                    self._check(held)
            except Exception as cause:
                raise _Unfoldable(place, item, cause) from cause
            held.seen[stream] = item.meta.version
            held.dirty = True

    async def _write(self, checkpoint: Checkpoint) -> None:
        dirty = {identity: held for identity, held in self._held.items() if held.dirty}
        writes = [DocumentWrite(identity, held.revision, self._body(held)) for identity, held in dirty.items()]
        try:
            await self._documents.write(self._projection.collection, writes, checkpoint)
        except Exception as failed:
            if isinstance(failed, RevisionConflict) or all(_is_keepable(write.body) for write in writes):
                raise
            raise _Spoilt(str(failed)) from failed
        for held in dirty.values():
            held.revision += 1
            held.dirty = False

    def _check(self, held: _Held) -> None:
        if not _is_keepable(self._body(held)):
            raise _Spoilt("no store can keep what it makes of the document")

    def _body(self, held: _Held) -> dict[str, object]:
        try:
            fields = held.document.model_dump(warnings=False)
            # What is written has to be readable: else the next process that loads it cannot go on.
            self._projection.document.model_validate(fields)
        except ValueError as unreadable:
            raise _Spoilt(str(unreadable)) from unreadable
        return {**fields, "tenant": held.tenant, SEEN: held.seen}

    def _id(self, item: Delivery) -> str:
        return document_id(item.meta.tenant, str(getattr(item.event, self._projection.key)))

    def _show(self, folded: Sequence[Delivery], started: int) -> None:
        now, ended = self._clock(), time.time_ns()
        age = metrics.EVENT_AGE.labels(self._service, self.subscription)
        for item in folded:
            age.observe(max(0.0, (now - item.meta.at).total_seconds()))
            tracing.past_span(
                f"project {self._projection.name}", traceparent=item.meta.traceparent, start_ns=started, end_ns=ended,
                event_id=item.meta.event_id, event_type=item.meta.type,
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
