"""Sessions are listed in pages, and only those that were asked for."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.testing.scenario import person
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_PASTORAL, SESSION_KIND_VOCATIONAL, MentorshipStarted
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged
from mentoring.sessions.v1.mentorship_pb2 import MENTORSHIP_STATUS_ACTIVE, MENTORSHIP_STATUS_COMPLETED
from mentoring.sessions.v1.session_lists_pb2 import ListMySessionsRequest, ListMySessionsResponse
from mentoring.sessions.v1.sessions_pb2 import SESSION_STATUS_HELD, SESSION_STATUS_PLANNED, ListSessionsRequest
from sessions.projections.learner_sessions import LearnerSession
from sessions.projections.mentorship_register import RegisteredMentorship
from sessions.projections.session_lists import list_my_sessions, list_sessions

LEARNER = person("learner-1", "learner")


def one(session_id: str, **fields: Any) -> LearnerSession:
    shown: dict[str, Any] = {
        "learner_id": "learner-1",
        "mentor_id": "mentor-1",
        "mentorship_id": "mentorship-1",
        "status": SESSION_STATUS_PLANNED,
        "kind": SESSION_KIND_VOCATIONAL,
        "starts_at_ms": 5000,
    }
    return LearnerSession(session_id=session_id, **{**shown, **fields})


SESSIONS = [
    one("a", status=SESSION_STATUS_HELD, starts_at_ms=1000),
    one("b", starts_at_ms=2000),
    one("c", kind=SESSION_KIND_PASTORAL, starts_at_ms=3000),
    one("d", mentor_id="mentor-2", starts_at_ms=4000),
    one("e", learner_id="learner-2"),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "dcba"),
        ({"status": SESSION_STATUS_HELD}, "a"),
        ({"kind": SESSION_KIND_PASTORAL}, "c"),
        ({"mentor_id": "mentor-2"}, "d"),
        ({"since": Timestamp(seconds=2)}, "dcb"),
        ({"before": Timestamp(seconds=3)}, "ba"),
        ({"since": Timestamp(seconds=2), "before": Timestamp(seconds=4), "kind": SESSION_KIND_VOCATIONAL}, "b"),
    ],
)
async def test_a_learners_sessions_are_those_asked_for_the_latest_first(
    reader: Callable[..., Any], wanted: dict[str, Any], found: str
) -> None:
    read = reader(LEARNER, documents=SESSIONS)
    response = await list_sessions(ListSessionsRequest(learner_id="learner-1", **wanted), read)
    assert "".join(shown.session_id for shown in response.sessions) == found
    assert response.next_cursor == ""


async def test_a_learners_sessions_come_in_pages(reader: Callable[..., Any]) -> None:
    read, found, cursor = reader(LEARNER, documents=SESSIONS), "", ""
    for _ in range(2):
        request = ListSessionsRequest(learner_id="learner-1", page=Page(size=2, cursor=cursor))
        response = await list_sessions(request, read)
        found += "".join(shown.session_id for shown in response.sessions)
        cursor = response.next_cursor
    assert (found, cursor) == ("dcba", "")


MENTOR = person("mentor-1", "mentor")


def registered(
    learner: int, mentorship_id: str = "", mentor_id: str = "mentor-1", **fields: Any
) -> RegisteredMentorship:
    return RegisteredMentorship(
        place=f"learner-{learner}.{mentorship_id or f'mentorship-{learner}'}",
        mentorship_id=mentorship_id or f"mentorship-{learner}",
        learner_id=f"learner-{learner}",
        mentor_id=mentor_id,
        **{"status": MENTORSHIP_STATUS_ACTIVE, **fields},
    )


def started(learner: int) -> MentorshipStarted:
    return MentorshipStarted(
        learner_id=f"learner-{learner}", mentorship_id=f"mentorship-{learner}", mentor_id="mentor-1"
    )


def of(learner: int, session_id: str, **fields: Any) -> LearnerSession:
    return one(session_id, learner_id=f"learner-{learner}", mentorship_id=f"mentorship-{learner}", **fields)


OVER_ALL = [
    of(1, "a", starts_at_ms=1000, status=SESSION_STATUS_HELD),
    of(2, "b", starts_at_ms=2000),
    # A mentor before planned it.
    of(2, "c", starts_at_ms=3000, mentor_id="mentor-0"),
    of(3, "d", starts_at_ms=4000),
    # Another mentorship of the same learner, with another mentor.
    of(1, "e", starts_at_ms=5000).model_copy(update={"mentorship_id": "mentorship-9"}),
]
REGISTER = [
    registered(1),
    registered(2),
    registered(3, status=MENTORSHIP_STATUS_COMPLETED),
    registered(1, "mentorship-9", "mentor-2"),
]
STREAMS = {f"mentorships-learner-{learner}": [started(learner)] for learner in (1, 2, 3)}


async def mine(reader: Callable[..., Any], streams: Any, **wanted: Any) -> str:
    read = reader(MENTOR, streams=streams, documents=[*OVER_ALL, *REGISTER])
    response = await list_my_sessions(ListMySessionsRequest(mentor_id="mentor-1", **wanted), read)
    assert all(shown.learner_id for shown in response.sessions)
    return "".join(shown.session_id for shown in response.sessions)


async def test_a_mentor_sees_the_sessions_of_the_mentorships_that_are_theirs_now(reader: Callable[..., Any]) -> None:
    assert await mine(reader, STREAMS) == "cba"
    assert await mine(reader, STREAMS, status=SESSION_STATUS_HELD) == "a"
    assert await mine(reader, STREAMS, since=Timestamp(seconds=2), before=Timestamp(seconds=3)) == "b"


async def test_a_mentor_who_was_replaced_sees_nothing_of_it_whatever_the_register_still_says(
    reader: Callable[..., Any],
) -> None:
    changed = MentorChanged(learner_id="learner-2", mentorship_id="mentorship-2", mentor_id="mentor-3")
    assert await mine(reader, {**STREAMS, "mentorships-learner-2": [started(2), changed]}) == "a"


async def test_who_mentors_nobody_sees_nothing(reader: Callable[..., Any]) -> None:
    read = reader(person("mentor-7", "mentor"), streams=STREAMS, documents=[*OVER_ALL, *REGISTER])
    assert await list_my_sessions(ListMySessionsRequest(mentor_id="mentor-7"), read) == ListMySessionsResponse()


async def test_a_mentors_sessions_come_in_pages(reader: Callable[..., Any]) -> None:
    read, found, cursor = reader(MENTOR, streams=STREAMS, documents=[*OVER_ALL, *REGISTER]), "", ""
    for _ in range(2):
        request = ListMySessionsRequest(mentor_id="mentor-1", page=Page(size=2, cursor=cursor))
        response = await list_my_sessions(request, read)
        found += "".join(shown.session_id for shown in response.sessions)
        cursor = response.next_cursor
    assert (found, cursor) == ("cba", "")


async def test_a_mentorship_that_begins_between_two_pages_voids_no_cursor(reader: Callable[..., Any]) -> None:
    first, second = ListMySessionsRequest(mentor_id="mentor-1", page=Page(size=2)), [*REGISTER, registered(4)]
    before = await list_my_sessions(first, reader(MENTOR, streams=STREAMS, documents=[*OVER_ALL, *REGISTER]))
    streams = {**STREAMS, "mentorships-learner-4": [started(4)]}
    new = [of(4, "n", starts_at_ms=500), of(4, "m", starts_at_ms=9000)]
    read = reader(MENTOR, streams=streams, documents=[*OVER_ALL, *new, *second])
    asked = ListMySessionsRequest(mentor_id="mentor-1", page=Page(size=2, cursor=before.next_cursor))
    after = await list_my_sessions(asked, read)
    # What takes place later than the page before is over.
    assert [one.session_id for one in (*before.sessions, *after.sessions)] == ["c", "b", "a", "n"]
    assert after.next_cursor == ""
