"""What the mentor decides of a request for an assessment: to ask, to ask somebody else, to ask no more."""

from datetime import date, datetime

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.assessment_events_pb2 import AssessmentRedirected, AssessmentRequested, AssessmentWithdrawn
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_DECLINED,
    ASSESSMENT_STATUS_WITHDRAWN,
    RedirectAssessmentRequest,
    RequestAssessmentRequest,
    WithdrawAssessmentRequest,
)

from evidence.domain.assessment_state import (
    Asked,
    Assessment,
    asked_of,
    mentored_by_caller,
    refuse_settled,
    refuse_who_cannot_assess,
)
from evidence.domain.days import day, day_there, working_days_later
from evidence.domain.support_policy import SupportPolicy


def request(state: Assessment, command: RequestAssessmentRequest, context: Context) -> list[AssessmentRequested]:
    """Asks a party of the mentorship, on KSBs of its standard."""
    mentored = mentored_by_caller(command.mentorship_id, context)
    asked = Asked(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        reference=mentored.reference,
        version=mentored.version,
        purpose=command.purpose,
        ksb_codes=tuple(command.ksb_codes),
    )
    if state.asked is not None:
        asked_of(state, command.learner_id, command.mentorship_id)
        if (state.asked, state.asked_id, state.wished_by) == (asked, command.asked_id, command.wished_by):
            return []
        raise Refusal(
            "ASSESSMENT_EXISTS",
            f"assessment {command.assessment_id} was asked for otherwise; redirect that one, or ask under a new id",
            field="assessment_id",
        )
    refuse_who_cannot_assess(mentored, command.asked_id, command.purpose, context, "asked_id")
    unknown = [code for code in command.ksb_codes if code not in mentored.ksb_codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {mentored.reference} {mentored.version}; name KSBs of the mentorship's standard",
            field="ksb_codes",
        )
    _refuse_past(command.wished_by, context)
    return [
        AssessmentRequested(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentored.mentor_id,
            asked_id=command.asked_id,
            standard=StandardVersion(reference=mentored.reference, version=mentored.version),
            purpose=command.purpose,
            ksb_codes=command.ksb_codes,
            wished_by=command.wished_by,
            note=Sealed(to_be_sealed=command.note),
            wait=1,
            late_at=timestamp(_answer_by(context)),
        )
    ]


def redirect(state: Assessment, command: RedirectAssessmentRequest, context: Context) -> list[AssessmentRedirected]:
    """Asks another party instead, also one that declined before. An appointment that was made is gone."""
    mentored = mentored_by_caller(command.mentorship_id, context)
    asked = asked_of(state, command.learner_id, command.mentorship_id)
    refuse_settled(state)
    if (state.asked_id, state.wished_by) == (
        command.asked_id,
        command.wished_by,
    ) and state.status != ASSESSMENT_STATUS_DECLINED:
        return []
    refuse_who_cannot_assess(mentored, command.asked_id, asked.purpose, context, "asked_id")
    _refuse_past(command.wished_by, context)
    return [
        AssessmentRedirected(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentored.mentor_id,
            asked_id=command.asked_id,
            former_asked_id=state.asked_id,
            wished_by=command.wished_by,
            wait=state.wait + 1,
            late_at=timestamp(_answer_by(context)),
        )
    ]


def withdraw(state: Assessment, command: WithdrawAssessmentRequest, context: Context) -> list[AssessmentWithdrawn]:
    """It is needed no longer."""
    mentored_by_caller(command.mentorship_id, context)
    asked_of(state, command.learner_id, command.mentorship_id)
    if state.status == ASSESSMENT_STATUS_WITHDRAWN:
        return []
    refuse_settled(state)
    return [
        AssessmentWithdrawn(
            assessment_id=command.assessment_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            asked_id=state.asked_id,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def _answer_by(context: Context) -> datetime:
    policy = context.state(SupportPolicy)
    return working_days_later(context.now, policy.numbers["answer_working_days"], policy.zone)


def _refuse_past(wished_by: str, context: Context) -> None:
    wished: date = day(wished_by, "wished_by")
    if wished < day_there(context.now, context.state(SupportPolicy).zone):
        raise Refusal("WISHED_IN_PAST", f"{wished_by} is over; give a day that is to come, or today", field="wished_by")
