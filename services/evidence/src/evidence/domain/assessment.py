"""One request for an assessment: the mentor asks, the asked person answers, makes an appointment, and decides.

Nobody decides on themselves or on their own learner, a summative decision is an assessor's, and a decision is never changed. Whoever is waited for
is chased when late, so often and no more, and never after it is settled.
"""

from dataclasses import replace
from datetime import UTC
from typing import TypeAlias

from eventkernel.aggregate import Aggregate, Context, NotYet
from eventkernel.timestamps import timestamp
from mentoring.evidence.v1.assessment_events_pb2 import (
    AssessmentAccepted,
    AssessmentChased,
    AssessmentDecided,
    AssessmentDeclined,
    AssessmentLapsed,
    AssessmentRedirected,
    AssessmentRequested,
    AssessmentScheduled,
    AssessmentWithdrawn,
)
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_ACCEPTED,
    ASSESSMENT_STATUS_DECIDED,
    ASSESSMENT_STATUS_DECLINED,
    ASSESSMENT_STATUS_LAPSED,
    ASSESSMENT_STATUS_REQUESTED,
    ASSESSMENT_STATUS_SCHEDULED,
    ASSESSMENT_STATUS_WITHDRAWN,
    AssessmentStatus,
    ChaseAssessmentRequest,
)

from evidence.domain import assessment_answering, assessment_asking
from evidence.domain.assessment_state import WAITED_FOR, Asked, Assessment
from evidence.domain.days import working_days_later
from evidence.domain.review_state import Reviews
from evidence.domain.support_policy import SupportPolicy

assessment = Aggregate("assessment", initial=Assessment())

for decision in (
    assessment_asking.request,
    assessment_asking.redirect,
    assessment_asking.withdraw,
    assessment_answering.accept,
    assessment_answering.decline,
    assessment_answering.schedule,
    assessment_answering.decide,
):
    assessment.decide(decision)

_Waiting: TypeAlias = AssessmentRequested | AssessmentRedirected | AssessmentAccepted | AssessmentScheduled


@assessment.decide
def chase(
    state: Assessment, command: ChaseAssessmentRequest, context: Context
) -> list[AssessmentChased | AssessmentLapsed]:
    """Reminds of what is late, where the same is still waited for. Where the mentorship has ended, nothing is any more."""
    mentored = context.state(Reviews).mentored
    if state.asked is None or mentored is None or state.status not in WAITED_FOR or state.late_at is None:
        return []
    if (state.wait, state.chased + 1) != (command.wait, command.number) or state.chase_at is None:
        return []
    if context.now < state.chase_at:
        raise NotYet("DEADLINE_AHEAD", f"it is not late before {state.chase_at.isoformat()}", field="wait")
    named = {
        "assessment_id": command.assessment_id,
        "learner_id": command.learner_id,
        "mentorship_id": command.mentorship_id,
        "asked_id": state.asked_id,
    }
    if mentored.ended:
        return [AssessmentLapsed(**named)]
    policy = context.state(SupportPolicy)
    if command.number > policy.numbers["chases"]:
        return []
    again = working_days_later(context.now, policy.numbers["chase_working_days"], policy.zone)
    return [
        AssessmentChased(
            **named,
            mentor_id=mentored.mentor_id,
            late=WAITED_FOR[state.status],
            late_since=timestamp(state.late_at),
            wait=state.wait,
            number=command.number,
            next_at=timestamp(again) if command.number < policy.numbers["chases"] else None,
        )
    ]


@assessment.evolve
def requested(_state: Assessment, event: AssessmentRequested) -> Assessment:
    """An answer is waited for."""
    asked = Asked(
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        reference=event.standard.reference,
        version=event.standard.version,
        purpose=event.purpose,
        ksb_codes=tuple(event.ksb_codes),
    )
    new = Assessment(event.assessment_id, asked, event.asked_id, event.wished_by)
    return _waiting(new, event, ASSESSMENT_STATUS_REQUESTED)


@assessment.evolve
def redirected(state: Assessment, event: AssessmentRedirected) -> Assessment:
    """Another's answer is waited for."""
    turned = replace(state, asked_id=event.asked_id, wished_by=event.wished_by, starts_at=None, duration=0)
    return _waiting(turned, event, ASSESSMENT_STATUS_REQUESTED)


@assessment.evolve
def accepted(state: Assessment, event: AssessmentAccepted) -> Assessment:
    """An appointment is waited for."""
    return _waiting(state, event, ASSESSMENT_STATUS_ACCEPTED)


@assessment.evolve
def scheduled(state: Assessment, event: AssessmentScheduled) -> Assessment:
    """The decision is waited for."""
    made = replace(state, starts_at=event.starts_at.ToDatetime(tzinfo=UTC), duration=event.duration.ToSeconds())
    return _waiting(made, event, ASSESSMENT_STATUS_SCHEDULED)


@assessment.evolve
def declined(state: Assessment, _event: AssessmentDeclined) -> Assessment:
    """Nobody is waited for but the mentor."""
    return replace(_over(state, ASSESSMENT_STATUS_DECLINED), starts_at=None, duration=0)


@assessment.evolve
def decided(state: Assessment, event: AssessmentDecided) -> Assessment:
    """That is what came of it."""
    outcomes = tuple((one.ksb_code, int(one.outcome)) for one in event.outcomes)
    return replace(_over(state, ASSESSMENT_STATUS_DECIDED), outcomes=outcomes)


@assessment.evolve
def withdrawn(state: Assessment, _event: AssessmentWithdrawn) -> Assessment:
    """Nobody is waited for."""
    return _over(state, ASSESSMENT_STATUS_WITHDRAWN)


@assessment.evolve
def lapsed(state: Assessment, _event: AssessmentLapsed) -> Assessment:
    """Nobody is waited for."""
    return _over(state, ASSESSMENT_STATUS_LAPSED)


@assessment.evolve
def chased(state: Assessment, event: AssessmentChased) -> Assessment:
    """One time more."""
    next_at = event.next_at.ToDatetime(tzinfo=UTC) if event.HasField("next_at") else None
    return replace(state, chased=event.number, chase_at=next_at)


def _waiting(state: Assessment, event: _Waiting, status: AssessmentStatus.ValueType) -> Assessment:
    late_at = event.late_at.ToDatetime(tzinfo=UTC)
    return replace(state, status=status, wait=event.wait, late_at=late_at, chased=0, chase_at=late_at)


def _over(state: Assessment, status: AssessmentStatus.ValueType) -> Assessment:
    return replace(state, status=status, late_at=None, chase_at=None)
