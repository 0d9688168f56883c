"""The projector's own cost: records are opened, folded and made into documents; the store is a stub that keeps the last ones."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord
from eventkernel import cloudevents
from eventkernel.inbox import Record
from eventkernel.messages import Checkpoint, DocumentWrite, Metadata
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.service import Service
from eventkernel.store.memory.documents import MemoryDocuments
from eventkernel.store.memory.parked import MemoryParked
from eventkernel.timing import utc_now
from evidence.projections.ksb_progress import ksb_progress
from evidence.service import build as build_evidence
from google.protobuf.message import Message
from mentoring.sessions.v1.events_pb2 import SessionHeld, SessionPlanned
from pydantic import BaseModel
from sessions.projections.learner_sessions import learner_sessions
from sessions.service import build as build_sessions

from bench import samples
from bench.measure import Asked, Figure, by_turns, check

_AGAINST = "a loop by hand that parses and folds"
SESSIONS, WAVE, BATCH = 10_000, 100, 500
_TOPIC = "mentoring.sessions.v1"
_TYPES: dict[bytes, type[Message]] = {
    b"mentoring.sessions.session-planned": SessionPlanned,
    b"mentoring.sessions.session-held": SessionHeld,
}


async def run(asked: Asked) -> list[Figure]:
    """Two read models: one of many small documents, and one of few that grow. Against parsing and folding by hand."""
    records = _records()
    small = await _compare(asked.rounds, records, learner_sessions, build_sessions())
    grown = await _compare(asked.rounds, records, ksb_progress, build_evidence())
    return [
        Figure("projector, a document a session", _AGAINST, "events/s", *small),
        Figure("projector, a document a learner", _AGAINST, "events/s", *grown),
    ]


async def _compare(
    rounds: int, records: Sequence[Record], projection: Projection[Any], service: Service
) -> tuple[list[float], list[float]]:
    async def ours(_: int) -> float:
        documents, parked = _Documents(), MemoryParked()
        projector = Projector(
            projection,
            service=service.name,
            contract=service.contract,
            documents=documents,
            parked=parked,
            clock=utc_now,
            keep=SESSIONS,
        )
        began = time.perf_counter()
        for first in range(0, len(records), BATCH):
            await projector.take(_TOPIC, 0, records[first : first + BATCH])
        rate = len(records) / (time.perf_counter() - began)
        check(documents.offset, len(records), "the checkpoint")
        check(await parked.list(), [], "what was parked")
        by_hand = _by_hand(projection, records)
        for key, document in by_hand.items():
            kept = documents.kept[f"{samples.TENANT}/{key}"]
            check({field: kept[field] for field in type(document).model_fields}, document.model_dump(), "a document")
        return rate

    async def bare(_: int) -> float:
        began = time.perf_counter()
        _by_hand(projection, records)
        return len(records) / (time.perf_counter() - began)

    return await by_turns(rounds, ours, bare)


def _by_hand(projection: Projection[Any], records: Sequence[Record]) -> dict[str, BaseModel]:
    """The same documents with nothing in between: no check of a record, of what was seen, of what is parked."""
    documents: dict[str, BaseModel] = {}
    for record in records:
        event = _TYPES[dict(record.headers)["ce_type"]].FromString(record.value or b"")
        key = str(getattr(event, projection.key))
        if key not in documents:
            documents[key] = projection.new(key)
        # The folds that are measured take nothing from the metadata but the time.
        meta = Metadata("", "", "", "", 1, at=datetime.fromtimestamp(record.timestamp / 1000, UTC))
        projection.folds[type(event)](documents[key], event, meta)
    return documents


def _records() -> list[Record]:
    """In waves: a hundred sessions are planned, then the same are held."""
    records: list[Record] = []
    for first in range(0, SESSIONS, WAVE):
        numbers = range(first, first + WAVE)
        for number in numbers:
            _add(records, samples.planned(number, f"s-{number}"), "session-planned", number, 1)
        for number in numbers:
            _add(records, samples.held(number, f"s-{number}"), "session-held", number, 2)
    return records


def _add(records: list[Record], event: Message, kind: str, number: int, version: int) -> None:
    commit = samples.commit_of(event, f"mentoring.sessions.{kind}", number, f"s-{number}", version)
    key, value, headers = cloudevents.encode(commit, commit.events[0], samples.SOURCE)
    stamp = int(commit.at.timestamp() * 1000)
    records.append(
        ConsumerRecord(_TOPIC, 0, len(records), stamp, 0, key, value, None, len(key), len(value), tuple(headers))
    )


class _Documents(MemoryDocuments):
    """Keeps what it is given, and encodes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, object]] = {}
        self.offset = 0

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:  # noqa: ARG002
        """Nothing is there: every document is new once, and held from then on."""
        return {}

    async def write(self, collection: str, documents: Sequence[DocumentWrite], checkpoint: Checkpoint) -> None:  # noqa: ARG002
        """Keeps the bodies and the checkpoint."""
        self.kept.update((document.id, document.body) for document in documents)
        self.offset = checkpoint.offset
