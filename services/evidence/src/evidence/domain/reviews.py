"""The progress reviews of one mentorship: when the next is due, what was recorded of each, and who signed it.

A signature is under one content alone: a change takes all of them away, and what all three signed never changes. What is late is told once.
"""

from dataclasses import replace
from datetime import UTC, date
from typing import Any

from eventkernel.aggregate import Aggregate
from mentoring.evidence.v1.review_events_pb2 import (
    ReviewCancelled,
    ReviewCompleted,
    ReviewDueSet,
    ReviewedMentorshipNoted,
    ReviewHeld,
    ReviewLate,
    ReviewRevised,
    ReviewScheduled,
    ReviewSigned,
    SignaturesLate,
)
from mentoring.evidence.v1.review_views_pb2 import (
    REVIEW_STATUS_CANCELLED,
    REVIEW_STATUS_COMPLETE,
    REVIEW_STATUS_HELD,
    REVIEW_STATUS_SCHEDULED,
)

from evidence.domain import review_keeping, review_noting, review_signing
from evidence.domain.review_due import Break, Due
from evidence.domain.review_state import Attached, Mentored, Review, Reviews, Signed

reviews = Aggregate("reviews", initial=Reviews())

for decision in (
    review_noting.note_mentorship,
    review_noting.note_break,
    review_noting.note_end,
    review_noting.mark_late,
    review_noting.mark_signatures_late,
    review_keeping.schedule,
    review_keeping.cancel,
    review_keeping.hold,
    review_keeping.revise,
    review_signing.sign,
):
    reviews.decide(decision)


def stream_of(learner_id: str, mentorship_id: str) -> str:
    """A mentorship's id is the learner's own: another learner may have the same. No id holds a dot."""
    return f"reviews-{learner_id}.{mentorship_id}"


@reviews.evolve
def mentorship_noted(state: Reviews, event: ReviewedMentorshipNoted) -> Reviews:
    """So it stands."""
    return replace(
        state,
        mentored=Mentored(
            learner_id=event.learner_id,
            mentorship_id=event.mentorship_id,
            mentor_id=event.mentor_id,
            reference=event.standard.reference,
            version=event.standard.version,
            parties=tuple(Attached(one.person_id, one.relationship) for one in event.parties),
            ksb_codes=tuple(event.ksb_codes),
            started_on=date.fromisoformat(event.started_on),
            breaks=tuple(Break(date.fromisoformat(one.first_day), _day(one.returned_on)) for one in event.breaks),
            ended=event.ended,
        ),
    )


@reviews.evolve
def due_set(state: Reviews, event: ReviewDueSet) -> Reviews:
    """This is due."""
    return replace(
        state,
        due=Due(
            event.mentor_id,
            event.standing,
            _day(event.due_on),
            _day(event.first_by),
            event.late_at.ToDatetime(tzinfo=UTC) if event.HasField("late_at") else None,
            event.first_late_at.ToDatetime(tzinfo=UTC) if event.HasField("first_late_at") else None,
        ),
    )


@reviews.evolve
def scheduled(state: Reviews, event: ReviewScheduled) -> Reviews:
    """It is to take place then."""
    starts_at, duration = event.starts_at.ToDatetime(tzinfo=UTC), event.duration.ToSeconds()
    if state.find(event.review_id) is not None:
        return _changed(state, event.review_id, starts_at=starts_at, duration=duration)
    review = Review(event.review_id, REVIEW_STATUS_SCHEDULED, starts_at, duration)
    return replace(state, reviews=(*state.reviews, review))


@reviews.evolve
def cancelled(state: Reviews, event: ReviewCancelled) -> Reviews:
    """It is not to take place."""
    return _changed(state, event.review_id, status=REVIEW_STATUS_CANCELLED)


@reviews.evolve
def held(state: Reviews, event: ReviewHeld) -> Reviews:
    """It took place."""
    if state.find(event.review_id) is None:
        review = Review(event.review_id, REVIEW_STATUS_HELD, starts_at=None, duration=0)
        state = replace(state, reviews=(*state.reviews, review))
    return _recorded(state, event)


@reviews.evolve
def revised(state: Reviews, event: ReviewRevised) -> Reviews:
    """Nobody signed this content yet."""
    return _recorded(state, event)


@reviews.evolve
def signed(state: Reviews, event: ReviewSigned) -> Reviews:
    """One signature more."""
    found = state.find(event.review_id)
    if found is None:
        return state
    one = Signed(event.signatory, event.signed_by, event.HasField("objection"))
    return _changed(state, event.review_id, signatures=(*found.signatures, one))


@reviews.evolve
def completed(state: Reviews, event: ReviewCompleted) -> Reviews:
    """It stays as it is."""
    return _changed(state, event.review_id, status=REVIEW_STATUS_COMPLETE)


@reviews.evolve
def late(state: Reviews, event: ReviewLate) -> Reviews:
    """It was told."""
    return replace(state, late_told=date.fromisoformat(event.due_on))


@reviews.evolve
def signatures_late(state: Reviews, event: SignaturesLate) -> Reviews:
    """It was told."""
    return _changed(state, event.review_id, late_hash=event.content_hash)


def _recorded(state: Reviews, event: ReviewHeld | ReviewRevised) -> Reviews:
    return _changed(
        state,
        event.review_id,
        status=REVIEW_STATUS_HELD,
        held_on=date.fromisoformat(event.held_on),
        revision=event.revision,
        content_hash=event.content_hash,
        sign_by=event.sign_by.ToDatetime(tzinfo=UTC),
        signatures=(),
    )


def _changed(state: Reviews, review_id: str, **fields: Any) -> Reviews:
    return replace(
        state,
        reviews=tuple(replace(one, **fields) if one.review_id == review_id else one for one in state.reviews),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
