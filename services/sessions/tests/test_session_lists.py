"""Sessions are listed in pages, and only those that were asked for."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.testing.scenario import person
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_PASTORAL, SESSION_KIND_VOCATIONAL
from mentoring.sessions.v1.sessions_pb2 import SESSION_STATUS_HELD, SESSION_STATUS_PLANNED, ListSessionsRequest
from sessions.projections.learner_sessions import LearnerSession
from sessions.projections.session_lists import list_sessions

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
