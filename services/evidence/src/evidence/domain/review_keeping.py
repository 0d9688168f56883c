"""What the mentor, or a manager of the provider, keeps of a review: its appointment, and its content."""

from datetime import UTC, date, datetime

from eventkernel.aggregate import AlreadyDone, Context, Refusal
from eventkernel.timestamps import timestamp
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.review_events_pb2 import (
    SIGNATORY_PROVIDER,
    ReviewCancelled,
    ReviewDueSet,
    ReviewHeld,
    ReviewRevised,
    ReviewScheduled,
)
from mentoring.evidence.v1.review_pb2 import (
    CancelReviewRequest,
    HoldReviewRequest,
    ReviseReviewRequest,
    ScheduleReviewRequest,
)
from mentoring.evidence.v1.review_views_pb2 import (
    REVIEW_STATUS_CANCELLED,
    REVIEW_STATUS_COMPLETE,
    REVIEW_STATUS_HELD,
    REVIEW_STATUS_SCHEDULED,
)

from evidence.domain.days import day, day_there, refuse_unless_to_come, working_days_later
from evidence.domain.review_content import content_hash, recorded
from evidence.domain.review_noting import due_changed
from evidence.domain.review_state import Mentored, Review, Reviews, active_mentorship, signs_for
from evidence.domain.support_policy import SupportPolicy


def schedule(state: Reviews, command: ScheduleReviewRequest, context: Context) -> list[ReviewScheduled]:
    """Sets when it takes place, or moves it. One at a time: the next is scheduled once this one was held or cancelled."""
    mentored = _kept_by(state, command.mentorship_id, context)
    starts_at, duration = command.starts_at.ToDatetime(tzinfo=UTC), command.duration.ToSeconds()
    known, opened = state.find(command.review_id), state.scheduled
    if known is not None and (known.starts_at, known.duration) == (starts_at, duration):
        return []
    if known is not None and known.status != REVIEW_STATUS_SCHEDULED:
        raise _over(known)
    if opened is not None and opened is not known:
        raise Refusal(
            "REVIEW_SCHEDULED_ALREADY",
            f"review {opened.review_id} is scheduled; move, hold or cancel that one first",
            field="review_id",
        )
    refuse_unless_to_come(starts_at, context.now, ", or record one that took place by HoldReview, with its held_on")
    return [
        ReviewScheduled(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentored.mentor_id,
            review_id=command.review_id,
            starts_at=command.starts_at,
            duration=command.duration,
            former_starts_at=None if known is None else timestamp(known.starts_at),
        )
    ]


def cancel(state: Reviews, command: CancelReviewRequest, context: Context) -> list[ReviewCancelled]:
    """Calls it off. What is due stays due."""
    mentored = _kept_by(state, command.mentorship_id, context)
    review = known_review(state, command.review_id)
    if review.status == REVIEW_STATUS_CANCELLED:
        return []
    if review.status != REVIEW_STATUS_SCHEDULED:
        raise _over(review)
    return [
        ReviewCancelled(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentored.mentor_id,
            review_id=command.review_id,
            reason=command.reason,
        )
    ]


def hold(state: Reviews, command: HoldReviewRequest, context: Context) -> list[ReviewHeld | ReviewDueSet]:
    """Records that it took place, scheduled or not, and what was spoken. The next one is due from that day."""
    mentored = _kept_by(state, command.mentorship_id, context)
    review = state.find(command.review_id)
    if review is not None and review.status != REVIEW_STATUS_SCHEDULED:
        if _is_repeat(review, command, mentored, context) and command.held_on in ("", str(review.held_on)):
            return AlreadyDone()
        raise _over(review)
    held_on = _held_on(review, command, mentored, context)
    content = recorded(command, held_on, mentored, context)
    held = ReviewHeld(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        mentor_id=mentored.mentor_id,
        review_id=command.review_id,
        recorded_by=context.principal.person_id,
        held_on=held_on.isoformat(),
        content=content,
        revision=1,
        content_hash=content_hash(command, 1, held_on, content),
        sign_by=_sign_by(context),
    )
    return [held, *due_changed(state, mentored, max(held_on, state.last_held_on or held_on), context)]


def revise(state: Reviews, command: ReviseReviewRequest, context: Context) -> list[ReviewRevised]:
    """Records the content anew, as a whole: a new hash, and no signature any more. What all three signed never changes."""
    mentored = _kept_by(state, command.mentorship_id, context)
    review = known_review(state, command.review_id)
    if review.status == REVIEW_STATUS_COMPLETE:
        raise Refusal(
            "REVIEW_COMPLETE",
            "all three signed this content, and it stays; put right in the next review what has to be",
            field="review_id",
        )
    if review.status != REVIEW_STATUS_HELD or review.held_on is None:
        raise _not_held(review)
    if _is_repeat(review, command, mentored, context):
        return AlreadyDone()
    content, revision = recorded(command, review.held_on, mentored, context), review.revision + 1
    return [
        ReviewRevised(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentored.mentor_id,
            review_id=command.review_id,
            recorded_by=context.principal.person_id,
            held_on=review.held_on.isoformat(),
            content=content,
            revision=revision,
            content_hash=content_hash(command, revision, review.held_on, content),
            sign_by=_sign_by(context),
        )
    ]


def known_review(state: Reviews, review_id: str) -> Review:
    """Raises Refusal REVIEW_UNKNOWN."""
    found = state.find(review_id)
    if found is None:
        raise Refusal("REVIEW_UNKNOWN", f"the mentorship has no review {review_id}; check the ids", field="review_id")
    return found


def _kept_by(state: Reviews, mentorship_id: str, context: Context) -> Mentored:
    mentored = active_mentorship(state, mentorship_id)
    if not signs_for(mentored, SIGNATORY_PROVIDER, context):
        raise Refusal(
            "NOT_YOURS_TO_KEEP",
            "a review is kept by the learner's mentor, or by a manager of the provider; ask one of them",
        )
    return mentored


def _held_on(review: Review | None, command: HoldReviewRequest, mentored: Mentored, context: Context) -> date:
    """The day that is said, or else that for which it was scheduled, if it has come."""
    zone = context.state(SupportPolicy).zone
    if command.held_on:
        given = day(command.held_on, "held_on")
        if not mentored.started_on <= given <= day_there(context.now, zone):
            raise Refusal(
                "NOT_HELD_THEN",
                f"give a day from {mentored.started_on.isoformat()}, when the mentorship began, until today",
                field="held_on",
            )
        return given
    if review is None or review.starts_at is None:
        raise Refusal(
            "REVIEW_UNKNOWN",
            f"the mentorship has no review {command.review_id}; check the ids, or say with held_on on which day it took place "
            "unscheduled",
            field="review_id",
        )
    if context.now < review.starts_at:
        raise Refusal(
            "REVIEW_AHEAD",
            f"it is to begin at {review.starts_at.isoformat()}; record it afterwards, move it, or say with held_on on which day "
            "it took place",
            field="review_id",
        )
    return day_there(review.starts_at, zone)


def _is_repeat(
    review: Review, command: HoldReviewRequest | ReviseReviewRequest, mentored: Mentored, context: Context
) -> bool:
    """Whether exactly this content is the present one."""
    held_on: date | None = review.held_on
    if held_on is None:
        return False
    content = recorded(command, held_on, mentored, context)
    return content_hash(command, review.revision, held_on, content) == review.content_hash


def _sign_by(context: Context) -> Timestamp | None:
    policy = context.state(SupportPolicy)
    by: datetime = working_days_later(context.now, policy.numbers["signature_working_days"], policy.zone)
    return timestamp(by)


def _over(review: Review) -> Refusal:
    if review.status == REVIEW_STATUS_CANCELLED:
        return Refusal(
            "REVIEW_CANCELLED",
            f"review {review.review_id} was cancelled; schedule another, or record one under another id, with its held_on",
            field="review_id",
        )
    return Refusal(
        "REVIEW_HELD_ALREADY",
        f"review {review.review_id} was held; revise its content, or schedule the next one under another id",
        field="review_id",
    )


def _not_held(review: Review) -> Refusal:
    return Refusal(
        "REVIEW_NOT_HELD", f"nothing was recorded of review {review.review_id} yet; hold it first", field="review_id"
    )
