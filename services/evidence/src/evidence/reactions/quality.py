"""Internal quality assurance follows the work: judgements are noted to be sampled from, what is drawn is opened, and what was decided is
noted where it was drawn. An action that was not closed in time is marked so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from eventkernel.timestamps import timestamp
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted, EvidenceReferred
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_CONFIRMED,
    AssessorDecisionNoted,
    SampleActionClosed,
    SampleActionRequired,
    SampleConfirmed,
    SampleDrawn,
)
from mentoring.evidence.v1.quality_pb2 import (
    MarkSampleActionOverdueRequest,
    NoteAssessorDecisionRequest,
    NoteOtherDecisionRequest,
    NoteSampleOutcomeRequest,
    OpenSampleRequest,
)

quality = Reaction("quality")


@quality.on
def note_acceptance(event: EvidenceAccepted, meta: Metadata) -> Iterator[NoteAssessorDecisionRequest]:
    """An acceptance can be sampled."""
    yield _noted(event, meta)


@quality.on
def note_referral(event: EvidenceReferred, meta: Metadata) -> Iterator[NoteAssessorDecisionRequest]:
    """A referral can be sampled."""
    yield _noted(event, meta)


@quality.on
def tell_earlier(event: AssessorDecisionNoted, _meta: Metadata) -> Iterator[NoteOtherDecisionRequest]:
    """Whoever decided on the piece before has it noted that somebody else did."""
    superseded = {one.assessor_id: one.decision_number for one in event.earlier if one.superseded}
    for assessor_id in sorted({one.assessor_id for one in event.earlier} - {event.assessor_id}):
        yield NoteOtherDecisionRequest(
            assessor_id=assessor_id,
            evidence_id=event.evidence_id,
            other_id=event.assessor_id,
            superseded_number=superseded.get(assessor_id, 0),
        )


@quality.on
def open_each(event: SampleDrawn, _meta: Metadata) -> Iterator[OpenSampleRequest]:
    """Each piece that was drawn is a sample of its own."""
    for piece in event.pieces:
        yield OpenSampleRequest(
            sample_id=piece.sample_id,
            evidence_id=piece.evidence_id,
            learner_id=piece.learner_id,
            assessor_id=event.assessor_id,
            plan_id=event.plan_id,
            plan_version=event.plan_version,
            draw_id=event.draw_id,
            stage=event.stage,
            iqa_id=event.iqa_id,
            rules=piece.rules,
            decision_number=piece.decision_number,
        )


@quality.on
def note_confirmation(event: SampleConfirmed, _meta: Metadata) -> Iterator[NoteSampleOutcomeRequest]:
    """The sample is done."""
    yield NoteSampleOutcomeRequest(
        assessor_id=event.assessor_id, sample_id=event.sample_id, status=SAMPLE_STATUS_CONFIRMED
    )


@quality.on
def note_action(event: SampleActionRequired, _meta: Metadata) -> Iterator[NoteSampleOutcomeRequest | Later]:
    """The sample waits for the assessor, until the end of the day."""
    yield NoteSampleOutcomeRequest(
        assessor_id=event.assessor_id, sample_id=event.sample_id, status=SAMPLE_STATUS_ACTION_REQUIRED
    )
    over = datetime.fromisoformat(event.due_on).replace(tzinfo=UTC) + timedelta(days=1)
    yield Later(over, MarkSampleActionOverdueRequest(sample_id=event.sample_id, due_on=event.due_on))


@quality.on
def note_closing(event: SampleActionClosed, _meta: Metadata) -> Iterator[NoteSampleOutcomeRequest]:
    """The sample is done, one way or the other."""
    yield NoteSampleOutcomeRequest(assessor_id=event.assessor_id, sample_id=event.sample_id, status=event.status)


def _noted(event: EvidenceAccepted | EvidenceReferred, meta: Metadata) -> NoteAssessorDecisionRequest:
    decided_at = timestamp(meta.at)
    return NoteAssessorDecisionRequest(
        assessor_id=event.assessor_id,
        evidence_id=event.evidence_id,
        decided_at=decided_at,
        decision_number=event.decision,
        standard_reference=event.standard.reference,
    )
