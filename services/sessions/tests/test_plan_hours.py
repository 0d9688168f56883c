"""Hours done: reported by the learner or the mentor, put right, and each counted once wherever it was recorded."""

from typing import Any

import pytest
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import SessionHeld, SessionMissed, SessionPlanned
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    HOURS_REPORTER_LEARNER,
    HOURS_REPORTER_MENTOR,
    JOB_TIME_OFF_THE_JOB,
    JOB_TIME_ON_THE_JOB,
    JOB_TIME_UNSPECIFIED,
    HoursCorrected,
    HoursReported,
    SessionCounted,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    ChangeActivityRequest,
    CorrectHoursRequest,
    CountSessionRequest,
    WithdrawActivityRequest,
)
from sessions.domain import plan_hours as module
from sessions.domain.learning_plan import learning_plans
from sessions.domain.learning_plan_state import LearningPlans
from sessions.domain.session import session
from sessions.domain.session_state import Session

from .plan_stories import (
    CANCELLED,
    EMPLOYER,
    IDS,
    LEARNER,
    MENTOR,
    STRANGER,
    a_plan,
    activity,
    hours,
    mentored,
    plan,
    report,
    started,
)

PLANNED = SessionPlanned(session_id="session-1", **IDS, mentor_id="mentor-1")
HELD = SessionHeld(session_id="session-1", learner_id="learner-1", duration=hours(1))


def correct(report_id: str = "report-2", **changed: Any) -> CorrectHoursRequest:
    fields = {"supersedes_id": "report-1", "activity_id": "bread", "done_on": "2026-03-02", "duration": hours(1)}
    return CorrectHoursRequest(**{**IDS, **fields, "report_id": report_id, "reason": "it was less", **changed})


def count(**changed: Any) -> CountSessionRequest:
    fields = {"session_id": "session-1", "activity_id": "bread", "job_time": JOB_TIME_OFF_THE_JOB}
    return CountSessionRequest(**{**IDS, **fields, **changed})


def after_session(*events: Any, **ids: str) -> Given[LearningPlans]:
    held: Session = session.fold(session.initial, events)
    return a_plan(plan()).beside(mentored(started(**ids)), held)


@pytest.mark.parametrize(("by", "reporter"), [(LEARNER, HOURS_REPORTER_LEARNER), (MENTOR, HOURS_REPORTER_MENTOR)])
def test_learner_and_mentor_report_and_it_says_which(by: Any, reporter: Any) -> None:
    past = a_plan(plan()).when(report(), by=by)
    past.then(
        HoursReported(
            **IDS,
            report_id="report-1",
            activity_id="bread",
            done_on="2026-03-02",
            duration=hours(2),
            job_time=JOB_TIME_OFF_THE_JOB,
            reporter=reporter,
        )
    )
    past.after().when(report(), by=by).then_nothing()
    for other in (report(done_on="2026-03-01"), report(duration=hours(3))):
        past.after().when(other, by=by).then_refused("REPORT_EXISTS")
    past.after().when(report(), by=MENTOR if by is LEARNER else LEARNER).then_refused("REPORT_EXISTS")


def test_nobody_else_reports() -> None:
    for one in (EMPLOYER, STRANGER):
        a_plan(plan()).when(report(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")
    ended = a_plan(plan()).beside(mentored(started(), CANCELLED))
    for one in (LEARNER, MENTOR):
        ended.when(report(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")
        ended.when(correct(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"activity_id": "cake"}, "ACTIVITY_UNKNOWN", "activity_id"),
        ({"done_on": "2026-02-30"}, "NO_SUCH_DAY", "done_on"),
        ({"done_on": "2026-03-04"}, "NOT_DONE_YET", "done_on"),
        ({"done_on": "2026-02-28"}, "ACTIVITY_NOT_BEGUN", "done_on"),
        ({"duration": Duration(seconds=22 * 3600 + 1)}, "MORE_THAN_A_DAY", "duration"),
    ],
)
def test_what_cannot_have_been_done_is_refused(changed: Any, code: str, field: str) -> None:
    past = a_plan(plan(), report("earlier"))
    refusal = past.when(report(**changed), by=LEARNER).then_refused(code)
    assert refusal.field == field


def test_what_is_done_on_the_first_day_counts() -> None:
    assert a_plan(plan()).when(report(done_on="2026-03-01"), by=LEARNER).events


def test_a_day_has_24_hours_of_all_the_learners_plans_and_what_was_put_right_is_not_in_them() -> None:
    both = mentored(started(), started(mentorship_id="mentorship-2"))
    other = {"mentorship_id": "mentorship-2"}
    there = plan()
    there.mentorship_id = "mentorship-2"
    past = a_plan(plan(), there, report(duration=hours(20)), beside=(both,))
    past.when(report("r2", duration=hours(5), **other), by=MENTOR).then_refused("MORE_THAN_A_DAY")
    # Of another mentorship the report of the same id is another one.
    assert past.when(correct(duration=hours(24)), by=MENTOR).events
    less = past.when(correct(duration=hours(19)), by=MENTOR).after()
    assert less.when(report("r2", duration=hours(5), **other), by=MENTOR).events


def test_hours_are_off_the_job_as_the_activity_stood_when_they_were_reported() -> None:
    on_the_job = ChangeActivityRequest(
        **IDS,
        activity_id="bread",
        activity=activity(job_time=JOB_TIME_ON_THE_JOB),
        title="Bread",
        reason="by agreement",
    )
    past = a_plan(plan(), report(), on_the_job, report("report-2"))
    reports = [one for one in past.past if isinstance(one, HoursReported)]
    assert [one.job_time for one in reports] == [JOB_TIME_OFF_THE_JOB, JOB_TIME_ON_THE_JOB]


def test_hours_are_still_reported_on_what_was_withdrawn() -> None:
    withdrawn = WithdrawActivityRequest(**IDS, activity_id="bread", reason="no oven")
    assert a_plan(plan(), withdrawn).when(report(), by=LEARNER).events


def test_a_correction_takes_the_place_of_a_report() -> None:
    outcome = a_plan(plan(), report()).when(correct(), by=MENTOR)
    outcome.then(
        HoursCorrected(
            **IDS,
            report_id="report-2",
            supersedes_id="report-1",
            activity_id="bread",
            done_on="2026-03-02",
            duration=hours(1),
            job_time=JOB_TIME_OFF_THE_JOB,
            reporter=HOURS_REPORTER_MENTOR,
            reason=Sealed(to_be_sealed="it was less"),
        )
    )
    past = outcome.after()
    past.when(correct(), by=MENTOR).then_nothing()
    assert "report-2" in past.when(correct("report-3"), by=MENTOR).then_refused("REPORT_SUPERSEDED").text
    assert past.when(correct("report-3", supersedes_id="report-2", duration=Duration()), by=MENTOR).events
    past.when(correct(supersedes_id="report-2"), by=MENTOR).then_refused("REPORT_EXISTS")
    past.when(correct("report-1", supersedes_id="report-2"), by=MENTOR).then_refused("REPORT_EXISTS")


def test_a_learner_corrects_their_own_and_hears_of_no_other() -> None:
    past = a_plan(plan(), report()).when(report("mine"), by=LEARNER).after()
    assert past.when(correct(supersedes_id="mine"), by=LEARNER).events
    assert past.when(correct(supersedes_id="mine"), by=MENTOR).events
    mentors = past.when(correct(supersedes_id="report-1"), by=LEARNER).then_refused("REPORT_UNKNOWN")
    nobodys = past.when(correct(supersedes_id="report-9"), by=LEARNER).then_refused("REPORT_UNKNOWN")
    assert mentors.text.replace("report-1", "report-9") == nobodys.text


def test_a_plan_takes_no_more_reports_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REPORTS", 1)
    past = a_plan(plan(), report())
    past.when(report("report-2"), by=MENTOR).then_refused("TOO_MANY_REPORTS")
    past.when(correct(), by=MENTOR).then_refused("TOO_MANY_REPORTS")


def test_a_session_that_was_held_counts_as_was_said_last() -> None:
    past = after_session(PLANNED, HELD)
    first = past.when(count(), by=MENTOR)
    first.then(SessionCounted(**IDS, session_id="session-1", activity_id="bread", job_time=JOB_TIME_OFF_THE_JOB))
    first.after().when(count(), by=MENTOR).then_nothing()
    again = first.after().when(count(activity_id="", job_time=JOB_TIME_UNSPECIFIED), by=MENTOR).after()
    assert again.state.plan("mentorship-1").counted == {"session-1": ("", 0)}
    past.when(count(activity_id="", job_time=JOB_TIME_UNSPECIFIED), by=MENTOR).then_nothing()
    past.when(count(activity_id="cake"), by=MENTOR).then_refused("ACTIVITY_UNKNOWN")


MISSED = SessionMissed(session_id="session-1", learner_id="learner-1")
OTHERS = SessionPlanned(session_id="session-1", learner_id="learner-2", mentorship_id="mentorship-1")
ELSEWHERE = SessionPlanned(session_id="session-1", learner_id="learner-1", mentorship_id="mentorship-2")


@pytest.mark.parametrize("events", [[], [PLANNED], [PLANNED, MISSED], [OTHERS, HELD], [ELSEWHERE, HELD]])
def test_a_session_that_was_not_held_in_this_mentorship_counts_as_nothing_and_one_answer_tells_it(events: Any) -> None:
    refusal = after_session(*events).when(count(), by=MENTOR).then_refused("SESSION_NOT_HELD")
    assert refusal.text == after_session().when(count(), by=MENTOR).then_refused("SESSION_NOT_HELD").text


def test_only_the_mentor_says_what_a_session_counts_as() -> None:
    for one in (LEARNER, EMPLOYER, STRANGER):
        after_session(PLANNED, HELD).when(count(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_hours_fold_in_pieces() -> None:
    past = a_plan(plan(), report(), correct()).beside(mentored(), session.fold(session.initial, [PLANNED, HELD]))
    assert_folds_in_pieces(learning_plans, past.when(count(), by=MENTOR).after().past)
    assert given(learning_plans).state == LearningPlans()
