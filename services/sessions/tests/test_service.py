"""The service is complete, and knows who is whose."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.reading import Ask
from eventkernel.testing.scenario import person
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipStarted
from mentoring.sessions.v1.sessions_pb2 import ListSessionsRequest
from sessions.service import build, mentor_of_learner, self_or_mentor

STARTED = MentorshipStarted(learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-1")
CANCELLED = MentorshipCancelled(learner_id="learner-1", mentorship_id="mentorship-1")
REQUEST = ListSessionsRequest(learner_id="learner-1")


def test_nothing_of_the_contract_is_left_undone() -> None:
    build().check()


@pytest.mark.parametrize(
    ("person_id", "past", "mentors", "may_read"),
    [
        ("mentor-1", [STARTED], True, True),
        ("mentor-1", [STARTED, CANCELLED], True, False),
        ("mentor-2", [STARTED], False, False),
        ("learner-1", [STARTED], False, True),
        ("learner-1", [], False, True),
        ("learner-2", [STARTED], False, False),
        ("mentor-1", [], False, False),
    ],
)
async def test_who_mentors_and_who_may_read(
    reader: Callable[..., Any], person_id: str, past: list[Any], mentors: bool, may_read: bool
) -> None:
    caller = person(person_id, "learner", "mentor")
    ask = Ask(caller, REQUEST, reader(caller, streams={"mentorships-learner-1": past}))
    assert await mentor_of_learner(ask) is mentors
    assert await self_or_mentor(ask) is may_read
