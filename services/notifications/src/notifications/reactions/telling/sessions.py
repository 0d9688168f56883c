"""What is told of mentorships and their sessions."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest
from mentoring.sessions.v1.events_pb2 import (
    MentorshipStarted,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged
from mentoring.sessions.v1.session_record_events_pb2 import SessionCorrected

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def mentorship_started(event: MentorshipStarted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to all who work towards the learner's progress."""
    yield TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=Occasion.OCCASION_MENTORSHIP_STARTED,
        about_id=event.mentorship_id,
        mentorship_id=event.mentorship_id,
    )


@telling.on
def mentor_changed(event: MentorChanged, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to all who work towards the learner's progress, the new mentor among them; not to the former one."""
    yield TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=Occasion.OCCASION_MENTOR_CHANGED,
        about_id=event.mentorship_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
    )


@telling.on
def session_planned(event: SessionPlanned, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told within the session's own mentorship."""
    yield _about_session(event, Occasion.OCCASION_SESSION_PLANNED, meta)


@telling.on
def session_moved(event: SessionMoved, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it was moved is told; to when, the link shows to whoever may see it, and why is not told."""
    yield _about_session(event, Occasion.OCCASION_SESSION_MOVED, meta)


@telling.on
def session_missed(event: SessionMissed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it was missed is told; why is not."""
    yield _about_session(event, Occasion.OCCASION_SESSION_MISSED, meta)


@telling.on
def session_cancelled(event: SessionCancelled, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it was cancelled is told; why and whose the reason was is not."""
    yield _about_session(event, Occasion.OCCASION_SESSION_CANCELLED, meta)


@telling.on
def session_held(event: SessionHeld, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That there is a shared record is told, not a word of it."""
    yield _about_session(
        event,
        Occasion.OCCASION_SESSION_RECORD_SHARED,
        meta,
        kind=InformationKind.INFORMATION_KIND_SESSION_RECORD,
    )


@telling.on
def session_corrected(event: SessionCorrected, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That the record was put right is told; in what and why is not. Who corrected it may be another than whose record it is."""
    found = _about_session(
        event,
        Occasion.OCCASION_SESSION_RECORD_CORRECTED,
        meta,
        kind=InformationKind.INFORMATION_KIND_SESSION_RECORD,
    )
    found.actor_id = event.corrected_by or event.mentor_id
    yield found


def _about_session(
    event: SessionPlanned | SessionMoved | SessionMissed | SessionCancelled | SessionHeld | SessionCorrected,
    occasion: Occasion.ValueType,
    meta: Metadata,
    kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_SESSION,
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=kind,
        occasion=occasion,
        about_id=event.session_id,
        actor_id=event.mentor_id,
        mentorship_id=event.mentorship_id,
        # Old events that name no mentorship wait for nothing.
        mentor_id=event.mentor_id if event.mentorship_id else "",
    )
