"""A small group's session, and another mentor for one of its learners, over sockets: who has what, who reads it, who is told."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from eventkernel.client import CallFailed, Client
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from icalendar import Calendar
from mentoring.evidence.v1.evidence_pb2 import GetKsbProgressRequest, GetKsbProgressResponse
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import ListMyNoticesRequest, ListMyNoticesResponse
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest, GetCalendarResponse
from mentoring.sessions.v1.events_pb2 import MOVE_REASON_LEARNER_ASKED, SESSION_KIND_TECHNICAL
from mentoring.sessions.v1.group_session_pb2 import (
    GetGroupSessionRequest,
    GetGroupSessionResponse,
    GroupLearner,
    GroupPlace,
    HoldGroupSessionRequest,
    PlanGroupSessionRequest,
)
from mentoring.sessions.v1.mentorship_pb2 import ChangeMentorRequest
from mentoring.sessions.v1.sessions_pb2 import (
    SESSION_STATUS_HELD,
    SESSION_STATUS_PLANNED,
    GetSessionRequest,
    GetSessionResponse,
    MoveSessionRequest,
)
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
ONE, OTHER = [plan for plan in cohort.cohort() if plan.mentor_id == "mentor-1"][:2]
HOUR = Duration(seconds=3600)
HELD, PLANNED = "group-held", "group-planned"
PROGRESS = GetKsbProgressRequest(learner_id=ONE.learner_id, standard=cohort.STANDARD)


def at(day: int) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(datetime(2026, 12, day, 9, tzinfo=UTC))
    return found


async def places(running: Platform, group: str) -> list[GroupPlace]:
    mentor = running.client("sessions", "mentor-1", ["mentor"], provider=cohort.PROVIDER)
    return list((await mentor.call(GetGroupSessionRequest(group_id=group), GetGroupSessionResponse)).places)


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey, running: Platform) -> None:
    await journey.prepare()
    learners = [GroupLearner(learner_id=one.learner_id, mentorship_id=one.mentorship_id) for one in (ONE, OTHER)]
    for group, day in ((HELD, 7), (PLANNED, 14)):
        plan = PlanGroupSessionRequest(
            group_id=group, learners=learners, kind=SESSION_KIND_TECHNICAL, starts_at=at(day), duration=HOUR, ksb_codes=["K2"]
        )  # fmt: skip
        await journey.give("sessions", "mentor-1", ["mentor"], plan)

        async def planned(group: str = group) -> bool:
            return [one.status for one in await places(running, group)] == [SESSION_STATUS_PLANNED] * 2

        await until(planned, "a session of each learner")
    hold = HoldGroupSessionRequest(
        group_id=HELD, duration=HOUR, ksb_codes=["K2"], shared_record=f"{cohort.MARK} talked about ovens"
    )
    await journey.give("sessions", "mentor-1", ["mentor"], hold)


async def test_the_groups_session_counts_for_each_learner_and_each_reads_their_own_record(running: Platform) -> None:
    async def held() -> bool:
        return [one.status for one in await places(running, HELD)] == [SESSION_STATUS_HELD] * 2

    await until(held, "the group's session held by each")
    for place in await places(running, HELD):
        learner = running.client("sessions", place.learner_id, ["learner"], provider=cohort.PROVIDER)
        asked = GetSessionRequest(session_id=place.session_id, learner_id=place.learner_id)
        assert (await learner.call(asked, GetSessionResponse)).shared_record == f"{cohort.MARK} talked about ovens"
        progress = running.client("evidence", place.learner_id, ["learner"], provider=cohort.PROVIDER)
        wanted = GetKsbProgressRequest(learner_id=place.learner_id, standard=cohort.STANDARD)

        async def counted(progress: Client = progress, wanted: GetKsbProgressRequest = wanted) -> bool:
            answer = await progress.call(wanted, GetKsbProgressResponse)
            return next(one.practised for one in answer.ksbs if one.code == "K2") == 1

        await until(counted, "the session practised")


async def test_whoever_was_replaced_reads_and_is_told_nothing_any_more(running: Platform, journey: Journey) -> None:
    ids = {"learner_id": ONE.learner_id, "mentorship_id": ONE.mentorship_id}
    await journey.give(
        "sessions", cohort.MANAGER, ["provider_manager"], ChangeMentorRequest(**ids, mentor_id="mentor-2")
    )
    (mine, _) = await places(running, PLANNED)
    assert (mine.passed_on, mine.session_id != "") == (True, True)
    move = MoveSessionRequest(
        session_id=mine.session_id, learner_id=ONE.learner_id, starts_at=at(21), duration=HOUR, reason=MOVE_REASON_LEARNER_ASKED
    )  # fmt: skip
    await journey.give("sessions", "mentor-2", ["mentor"], move)

    async def reads(mentor_id: str) -> bool:
        mentor = running.client("evidence", mentor_id, ["mentor"], provider=cohort.PROVIDER)
        try:
            await mentor.call(PROGRESS, GetKsbProgressResponse)
        except CallFailed as failed:
            if failed.status != grpc.StatusCode.PERMISSION_DENIED:
                raise
            return False
        return True

    async def handed_over() -> bool:
        return await reads("mentor-2") and not await reads("mentor-1")

    await until(handed_over, "evidence to open for the new mentor and close for the former one")

    async def told(person_id: str) -> set[tuple[str, int]]:
        client = running.client("notifications", person_id, ["mentor"], provider=cohort.PROVIDER)
        answer = await client.call(ListMyNoticesRequest(), ListMyNoticesResponse)
        return {(one.about_id, one.occasion) for one in answer.notices}

    changed = (ONE.mentorship_id, Occasion.OCCASION_MENTOR_CHANGED)
    moved = (mine.session_id, Occasion.OCCASION_SESSION_MOVED)

    async def heard() -> bool:
        return changed in await told("mentor-2") and moved in await told(ONE.learner_id)

    await until(heard, "the new mentor and the learner to be told")
    assert not {changed, moved} & await told("mentor-1")


async def test_a_calendar_follows_the_session_to_its_new_mentor(running: Platform) -> None:
    session_id = (await places(running, PLANNED))[0].session_id

    async def entry(person_id: str, role: str) -> tuple[int, int] | None:
        client = running.client("sessions", person_id, [role], provider=cohort.PROVIDER)
        answer = await client.call(GetCalendarRequest(person_id=person_id), GetCalendarResponse)
        return _entry(answer.calendar, session_id)

    async def shown() -> bool:
        return await entry("mentor-2", "mentor") == (21, 1) == await entry(ONE.learner_id, "learner")

    await until(shown, "the moved session in both calendars")
    assert await entry("mentor-1", "mentor") is None


async def test_the_command_line_writes_the_same_calendar(running: Platform, tmp_path: Path) -> None:
    file = tmp_path / "sessions.ics"
    options = ["--data-dir", running.data_dir, "--address", running.processes["sessions"].addresses.grpc]
    command = [sys.executable, "-m", "mentorstream", "calendar", "mentor-2", "--output", file, *options]
    process = await asyncio.create_subprocess_exec(*map(str, command))
    assert await process.wait() == 0
    document = file.read_bytes()
    assert document.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"SEQUENCE:1\r\n" in document
    assert not any(name.encode() in document for name in (ONE.learner_id, "mentor-1", cohort.MARK))


def _entry(document: str, session_id: str) -> tuple[int, int] | None:
    for one in Calendar.from_ical(document).walk("VEVENT"):
        if str(one["uid"]).startswith(session_id):
            return one.decoded("dtstart").day, int(str(one["sequence"]))
    return None
