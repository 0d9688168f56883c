"""Issues of the mentorship of `plan_stories`, as tests tell of them."""

from datetime import UTC, datetime
from typing import Any

from eventkernel.testing.scenario import Given, given, person
from google.protobuf.message import Message
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_PROGRESS,
    ISSUE_KIND_WELL_BEING,
    ISSUE_OUTCOME_RESOLVED,
    REFERRED_AS_PROVIDER_MANAGER,
)
from mentoring.sessions.v1.issue_pb2 import (
    AcceptReferralRequest,
    AddToIssueRequest,
    AgreeNextStepRequest,
    ChaseReferralRequest,
    DeclineReferralRequest,
    RaiseIssueRequest,
    RecordOutcomeRequest,
    ReferIssueRequest,
    ReopenIssueRequest,
    ReportIdleIssueRequest,
    WithdrawReferralRequest,
)
from sessions.domain.action_state import Action
from sessions.domain.issue import issue
from sessions.domain.issue_state import Issue
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.session_state import Session

from .plan_stories import MENTOR, mentored

OF: dict[str, Any] = {"issue_id": "issue-1", "learner_id": "learner-1"}
DSL, DEPUTY = person("dana", "dsl"), person("dana", "deputy_dsl")
# Monday the 2nd of March 2026, at noon: three working days end with Thursday the 5th, ten with Monday the 16th, at midnight UTC.
LATE = datetime(2026, 3, 6, tzinfo=UTC)
IDLE = datetime(2026, 3, 17, tzinfo=UTC)


def raise_it(**changed: Any) -> RaiseIssueRequest:
    fields = {"kind": ISSUE_KIND_PROGRESS, "text": "no time to read at work"}
    return RaiseIssueRequest(**{**OF, "mentorship_id": "mentorship-1", **fields, **changed})


def refer(referral_id: str = "referral-1", **changed: Any) -> ReferIssueRequest:
    fields = {"referred_to_id": "paula", "referred_as": REFERRED_AS_PROVIDER_MANAGER, "ask": "speak to the site"}
    return ReferIssueRequest(**{**OF, "referral_id": referral_id, **fields, **changed})


def accept(referral_id: str = "referral-1", **changed: Any) -> AcceptReferralRequest:
    return AcceptReferralRequest(**{**OF, "referral_id": referral_id, **changed})


def decline(referral_id: str = "referral-1", **changed: Any) -> DeclineReferralRequest:
    return DeclineReferralRequest(**{**OF, "referral_id": referral_id, "reason": "I am away", **changed})


def withdraw(referral_id: str = "referral-1", **changed: Any) -> WithdrawReferralRequest:
    return WithdrawReferralRequest(**{**OF, "referral_id": referral_id, "reason": "not them after all", **changed})


def add(note_id: str = "note-1", text: str = "I asked again", **changed: Any) -> AddToIssueRequest:
    return AddToIssueRequest(**{**OF, "note_id": note_id, "text": text, **changed})


def next_step(step_id: str = "step-1", **changed: Any) -> AgreeNextStepRequest:
    return AgreeNextStepRequest(**{**OF, "step_id": step_id, "text": "an hour on Fridays", **changed})


def outcome(**changed: Any) -> RecordOutcomeRequest:
    return RecordOutcomeRequest(
        **{**OF, "outcome": ISSUE_OUTCOME_RESOLVED, "account": "there is an hour now", **changed}
    )


def reopen(**changed: Any) -> ReopenIssueRequest:
    return ReopenIssueRequest(**{**OF, "reason": "the hour was taken back", **changed})


def chase(number: int = 1, referral_id: str = "referral-1", **changed: Any) -> ChaseReferralRequest:
    return ChaseReferralRequest(**{**OF, "referral_id": referral_id, "number": number, **changed})


def report(act: int = 1, number: int = 1, **changed: Any) -> ReportIdleIssueRequest:
    return ReportIdleIssueRequest(**{**OF, "act": act, "number": number, **changed})


def nothing(people: Mentorships | None = None, *, beside: tuple[object, ...] = ()) -> Given[Issue]:
    """Before anything was raised."""
    loaded = {type(one): one for one in (people or mentored(), MentoringPolicy(), Session(), Action(), *beside)}
    return given(issue).beside(*loaded.values())


def past(*commands: Message, by: Any = MENTOR, kind: int = ISSUE_KIND_PROGRESS) -> Given[Issue]:
    """An issue after these commands of the mentor."""
    tale = nothing().when(raise_it(kind=kind), by=MENTOR).after()
    for command in commands:
        tale = tale.when(command, by=by).after()
    return tale


def well_being(*commands: Message) -> Given[Issue]:
    """The same, of well-being."""
    return past(*commands, kind=ISSUE_KIND_WELL_BEING)
