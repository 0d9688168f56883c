"""What the asked person decides of a request for an assessment: to take it on or not, when, and what comes of it."""

from datetime import UTC, timedelta

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.assessment_events_pb2 import (
    ASSESSMENT_PURPOSE_SUMMATIVE,
    AssessmentAccepted,
    AssessmentDecided,
    AssessmentDeclined,
    AssessmentScheduled,
)
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_ACCEPTED,
    ASSESSMENT_STATUS_DECIDED,
    ASSESSMENT_STATUS_DECLINED,
    ASSESSMENT_STATUS_REQUESTED,
    ASSESSMENT_STATUS_SCHEDULED,
    AcceptAssessmentRequest,
    DecideAssessmentRequest,
    DeclineAssessmentRequest,
    ScheduleAssessmentRequest,
)

from evidence.domain.assessment_state import (
    Assessment,
    asked_of_caller,
    refuse_settled,
    refuse_who_cannot_assess,
)
from evidence.domain.days import refuse_unless_to_come, working_days_later
from evidence.domain.review_state import Reviews, active_mentorship
from evidence.domain.support_policy import SupportPolicy


def accept(state: Assessment, command: AcceptAssessmentRequest, context: Context) -> list[AssessmentAccepted]:
    """Takes it on; also after having declined it, while the mentor asked nobody else."""
    asked_of_caller(state, command.learner_id, command.mentorship_id, context)
    if state.status in (ASSESSMENT_STATUS_ACCEPTED, ASSESSMENT_STATUS_SCHEDULED):
        return []
    refuse_settled(state)
    policy = context.state(SupportPolicy)
    late_at = working_days_later(context.now, policy.numbers["appointment_working_days"], policy.zone)
    return [
        AssessmentAccepted(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            asked_id=state.asked_id,
            wait=state.wait + 1,
            late_at=timestamp(late_at),
        )
    ]


def decline(state: Assessment, command: DeclineAssessmentRequest, context: Context) -> list[AssessmentDeclined]:
    """Does not take it on, or gives it back."""
    asked_of_caller(state, command.learner_id, command.mentorship_id, context)
    if state.status == ASSESSMENT_STATUS_DECLINED:
        return []
    refuse_settled(state)
    return [
        AssessmentDeclined(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            asked_id=state.asked_id,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def schedule(state: Assessment, command: ScheduleAssessmentRequest, context: Context) -> list[AssessmentScheduled]:
    """Makes the appointment, or moves it."""
    asked_of_caller(state, command.learner_id, command.mentorship_id, context)
    starts_at, duration = command.starts_at.ToDatetime(tzinfo=UTC), command.duration.ToSeconds()
    if (state.status, state.starts_at, state.duration) == (ASSESSMENT_STATUS_SCHEDULED, starts_at, duration):
        return []
    refuse_settled(state)
    if state.status in (ASSESSMENT_STATUS_REQUESTED, ASSESSMENT_STATUS_DECLINED):
        raise Refusal("NOT_ACCEPTED", "accept the request first, and make the appointment then", field="assessment_id")
    refuse_unless_to_come(starts_at, context.now)
    policy = context.state(SupportPolicy)
    ends_at = starts_at + timedelta(seconds=duration)
    return [
        AssessmentScheduled(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            asked_id=state.asked_id,
            starts_at=command.starts_at,
            duration=command.duration,
            former_starts_at=timestamp(state.starts_at),
            wait=state.wait + 1,
            late_at=timestamp(working_days_later(ends_at, policy.numbers["decision_working_days"], policy.zone)),
        )
    ]


def decide(state: Assessment, command: DecideAssessmentRequest, context: Context) -> list[AssessmentDecided]:
    """Decides on each KSB that was asked for, once the appointment has begun. The decision stays."""
    asked = asked_of_caller(state, command.learner_id, command.mentorship_id, context)
    person_id = context.principal.person_id
    outcomes = tuple((one.ksb_code, int(one.outcome)) for one in command.outcomes)
    if state.status == ASSESSMENT_STATUS_DECIDED and sorted(state.outcomes) == sorted(outcomes):
        return []
    refuse_settled(state)
    refuse_who_cannot_assess(
        active_mentorship(context.state(Reviews), command.mentorship_id), person_id, asked.purpose, context
    )
    if asked.purpose == ASSESSMENT_PURPOSE_SUMMATIVE and "assessor" not in context.principal.roles:
        raise Refusal(
            "SUMMATIVE_BY_ASSESSOR", "a summative assessment is decided on in the role of an assessor; use that one"
        )
    if state.starts_at is None:
        raise Refusal(
            "NO_APPOINTMENT", "there was no appointment; make one first, and decide then", field="assessment_id"
        )
    if context.now < state.starts_at:
        raise Refusal(
            "APPOINTMENT_AHEAD",
            f"the appointment is at {state.starts_at.isoformat()}; decide when it has begun, or move it",
            field="assessment_id",
        )
    if sorted(code for code, _ in outcomes) != sorted(asked.ksb_codes):
        raise Refusal(
            "OUTCOMES_INCOMPLETE",
            f"each of {', '.join(asked.ksb_codes)} is decided on once, and nothing else; give an outcome for each",
            field="outcomes",
        )
    return [
        AssessmentDecided(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            assessor_id=person_id,
            standard=StandardVersion(reference=asked.reference, version=asked.version),
            purpose=asked.purpose,
            outcomes=command.outcomes,
            feedback=Sealed(to_be_sealed=command.feedback),
        )
    ]
