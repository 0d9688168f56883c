"""Hours done on a plan's activities. Each counts once: a report that was put right counts no more, and a session that is counted for an
activity is not reported again: its length is the session's own.
"""

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    HOURS_REPORTER_LEARNER,
    HOURS_REPORTER_MENTOR,
    HoursCorrected,
    HoursReported,
    HoursReporter,
    JobTime,
    SessionCounted,
)
from mentoring.sessions.v1.learning_plan_pb2 import CorrectHoursRequest, CountSessionRequest, ReportHoursRequest

from sessions.domain.days import day, has_begun
from sessions.domain.learning_plan_state import LearningPlans, Plan, Report, report_of
from sessions.domain.plan_activities import known_activity
from sessions.domain.session_state import Session, Stage
from sessions.domain.support_team import active, active_of_mentor

# Two a day for seven years: a learner's document stays far below what a store takes.
_MOST_REPORTS = 5000
_DAY = 24 * 3600 * 10**9


def report(state: LearningPlans, command: ReportHoursRequest, context: Context) -> list[HoursReported]:
    """Hours done on an activity, on one day."""
    reporter, plan = _reporter(command, context), state.plan(command.mentorship_id)
    asked = report_of(command, reporter)
    if _is_repeat(plan, command.report_id, asked):
        return []
    job_time = _checked(state, plan, command, asked, context)
    return [
        HoursReported(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            report_id=command.report_id,
            activity_id=command.activity_id,
            done_on=command.done_on,
            duration=command.duration,
            job_time=job_time,
            reporter=reporter,
        )
    ]


def correct(state: LearningPlans, command: CorrectHoursRequest, context: Context) -> list[HoursCorrected]:
    """A new report in place of one that was wrong. What was corrected is corrected again by its newest report."""
    reporter, plan = _reporter(command, context), state.plan(command.mentorship_id)
    asked = report_of(command, reporter)
    if _is_repeat(plan, command.report_id, asked):
        return []
    former = plan.reports.get(command.supersedes_id)
    # What the mentor reported is, to the learner who would correct it, as if it were not there.
    if former is None or (reporter == HOURS_REPORTER_LEARNER and former.reporter != HOURS_REPORTER_LEARNER):
        raise Refusal(
            "REPORT_UNKNOWN",
            f"there is no report {command.supersedes_id} that you may correct; check the id",
            field="supersedes_id",
        )
    if former.superseded_by:
        raise Refusal(
            "REPORT_SUPERSEDED",
            f"report {former.superseded_by} took the place of {command.supersedes_id}; correct that one",
            field="supersedes_id",
        )
    job_time = _checked(state, plan, command, asked, context)
    return [
        HoursCorrected(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            report_id=command.report_id,
            supersedes_id=command.supersedes_id,
            activity_id=command.activity_id,
            done_on=command.done_on,
            duration=command.duration,
            job_time=job_time,
            reporter=reporter,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def count_session(state: LearningPlans, command: CountSessionRequest, context: Context) -> list[SessionCounted]:
    """What a session that was held counts as. It is off the job only where that is said."""
    active_of_mentor(context, command.mentorship_id)
    held = context.state(Session)
    of_this = held.plan is not None and held.plan.mentorship_id == command.mentorship_id
    if held.stage is not Stage.HELD or held.learner_id != command.learner_id or not of_this:
        raise Refusal(
            "SESSION_NOT_HELD",
            f"no session {command.session_id} was held in this mentorship; record it first, or check the ids",
            field="session_id",
        )
    plan = state.plan(command.mentorship_id)
    if command.activity_id:
        known_activity(plan, command.activity_id)
    if plan.counted.get(command.session_id, ("", 0)) == (command.activity_id, command.job_time):
        return []
    return [
        SessionCounted(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            session_id=command.session_id,
            activity_id=command.activity_id,
            job_time=command.job_time,
        )
    ]


def _reporter(command: ReportHoursRequest | CorrectHoursRequest, context: Context) -> HoursReporter.ValueType:
    if context.principal.person_id == command.learner_id:
        active(context, command.mentorship_id)
        return HOURS_REPORTER_LEARNER
    active_of_mentor(context, command.mentorship_id)
    return HOURS_REPORTER_MENTOR


def _is_repeat(plan: Plan, report_id: str, asked: Report) -> bool:
    known = plan.reports.get(report_id)
    if known is None:
        return False
    if (known.activity_id, known.done_on, known.duration, known.reporter, known.supersedes) != (
        asked.activity_id, asked.done_on, asked.duration, asked.reporter, asked.supersedes,
    ):  # fmt: skip
        raise Refusal(
            "REPORT_EXISTS",
            f"report {report_id} says otherwise; correct it, or report this under a new id",
            field="report_id",
        )
    return True


def _checked(
    state: LearningPlans,
    plan: Plan,
    command: ReportHoursRequest | CorrectHoursRequest,
    asked: Report,
    context: Context,
) -> JobTime.ValueType:
    """As what the hours count, where they can have been done."""
    activity = known_activity(plan, command.activity_id)
    if not has_begun(day(command.done_on, "done_on"), context.now):
        raise Refusal("NOT_DONE_YET", f"{command.done_on} is still to come; report it when it is done", field="done_on")
    if command.done_on < activity.from_day:
        raise Refusal(
            "ACTIVITY_NOT_BEGUN",
            f"the activity begins on {activity.from_day}; give a day from then on, or have its days changed first",
            field="done_on",
        )
    if len(plan.reports) >= _MOST_REPORTS:
        raise Refusal(
            "TOO_MANY_REPORTS",
            f"the plan has {_MOST_REPORTS} reports and takes no more; report longer days at once",
            field="report_id",
        )
    that_day = sum(
        one.duration
        for each in state.plans.values()
        for report_id, one in each.reports.items()
        if one.done_on == command.done_on
        and not one.superseded_by
        and not (each is plan and report_id == asked.supersedes)
    )
    if that_day + asked.duration > _DAY:
        raise Refusal(
            "MORE_THAN_A_DAY",
            f"with this there would be more than 24 hours on {command.done_on}; correct what was reported before",
            field="duration",
        )
    return JobTime.ValueType(activity.job_time)
