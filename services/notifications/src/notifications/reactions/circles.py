"""Keeps the circles as the sessions service publishes them. An end needs no more than its mentorship's id, so it is never lost."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipCompleted, MentorshipStarted

# Version 2: what version 1 recorded did not say which standard a mentorship is on.
circles = Reaction("circles", version=2)


@circles.on
def mentorship_started(event: MentorshipStarted, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """The mentor and the parties surround the learner from now on."""
    yield RecordCircleRequest(
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
        parties=event.parties,
        standard_reference=event.standard.reference,
    )


@circles.on
def mentorship_cancelled(event: MentorshipCancelled, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """Nobody does any more."""
    yield RecordCircleRequest(learner_id=event.learner_id, mentorship_id=event.mentorship_id, ended=True)


@circles.on
def mentorship_completed(event: MentorshipCompleted, _meta: Metadata) -> Iterator[RecordCircleRequest]:
    """Nobody does any more."""
    yield RecordCircleRequest(learner_id=event.learner_id, mentorship_id=event.mentorship_id, ended=True)
