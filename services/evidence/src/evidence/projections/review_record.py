"""Progress reviews as they are read, from their own stream: one with its texts, opened each time on the record, or all of a mentorship without."""

from datetime import UTC, datetime

from eventkernel.aggregate import Refusal
from eventkernel.messages import Recorded
from eventkernel.paging import cut, list_name
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from google.protobuf.duration_pb2 import Duration
from mentoring.evidence.v1.review_events_pb2 import (
    RecordedReview,
    ReviewedKsb,
    ReviewHeld,
    ReviewProgress,
    ReviewRevised,
    ReviewSigned,
)
from mentoring.evidence.v1.review_views_pb2 import (
    REVIEW_STATUS_HELD,
    REVIEW_STATUS_UNSPECIFIED,
    GetReviewProgressRequest,
    GetReviewProgressResponse,
    GetReviewRequest,
    GetReviewResponse,
    GivenSignature,
    ListReviewsRequest,
    ListReviewsResponse,
    ReviewContent,
    ReviewGoal,
    ReviewSummary,
)

from evidence.domain.review_content import progress_hash
from evidence.domain.review_state import Mentored, Review, Reviews
from evidence.domain.reviews import reviews, stream_of
from evidence.policy_defaults import MINIMUM_OFF_THE_JOB_SECONDS
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_facts import progress_as_known
from evidence.projections.progress_figures import KsbFigures, figures_on
from evidence.projections.reviews_due import due_review, reviews_due


async def get_review(request: GetReviewRequest, read: Reader) -> GetReviewResponse:
    """The review as it stands, and every signature that was ever given.

    Raises Refusal REVIEW_UNKNOWN.
    """
    stream = stream_of(request.learner_id, request.mentorship_id)
    state = await read.state(reviews, stream)
    review = state.find(request.review_id)
    if state.mentored is None or review is None:
        raise Refusal(
            "REVIEW_UNKNOWN", f"the mentorship has no review {request.review_id}; check the ids", field="review_id"
        )
    response = GetReviewResponse(review=_summary(state.mentored, review, read))
    held: tuple[Recorded, ReviewHeld | ReviewRevised] | None = None
    signed: list[tuple[Recorded, ReviewSigned]] = []
    for item in await read.history(stream):
        event = item.event
        if isinstance(event, ReviewHeld | ReviewRevised) and event.review_id == request.review_id:
            held = item, event
        elif isinstance(event, ReviewSigned) and event.review_id == request.review_id:
            signed.append((item, event))
    if held is not None:
        await _show_content(*held, response, read)
        response.progress_confirmed = await _is_confirmed(state.mentored, held[1].content, read)
    objections = await read.open([(item, "objection") for item, _ in signed])
    response.signatures.extend(
        GivenSignature(
            signatory=event.signatory,
            signed_by=event.signed_by,
            signed_at=timestamp(item.meta.at),
            content_hash=event.content_hash,
            revision=event.revision,
            objection=objection,
        )
        for (item, event), objection in zip(signed, objections, strict=True)
    )
    return response


async def list_reviews(request: ListReviewsRequest, read: Reader) -> ListReviewsResponse:
    """The reviews of a mentorship, the newest appointment first, and when the next is due."""
    stream = stream_of(request.learner_id, request.mentorship_id)
    state = await read.state(reviews, stream)
    shown, cursor = cut(
        (one for one in state.reviews if request.status in (REVIEW_STATUS_UNSPECIFIED, one.status)),
        request.page,
        key=lambda one: (one.place, one.review_id),
        of=list_name(stream, request.status),
        descending=True,
    )
    response = ListReviewsResponse(next_cursor=cursor)
    if state.mentored is not None:
        response.reviews.extend(_summary(state.mentored, one, read) for one in shown)
    document = reviews_due.new(stream)
    for item in await read.history(stream):
        if fold := reviews_due.folds.get(type(item.event)):
            fold(document, item.event, item.meta)
    if document.learner_id:
        response.next.CopyFrom(due_review(document, read.now))
    return response


async def get_review_progress(request: GetReviewProgressRequest, read: Reader) -> GetReviewProgressResponse:
    """The learner's figures on the mentorship's version of its standard, each KSB of it, as they are now.

    Raises Refusal MENTORSHIP_UNKNOWN.
    """
    state: Reviews = await read.state(reviews, stream_of(request.learner_id, request.mentorship_id))
    mentored = state.mentored
    if mentored is None:
        raise Refusal(
            "MENTORSHIP_UNKNOWN",
            f"the learner has no mentorship {request.mentorship_id}; check both ids, or ask again in a moment",
            field="mentorship_id",
        )
    document = await read.document(ksb_progress, request.learner_id) or ksb_progress.new(request.learner_id)
    progress = _progress(mentored, document, read.now)
    return GetReviewProgressResponse(progress=progress, progress_hash=progress_hash(progress))


def _progress(mentored: Mentored, document: LearnerProgress, as_of: datetime) -> ReviewProgress:
    figures = figures_on(document, mentored.reference, mentored.version)
    minimum = document.minimum_seconds.get(mentored.mentorship_id, MINIMUM_OFF_THE_JOB_SECONDS)
    return ReviewProgress(
        as_of=timestamp(as_of),
        session_minutes=figures.held_seconds // 60,
        off_the_job_minutes=figures.off_the_job_seconds // 60,
        minimum_off_the_job_minutes=minimum // 60,
        ksbs=[_ksb(code, figures.ksbs.get(code, KsbFigures())) for code in mentored.ksb_codes],
    )


def _ksb(code: str, figures: KsbFigures) -> ReviewedKsb:
    return ReviewedKsb(
        ksb_code=code,
        planned=figures.planned,
        practised=figures.practised,
        practised_minutes=figures.practised_seconds // 60,
        evidenced=figures.evidenced,
        assessed=figures.assessed,
        sampled=figures.sampled,
    )


async def _is_confirmed(mentored: Mentored, recorded: RecordedReview, read: Reader) -> bool:
    """Whether the figures are those of their moment, by what is known of it today: they were given by the service, and sent by a caller."""
    as_of = recorded.progress.as_of.ToDatetime(tzinfo=UTC)
    known = _progress(mentored, await progress_as_known(mentored.learner_id, as_of, read), as_of)
    return progress_hash(known) == recorded.progress_hash


async def _show_content(
    item: Recorded, event: ReviewHeld | ReviewRevised, response: GetReviewResponse, read: Reader
) -> None:
    content = event.content
    places = [f"content.goals[{index}].text" for index in range(len(content.goals))]
    fields = ["content.discussion", *(["content.concerns"] if content.HasField("concerns") else []), *places]
    texts = dict(zip(fields, await read.open([(item, place) for place in fields]), strict=True))
    response.progress_hash = content.progress_hash
    response.content.CopyFrom(
        ReviewContent(
            progress=content.progress,
            discussion=texts["content.discussion"],
            concerns=texts.get("content.concerns", ""),
            goals=[
                ReviewGoal(goal_id=goal.goal_id, text=texts[place], ksb_codes=goal.ksb_codes, due_on=goal.due_on)
                for goal, place in zip(content.goals, places, strict=True)
            ],
            respectful_language=content.respectful_language,
        )
    )


def _summary(mentored: Mentored, review: Review, read: Reader) -> ReviewSummary:
    waits = review.status == REVIEW_STATUS_HELD and not mentored.ended
    return ReviewSummary(
        learner_id=mentored.learner_id,
        mentorship_id=mentored.mentorship_id,
        review_id=review.review_id,
        status=review.status,
        starts_at=timestamp(review.starts_at),
        duration=Duration(seconds=review.duration) if review.duration else None,
        held_on="" if review.held_on is None else review.held_on.isoformat(),
        revision=review.revision,
        content_hash=review.content_hash,
        signed=[one.signatory for one in review.signatures],
        sign_by=timestamp(review.sign_by),
        signatures_late=waits and review.sign_by is not None and review.sign_by <= read.now,
    )
