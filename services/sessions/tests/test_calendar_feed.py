"""The address at which a person's calendar is open, and what is there."""

from hashlib import sha256
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import AlreadyDone
from eventkernel.testing.scenario import assert_folds_in_pieces, given, person
from icalendar import Calendar
from mentoring.sessions.v1.calendar_feed_events_pb2 import CalendarFeedClosed, CalendarFeedOpened
from mentoring.sessions.v1.calendar_feed_pb2 import (
    CloseCalendarFeedRequest,
    OpenCalendarFeedRequest,
    RevokeCalendarFeedRequest,
)
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest
from mentoring.sessions.v1.mentorship_pb2 import ChangeMentorRequest
from sessions.domain.calendar_feed import calendar_feed
from sessions.projections.calendar import get_calendar
from sessions.projections.calendar_page import calendar_page

from .running import MANAGER, Running
from .session_stories import plan

SECRET, NEXT = "s" * 43, "n" * 43
OPEN = OpenCalendarFeedRequest(person_id="learner-1", secret=SECRET)
CLOSE = CloseCalendarFeedRequest(person_id="learner-1")
REVOKE = RevokeCalendarFeedRequest(person_id="learner-1")
OPENED = CalendarFeedOpened(person_id="learner-1", secret_sha256=sha256(SECRET.encode()).hexdigest())
CLOSED = CalendarFeedClosed(person_id="learner-1")
LEARNER, MENTOR = person("learner-1", "learner"), person("mentor-1", "mentor")


def test_only_the_hash_of_the_secret_is_kept() -> None:
    given(calendar_feed).when(OPEN).then(OPENED)
    assert SECRET not in str(OPENED)


def test_opening_with_the_same_secret_again_is_what_was_done() -> None:
    outcome = given(calendar_feed, OPENED).when(OPEN)
    outcome.then_nothing()
    decided = calendar_feed.decisions[OpenCalendarFeedRequest](outcome.given.state, OPEN, None)  # type: ignore[arg-type]
    assert isinstance(decided, AlreadyDone)


def test_a_new_secret_replaces_the_old_and_the_old_never_opens_again() -> None:
    renewed = given(calendar_feed, OPENED).when(OpenCalendarFeedRequest(person_id="learner-1", secret=NEXT)).after()
    assert renewed.state.is_opened_by(NEXT)
    assert not renewed.state.is_opened_by(SECRET)
    assert renewed.when(OPEN).then_refused("SECRET_USED").field == "secret"


@pytest.mark.parametrize("command", [CLOSE, REVOKE])
def test_what_is_closed_opens_with_nothing_and_closing_again_is_nothing(
    command: CloseCalendarFeedRequest | RevokeCalendarFeedRequest,
) -> None:
    closed = given(calendar_feed, OPENED).when(command).then(CLOSED)
    assert not closed.state.is_opened_by(SECRET)
    closed.when(command).then_nothing()
    assert closed.when(OPEN).then_refused("SECRET_USED")
    given(calendar_feed).when(command).then_nothing()


def test_it_folds_in_pieces() -> None:
    assert_folds_in_pieces(
        calendar_feed, [OPENED, CLOSED, CalendarFeedOpened(person_id="learner-1", secret_sha256="0")]
    )


async def shown(running: Running, person_id: str, secret: str = SECRET, tenant: str = "provider-1") -> list[str] | None:
    found = await calendar_page(f"{tenant}/{person_id}/{secret}.ics", running.node.reader)
    if found is None:
        return None
    assert found.content_type == "text/calendar; charset=utf-8"
    entries = Calendar.from_ical(found.body.decode()).walk("VEVENT")
    return [str(one["uid"]).partition("@")[0] for one in entries]


@pytest.fixture
async def running(tmp_path: Path) -> Running:
    running = Running(tmp_path)
    await running.begin()
    await running.give(plan(group_id=""), MENTOR)
    await running.carry()
    return running


async def test_the_page_is_what_get_calendar_answers_the_person(running: Running) -> None:
    assert await shown(running, "learner-1") is None
    await running.give(OPEN, LEARNER)
    assert await shown(running, "learner-1") == ["session-1"]
    found = await calendar_page(f"provider-1/learner-1/{SECRET}.ics", running.node.reader)
    answer = await get_calendar(GetCalendarRequest(person_id="learner-1"), running.node.reader(LEARNER))
    assert found is not None
    assert found.body == answer.calendar.encode()


async def test_nothing_but_the_persons_own_secret_opens_it(running: Running) -> None:
    await running.give(OPEN, LEARNER)
    await running.give(OpenCalendarFeedRequest(person_id="mentor-1", secret=NEXT), MENTOR)
    assert await shown(running, "learner-1", NEXT) is None
    assert await shown(running, "mentor-1") is None
    assert await shown(running, "learner-1", tenant="provider-2") is None
    for rest in ("", "provider-1/learner-1/", f"provider-1/learner-1/{SECRET}", f"provider-1/learner-1/{SECRET}.ics/"):
        assert await calendar_page(rest, running.node.reader) is None
    hashed = sha256(SECRET.encode()).hexdigest()
    assert await shown(running, "learner-1", hashed[:43]) is None


@pytest.mark.parametrize("how", ["closed", "revoked", "renewed"])
async def test_what_was_open_is_closed_at_once_though_nothing_was_published(running: Running, how: str) -> None:
    await running.give(OPEN, LEARNER)
    await running.carry()
    assert await shown(running, "learner-1") == ["session-1"]
    if how == "closed":
        await running.give(CLOSE, LEARNER)
    elif how == "revoked":
        await running.give(REVOKE, MANAGER)
    else:
        await running.give(OpenCalendarFeedRequest(person_id="learner-1", secret=NEXT), LEARNER)
        assert await shown(running, "learner-1", NEXT) == ["session-1"]
    assert await shown(running, "learner-1") is None


async def test_who_mentors_no_more_sees_nothing_of_the_learners_sessions(running: Running) -> None:
    await running.give(OpenCalendarFeedRequest(person_id="mentor-1", secret=SECRET), MENTOR)
    assert await shown(running, "mentor-1") == ["session-1"]
    change = ChangeMentorRequest(learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-2")
    await running.give(change, MANAGER)
    assert await shown(running, "mentor-1") == []


async def test_only_the_person_opens_and_closes_and_only_a_manager_revokes(running: Running) -> None:
    await running.give(OPEN, LEARNER)
    for command in (OPEN, CLOSE, REVOKE):
        with pytest.raises(Denied):
            await running.give(command, MENTOR)
    with pytest.raises(Denied):
        await running.give(REVOKE, LEARNER)
    assert await shown(running, "learner-1") == ["session-1"]
