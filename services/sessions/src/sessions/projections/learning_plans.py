"""A learner's planned and done hours, one document a learner; the queries that count them.

An hour counts once, wherever it was recorded: of a report that took another's place only the newest counts, and a session counts by its
own length, for the one activity that was named for it or for none. A session is off or on the job only where that was said.
No text is in a document.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.sessions.v1.events_pb2 import SessionCancelled, SessionHeld, SessionMoved, SessionPlanned
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    JOB_TIME_OFF_THE_JOB,
    JOB_TIME_ON_THE_JOB,
    JOB_TIME_UNSPECIFIED,
    ActivityChanged,
    ActivityPlanned,
    ActivityWithdrawn,
    HoursCorrected,
    HoursReported,
    HoursReporter,
    JobTime,
    SessionCounted,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    GetHoursRequest,
    GetHoursResponse,
    HourReport,
    ListHourReportsRequest,
    ListHourReportsResponse,
    MonthOfHours,
)
from mentoring.sessions.v1.session_record_events_pb2 import SessionCorrected
from pydantic import BaseModel

from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import unknown
from sessions.projections.current_policy import current_policy


class PlanActivity(BaseModel):
    """An activity as it stands; its plan in seconds, its days as ISO texts."""

    ksb_codes: list[str] = []
    setting: int
    site_id: str
    job_time: JobTime.ValueType
    planned_seconds: int
    from_day: str
    to_day: str
    withdrawn: bool = False


class Report(BaseModel):
    """Hours as they were reported, in seconds."""

    activity_id: str
    done_on: str
    seconds: int
    job_time: JobTime.ValueType
    reporter: HoursReporter.ValueType
    superseded_by: str = ""


class Plan(BaseModel):
    """One mentorship's activities and reports by their ids."""

    activities: dict[str, PlanActivity] = {}
    reports: dict[str, Report] = {}


class SessionTime(BaseModel):
    """A session: its start in milliseconds since 1970, its length in seconds, 0 unless it was held as far as is known."""

    mentorship_id: str
    starts_at_ms: int
    seconds: int = 0


class Counted(BaseModel):
    """What a session counts as."""

    activity_id: str
    job_time: JobTime.ValueType


class LearnerPlans(BaseModel):
    """One learner's plans by mentorship, and their sessions by id. What is said of a session may come before the session."""

    learner_id: str
    plans: dict[str, Plan] = {}
    sessions: dict[str, SessionTime] = {}
    counted: dict[str, Counted] = {}

    def plan(self, mentorship_id: str) -> Plan:
        """The mentorship's plan, kept from now on."""
        return self.plans.setdefault(mentorship_id, Plan())

    def done(self, mentorship_id: str, time_zone: str) -> "Iterator[Done]":
        """All that was done in the mentorship, each hour once."""
        for report in self.plans.get(mentorship_id, Plan()).reports.values():
            if not report.superseded_by:
                yield Done(report.activity_id, report.job_time, report.done_on[:7], report.seconds)
        for session_id, session in self.sessions.items():
            if session.mentorship_id == mentorship_id and session.seconds:
                said = self.counted.get(session_id, Counted(activity_id="", job_time=JOB_TIME_UNSPECIFIED))
                month = datetime.fromtimestamp(session.starts_at_ms / 1000, UTC).astimezone(ZoneInfo(time_zone))
                yield Done(said.activity_id, said.job_time, f"{month:%Y-%m}", session.seconds)


class Done(NamedTuple):
    """Some time that was done: on which activity, if on any, off or on the job, in which month."""

    activity_id: str
    job_time: JobTime.ValueType
    month: str
    seconds: int


learning_plans = Projection("learning_plans", version=1, document=LearnerPlans, key="learner_id")


@learning_plans.on
def planned(document: LearnerPlans, event: ActivityPlanned, _meta: Metadata) -> None:
    """An activity more."""
    document.plan(event.mentorship_id).activities[event.activity_id] = _activity(event)


@learning_plans.on
def changed(document: LearnerPlans, event: ActivityChanged, _meta: Metadata) -> None:
    """It is as the event says, whole."""
    document.plan(event.mentorship_id).activities[event.activity_id] = _activity(event)


@learning_plans.on
def withdrawn(document: LearnerPlans, event: ActivityWithdrawn, _meta: Metadata) -> None:
    """It is planned no more; what was done on it stays done."""
    document.plan(event.mentorship_id).activities[event.activity_id].withdrawn = True


@learning_plans.on
def reported(document: LearnerPlans, event: HoursReported, _meta: Metadata) -> None:
    """A report more."""
    document.plan(event.mentorship_id).reports[event.report_id] = _report(event)


@learning_plans.on
def corrected(document: LearnerPlans, event: HoursCorrected, _meta: Metadata) -> None:
    """The report whose place was taken counts no more."""
    reports = document.plan(event.mentorship_id).reports
    reports[event.supersedes_id].superseded_by = event.report_id
    reports[event.report_id] = _report(event)


@learning_plans.on
def session_planned(document: LearnerPlans, event: SessionPlanned, _meta: Metadata) -> None:
    """When it is to be says in which month it counts."""
    document.sessions[event.session_id] = SessionTime(
        mentorship_id=event.mentorship_id, starts_at_ms=event.starts_at.ToMilliseconds()
    )


@learning_plans.on
def session_moved(document: LearnerPlans, event: SessionMoved, _meta: Metadata) -> None:
    """It counts where it was moved to."""
    document.sessions[event.session_id].starts_at_ms = event.starts_at.ToMilliseconds()


@learning_plans.on
def session_held(document: LearnerPlans, event: SessionHeld, _meta: Metadata) -> None:
    """As long as it really was."""
    document.sessions[event.session_id].seconds = event.duration.ToSeconds()


@learning_plans.on
def session_corrected(document: LearnerPlans, event: SessionCorrected, _meta: Metadata) -> None:
    """As long as it says now; none where it turned out that it was missed."""
    document.sessions[event.session_id].seconds = event.held.duration.ToSeconds()


@learning_plans.on
def session_cancelled(document: LearnerPlans, event: SessionCancelled, _meta: Metadata) -> None:
    """No time was spent."""
    del document.sessions[event.session_id]


@learning_plans.on
def session_counted(document: LearnerPlans, event: SessionCounted, _meta: Metadata) -> None:
    """What was said last of the session holds."""
    document.counted[event.session_id] = Counted(activity_id=event.activity_id, job_time=event.job_time)


async def get_hours(request: GetHoursRequest, read: Reader) -> GetHoursResponse:
    """Planned and done, off the job and on it, against the minimum that holds now for the mentorship's standard.

    Raises Refusal MENTORSHIP_UNKNOWN.
    """
    mentorship = (await read.state(mentorships, f"mentorships-{request.learner_id}")).find(request.mentorship_id)
    if mentorship is None:
        raise unknown(request.mentorship_id)
    policy = await current_policy(read)
    document = await learner_plans(request.learner_id, read)
    planned_of: defaultdict[tuple[str, int], int] = defaultdict(int)
    for activity in document.plans.get(request.mentorship_id, Plan()).activities.values():
        if not activity.withdrawn:
            planned_of[activity.to_day[:7], activity.job_time] += activity.planned_seconds
    done_of: defaultdict[tuple[str, int], int] = defaultdict(int)
    for done in document.done(request.mentorship_id, policy.time_zone):
        done_of[done.month, done.job_time] += done.seconds
    minimum = policy.minimum(mentorship.reference, mentorship.version)
    minimum_seconds = int(minimum.hours.total_seconds())
    off_the_job = _in_all(done_of, JOB_TIME_OFF_THE_JOB)
    return GetHoursResponse(
        planned_off_the_job=Duration(seconds=_in_all(planned_of, JOB_TIME_OFF_THE_JOB)),
        planned_on_the_job=Duration(seconds=_in_all(planned_of, JOB_TIME_ON_THE_JOB)),
        done_off_the_job=Duration(seconds=off_the_job),
        done_on_the_job=Duration(seconds=_in_all(done_of, JOB_TIME_ON_THE_JOB)),
        other_sessions=Duration(seconds=_in_all(done_of, JOB_TIME_UNSPECIFIED)),
        minimum_off_the_job=Duration(seconds=minimum_seconds),
        minimum_figure=minimum.figure,
        missing_off_the_job=Duration(seconds=max(0, minimum_seconds - off_the_job)),
        months=[
            MonthOfHours(
                month=month,
                planned_off_the_job=Duration(seconds=planned_of[month, JOB_TIME_OFF_THE_JOB]),
                planned_on_the_job=Duration(seconds=planned_of[month, JOB_TIME_ON_THE_JOB]),
                done_off_the_job=Duration(seconds=done_of[month, JOB_TIME_OFF_THE_JOB]),
                done_on_the_job=Duration(seconds=done_of[month, JOB_TIME_ON_THE_JOB]),
                other_sessions=Duration(seconds=done_of[month, JOB_TIME_UNSPECIFIED]),
            )
            for month in sorted({month for month, _ in (*planned_of, *done_of)})
        ],
    )


async def list_hour_reports(request: ListHourReportsRequest, read: Reader) -> ListHourReportsResponse:
    """What was reported, superseded or not, the newest day first."""
    document = await learner_plans(request.learner_id, read)
    found = [
        HourReport(
            report_id=report_id,
            activity_id=report.activity_id,
            done_on=report.done_on,
            duration=Duration(seconds=report.seconds),
            job_time=report.job_time,
            reporter=report.reporter,
            superseded_by_id=report.superseded_by,
        )
        for report_id, report in document.plans.get(request.mentorship_id, Plan()).reports.items()
        if request.activity_id in ("", report.activity_id)
    ]
    shown, cursor = cut(
        found,
        request.page,
        key=lambda report: (report.done_on, report.report_id),
        of=list_name("hours", request.learner_id, request.mentorship_id, request.activity_id),
        descending=True,
    )
    return ListHourReportsResponse(reports=shown, next_cursor=cursor)


async def learner_plans(learner_id: str, read: Reader) -> LearnerPlans:
    """The learner's document; an empty one where nothing happened."""
    return await read.document(learning_plans, learner_id) or learning_plans.new(learner_id)


def _in_all(seconds: dict[tuple[str, int], int], job_time: int) -> int:
    return sum(each for (_, of), each in seconds.items() if of == job_time)


def _activity(event: ActivityPlanned | ActivityChanged) -> PlanActivity:
    one = event.activity
    return PlanActivity(
        ksb_codes=list(one.ksb_codes),
        setting=one.setting,
        site_id=one.site_id,
        job_time=one.job_time,
        planned_seconds=one.planned.ToSeconds(),
        from_day=one.from_day,
        to_day=one.to_day,
    )


def _report(event: HoursReported | HoursCorrected) -> Report:
    return Report(
        activity_id=event.activity_id,
        done_on=event.done_on,
        seconds=event.duration.ToSeconds(),
        job_time=event.job_time,
        reporter=event.reporter,
    )
