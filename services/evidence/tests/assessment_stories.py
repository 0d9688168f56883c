"""A request for an assessment, as tests tell of it."""

from datetime import UTC, datetime
from typing import Any

from eventkernel.messages import Principal
from eventkernel.testing.scenario import Given, Outcome, given, person
from evidence.domain.assessment import assessment
from evidence.domain.assessment_state import Assessment
from evidence.domain.conflicts import Conflicts
from evidence.domain.review_state import Reviews
from evidence.domain.support_policy import SupportPolicy
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.assessment_events_pb2 import (
    ASSESSMENT_OUTCOME_MET,
    ASSESSMENT_OUTCOME_NOT_YET,
    ASSESSMENT_PURPOSE_SUMMATIVE,
    KsbOutcome,
)
from mentoring.evidence.v1.assessment_pb2 import (
    AcceptAssessmentRequest,
    ChaseAssessmentRequest,
    DecideAssessmentRequest,
    DeclineAssessmentRequest,
    RedirectAssessmentRequest,
    RequestAssessmentRequest,
    ScheduleAssessmentRequest,
    WithdrawAssessmentRequest,
)
from mentoring.evidence.v1.review_pb2 import NoteMentorshipEndRequest

from .review_stories import MENTOR, OF, PARTIES, at, notes, started
from .review_stories import ask as ask_reviews

ASSESSOR = person("assessor-1", "assessor")
COACH = person("coach-1", "coach")
# A Monday.
NOW = datetime(2026, 9, 7, 10, tzinfo=UTC)
APPOINTMENT = datetime(2026, 9, 18, 9, tzinfo=UTC)
LATE_ANSWER = datetime(2026, 9, 14, 10, tzinfo=UTC)
LATE_DECISION = datetime(2026, 9, 25, 10, 30, tzinfo=UTC)
ONE: dict[str, Any] = {"assessment_id": "assessment-1", **OF}
TEXT = Sealed(to_be_sealed="Words")
MET = [
    KsbOutcome(ksb_code="K1", outcome=ASSESSMENT_OUTCOME_MET),
    KsbOutcome(ksb_code="S1", outcome=ASSESSMENT_OUTCOME_NOT_YET),
]
ACCEPTS = AcceptAssessmentRequest(**ONE)
DECLINES = DeclineAssessmentRequest(**ONE, reason="Words")
WITHDRAWS = WithdrawAssessmentRequest(**ONE, reason="Words")
DECIDES = DecideAssessmentRequest(**ONE, outcomes=MET, feedback="Words")
MENTORSHIP = started().state
OVER = ask_reviews(started(), NoteMentorshipEndRequest(**OF)).after().state


def requests(**fields: Any) -> RequestAssessmentRequest:
    told: dict[str, Any] = {
        "asked_id": "assessor-1",
        "purpose": ASSESSMENT_PURPOSE_SUMMATIVE,
        "ksb_codes": ["K1", "S1"],
        "wished_by": "2026-09-30",
        "note": "Words",
    }
    return RequestAssessmentRequest(**{**ONE, **told, **fields})


def redirects(asked_id: str, wished_by: str = "2026-10-10") -> RedirectAssessmentRequest:
    return RedirectAssessmentRequest(**ONE, asked_id=asked_id, wished_by=wished_by)


def schedules(moment: datetime = APPOINTMENT) -> ScheduleAssessmentRequest:
    return ScheduleAssessmentRequest(**ONE, starts_at=at(moment), duration=Duration(seconds=5400))


def chases(wait: int, number: int = 1) -> ChaseAssessmentRequest:
    return ChaseAssessmentRequest(**ONE, wait=wait, number=number)


def ask(
    story: Given[Assessment],
    command: Message,
    by: Principal | None = None,
    moment: datetime = NOW,
    *,
    reviews: Reviews = MENTORSHIP,
    policy: SupportPolicy | None = None,
    conflicts: Conflicts | None = None,
) -> Outcome[Assessment]:
    beside = (reviews, policy or SupportPolicy(), conflicts or Conflicts())
    return story.beside(*beside).when(command, by=by, at=moment)


def requested(**fields: Any) -> Given[Assessment]:
    return ask(given(assessment), requests(**fields), MENTOR).after()


def accepted(**fields: Any) -> Given[Assessment]:
    return ask(requested(**fields), ACCEPTS, ASSESSOR).after()


def scheduled(**fields: Any) -> Given[Assessment]:
    return ask(accepted(**fields), schedules(), ASSESSOR).after()


def decided() -> Given[Assessment]:
    return ask(scheduled(), DECIDES, ASSESSOR, APPOINTMENT).after()


def party(person_id: str, relationship: Any) -> Any:
    return type(PARTIES[0])(person_id=person_id, relationship=relationship)


def two_assessors() -> Reviews:
    return ask_reviews(started(), notes(parties=[*PARTIES, party("assessor-2", PARTIES[0].relationship)])).after().state
