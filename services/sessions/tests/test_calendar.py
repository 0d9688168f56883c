"""A person's sessions as an iCalendar document."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.messages import Metadata, Principal
from eventkernel.reading import Ask
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from icalendar import Calendar, Component
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest
from mentoring.sessions.v1.events_pb2 import MentorshipStarted
from mentoring.sessions.v1.mentorship_pb2 import MENTORSHIP_STATUS_ACTIVE
from sessions.projections.calendar import get_calendar, written
from sessions.projections.learner_sessions import LearnerSession, learner_sessions
from sessions.projections.mentorship_register import RegisteredMentorship
from sessions.service import self_

from .session_stories import START
from .test_learner_sessions import CANCELLED, HELD, MISSED, MOVED, PLANNED
from .test_taken_over import TAKEN_OVER

LEARNER, MENTOR, NEW_MENTOR = person("learner-1", "learner"), person("mentor-1", "mentor"), person("mentor-2", "mentor")
Read = Callable[..., Any]


def projected(*events: Message, **changes: Any) -> LearnerSession:
    document = learner_sessions.new("session-1")
    for number, event in enumerate(events):
        at = datetime(2026, 3, 1, 9, number, 30, 999_000, tzinfo=UTC)
        meta = Metadata("e", "t", "provider-1", "session-session-1", number + 1, at)
        learner_sessions.folds[type(event)](document, event, meta)
    return LearnerSession.model_validate(document.model_dump() | changes)


def entries(text: str) -> list[Component]:
    """The document's entries, as another program's parser reads them."""
    calendar = Calendar.from_ical(text)
    assert (calendar["version"], calendar["prodid"]) == ("2.0", "-//Mentorstream//Sessions//EN")
    return list(calendar.walk("VEVENT"))


def entry(*events: Message) -> Component:
    (found,) = entries(written([projected(*events)], "provider-1"))
    return found


def test_an_entry_says_when_and_nothing_else_of_the_session() -> None:
    text = written([projected(PLANNED)], "provider-1")
    (found,) = entries(text)
    assert found["uid"] == "session-1@provider-1.sessions.mentorstream"
    assert found.decoded("dtstart") == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert found.decoded("duration") == timedelta(hours=1)
    assert found.decoded("dtstamp") == datetime(2026, 3, 1, 9, 0, 30, tzinfo=UTC)
    assert (found["status"], found["sequence"], found["summary"]) == ("CONFIRMED", 0, "Mentoring session")
    assert {name.lower() for name in found} == {
        "uid", "dtstamp", "last-modified", "sequence", "summary", "dtstart", "duration", "status",
    }  # fmt: skip
    unsaid = ("learner-1", "mentor-1", "mentorship-1", "group-1", "K1", "TECHNICAL")
    assert not any(word.lower() in text.lower() for word in unsaid)


def test_it_is_as_rfc_5545_writes_it() -> None:
    text = written([projected(PLANNED)], "provider-1")
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert "DTSTART:20260302T100000Z\r\n" in text
    assert "DURATION:PT1H\r\n" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "METHOD" not in text


def test_the_sequence_grows_with_each_move_and_the_uid_stays() -> None:
    stories = ([PLANNED], [PLANNED, MOVED], [PLANNED, MOVED, MOVED], [PLANNED, MOVED, MOVED, CANCELLED])
    found = [entry(*story) for story in stories]
    assert [one["sequence"] for one in found] == [0, 1, 2, 3]
    assert len({str(one["uid"]) for one in found}) == 1
    assert found[1].decoded("dtstart") == datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
    stamps = [one.decoded("dtstamp") for one in found]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("ended", "status"), [(CANCELLED, "CANCELLED"), (MISSED, "CANCELLED"), (HELD, "CONFIRMED"), (MOVED, "CONFIRMED")]
)
def test_what_does_not_take_place_is_cancelled_and_what_did_stays(ended: Message, status: str) -> None:
    assert entry(PLANNED, ended)["status"] == status


def test_the_same_sessions_make_the_same_document() -> None:
    one, other = projected(PLANNED), projected(PLANNED, session_id="session-2")
    assert written([one, other], "provider-1") == written([other, one], "provider-1")


def registered(mentor_id: str) -> RegisteredMentorship:
    return RegisteredMentorship(
        place="learner-1.mentorship-1", mentorship_id="mentorship-1", learner_id="learner-1", mentor_id=mentor_id,
        status=MENTORSHIP_STATUS_ACTIVE,
    )  # fmt: skip


async def uids(reader: Read, caller: Principal, documents: list[Any], *past: Message, days_back: int = 0) -> list[str]:
    read = reader(caller, streams={"mentorships-learner-1": past}, documents=documents)
    request = GetCalendarRequest(person_id=caller.person_id, days_back=days_back)
    answer = await get_calendar(request, read)
    assert read.opened == []
    return [str(one["uid"]).partition("@")[0] for one in entries(answer.calendar)]


async def test_a_learner_gets_their_own_sessions_and_nobody_elses(reader: Read) -> None:
    other = projected(PLANNED, session_id="session-2", learner_id="learner-2")
    assert await uids(reader, LEARNER, [projected(PLANNED), other]) == ["session-1"]


async def test_a_mentor_gets_the_sessions_of_their_mentorships_also_those_that_passed_to_them(reader: Read) -> None:
    elsewhere = projected(PLANNED, session_id="session-2", mentorship_id="mentorship-2")
    documents = [projected(PLANNED), elsewhere]
    assert await uids(reader, MENTOR, [*documents, registered("mentor-1")], START) == ["session-1"]
    assert await uids(reader, NEW_MENTOR, [*documents, registered("mentor-2")], START, TAKEN_OVER) == ["session-1"]


async def test_ids_that_two_learners_share_do_not_mix(reader: Read) -> None:
    mine = [
        registered("mentor-1"),
        registered("mentor-1").model_copy(update={"learner_id": "learner-2", "mentorship_id": "mentorship-2"}),
    ]
    anothers = projected(PLANNED, session_id="session-9", mentorship_id="mentorship-2")
    second = MentorshipStarted(learner_id="learner-2", mentorship_id="mentorship-2", mentor_id="mentor-1")
    streams = {"mentorships-learner-1": [START], "mentorships-learner-2": [second]}
    read = reader(MENTOR, streams=streams, documents=[*mine, projected(PLANNED), anothers])
    answer = await get_calendar(GetCalendarRequest(person_id="mentor-1"), read)
    assert [str(one["uid"]).partition("@")[0] for one in entries(answer.calendar)] == ["session-1"]


async def test_a_mentor_who_was_replaced_gets_nothing_though_the_register_is_behind(reader: Read) -> None:
    assert await uids(reader, MENTOR, [projected(PLANNED), registered("mentor-1")], START, TAKEN_OVER) == []


async def test_it_begins_ninety_days_back_unless_asked_otherwise_and_has_all_that_is_to_come(reader: Read) -> None:
    def on(name: str, days: int) -> LearnerSession:
        starts_at = int((NOON + timedelta(days=days)).timestamp()) * 1000
        return projected(PLANNED, session_id=name, starts_at_ms=starts_at)

    documents = [on("old", -91), on("recent", -89), on("future", 900)]
    assert await uids(reader, LEARNER, documents) == ["recent", "future"]
    assert await uids(reader, LEARNER, documents, days_back=91) == ["old", "recent", "future"]
    assert await uids(reader, LEARNER, documents, days_back=1) == ["future"]


async def test_more_than_a_page_of_sessions_is_all_there(reader: Read) -> None:
    documents = [projected(PLANNED, session_id=f"session-{number:04}") for number in range(1001)]
    assert len(await uids(reader, LEARNER, documents)) == 1001


@pytest.mark.parametrize(("caller", "may"), [(LEARNER, True), (MENTOR, False)])
async def test_only_the_person_themself_asks(reader: Read, caller: Principal, may: bool) -> None:
    assert await self_(Ask(caller, GetCalendarRequest(person_id="learner-1"), reader(caller))) is may
