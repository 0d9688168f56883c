"""Keeps the circles as the sessions service publishes them. An end needs no more than its mentorship's id, so it is never lost."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipCompleted, MentorshipStarted
from mentoring.sessions.v1.mentorship_events_pb2 import (
    EmployerChanged,
    MentorChanged,
    PartyAttached,
    PartyDetached,
    StandardChanged,
)

# Version 2: what version 1 recorded did not say which standard a mentorship is on.
circles = Reaction("circles", version=2)


@circles.on
def mentorship_started(event: MentorshipStarted, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """The mentor and the parties surround the learner from now on."""
    yield _as_told(event)


@circles.on
def mentor_changed(event: MentorChanged, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """Another mentor does, and the former one does not."""
    yield _as_told(event)


@circles.on
def employer_changed(event: EmployerChanged, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """The contacts of an employer that was left do not."""
    yield _as_told(event)


@circles.on
def standard_changed(event: StandardChanged, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """The same people do, on another standard."""
    yield _as_told(event)


@circles.on
def party_attached(event: PartyAttached, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """One more does."""
    yield _as_told(event)


@circles.on
def party_detached(event: PartyDetached, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """One does not any more."""
    yield _as_told(event)


@circles.on
def mentorship_cancelled(event: MentorshipCancelled, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """Nobody does any more."""
    yield RecordCircleRequest(learner_id=event.learner_id, mentorship_id=event.mentorship_id, ended=True)


@circles.on
def mentorship_completed(event: MentorshipCompleted, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """Nobody does any more."""
    yield RecordCircleRequest(learner_id=event.learner_id, mentorship_id=event.mentorship_id, ended=True)


def _as_told(
    event: MentorshipStarted | MentorChanged | EmployerChanged | StandardChanged | PartyAttached | PartyDetached,
) -> RecordCircleRequest:
    """Each of them tells of all who surround the learner afterwards."""
    return RecordCircleRequest(
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
        parties=event.parties,
        standard_reference=event.standard.reference,
    )
