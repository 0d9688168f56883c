"""When the next review of each mentorship is due, and which wait for signatures: one document a mentorship, and what is late of all of them."""

from datetime import datetime
from typing import Any

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Page
from mentoring.evidence.v1 import review_views_pb2 as views
from mentoring.evidence.v1.review_events_pb2 import (
    REVIEW_STANDING_DUE,
    REVIEW_STANDING_ON_BREAK,
    ReviewCancelled,
    ReviewCompleted,
    ReviewDueSet,
    ReviewHeld,
    ReviewRevised,
    ReviewScheduled,
    ReviewStanding,
)
from mentoring.evidence.v1.review_views_pb2 import (
    DUE_STATE_FIRST_OVERDUE,
    DUE_STATE_IN_TIME,
    DUE_STATE_LATE,
    DUE_STATE_NOTHING,
    REVIEWS_DUE_FIRST_OVERDUE,
    REVIEWS_DUE_LATE,
    REVIEWS_DUE_SIGNATURES_LATE,
    REVIEWS_DUE_UNSPECIFIED,
    DueReview,
    DueState,
    ReviewsDue,
)
from pydantic import BaseModel

from evidence.projections.times import stamp, to_ms, until

# What makes each list late.
_ORDERS = {
    REVIEWS_DUE_LATE: "late_ms",
    REVIEWS_DUE_FIRST_OVERDUE: "first_late_ms",
    REVIEWS_DUE_SIGNATURES_LATE: "sign_by_ms",
}


class ReviewsOfMentorship(BaseModel):
    """What is due in one mentorship, named as in the contract's `DueReview`; times in milliseconds since 1970, 0 where there is none.

    `first_late_ms` is when a first review is no longer within good practice. `unsigned` has until when each review that was held is to be signed.
    """

    stream: str
    learner_id: str = ""
    mentorship_id: str = ""
    mentor_id: str = ""
    standing: ReviewStanding.ValueType = ReviewStanding.REVIEW_STANDING_UNSPECIFIED
    due_on: str = ""
    first_by: str = ""
    late_ms: int = 0
    first_late_ms: int = 0
    scheduled_id: str = ""
    scheduled_ms: int = 0
    unsigned: dict[str, int] = {}
    sign_by_ms: int = 0


reviews_due = Projection(
    "reviews_due",
    version=1,
    document=ReviewsOfMentorship,
    key="stream",
    indexes=("mentor_id", "standing", "late_ms", "first_late_ms", "sign_by_ms"),
    of_streams=True,
)


@reviews_due.on
def due_set(document: ReviewsOfMentorship, event: ReviewDueSet, _meta: Metadata) -> None:
    """What is due now, and whose it is."""
    document.learner_id = event.learner_id
    document.mentorship_id = event.mentorship_id
    document.mentor_id = event.mentor_id
    document.standing = event.standing
    document.due_on = event.due_on
    document.first_by = event.first_by
    document.late_ms = event.late_at.ToMilliseconds()
    document.first_late_ms = event.first_late_at.ToMilliseconds()


@reviews_due.on
def scheduled(document: ReviewsOfMentorship, event: ReviewScheduled, _meta: Metadata) -> None:
    """There is an appointment."""
    document.scheduled_id, document.scheduled_ms = event.review_id, event.starts_at.ToMilliseconds()


@reviews_due.on
def cancelled(document: ReviewsOfMentorship, _event: ReviewCancelled, _meta: Metadata) -> None:
    """There is none any more."""
    document.scheduled_id, document.scheduled_ms = "", 0


@reviews_due.on
def held(document: ReviewsOfMentorship, event: ReviewHeld, _meta: Metadata) -> None:
    """It waits for signatures. Another one may still be scheduled."""
    if document.scheduled_id == event.review_id:
        document.scheduled_id, document.scheduled_ms = "", 0
    _waits(document, event)


@reviews_due.on
def revised(document: ReviewsOfMentorship, event: ReviewRevised, _meta: Metadata) -> None:
    """It waits for all signatures anew."""
    _waits(document, event)


@reviews_due.on
def completed(document: ReviewsOfMentorship, event: ReviewCompleted, _meta: Metadata) -> None:
    """It waits for none."""
    document.unsigned.pop(event.review_id, None)
    document.sign_by_ms = min(document.unsigned.values(), default=0)


async def list_my_reviews_due(request: views.ListMyReviewsDueRequest, read: Reader) -> views.ListMyReviewsDueResponse:
    """Of the mentorships that the caller mentors."""
    shown, cursor = await _page(request.which, request.page, read, read.principal.person_id)
    return views.ListMyReviewsDueResponse(reviews=shown, next_cursor=cursor)


async def list_reviews_due(request: views.ListReviewsDueRequest, read: Reader) -> views.ListReviewsDueResponse:
    """Of all mentorships of the provider, or of one mentor's."""
    shown, cursor = await _page(request.which, request.page, read, request.mentor_id)
    return views.ListReviewsDueResponse(reviews=shown, next_cursor=cursor)


def due_review(document: ReviewsOfMentorship, now: datetime) -> DueReview:
    """As answers give it."""
    now_ms = to_ms(now)
    unsigned = sorted(document.unsigned, key=lambda one: (document.unsigned[one], one))
    return DueReview(
        learner_id=document.learner_id,
        mentorship_id=document.mentorship_id,
        mentor_id=document.mentor_id,
        standing=document.standing,
        due_on=document.due_on,
        first_by=document.first_by,
        state=_state(document, now_ms),
        scheduled_at=stamp(document.scheduled_ms),
        unsigned_review_id=unsigned[0] if unsigned else "",
        sign_by=stamp(document.sign_by_ms),
        signatures_late=0 < document.sign_by_ms <= now_ms,
    )


def _state(document: ReviewsOfMentorship, now_ms: int) -> DueState.ValueType:
    if document.standing != REVIEW_STANDING_DUE:
        return DUE_STATE_NOTHING
    if document.late_ms <= now_ms:
        return DUE_STATE_LATE
    return DUE_STATE_FIRST_OVERDUE if 0 < document.first_late_ms <= now_ms else DUE_STATE_IN_TIME


async def _page(which: ReviewsDue.ValueType, page: Page, read: Reader, mentor_id: str) -> tuple[list[DueReview], str]:
    order = _ORDERS.get(which, "late_ms")
    # A review that was held is to be signed in a break too.
    standings = {REVIEW_STANDING_DUE, REVIEW_STANDING_ON_BREAK} if order == "sign_by_ms" else {REVIEW_STANDING_DUE}
    equal: dict[str, Any] = {"mentor_id": mentor_id} if mentor_id else {}
    found, cursor = await read.page(reviews_due, page, order=order, since=1, standing=frozenset(standings), **equal)
    if which != REVIEWS_DUE_UNSPECIFIED:
        found, cursor = until(found, cursor, order, read.now)
    return [due_review(one, read.now) for one in found], cursor


def _waits(document: ReviewsOfMentorship, event: ReviewHeld | ReviewRevised) -> None:
    document.unsigned[event.review_id] = event.sign_by.ToMilliseconds()
    document.sign_by_ms = min(document.unsigned.values())
