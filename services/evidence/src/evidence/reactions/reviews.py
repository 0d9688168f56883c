"""Reviews follow the mentorship: its start, breaks and end move what is due. When a last day is over, or a time to sign, the review is looked at."""

from collections.abc import Iterator
from datetime import UTC

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from eventkernel.timestamps import timestamp
from mentoring.evidence.v1.review_events_pb2 import ReviewDueSet, ReviewHeld, ReviewRevised
from mentoring.evidence.v1.review_pb2 import (
    MarkReviewLateRequest,
    MarkSignaturesLateRequest,
    NoteLearningBreakRequest,
    NoteMentorshipEndRequest,
    NoteReviewedMentorshipRequest,
)
from mentoring.sessions.v1.events_pb2 import (
    BreakInLearningEnded,
    BreakInLearningStarted,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.mentorship_events_pb2 import (
    EmployerChanged,
    MentorChanged,
    PartyAttached,
    PartyDetached,
    StandardChanged,
)

reviewing = Reaction("reviewing")


@reviewing.on
def mentorship_started(event: MentorshipStarted, meta: Metadata) -> Iterator[NoteReviewedMentorshipRequest]:
    """Reviews are due from now on."""
    started_at = timestamp(meta.at)
    noted = _as_told(event)
    noted.ksb_codes.extend(event.ksb_codes)
    noted.started_at.CopyFrom(started_at)
    yield noted


@reviewing.on
def mentor_changed(event: MentorChanged, _meta: Metadata) -> Iterator[NoteReviewedMentorshipRequest]:
    """Another mentor keeps the reviews, and signs them."""
    yield _as_told(event)


@reviewing.on
def employer_changed(event: EmployerChanged, _meta: Metadata) -> Iterator[NoteReviewedMentorshipRequest]:
    """Other contacts sign."""
    yield _as_told(event)


@reviewing.on
def standard_changed(event: StandardChanged, _meta: Metadata) -> Iterator[NoteReviewedMentorshipRequest]:
    """What is reviewed from now on, and assessed, is by another standard."""
    noted = _as_told(event)
    noted.ksb_codes.extend(event.ksb_codes)
    yield noted


@reviewing.on
def party_attached(event: PartyAttached, _meta: Metadata) -> Iterator[NoteReviewedMentorshipRequest]:
    """One more may sign, or be asked."""
    yield _as_told(event)


@reviewing.on
def party_detached(event: PartyDetached, _meta: Metadata) -> Iterator[NoteReviewedMentorshipRequest]:
    """One may not any more."""
    yield _as_told(event)


@reviewing.on
def break_started(event: BreakInLearningStarted, _meta: Metadata) -> Iterator[NoteLearningBreakRequest]:
    """Nothing falls due in it."""
    yield NoteLearningBreakRequest(
        learner_id=event.learner_id, mentorship_id=event.mentorship_id, first_day=event.first_day
    )


@reviewing.on
def break_ended(event: BreakInLearningEnded, _meta: Metadata) -> Iterator[NoteLearningBreakRequest]:
    """What was due is due later."""
    yield NoteLearningBreakRequest(
        learner_id=event.learner_id, mentorship_id=event.mentorship_id, returned_on=event.returned_on
    )


@reviewing.on
def mentorship_cancelled(event: MentorshipCancelled, _meta: Metadata) -> Iterator[NoteMentorshipEndRequest]:
    """Nothing is due any more."""
    yield NoteMentorshipEndRequest(learner_id=event.learner_id, mentorship_id=event.mentorship_id)


@reviewing.on
def mentorship_completed(event: MentorshipCompleted, _meta: Metadata) -> Iterator[NoteMentorshipEndRequest]:
    """Nothing is due any more."""
    yield NoteMentorshipEndRequest(learner_id=event.learner_id, mentorship_id=event.mentorship_id)


@reviewing.on
def look_when_over(event: ReviewDueSet, _meta: Metadata) -> Iterator[Later]:
    """When the last day is over; the reviews themselves know whether one was held meanwhile."""
    if event.HasField("late_at"):
        request = MarkReviewLateRequest(
            learner_id=event.learner_id, mentorship_id=event.mentorship_id, due_on=event.due_on
        )
        yield Later(event.late_at.ToDatetime(tzinfo=UTC), request)


@reviewing.on
def look_at_first_signatures(event: ReviewHeld, _meta: Metadata) -> Iterator[Later]:
    """When they are to be there."""
    yield _signatures(event)


@reviewing.on
def look_at_new_signatures(event: ReviewRevised, _meta: Metadata) -> Iterator[Later]:
    """When they are to be there for the new content."""
    yield _signatures(event)


def _as_told(
    event: MentorshipStarted | MentorChanged | EmployerChanged | StandardChanged | PartyAttached | PartyDetached,
) -> NoteReviewedMentorshipRequest:
    """Each of them tells of all who surround the learner afterwards."""
    return NoteReviewedMentorshipRequest(
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
        standard=event.standard,
        parties=event.parties,
    )


def _signatures(event: ReviewHeld | ReviewRevised) -> Later:
    request = MarkSignaturesLateRequest(
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        review_id=event.review_id,
        content_hash=event.content_hash,
    )
    return Later(event.sign_by.ToDatetime(tzinfo=UTC), request)
