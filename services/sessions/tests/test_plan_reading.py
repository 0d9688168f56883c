"""What is read of a learning plan: versions, activities, and hours that count once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.testing.reading import LaidDown
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Page, Sealed
from mentoring.sessions.v1.events_pb2 import SessionCancelled, SessionHeld, SessionMissed, SessionMoved, SessionPlanned
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ACTIVITY_SETTING_PROVIDER,
    ACTIVITY_SETTING_WORK,
    JOB_TIME_OFF_THE_JOB,
    JOB_TIME_ON_THE_JOB,
    PLAN_SIGNER_EMPLOYER_CONTACT,
    PLAN_SIGNER_LEARNER,
    SessionCounted,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    ACTIVITY_STATUS_PLANNED,
    ACTIVITY_STATUS_WITHDRAWN,
    PLAN_VERSION_STATUS_AGREED,
    PLAN_VERSION_STATUS_OBJECTED_TO,
    PLAN_VERSION_STATUS_PROPOSED,
    PLAN_VERSION_STATUS_REPLACED,
    PLAN_VERSION_STATUS_SUPERSEDED,
    AgreeToLearningPlanRequest,
    ChangeActivityRequest,
    CorrectHoursRequest,
    GetHoursRequest,
    GetLearningPlanRequest,
    ListActivitiesRequest,
    ListHourReportsRequest,
    ObjectToLearningPlanRequest,
    ProposeLearningPlanRequest,
    WithdrawActivityRequest,
)
from mentoring.sessions.v1.policy_events_pb2 import MentoringPolicySet, MinimumHoursSet
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, MissedRecord, SessionCorrected
from sessions.projections.learning_plan_record import get_learning_plan, list_activities
from sessions.projections.learning_plans import LearnerPlans, get_hours, learning_plans, list_hour_reports

from .plan_stories import EMPLOYER, IDS, LEARNER, MENTOR, STANDARD, a_plan, activity, hours, plan, report, started
from .test_plan_agreement import agreed_by, proposed

META = Metadata("event-1", "type", "provider-1", "learning-plans-learner-1", 1, datetime(2026, 3, 2, tzinfo=UTC))
PROPOSE = ProposeLearningPlanRequest(**IDS)
Reading = Callable[..., Any]


def session(session_id: str, starts_at: str, length: float = 1, **changed: str) -> list[Message]:
    at = Timestamp()
    at.FromJsonString(starts_at)
    return [
        SessionPlanned(session_id=session_id, **{**IDS, **changed}, starts_at=at),
        SessionHeld(session_id=session_id, learner_id="learner-1", duration=hours(length)),
    ]


def counted(session_id: str, activity_id: str = "bread", job_time: Any = JOB_TIME_OFF_THE_JOB) -> SessionCounted:
    return SessionCounted(**IDS, session_id=session_id, activity_id=activity_id, job_time=job_time)


def projected(events: Sequence[Message]) -> LearnerPlans:
    document = learning_plans.new("learner-1")
    for event in events:
        if type(event) in learning_plans.folds:
            learning_plans.folds[type(event)](document, event, META)
    return LearnerPlans.model_validate_json(document.model_dump_json())


def reading(reader: Reading, events: Sequence[Message], *sessions: Message, policy: Sequence[Message] = ()) -> Any:
    streams = {
        "learning-plans-learner-1": events,
        "mentorships-learner-1": [started()],
        "mentoring-policy": policy,
    }
    return reader(LEARNER, streams=streams, documents=[projected([*events, *sessions])])


async def hours_of(reader: Reading, events: Sequence[Message], *sessions: Message, **more: Any) -> Any:
    return await get_hours(GetHoursRequest(**IDS), reading(reader, events, *sessions, **more))


def correction(report_id: str, supersedes_id: str, length: float, done_on: str = "2026-03-01") -> CorrectHoursRequest:
    return CorrectHoursRequest(
        **IDS, report_id=report_id, supersedes_id=supersedes_id, activity_id="bread", done_on=done_on,
        duration=hours(length), reason="it was otherwise",
    )  # fmt: skip


async def test_planned_and_done_are_told_apart_and_against_the_minimum(reader: Reading) -> None:
    on: dict[str, Any] = {"job_time": JOB_TIME_ON_THE_JOB}
    past = a_plan(
        plan(), plan("cake", planned=hours(4), to_day="2026-04-01", **on), report(), report("r2", activity_id="cake")
    )
    found = await hours_of(reader, past.past)
    assert (found.planned_off_the_job, found.planned_on_the_job) == (hours(10), hours(4))
    assert (found.done_off_the_job, found.done_on_the_job) == (hours(2), hours(2))
    assert (found.minimum_off_the_job, found.minimum_figure) == (hours(187), 0)
    assert found.missing_off_the_job == hours(185)
    assert [one.month for one in found.months] == ["2026-03", "2026-04"]
    assert (found.months[0].planned_off_the_job, found.months[0].done_on_the_job) == (hours(10), hours(2))
    assert (found.months[1].planned_on_the_job, found.months[1].done_on_the_job) == (hours(4), hours(0))


async def test_the_minimum_is_the_standards_own_and_more_than_it_is_not_missing(reader: Reading) -> None:
    policy = [MinimumHoursSet(standard=STANDARD, minimum=hours(1), figure=3)]
    found = await hours_of(reader, a_plan(plan(), report()).past, policy=policy)
    assert (found.minimum_off_the_job, found.minimum_figure, found.missing_off_the_job) == (hours(1), 3, hours(0))


async def test_what_was_put_right_counts_once(reader: Reading) -> None:
    past = a_plan(plan(), report(), correction("r2", "report-1", 3), correction("r3", "r2", 0.5))
    assert (await hours_of(reader, past.past)).done_off_the_job == hours(0.5)


async def test_a_session_is_neither_off_nor_on_the_job_unless_that_is_said(reader: Reading) -> None:
    past, held = a_plan(plan()).past, session("s1", "2026-03-02T12:00:00Z")
    found = await hours_of(reader, past, *held)
    assert (found.other_sessions, found.done_off_the_job) == (hours(1), hours(0))
    found = await hours_of(reader, [*past, counted("s1", "", 0)], *held)
    assert (found.other_sessions, found.done_off_the_job) == (hours(1), hours(0))
    found = await hours_of(reader, [*past, counted("s1", "")], *held)
    assert (found.other_sessions, found.done_off_the_job) == (hours(0), hours(1))


@pytest.mark.parametrize("said_first", [False, True])
async def test_a_session_that_is_counted_for_an_activity_counts_once(reader: Reading, said_first: bool) -> None:
    past = [*a_plan(plan(), report()).past]
    held, said = (
        session("s1", "2026-03-02T12:00:00Z", 1.5),
        [counted("s1", job_time=JOB_TIME_ON_THE_JOB), counted("s1")],
    )
    events = [*past, *said, *held] if said_first else [*past, *held, *said]
    read = reader(
        LEARNER,
        streams={"learning-plans-learner-1": past, "mentorships-learner-1": [started()]},
        documents=[projected(events)],
    )
    found = await get_hours(GetHoursRequest(**IDS), read)
    assert (found.done_off_the_job, found.done_on_the_job, found.other_sessions) == (hours(3.5), hours(0), hours(0))
    (shown,) = (await list_activities(ListActivitiesRequest(**IDS), read)).activities
    assert shown.done == hours(3.5)


async def test_sessions_of_another_mentorship_and_those_that_were_not_held_count_nothing(reader: Reading) -> None:
    later = Timestamp(seconds=1_800_000_000)
    planned = [session(f"s{number}", "2026-03-02T12:00:00Z")[0] for number in range(3)]
    found = await hours_of(
        reader, a_plan(plan()).past, *planned, *session("s9", "2026-03-02T12:00:00Z", mentorship_id="mentorship-2"),
        SessionMissed(session_id="s0"), SessionCancelled(session_id="s1"), SessionMoved(session_id="s2", starts_at=later),
    )  # fmt: skip
    assert found.other_sessions == hours(0)


async def test_a_session_counts_in_the_month_in_which_it_is_there(reader: Reading) -> None:
    past, held = a_plan(plan()).past, session("s1", "2026-06-30T23:30:00Z")
    months = [one.month for one in (await hours_of(reader, past, *held)).months]
    assert months == ["2026-03", "2026-07"]
    policy = [MentoringPolicySet(time_zone="UTC", skill_notice_days=90)]
    months = [one.month for one in (await hours_of(reader, past, *held, policy=policy)).months]
    assert months == ["2026-03", "2026-06"]


async def test_a_moved_session_counts_in_the_month_that_it_was_moved_to(reader: Reading) -> None:
    planned, held = session("s1", "2026-03-02T12:00:00Z")
    moved = SessionMoved(session_id="s1", starts_at=Timestamp(seconds=1_780_000_000))
    found = await hours_of(reader, [], planned, moved, held)
    assert [(one.month, one.other_sessions) for one in found.months] == [("2026-05", hours(1))]


async def test_a_session_counts_as_its_record_was_put_right(reader: Reading) -> None:
    past, (planned, held) = [*a_plan(plan()).past, counted("s1")], session("s1", "2026-03-02T12:00:00Z")
    longer = SessionCorrected(session_id="s1", held=HeldRecord(duration=hours(2)))
    missed = SessionCorrected(session_id="s1", missed=MissedRecord())
    for events, done in (
        ([planned, held, longer], 2),
        ([planned, held, missed], 0),
        ([planned, SessionMissed(session_id="s1"), longer], 2),
        ([planned, held, missed, longer], 2),
    ):
        assert (await hours_of(reader, past, *events)).done_off_the_job == hours(done)


async def test_withdrawn_activities_are_planned_no_more_and_done_stays_done(reader: Reading) -> None:
    past = a_plan(plan(), report(), WithdrawActivityRequest(**IDS, activity_id="bread", reason="no oven"))
    found = await hours_of(reader, past.past)
    assert (found.planned_off_the_job, found.done_off_the_job) == (hours(0), hours(2))


async def test_hours_of_a_mentorship_that_the_learner_does_not_have_are_unknown(reader: Reading) -> None:
    with pytest.raises(Refusal) as caught:
        await get_hours(GetHoursRequest(learner_id="learner-1", mentorship_id="x"), reading(reader, []))
    assert (caught.value.code, caught.value.field) == ("MENTORSHIP_UNKNOWN", "mentorship_id")


async def test_a_mentorship_without_a_plan_has_no_hours_and_its_minimum(reader: Reading) -> None:
    read = reader(LEARNER, streams={"mentorships-learner-1": [started()]})
    found = await get_hours(GetHoursRequest(**IDS), read)
    assert (found.minimum_off_the_job, found.done_off_the_job, len(found.months)) == (hours(187), hours(0), 0)


@having(st.lists(st.integers(1, 8), max_size=4), st.lists(st.integers(1, 8), max_size=4), st.data())
async def test_however_hours_are_recorded_their_sum_is_what_was_done(
    reported: list[int], held: list[int], data: st.DataObject
) -> None:
    since = "2026-02-01"
    commands: list[Message] = [plan(from_day=since), plan("cake", from_day=since, job_time=JOB_TIME_ON_THE_JOB)]
    for index, length in enumerate(reported):
        one = data.draw(st.sampled_from(["bread", "cake"]))
        on = f"2026-02-{index + 1:02}"
        commands.append(report(f"r{index}", activity_id=one, done_on=on, duration=hours(length + 1)))
        commands.append(correction(f"c{index}", f"r{index}", length, on))
    sessions = [
        event for index, each in enumerate(held) for event in session(f"s{index}", "2026-03-02T12:00:00Z", each)
    ]
    said: list[Message] = []
    for index in range(len(held)):
        job_time = data.draw(st.sampled_from([0, JOB_TIME_OFF_THE_JOB, JOB_TIME_ON_THE_JOB]))
        said += [counted(f"s{index}", data.draw(st.sampled_from(["", "bread", "cake"])), job_time)] * data.draw(
            st.integers(0, 2)
        )
    found = await hours_of(LaidDown, [*a_plan(*commands).past, *said], *sessions)
    done = (found.done_off_the_job, found.done_on_the_job, found.other_sessions)
    assert sum(one.ToSeconds() for one in done) == 3600 * (sum(reported) + sum(held))
    by_month = [
        one.ToSeconds()
        for month in found.months
        for one in (month.done_off_the_job, month.done_on_the_job, month.other_sessions)
    ]
    assert sum(by_month) == 3600 * (sum(reported) + sum(held))


async def test_reports_are_listed_newest_day_first_with_what_took_their_place(reader: Reading) -> None:
    past = a_plan(plan(), plan("cake"), report(), correction("r2", "report-1", 1), report("r3", activity_id="cake"))
    read = reading(reader, past.past)
    request = ListHourReportsRequest(**IDS, page=Page(size=2))
    first = await list_hour_reports(request, read)
    request.page.cursor = first.next_cursor
    second = await list_hour_reports(request, read)
    shown = [*first.reports, *second.reports]
    assert [(one.report_id, one.superseded_by_id) for one in shown] == [("report-1", "r2"), ("r3", ""), ("r2", "")]
    assert second.next_cursor == ""
    of_cake = await list_hour_reports(ListHourReportsRequest(**IDS, activity_id="cake"), read)
    assert [one.report_id for one in of_cake.reports] == ["r3"]


async def test_activities_come_by_their_first_day_in_pages_with_their_titles_and_no_context(reader: Reading) -> None:
    past = a_plan(
        plan(from_day="2026-03-09", context="with the head baker"), plan("cake", "Cake"), plan("rolls", "Rolls")
    )
    read = reading(reader, past.past)
    request = ListActivitiesRequest(**IDS, page=Page(size=2))
    first = await list_activities(request, read)
    request.page.cursor = first.next_cursor
    second = await list_activities(request, read)
    assert [one.title for one in first.activities] == ["Cake", "Rolls"]
    assert [(one.title, one.context) for one in second.activities] == [("Bread", "")]
    assert read.opened == ["title"] * 3
    with pytest.raises(Refusal) as caught:
        await list_activities(ListActivitiesRequest(**IDS, ksb_code="K1", page=request.page), read)
    assert caught.value.code == "CURSOR_INVALID"


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, ["bread", "cake", "rolls"]),
        ({"ksb_code": "S1"}, ["cake"]),
        ({"ksb_code": "K2"}, ["cake", "rolls"]),
        ({"setting": ACTIVITY_SETTING_PROVIDER}, ["cake"]),
        ({"setting": ACTIVITY_SETTING_WORK}, ["bread", "rolls"]),
        ({"job_time": JOB_TIME_ON_THE_JOB}, ["rolls"]),
        ({"status": ACTIVITY_STATUS_WITHDRAWN}, ["bread"]),
        ({"status": ACTIVITY_STATUS_PLANNED, "job_time": JOB_TIME_OFF_THE_JOB}, ["cake"]),
        ({"ksb_code": "K9"}, []),
    ],
)
async def test_activities_are_filtered(reader: Reading, asked: Any, ids: list[str]) -> None:
    past = a_plan(
        plan(),
        plan("cake", ksb_codes=["K2", "S1"], setting=ACTIVITY_SETTING_PROVIDER, site_id=""),
        plan("rolls", ksb_codes=["K2"], job_time=JOB_TIME_ON_THE_JOB),
        WithdrawActivityRequest(**IDS, activity_id="bread", reason="no oven"),
    )
    found = await list_activities(ListActivitiesRequest(**IDS, **asked), reading(reader, past.past))
    assert [one.activity_id for one in found.activities] == ids


def change(title: str) -> ChangeActivityRequest:
    return ChangeActivityRequest(
        **IDS, activity_id="bread", activity=activity(planned=hours(12)), title=title, reason="more"
    )


async def test_a_version_stays_as_it_was_proposed(reader: Reading) -> None:
    past = a_plan(plan(context="by hand"), PROPOSE, change("Rolls"), plan("cake", "Cake"))
    read = reading(reader, past.past)
    then = await get_learning_plan(GetLearningPlanRequest(**IDS, plan_version=1), read)
    assert [(one.title, one.context) for one in then.activities] == [("Bread", "by hand")]
    assert (then.plan_version, then.planned_off_the_job) == (1, hours(10))
    assert then.content_hash == then.versions[0].content_hash
    assert read.opened == ["title", "context"]
    now = await get_learning_plan(GetLearningPlanRequest(**IDS), read)
    assert [(one.title, one.context) for one in now.activities] == [("Rolls", ""), ("Cake", "")]
    assert (now.plan_version, now.planned_off_the_job) == (0, hours(22))
    assert now.content_hash != then.content_hash
    assert now.activities[0].activity == activity(planned=hours(12))


async def test_the_plan_as_it_stands_says_which_version_it_is(reader: Reading) -> None:
    found = await get_learning_plan(GetLearningPlanRequest(**IDS), reading(reader, a_plan(plan(), PROPOSE).past))
    assert (found.plan_version, found.content_hash) == (1, found.versions[0].content_hash)


async def test_signatures_and_the_objections_of_the_version_that_was_asked_for(reader: Reading) -> None:
    past = a_plan(plan(), PROPOSE)
    ids: dict[str, Any] = {
        **IDS,
        "plan_version": 1,
        "content_hash": past.state.plan("mentorship-1").versions[0].content_hash,
    }
    past = past.when(ObjectToLearningPlanRequest(**ids, reason="too few"), by=EMPLOYER).after()
    past = past.when(AgreeToLearningPlanRequest(**ids), by=LEARNER).after()
    read = reading(reader, past.past)
    (version,) = (await get_learning_plan(GetLearningPlanRequest(**IDS, plan_version=1), read)).versions
    assert version.status == PLAN_VERSION_STATUS_OBJECTED_TO
    assert [(one.person_id, list(one.signs_as), one.agrees, one.objection) for one in version.signatures] == [
        ("emma", [PLAN_SIGNER_EMPLOYER_CONTACT], False, "too few"),
        ("learner-1", [PLAN_SIGNER_LEARNER], True, ""),
    ]
    assert PLAN_SIGNER_EMPLOYER_CONTACT in version.missing
    assert PLAN_SIGNER_LEARNER not in version.missing
    later = past.when(plan("cake"), by=MENTOR).after().when(PROPOSE, by=MENTOR).after()
    second = await get_learning_plan(GetLearningPlanRequest(**IDS), reading(reader, later.past))
    assert [one.status for one in second.versions] == [PLAN_VERSION_STATUS_PROPOSED, PLAN_VERSION_STATUS_SUPERSEDED]
    assert [one.objection for one in second.versions[1].signatures] == ["", ""]


async def test_an_agreed_version_holds_until_another_is_agreed(reader: Reading) -> None:
    one = agreed_by(proposed("emma"), LEARNER, EMPLOYER)
    two = one.when(plan("cake"), by=MENTOR).after().when(PROPOSE, by=MENTOR).after()
    three = agreed_by(two, LEARNER, EMPLOYER)
    for past, expected in (
        (one, [PLAN_VERSION_STATUS_AGREED]),
        (two, [PLAN_VERSION_STATUS_PROPOSED, PLAN_VERSION_STATUS_AGREED]),
        (three, [PLAN_VERSION_STATUS_AGREED, PLAN_VERSION_STATUS_REPLACED]),
    ):
        found = await get_learning_plan(GetLearningPlanRequest(**IDS), reading(reader, past.past))
        assert [version.status for version in found.versions] == expected


@pytest.mark.parametrize(("mentorship_id", "version"), [("mentorship-1", 2), ("another", 0), ("another", 1)])
async def test_a_plan_or_version_that_there_is_not_is_unknown(
    reader: Reading, mentorship_id: str, version: int
) -> None:
    read = reading(reader, a_plan(plan(), PROPOSE).past)
    with pytest.raises(Refusal) as caught:
        await get_learning_plan(
            GetLearningPlanRequest(learner_id="learner-1", mentorship_id=mentorship_id, plan_version=version), read
        )
    assert caught.value.code == "PLAN_UNKNOWN"
    assert read.opened == []


def test_no_text_is_in_a_document() -> None:
    past = a_plan(plan(title="Sourdough", context="by hand"), change("Rolls"))
    assert any(Sealed(to_be_sealed="Sourdough") == getattr(one, "title", None) for one in past.past)
    assert not {"Sourdough", "Rolls", "by hand"} & set(projected(past.past).model_dump_json().split('"'))
