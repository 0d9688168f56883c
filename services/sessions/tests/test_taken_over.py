"""Another mentor has taken a mentorship over: what becomes of its sessions, and of what the former mentor could do."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.access import Denied
from eventkernel.commands import Order
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.reading import Ask
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON, given, person
from google.protobuf.message import Message
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged
from mentoring.sessions.v1.mentorship_pb2 import ChangeMentorRequest
from mentoring.sessions.v1.sessions_pb2 import GetSessionRequest, LearnStandardRequest, ListSessionsRequest
from sessions.domain.mentorship import mentorships
from sessions.projections.session_record import get_session
from sessions.service import build, mentor_of_learner, self_or_mentor

from .session_stories import (
    ANOTHER_MENTOR,
    MENTOR,
    START,
    asked,
    cancel,
    held,
    hold,
    kept,
    miss,
    move,
    moved,
    plan,
    planned,
)
from .test_mentorship import complete, start

TAKEN_OVER = MentorChanged(learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-2")
NOW = given(mentorships, START, TAKEN_OVER).state


@pytest.mark.parametrize("command", [hold(), miss(), move(), cancel()], ids=["hold", "miss", "move", "cancel"])
def test_a_planned_session_passes_to_the_new_mentor(command: Message) -> None:
    (event,) = asked(command, planned(), beside=NOW, by=ANOTHER_MENTOR).events
    assert event.mentor_id == "mentor-2"  # type: ignore[attr-defined]
    asked(command, planned(), beside=NOW, by=MENTOR).then_refused("SESSION_NOT_PLANNED")


def test_the_new_mentor_plans_and_the_former_one_does_not() -> None:
    (event,) = asked(plan(), beside=NOW, by=ANOTHER_MENTOR).events
    assert event.mentor_id == "mentor-2"  # type: ignore[attr-defined]
    asked(plan(), beside=NOW, by=MENTOR).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_a_session_that_the_new_mentor_moved_is_theirs() -> None:
    story = asked(move(), planned(), beside=NOW, by=ANOTHER_MENTOR).after()
    assert story.state.mentor_id == "mentor-2"
    assert asked(move(), planned()).then(moved()).state.mentor_id == "mentor-1"


async def test_the_former_mentor_is_a_stranger_and_the_new_one_reads(reader: Callable[..., Any]) -> None:
    streams = {"mentorships-learner-1": [START, TAKEN_OVER], "session-session-1": [planned(), held(), kept()]}
    for caller, may in ((MENTOR, False), (ANOTHER_MENTOR, True)):
        ask = Ask(caller, ListSessionsRequest(learner_id="learner-1"), reader(caller, streams=streams))
        assert await mentor_of_learner(ask) is may
        assert await self_or_mentor(ask) is may
    read = reader(ANOTHER_MENTOR, streams=streams)
    answer = await get_session(GetSessionRequest(session_id="session-1", learner_id="learner-1"), read)
    # What the former mentor prepared was for themselves.
    assert (answer.shared_record, answer.private_preparation) == ("We agreed on CONFIDENTIAL steps", "")


async def test_over_the_whole_service_the_former_mentor_gets_the_answer_that_a_stranger_gets(tmp_path: Any) -> None:
    settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=tmp_path / "key", jwks_file=tmp_path / "jwks")
    node = Node(build(), settings, MemoryStore(), clock=lambda: NOON)
    manager, stranger = person("paula", "provider_manager"), person("mentor-9", "mentor")
    learn = LearnStandardRequest(standard=start().standard, ksb_codes=["K1", "K2", "S1"])
    await node.commands.give(Order(learn, Principal.system("provider-1"), "learn"))
    await node.commands.give(Order(start(), manager, "start"))
    await node.commands.give(Order(plan(), MENTOR, "plan"))
    change = ChangeMentorRequest(learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-2")
    await node.commands.give(Order(change, manager, "change"))

    async def denied(request: Message, caller: Principal, key: str) -> str:
        with pytest.raises(Denied) as caught:
            await node.commands.give(Order(request, caller, key))
        return str(caught.value)

    for place, request in enumerate((hold(), move(), plan(session_id="session-2"))):
        told = [await denied(request, caller, f"{place}-{caller.person_id}") for caller in (MENTOR, stranger)]
        assert told[0] == told[1]
    # What was done before the change is answered as it was.
    assert (await node.commands.give(Order(plan(), MENTOR, "plan"))).version == 1
    assert (await node.commands.give(Order(hold(), ANOTHER_MENTOR, "hold"))).version == 2
    await node.commands.give(Order(complete(), manager, "complete"))
    assert await denied(move(), MENTOR, "after the end") == await denied(move(), stranger, "after the end too")
