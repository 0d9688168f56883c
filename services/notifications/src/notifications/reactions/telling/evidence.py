"""What is told of evidence and of the day that a learner is to be through by."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted, EvidenceReferred
from mentoring.evidence.v1.judging_events_pb2 import EvidenceDecisionSuperseded, EvidenceResubmitted, EvidenceWithdrawn
from mentoring.evidence.v1.progress_events_pb2 import PlannedEndSet
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def evidence_accepted(event: EvidenceAccepted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without the feedback."""
    yield _about(event, Occasion.OCCASION_EVIDENCE_ACCEPTED, event.assessor_id, meta)


@telling.on
def evidence_referred(event: EvidenceReferred, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without the feedback."""
    yield _about(event, Occasion.OCCASION_EVIDENCE_REFERRED, event.assessor_id, meta)


@telling.on
def decision_superseded(event: EvidenceDecisionSuperseded, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it stands no longer is told, and why is not. What stands instead is told by itself."""
    yield _about(event, Occasion.OCCASION_EVIDENCE_DECISION_SUPERSEDED, event.assessor_id, meta)


@telling.on
def evidence_resubmitted(event: EvidenceResubmitted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told as what was judged is: the assessor has to judge it anew."""
    yield _about(event, Occasion.OCCASION_EVIDENCE_RESUBMITTED, event.author_id, meta)


@telling.on
def evidence_withdrawn(event: EvidenceWithdrawn, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told as what was judged is, without the reason: the assessor need not judge it."""
    yield _about(event, Occasion.OCCASION_EVIDENCE_WITHDRAWN, event.author_id, meta)


@telling.on
def planned_end_set(event: PlannedEndSet, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to all who work towards the learner's progress, beside the mentor, who set it."""
    yield TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=Occasion.OCCASION_PLANNED_END_SET,
        # Not the learner: no link leads to a person.
        about_id=event.standard.reference,
        standard_reference=event.standard.reference,
    )


def _about(
    event: EvidenceAccepted | EvidenceReferred | EvidenceDecisionSuperseded | EvidenceResubmitted | EvidenceWithdrawn,
    occasion: Occasion.ValueType,
    actor_id: str,
    meta: Metadata,
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
        occasion=occasion,
        about_id=event.evidence_id,
        actor_id=actor_id,
        standard_reference=event.standard.reference,
    )
