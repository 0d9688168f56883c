"""What each part of projecting costs alone, a microsecond an event: each over the same records, which were read beforehand."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord
from eventkernel import metrics, tracing
from eventkernel.inbox import Delivery, Inbox
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.service import Service
from eventkernel.store.memory.parked import MemoryParked
from eventkernel.timing import utc_now

from bench import samples, topic
from bench.measure import check
from bench.sinks import Counted, Stub

_Batches: TypeAlias = list[Sequence[ConsumerRecord[bytes, bytes]]]
_BATCH = 500
_READING, _PROJECTING = "reading with aiokafka, nothing else", "the projector without Kafka"
_BODIES = "bodies: dump and validation"
_SERVICE = "bench-parts"


class Alone:
    """The parts of one projection, over one topic."""

    def __init__(self, projection: Projection[Any], service: Service, events: int) -> None:
        self._projection = projection
        self._contract = service.contract
        self._events = events
        self._found: dict[str, float] = {}

    async def measure(self, bootstrap: str, topic_name: str) -> dict[str, float]:
        """Microseconds an event for each part, and for all that is not Kafka."""
        self._found = {}
        batches = await self._read(bootstrap, topic_name)
        deliveries = await self._open(batches)
        documents = self._fold(deliveries)
        self._show(deliveries)
        await self._project(batches, list(documents.values()))
        return self._found

    async def _read(self, bootstrap: str, topic_name: str) -> _Batches:
        batches: _Batches = []
        began, done = 0.0, 0
        async with topic.reader(bootstrap, topic_name) as consumer:
            while done < self._events:
                fetched = await consumer.getmany(timeout_ms=1000, max_records=_BATCH)
                began = began or time.perf_counter()
                batches += fetched.values()
                done += sum(map(len, fetched.values()))
            self._found[_READING] = 1e6 * (time.perf_counter() - began) / self._events
        return batches

    async def _open(self, batches: _Batches) -> list[Delivery]:
        handled = [self._contract.of(event).type for event in self._projection.folds]
        inbox = Inbox(
            _SERVICE, service=_SERVICE, contract=self._contract, handled=handled, parked=MemoryParked(), clock=utc_now
        )
        with self._timed("decode and parse, look for what is parked"):
            for batch in batches:
                await inbox.opened(batch)
        # Kept apart from the timing: so many objects at once would be the collector's cost, which a projector does not have.
        deliveries = [item for batch in batches for item in await inbox.opened(batch) if isinstance(item, Delivery)]
        check(len(deliveries), self._events, "records opened")
        return deliveries

    def _fold(self, deliveries: Sequence[Delivery]) -> topic.Documents:
        key, folds = self._projection.key, self._projection.folds
        documents: topic.Documents = {}
        with self._timed("fold"):
            for _, event, meta in deliveries:
                name = str(getattr(event, key))
                if name not in documents:
                    documents[name] = self._projection.new(name)
                folds[type(event)](documents[name], event, meta)
        return documents

    def _show(self, deliveries: Sequence[Delivery]) -> None:
        observe, now, at = metrics.EVENT_AGE.labels(_SERVICE, _SERVICE).observe, utc_now(), time.time_ns()
        with self._timed("metrics and traces"):
            for _, _, meta in deliveries:
                observe(max(0.0, (now - meta.at).total_seconds()))
                if tracing.is_recorded(meta.traceparent):
                    tracing.past_span(
                        "project", traceparent=meta.traceparent, start_ns=at, end_ns=at, event_id=meta.event_id, event_type=meta.type
                    )  # fmt: skip

    async def _project(self, batches: _Batches, documents: Sequence[Any]) -> None:
        stub = Stub()
        projector = Projector(
            self._projection, service=_SERVICE, contract=self._contract, documents=stub, parked=MemoryParked(), clock=utc_now,
            keep=len(documents),
        )  # fmt: skip
        steps = dict(self._found)
        with self._timed(_PROJECTING):
            for batch in batches:
                await projector.take(batch[0].topic, batch[0].partition, batch)
        written = stub.documents
        with self._timed("the same once more: all was seen, nothing is folded or written"):
            for batch in batches:
                await projector.take(batch[0].topic, batch[0].partition, batch)
        check(stub.documents, written, "documents written where all was seen")
        began, model = time.perf_counter(), self._projection.document
        for document in documents:
            model.model_validate(document.model_dump(warnings=False))
        steps[_BODIES] = 1e6 * (time.perf_counter() - began) / len(documents) * written / self._events
        added = {_BODIES: steps[_BODIES], "these five added up": sum(steps.values())}
        self._found = steps | added | self._found

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        gc.collect()
        began = time.perf_counter()
        yield
        self._found[name] = 1e6 * (time.perf_counter() - began) / self._events


async def written_alone(ours: Counted, apart: Counted, collection: str) -> float:
    """Seconds for as many documents, in as many writes, each with a checkpoint, as this run of the projector had: last bodies, no folds."""
    bodies = cycle(ours.kept.items())
    a_write, revisions = max(1, round(ours.documents / ours.writes)), dict.fromkeys(ours.kept, 0)
    left, offset = ours.documents, 0
    began = time.perf_counter()
    while left:
        chunk = list(islice(bodies, min(a_write, left)))
        left, offset = left - len(chunk), offset + 1
        writes = [DocumentWrite(identity, revisions[identity], body) for identity, body in chunk]
        await apart.write(collection, writes, [Checkpoint(_SERVICE, samples.SOURCE, 0, offset)])
        revisions.update((identity, revisions[identity] + 1) for identity, _ in chunk)
    return time.perf_counter() - began
