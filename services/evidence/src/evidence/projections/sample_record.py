"""One sample with all that was said about it, opened from its own stream each time, on the record."""

from collections.abc import Sequence

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata, Recorded
from eventkernel.reading import Reader
from google.protobuf.message import Message
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_CONFIRMED,
    SampleActionAnswered,
    SampleActionClosed,
    SampleActionRequired,
    SampleConfirmed,
)
from mentoring.evidence.v1.quality_views_pb2 import GetSampleRequest, GetSampleResponse, SampleEntry

from evidence.projections.evidence_record import get_evidence
from evidence.projections.samples import samples, summary
from evidence.projections.times import ms, stamp

_TEXTS = ("feedback", "action", "answer")
_SEES_ALL = frozenset({"iqa", "eqa"})


async def get_sample(request: GetSampleRequest, read: Reader) -> GetSampleResponse:
    """The sample. An IQA and an EQA also get the piece; an assessor gets samples of their own assessments only.

    Raises Refusal SAMPLE_UNKNOWN, also for another assessor's.
    """
    history = await read.history(f"sample-{request.sample_id}")
    document = samples.new(request.sample_id)
    for item in history:
        samples.folds[type(item.event)](document, item.event, item.meta)
    sees_all = not _SEES_ALL.isdisjoint(read.principal.roles)
    if not history or not (sees_all or document.assessor_id == read.principal.person_id):
        raise Refusal("SAMPLE_UNKNOWN", "there is no such sample for you; check the id", field="sample_id")
    response = GetSampleResponse(sample=summary(document), entries=await _entries(history, read))
    if sees_all:
        piece = GetEvidenceRequest(evidence_id=document.evidence_id, learner_id=document.learner_id)
        response.evidence.CopyFrom(await get_evidence(piece, read))
    return response


async def _entries(history: Sequence[Recorded], read: Reader) -> list[SampleEntry]:
    said = [
        (item, entry)
        for before, item in zip((None, *history), history, strict=False)
        if not _repeats(before, item) and (entry := _entry(item.event, item.meta)) is not None
    ]
    texts = [
        (item, entry, name) for item, entry in said for name in _TEXTS if name in item.event.DESCRIPTOR.fields_by_name
    ]
    opened = await read.open([(item, name) for item, _, name in texts])
    for (_, entry, name), text in zip(texts, opened, strict=True):
        setattr(entry, name, text)
    return [entry for _, entry in said]


def _repeats(before: Recorded | None, item: Recorded) -> bool:
    """Whether it only says of the closing before it that it confirms."""
    return (
        isinstance(item.event, SampleConfirmed) and before is not None and isinstance(before.event, SampleActionClosed)
    )


def _entry(event: Message, meta: Metadata) -> SampleEntry | None:
    """What an event says, but for its texts; None where it says nothing of its own."""
    entry = SampleEntry(at=stamp(ms(meta)))
    match event:
        case SampleConfirmed():
            entry.status = SAMPLE_STATUS_CONFIRMED
        case SampleActionRequired():
            entry.status, entry.due_on = SAMPLE_STATUS_ACTION_REQUIRED, event.due_on
        case SampleActionClosed():
            entry.status = event.status
        case SampleActionAnswered():
            entry.status, entry.person_id = SAMPLE_STATUS_ACTION_REQUIRED, event.assessor_id
            return entry
        case _:
            return None
    entry.person_id = event.iqa_id
    entry.agreement.CopyFrom(event.agreement)
    return entry
