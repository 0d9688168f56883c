"""What was agreed in a session to be done becomes actions of the learner's plan, once each, with its text in the session's record."""

from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import NOON, given
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_COACH, PARTY_RELATIONSHIP_EMPLOYER_CONTACT, Party, Sealed
from mentoring.sessions.v1.action_plan_pb2 import (
    AgreeSessionActionRequest,
    GetActionRequest,
    GetActionResponse,
    ListActionPlanRequest,
)
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_TECHNICAL, SessionHeld, SessionPlanned
from mentoring.sessions.v1.session_parts_pb2 import ActionToAgree, AgreedAction
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, PlanSessionRequest
from sessions.domain.guide import Guide
from sessions.domain.session import session
from sessions.projections.action_record import get_action
from sessions.projections.actions import list_action_plan
from sessions.reactions.agreed_actions import agreed_actions

from .action_stories import complete
from .plan_stories import EMPLOYER, IDS, LEARNER, MENTOR, hours, mentored
from .running import Running

META = Metadata("event-1", "type", "provider-1", "session-session-1", 2, NOON)
PLANNED = SessionPlanned(session_id="session-1", **IDS, mentor_id="mentor-1")
PAST = given(session, PLANNED).beside(mentored(), Guide())


def to_do(owner_id: str = "emma", due_on: str = "2026-03-06", text: str = "Find a mixer") -> ActionToAgree:
    return ActionToAgree(owner_id=owner_id, due_on=due_on, text=text)


def hold(*actions: ActionToAgree, **changed: Any) -> HoldSessionRequest:
    fields = {"session_id": "session-1", "learner_id": "learner-1", "duration": hours(1), "shared_record": "so it was"}
    return HoldSessionRequest(**{**fields, "agreed_actions": actions or [to_do(), to_do("learner-1")], **changed})


def test_they_are_sealed_in_the_sessions_record() -> None:
    (event,) = PAST.when(hold(), by=MENTOR).events
    assert isinstance(event, SessionHeld)
    text = Sealed(to_be_sealed="Find a mixer")
    assert list(event.agreed_actions) == [
        AgreedAction(owner_id="emma", due_on="2026-03-06", text=text),
        AgreedAction(owner_id="learner-1", due_on="2026-03-06", text=text),
    ]


def test_a_repeat_agrees_the_same_and_others_are_no_repeat() -> None:
    past = PAST.when(hold(), by=MENTOR).after()
    past.when(hold(), by=MENTOR).then_nothing()
    for other in (hold(to_do()), hold(to_do(), to_do("ada")), hold(to_do(), to_do("learner-1", "2026-03-07"))):
        past.when(other, by=MENTOR).then_refused("SESSION_NOT_PLANNED")


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        (to_do("eve"), "NOT_OF_THE_MENTORSHIP", "agreed_actions[1].owner_id"),
        (to_do(due_on="2026-02-30"), "NO_SUCH_DAY", "agreed_actions[1].due_on"),
        (to_do(due_on="9999-12-31"), "DUE_TOO_LATE", "agreed_actions[1].due_on"),
    ],
)
def test_what_could_never_be_an_action_is_refused(wrong: ActionToAgree, code: str, field: str) -> None:
    assert PAST.when(hold(to_do(), wrong), by=MENTOR).then_refused(code).field == field


def test_a_session_is_recorded_late_with_what_was_to_be_done_by_then() -> None:
    assert PAST.when(hold(to_do(due_on="2026-02-27")), by=MENTOR).events


def test_an_action_follows_from_each_and_points_to_its_place() -> None:
    event = SessionHeld(
        session_id="session-1", **IDS, agreed_actions=[
            AgreedAction(owner_id="emma", due_on="2026-03-06"), AgreedAction(owner_id="learner-1", due_on="2026-03-09"),
        ],
    )  # fmt: skip
    assert list(agreed_actions.policies[SessionHeld](event, META)) == [
        AgreeSessionActionRequest(
            action_id=f"session-1.{place}", **IDS, owner_id=owner_id, due_on=due_on, session_id="session-1", place=place
        )
        for place, owner_id, due_on in ((1, "emma", "2026-03-06"), (2, "learner-1", "2026-03-09"))
    ]


def test_from_a_record_without_any_nothing_follows() -> None:
    assert list(agreed_actions.policies[SessionHeld](SessionHeld(session_id="session-1"), META)) == []


@pytest.fixture
async def service(tmp_path: Path) -> Running:
    found = Running(tmp_path)
    await found.begin(
        Party(person_id="emma", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        Party(person_id="carl", relationship=PARTY_RELATIONSHIP_COACH),
    )
    planned = PlanSessionRequest(
        session_id="session-1", **IDS, kind=SESSION_KIND_TECHNICAL, starts_at=Timestamp(seconds=1_772_445_600),
        duration=Duration(seconds=3600),
    )  # fmt: skip
    await found.give(planned, MENTOR)
    return found


async def read(service: Running, place: int, by: Any) -> GetActionResponse:
    request = GetActionRequest(learner_id="learner-1", action_id=f"session-1.{place}", on="2026-03-02")
    return await get_action(request, service.node.reader(by))


async def test_they_are_made_once_however_often_the_record_comes_and_open_for_who_may_read(service: Running) -> None:
    await service.give(hold(to_do(text="Find a mixer"), to_do("learner-1", text="Read the manual")), MENTOR)
    await service.carry()
    service.restart()
    await service.deliver(await service.store.commits.read("provider-1", "session-session-1"))
    await service.carry()
    for place in (1, 2):
        commits = await service.store.commits.read("provider-1", f"action-session-1.{place}")
        assert [len(commit.events) for commit in commits] == [1]
    assert (await read(service, 1, EMPLOYER)).text == "Find a mixer"
    assert (await read(service, 2, LEARNER)).text == "Read the manual"
    assert (await read(service, 1, LEARNER)).text == "Find a mixer"
    with pytest.raises(Refusal):
        await read(service, 2, EMPLOYER)
    plan = ListActionPlanRequest(learner_id="learner-1", on="2026-03-02")
    shown = (await list_action_plan(plan, service.node.reader(LEARNER))).actions
    assert [(one.action_id, one.session_id, one.place) for one in shown] == [
        ("session-1.1", "session-1", 1),
        ("session-1.2", "session-1", 2),
    ]
    assert await service.parked() == []


async def test_no_plain_text_is_stored_and_the_owner_completes_it_like_any_other(service: Running) -> None:
    await service.give(hold(), MENTOR)
    await service.carry()
    await service.give(complete(action_id="session-1.1"), EMPLOYER)
    streams = ("session-session-1", "action-session-1.1", "action-session-1.2")
    commits = [commit for stream in streams for commit in await service.store.commits.read("provider-1", stream)]
    stored = b"".join(event.data for commit in commits for event in commit.events)
    assert b"mixer" not in stored
    assert b"stands" not in stored


async def test_another_text_under_the_same_record_is_refused_and_not_dropped(service: Running) -> None:
    await service.give(hold(), MENTOR)
    await service.give(hold(), MENTOR)
    with pytest.raises(Refusal) as caught:
        await service.give(hold(to_do(text="Buy a mixer"), to_do("learner-1")), MENTOR)
    assert caught.value.code == "DONE_WITH_OTHER_TEXT"
