"""The facts that progress is made of, as they were recorded: what was known at a moment is folded from them, by the folds of `ksb_progress`.

One document a stream. It holds the events' bytes without anything that is sealed, so there is nothing in it to be erased.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

from eventkernel.contract import Contract, files_of
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from pydantic import BaseModel

from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.progress_document import LearnerProgress

CONTRACT = Contract(files_of("mentoring.evidence.v1"), heard=files_of("mentoring.sessions.v1"))


class Fact(BaseModel):
    """One event: its type, its bytes, its place in its stream, and when it was recorded, in milliseconds since 1970."""

    type: str
    data: bytes
    version: int
    at_ms: int
    event_id: str


class ProgressFacts(BaseModel):
    """The facts of one stream, in its order. All are of one learner."""

    stream: str
    learner_id: str = ""
    facts: list[Fact] = []


progress_facts = Projection(
    "progress_facts",
    version=ksb_progress.version,
    document=ProgressFacts,
    key="stream",
    indexes=("learner_id",),
    of_streams=True,
)


def keep(document: ProgressFacts, event: Message, meta: Metadata) -> None:
    """One fact more."""
    kept = type(event)()
    kept.CopyFrom(event)
    _leave_out_sealed(kept)
    document.learner_id = str(getattr(kept, ksb_progress.key))
    document.facts.append(
        Fact(
            type=meta.type,
            data=kept.SerializeToString(),
            version=meta.version,
            at_ms=int(meta.at.timestamp() * 1000),
            event_id=meta.event_id,
        )
    )


progress_facts.on_each(ksb_progress.folds, keep)


async def progress_as_known(learner_id: str, at: datetime, read: Reader) -> LearnerProgress:
    """The learner's progress from what was recorded until then, that moment included."""
    return folded(learner_id, await facts_as_known(learner_id, at, read), read.principal.tenant)


async def facts_as_known(learner_id: str, at: datetime, read: Reader) -> list[tuple[str, Fact]]:
    """What was recorded until then, with the streams: by time, then stream, then version."""
    until = int(at.timestamp() * 1000)
    found = await read.documents(progress_facts, learner_id=learner_id)
    facts = [(one.stream, fact) for one in found for fact in one.facts if fact.at_ms <= until]
    return sorted(facts, key=lambda each: (each[1].at_ms, each[0], each[1].version))


def folded(learner_id: str, facts: Iterable[tuple[str, Fact]], tenant: str) -> LearnerProgress:
    """The progress that these facts make."""
    document = ksb_progress.new(learner_id)
    for stream, fact in facts:
        event = CONTRACT.parse(fact.type, fact.data)
        recorded = datetime.fromtimestamp(fact.at_ms / 1000, UTC)
        meta = Metadata(fact.event_id, fact.type, tenant, stream, fact.version, recorded)
        ksb_progress.folds[type(event)](document, event, meta)
    return document


def hash_of(facts: Iterable[tuple[str, Fact]]) -> str:
    """SHA-256 of these facts in this order, in hexadecimal digits."""
    told = [
        [stream, fact.version, fact.type, fact.event_id, fact.at_ms, sha256(fact.data).hexdigest()]
        for stream, fact in facts
    ]
    return sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def _leave_out_sealed(message: Message) -> None:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.full_name == Sealed.DESCRIPTOR.full_name:
            message.ClearField(field.name)
        elif field.is_repeated:
            for one in value:
                _leave_out_sealed(one)
        else:
            _leave_out_sealed(value)
