"""One request for an assessment with its texts, opened from its own stream each time, on the record."""

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from mentoring.evidence.v1.assessment_events_pb2 import (
    AssessmentDecided,
    AssessmentDeclined,
    AssessmentRequested,
    AssessmentWithdrawn,
)
from mentoring.evidence.v1.assessment_pb2 import GetAssessmentRequest, GetAssessmentResponse

from evidence.domain.assessment_state import unknown
from evidence.domain.review_state import Reviews
from evidence.domain.reviews import reviews, stream_of
from evidence.projections.assessment_requests import assessment_requests, summary
from evidence.projections.times import to_ms

_NOTE, _REASON, _FEEDBACK = "note", "reason", "feedback"


async def get_assessment(request: GetAssessmentRequest, read: Reader) -> GetAssessmentResponse:
    """The request as it stands. What mentor and asked person write to each other is not the learner's to read, the feedback is.

    Raises Refusal ASSESSMENT_UNKNOWN, also for one that somebody else is asked for.
    """
    document, sealed = assessment_requests.new(request.assessment_id), dict[str, Recorded]()
    for item in await read.history(f"assessment-{request.assessment_id}"):
        if fold := assessment_requests.folds.get(type(item.event)):
            fold(document, item.event, item.meta)
        if isinstance(item.event, AssessmentRequested):
            sealed[_NOTE] = item
        elif isinstance(item.event, AssessmentDeclined | AssessmentWithdrawn):
            sealed[_REASON] = item
        elif isinstance(item.event, AssessmentDecided):
            sealed[_FEEDBACK] = item
    if (document.learner_id, document.mentorship_id) != (request.learner_id, request.mentorship_id):
        raise unknown()
    me = read.principal.person_id
    if me == document.learner_id:
        told = {_FEEDBACK}
    elif me in (document.asked_id, await _mentor_of(request, read)):
        told = {_NOTE, _REASON, _FEEDBACK}
    else:
        raise unknown()
    fields = [field for field in sealed if field in told]
    texts = await read.open([(sealed[field], field) for field in fields])
    return GetAssessmentResponse(assessment=summary(document, to_ms(read.now)), **dict(zip(fields, texts, strict=True)))


async def _mentor_of(request: GetAssessmentRequest, read: Reader) -> str:
    state: Reviews = await read.state(reviews, stream_of(request.learner_id, request.mentorship_id))
    return "" if state.mentored is None or state.mentored.ended else state.mentored.mentor_id
