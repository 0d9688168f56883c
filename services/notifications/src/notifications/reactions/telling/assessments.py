"""What is told of assessments that a mentor asks for: to whoever is asked by that part, and to the mentor; the outcome as evidence judged.

One that lapses is told to nobody: its mentorship has ended, and so has the need.
"""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.evidence.v1.assessment_events_pb2 import (
    AssessmentAccepted,
    AssessmentChased,
    AssessmentDecided,
    AssessmentDeclined,
    AssessmentRedirected,
    AssessmentRequested,
    AssessmentScheduled,
    AssessmentWithdrawn,
)
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest

from notifications.reactions.telling.reaction import telling, telling_id

_Event = (
    AssessmentRequested
    | AssessmentAccepted
    | AssessmentDeclined
    | AssessmentScheduled
    | AssessmentDecided
    | AssessmentWithdrawn
    | AssessmentRedirected
    | AssessmentChased
)


@telling.on
def assessment_requested(event: AssessmentRequested, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without the note."""
    yield _asked(event, event.mentor_id, Occasion.OCCASION_ASSESSMENT_ASKED, meta)


@telling.on
def assessment_redirected(event: AssessmentRedirected, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whoever is asked now, and to whoever is asked no more; to neither who the other is."""
    yield _asked(event, event.mentor_id, Occasion.OCCASION_ASSESSMENT_ASKED, meta)
    former = _tell(event, Occasion.OCCASION_ASSESSMENT_CALLED_OFF, event.mentor_id, meta)
    former.telling_id = telling_id(meta, "former")
    former.parts.add(person_id=event.former_asked_id, because=Because.BECAUSE_ASKED_TO_ASSESS)
    former.mentor_id = event.mentor_id
    yield former


@telling.on
def assessment_withdrawn(event: AssessmentWithdrawn, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whoever was asked; why is not."""
    found = _tell(event, Occasion.OCCASION_ASSESSMENT_CALLED_OFF, "", meta)
    found.parts.add(person_id=event.asked_id, because=Because.BECAUSE_ASKED_TO_ASSESS)
    yield found


@telling.on
def assessment_accepted(event: AssessmentAccepted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the mentor."""
    yield _tell(event, Occasion.OCCASION_ASSESSMENT_ACCEPTED, event.asked_id, meta)


@telling.on
def assessment_declined(event: AssessmentDeclined, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the mentor, who can ask somebody else; why is not."""
    yield _tell(event, Occasion.OCCASION_ASSESSMENT_DECLINED, event.asked_id, meta)


@telling.on
def assessment_scheduled(event: AssessmentScheduled, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to learner and mentor; when it is, the link shows."""
    yield _tell(event, Occasion.OCCASION_ASSESSMENT_SCHEDULED, event.asked_id, meta)


@telling.on
def assessment_chased(event: AssessmentChased, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whoever is asked and to the mentor: nobody did it, and the day came."""
    yield _asked(event, "", Occasion.OCCASION_ASSESSMENT_CHASED, meta)


@telling.on
def assessment_decided(event: AssessmentDecided, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told as evidence judged, without the outcome and the feedback."""
    found = _tell(event, Occasion.OCCASION_ASSESSMENT_DECIDED, event.assessor_id, meta)
    found.kind = InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED
    yield found


def _asked(
    event: AssessmentRequested | AssessmentRedirected | AssessmentChased,
    actor_id: str,
    occasion: Occasion.ValueType,
    meta: Metadata,
) -> TellCircleRequest:
    found = _tell(event, occasion, actor_id, meta)
    found.parts.add(person_id=event.asked_id, because=Because.BECAUSE_ASKED_TO_ASSESS)
    found.mentor_id = event.mentor_id
    return found


def _tell(event: _Event, occasion: Occasion.ValueType, actor_id: str, meta: Metadata) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=occasion,
        about_id=event.assessment_id,
        actor_id=actor_id,
        mentorship_id=event.mentorship_id,
    )
