"""Requests for assessments and how they stand, one document a request: what somebody is asked for, and a learner's."""

import asyncio

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1 import assessment_pb2 as views
from mentoring.evidence.v1.assessment_events_pb2 import (
    AssessmentAccepted,
    AssessmentChased,
    AssessmentDecided,
    AssessmentDeclined,
    AssessmentLapsed,
    AssessmentOutcome,
    AssessmentPurpose,
    AssessmentRedirected,
    AssessmentRequested,
    AssessmentScheduled,
    AssessmentWithdrawn,
    KsbOutcome,
)
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_ACCEPTED,
    ASSESSMENT_STATUS_DECIDED,
    ASSESSMENT_STATUS_DECLINED,
    ASSESSMENT_STATUS_LAPSED,
    ASSESSMENT_STATUS_REQUESTED,
    ASSESSMENT_STATUS_SCHEDULED,
    ASSESSMENT_STATUS_UNSPECIFIED,
    ASSESSMENT_STATUS_WITHDRAWN,
    MY_ASSESSMENTS_ACCEPTED,
    MY_ASSESSMENTS_LATE,
    MY_ASSESSMENTS_SCHEDULED,
    MY_ASSESSMENTS_UNSPECIFIED,
    MY_ASSESSMENTS_WAITING,
    AssessmentStatus,
)
from pydantic import BaseModel

from evidence.domain.assessment_state import MAY_BE_ASKED, WAITED_FOR
from evidence.projections.support_team import support_team
from evidence.projections.times import ms, stamp, to_ms

_ANY_WAITED_FOR = frozenset(WAITED_FOR)
_STATUSES = {
    MY_ASSESSMENTS_UNSPECIFIED: _ANY_WAITED_FOR,
    MY_ASSESSMENTS_WAITING: frozenset({ASSESSMENT_STATUS_REQUESTED}),
    MY_ASSESSMENTS_ACCEPTED: frozenset({ASSESSMENT_STATUS_ACCEPTED}),
    MY_ASSESSMENTS_SCHEDULED: frozenset({ASSESSMENT_STATUS_SCHEDULED}),
    MY_ASSESSMENTS_LATE: _ANY_WAITED_FOR,
}


class AssessmentRequest(BaseModel):
    """One request, named as in the contract's `AssessmentSummary`; `late_ms` is 0 where nobody waits for the asked person."""

    assessment_id: str
    learner_id: str = ""
    mentorship_id: str = ""
    mentor_id: str = ""
    asked_id: str = ""
    standard_reference: str = ""
    standard_version: str = ""
    purpose: AssessmentPurpose.ValueType = AssessmentPurpose.ASSESSMENT_PURPOSE_UNSPECIFIED
    ksb_codes: list[str] = []
    wished_by: str = ""
    status: AssessmentStatus.ValueType = ASSESSMENT_STATUS_UNSPECIFIED
    requested_ms: int = 0
    starts_ms: int = 0
    duration_seconds: int = 0
    late_ms: int = 0
    chased: int = 0
    outcomes: dict[str, AssessmentOutcome.ValueType] = {}


assessment_requests = Projection(
    "assessment_requests",
    version=1,
    document=AssessmentRequest,
    key="assessment_id",
    indexes=("asked_id", "learner_id", "mentorship_id", "status", "requested_ms", "late_ms"),
)


@assessment_requests.on
def requested(document: AssessmentRequest, event: AssessmentRequested, meta: Metadata) -> None:
    """It waits for an answer."""
    document.learner_id = event.learner_id
    document.mentorship_id = event.mentorship_id
    document.mentor_id = event.mentor_id
    document.asked_id = event.asked_id
    document.standard_reference = event.standard.reference
    document.standard_version = event.standard.version
    document.purpose = event.purpose
    document.ksb_codes = list(event.ksb_codes)
    document.wished_by = event.wished_by
    document.requested_ms = ms(meta)
    _waits(document, event, ASSESSMENT_STATUS_REQUESTED)


@assessment_requests.on
def redirected(document: AssessmentRequest, event: AssessmentRedirected, _meta: Metadata) -> None:
    """It waits for another's answer."""
    document.mentor_id = event.mentor_id
    document.asked_id = event.asked_id
    document.wished_by = event.wished_by
    document.starts_ms = document.duration_seconds = 0
    _waits(document, event, ASSESSMENT_STATUS_REQUESTED)


@assessment_requests.on
def accepted(document: AssessmentRequest, event: AssessmentAccepted, _meta: Metadata) -> None:
    """It waits for an appointment."""
    _waits(document, event, ASSESSMENT_STATUS_ACCEPTED)


@assessment_requests.on
def scheduled(document: AssessmentRequest, event: AssessmentScheduled, _meta: Metadata) -> None:
    """It waits for the decision."""
    document.starts_ms = event.starts_at.ToMilliseconds()
    document.duration_seconds = event.duration.ToSeconds()
    _waits(document, event, ASSESSMENT_STATUS_SCHEDULED)


@assessment_requests.on
def chased(document: AssessmentRequest, event: AssessmentChased, _meta: Metadata) -> None:
    """The asked person was reminded."""
    document.chased = event.number


@assessment_requests.on
def declined(document: AssessmentRequest, _event: AssessmentDeclined, _meta: Metadata) -> None:
    """The mentor may ask somebody else."""
    document.starts_ms = document.duration_seconds = 0
    _over(document, ASSESSMENT_STATUS_DECLINED)


@assessment_requests.on
def decided(document: AssessmentRequest, event: AssessmentDecided, _meta: Metadata) -> None:
    """What came of it."""
    document.outcomes = {one.ksb_code: one.outcome for one in event.outcomes}
    _over(document, ASSESSMENT_STATUS_DECIDED)


@assessment_requests.on
def withdrawn(document: AssessmentRequest, _event: AssessmentWithdrawn, _meta: Metadata) -> None:
    """It is needed no longer."""
    _over(document, ASSESSMENT_STATUS_WITHDRAWN)


@assessment_requests.on
def lapsed(document: AssessmentRequest, _event: AssessmentLapsed, _meta: Metadata) -> None:
    """The mentorship ended before."""
    _over(document, ASSESSMENT_STATUS_LAPSED)


async def list_assessments(request: views.ListAssessmentsRequest, read: Reader) -> views.ListAssessmentsResponse:
    """A learner's requests in one mentorship, the newest first; whoever is neither the learner nor the mentor finds what they are asked for."""
    me = read.principal.person_id
    equal: dict[str, object] = {"learner_id": request.learner_id, "mentorship_id": request.mentorship_id}
    if request.status != ASSESSMENT_STATUS_UNSPECIFIED:
        equal["status"] = request.status
    if me != request.learner_id and not await _is_mentor(request, read):
        equal["asked_id"] = me
    shown, cursor = await read.page(assessment_requests, request.page, order="requested_ms", descending=True, **equal)
    now = to_ms(read.now)
    return views.ListAssessmentsResponse(assessments=[summary(one, now) for one in shown], next_cursor=cursor)


async def list_my_assessments(request: views.ListMyAssessmentsRequest, read: Reader) -> views.ListMyAssessmentsResponse:
    """What the caller is asked for, in mentorships that go on and in which they are a party; what is late soonest first."""
    me, now = read.principal.person_id, to_ms(read.now)
    asked = [
        one
        for one in await read.documents(assessment_requests, asked_id=me)
        if one.status in _STATUSES[request.which] and (request.which != MY_ASSESSMENTS_LATE or one.late_ms <= now)
    ]
    attached = await asyncio.gather(*(_is_attached(one, read) for one in asked))
    # Before the pages are cut: neither a page's length nor a cursor tells of what is not the caller's affair any more.
    shown, cursor = cut(
        (one for one, is_mine in zip(asked, attached, strict=True) if is_mine),
        request.page,
        key=lambda one: (one.late_ms, one.assessment_id),
        of=list_name("my assessments", me, request.which),
    )
    return views.ListMyAssessmentsResponse(assessments=[summary(one, now) for one in shown], next_cursor=cursor)


def summary(document: AssessmentRequest, now_ms: int) -> views.AssessmentSummary:
    """As answers give it."""
    return views.AssessmentSummary(
        assessment_id=document.assessment_id,
        learner_id=document.learner_id,
        mentorship_id=document.mentorship_id,
        mentor_id=document.mentor_id,
        asked_id=document.asked_id,
        standard=StandardVersion(reference=document.standard_reference, version=document.standard_version),
        purpose=document.purpose,
        ksb_codes=document.ksb_codes,
        wished_by=document.wished_by,
        status=document.status,
        requested_at=stamp(document.requested_ms),
        starts_at=stamp(document.starts_ms),
        duration=Duration(seconds=document.duration_seconds) if document.starts_ms else None,
        late_at=stamp(document.late_ms),
        late=0 < document.late_ms <= now_ms,
        chased=document.chased,
        outcomes=[KsbOutcome(ksb_code=code, outcome=outcome) for code, outcome in document.outcomes.items()],
    )


async def _is_mentor(request: views.ListAssessmentsRequest, read: Reader) -> bool:
    team = await read.document(support_team, request.learner_id)
    found = None if team is None else team.mentorships.get(request.mentorship_id)
    return found is not None and found.active and found.mentor_id == read.principal.person_id


async def _is_attached(document: AssessmentRequest, read: Reader) -> bool:
    """Whether the caller is still told of the learner: the mentorship goes on, and they are a party who may be asked."""
    team = await read.document(support_team, document.learner_id)
    return team is not None and team.within(document.mentorship_id).has_party(read.principal.person_id, MAY_BE_ASKED)


def _waits(
    document: AssessmentRequest,
    event: AssessmentRequested | AssessmentRedirected | AssessmentAccepted | AssessmentScheduled,
    status: AssessmentStatus.ValueType,
) -> None:
    document.status, document.late_ms, document.chased = status, event.late_at.ToMilliseconds(), 0


def _over(document: AssessmentRequest, status: AssessmentStatus.ValueType) -> None:
    document.status, document.late_ms = status, 0
