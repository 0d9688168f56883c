"""What is told of progress reviews: by the PROGRESS row, and neither a day nor a word of them. Each signature is told with the last."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.evidence.v1.review_events_pb2 import (
    ReviewCancelled,
    ReviewCompleted,
    ReviewDueSet,
    ReviewHeld,
    ReviewLate,
    ReviewRevised,
    ReviewScheduled,
    ReviewStanding,
    SignaturesLate,
)
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def review_due(event: ReviewDueSet, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told where one is due. That none is, in a break in learning or after the end, asks nothing of anybody."""
    if event.standing == ReviewStanding.REVIEW_STANDING_DUE:
        yield _about(event, event.mentorship_id, Occasion.OCCASION_REVIEW_DUE, meta)


@telling.on
def review_scheduled(event: ReviewScheduled, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Also where it was moved: when it takes place, the link shows to whoever may see it."""
    yield _about(event, event.review_id, Occasion.OCCASION_REVIEW_SCHEDULED, meta)


@telling.on
def review_cancelled(event: ReviewCancelled, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Why is not told."""
    yield _about(event, event.review_id, Occasion.OCCASION_REVIEW_CANCELLED, meta)


@telling.on
def review_held(event: ReviewHeld, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to those who may sign."""
    yield _about(event, event.review_id, Occasion.OCCASION_REVIEW_TO_SIGN, meta, actor_id=event.recorded_by)


@telling.on
def review_revised(event: ReviewRevised, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told as one that was held: who had signed signs anew."""
    yield _about(event, event.review_id, Occasion.OCCASION_REVIEW_TO_SIGN, meta, actor_id=event.recorded_by)


@telling.on
def review_completed(event: ReviewCompleted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Whether anybody objected is not told."""
    yield _about(event, event.review_id, Occasion.OCCASION_REVIEW_COMPLETED, meta)


@telling.on
def review_late(event: ReviewLate, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Nobody held it: the day came."""
    yield _about(event, event.mentorship_id, Occasion.OCCASION_REVIEW_LATE, meta)


@telling.on
def signatures_late(event: SignaturesLate, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Whose is missing is not told."""
    yield _about(event, event.review_id, Occasion.OCCASION_SIGNATURES_LATE, meta)


def _about(
    event: (
        ReviewDueSet
        | ReviewScheduled
        | ReviewCancelled
        | ReviewHeld
        | ReviewRevised
        | ReviewCompleted
        | ReviewLate
        | SignaturesLate
    ),
    about_id: str,
    occasion: Occasion.ValueType,
    meta: Metadata,
    *,
    actor_id: str = "",
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=occasion,
        about_id=about_id,
        actor_id=actor_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
    )
