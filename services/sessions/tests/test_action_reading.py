"""Who sees what of a learner's actions, and what is read of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata, Principal
from eventkernel.reading import Ask
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_EMPLOYER_CONTACT, Page, Party, Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ACTION_OUTCOME_ACHIEVED,
    ActionCompleted,
    ActionDropped,
    ActionDueDayChanged,
    ActionReassigned,
)
from mentoring.sessions.v1.action_plan_pb2 import (
    ACTION_STATUS_COMPLETED,
    ACTION_STATUS_DROPPED,
    ACTION_STATUS_OPEN,
    GetActionRequest,
    ListActionPlanRequest,
    ListMyActionsRequest,
)
from mentoring.sessions.v1.events_pb2 import CANCEL_REASON_OTHER, SessionHeld
from mentoring.sessions.v1.session_parts_pb2 import AgreedAction
from mentoring.sessions.v1.sessions_pb2 import CancelMentorshipRequest
from sessions.projections.action_record import get_action
from sessions.projections.actions import PlannedAction, actions, list_action_plan, list_my_actions
from sessions.relations import in_support_team

from .action_stories import (
    COMPLETED,
    DROPPED,
    agree,
    agreed,
    change_day,
    complete,
    contribute,
    drop,
    past,
    reassign,
    reopen,
    reopened,
)
from .plan_stories import (
    ASSESSOR,
    CANCELLED,
    COACH,
    EMPLOYER,
    LEARNER,
    MANAGER,
    MENTOR,
    STRANGER,
    started,
)
from .running import Running

Reading = Callable[..., Any]
META = Metadata("event-1", "type", "provider-1", "action-action-1", 1, datetime(2026, 3, 2, tzinfo=UTC))
TODAY = "2026-03-07"
UNATTACHED = person("pat", "provider_manager")
PEOPLE = {"mentorships-learner-1": [started()]}


def projected(*events: Any) -> PlannedAction:
    document = actions.new(events[0].action_id)
    for event in events:
        if type(event) in actions.folds:
            actions.folds[type(event)](document, event, META)
    return PlannedAction.model_validate_json(document.model_dump_json())


def plan_of(reader: Reading, caller: Principal, *documents: PlannedAction, **more: Any) -> Any:
    return reader(caller, streams=more.get("streams", PEOPLE), documents=documents)


def ask(**changed: Any) -> ListActionPlanRequest:
    return ListActionPlanRequest(**{"learner_id": "learner-1", "on": TODAY, **changed})


# Emma owns it and Carl contributes; the second is shared with the learner; the third is the learner's own.
EMMAS = projected(agreed())
SHARED = projected(agreed(action_id="action-2", owner_id="ada", contributor_ids=[], shared_with_learner=True))
LEARNERS = projected(agreed(action_id="action-3", owner_id="learner-1", contributor_ids=[]))


@pytest.mark.parametrize(
    ("caller", "sees"),
    [
        (LEARNER, ["action-2", "action-3"]),
        (MENTOR, ["action-1", "action-2", "action-3"]),
        (EMPLOYER, ["action-1"]),
        (COACH, ["action-1"]),
        (ASSESSOR, ["action-2"]),
        (MANAGER, ["action-1", "action-2", "action-3"]),
        (UNATTACHED, ["action-1", "action-2", "action-3"]),
        (STRANGER, []),
    ],
    ids=lambda one: getattr(one, "person_id", None),
)
async def test_everybody_sees_what_they_need_to_know(reader: Reading, caller: Principal, sees: list[str]) -> None:
    found = await list_action_plan(ask(), plan_of(reader, caller, EMMAS, SHARED, LEARNERS))
    assert [one.action_id for one in found.actions] == sees


@pytest.mark.parametrize("streams", [{}, {"mentorships-learner-1": [started(), CANCELLED]}], ids=["none", "ended"])
@pytest.mark.parametrize("caller", [MENTOR, EMPLOYER, COACH, ASSESSOR], ids=lambda one: one.person_id)
async def test_a_mentorship_that_ended_shows_nothing_to_its_people(
    reader: Reading, caller: Principal, streams: Any
) -> None:
    found = await list_action_plan(ask(), plan_of(reader, caller, EMMAS, SHARED, LEARNERS, streams=streams))
    assert list(found.actions) == []


async def test_a_contact_of_another_mentorship_sees_nothing_of_this_one(reader: Reading) -> None:
    other = started("ada", mentorship_id="mentorship-2")
    other.parties.add(person_id="eve", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
    eve = person("eve", "employer_contact")
    named = projected(agreed(owner_id="eve"))
    read = plan_of(reader, eve, named, streams={"mentorships-learner-1": [started(), other]})
    assert list((await list_action_plan(ask(), read)).actions) == []
    assert await in_support_team(Ask(eve, ask(), read))


def histories() -> dict[str, Any]:
    """Three actions as they were in the documents above, and what belongs to them."""
    return {
        **PEOPLE,
        "action-action-1": [agreed(), *past().when(contribute(), by=COACH).events],
        "action-action-2": [agreed(action_id="action-2", owner_id="ada", contributor_ids=[], shared_with_learner=True)],
        "action-action-3": [agreed(action_id="action-3", owner_id="learner-1", contributor_ids=[])],
    }


FULL = {
    "learner-1": {"action-2", "action-3"},
    "mentor-1": {"action-1", "action-2", "action-3"},
    "emma": {"action-1"},
    "carl": {"action-1"},
    "ada": {"action-2"},
}
CHANGES = (reassign, change_day, contribute, complete, drop, reopen)


@pytest.mark.parametrize(
    "caller",
    [LEARNER, MENTOR, EMPLOYER, COACH, ASSESSOR, MANAGER, UNATTACHED, STRANGER],
    ids=lambda one: one.person_id,
)
@pytest.mark.parametrize("action_id", ["action-1", "action-2", "action-3", "action-4"])
async def test_who_may_ask_for_an_action_and_who_may_change_anything_of_it(
    reader: Reading, caller: Principal, action_id: str
) -> None:
    full = action_id in FULL.get(caller.person_id, set())
    outline = "provider_manager" in caller.roles and action_id != "action-4"

    async def may(request: Message) -> bool:
        return await in_support_team(Ask(caller, request, reader(caller, streams=histories())))

    get = GetActionRequest(learner_id="learner-1", action_id=action_id, on=TODAY)
    assert await may(get) is (full or outline)
    for make in CHANGES:
        assert await may(make(action_id=action_id)) is full
        assert not await may(make(action_id=action_id, learner_id="learner-2"))
    read = reader(caller, streams=histories())
    if full or outline:
        found = await get_action(get, read)
        assert (found.text, bool(found.entries)) == (("Find a mixer", True) if full else ("", False))
        assert bool(read.opened) is full
    else:
        with pytest.raises(Refusal) as caught:
            await get_action(get, read)
        assert (caught.value.code, read.opened) == ("ACTION_UNKNOWN", [])


@pytest.mark.parametrize(
    ("caller", "may"),
    [(LEARNER, True), (MENTOR, True), (COACH, True), (UNATTACHED, True), (STRANGER, False)],
    ids=lambda one: getattr(one, "person_id", None),
)
async def test_who_may_ask_for_an_action_plan(reader: Reading, caller: Principal, may: bool) -> None:
    assert await in_support_team(Ask(caller, ask(), reader(caller, streams=PEOPLE))) is may


async def test_an_action_is_read_with_all_that_was_said_of_it(reader: Reading) -> None:
    story = past().when(contribute(), by=COACH).after().when(change_day(), by=EMPLOYER).after()
    story = (
        story.when(complete(), by=EMPLOYER).after().when(reopen(), by=MENTOR).after().when(drop(), by=MENTOR).after()
    )
    read = reader(MENTOR, streams={**PEOPLE, "action-action-1": story.past})
    found = await get_action(GetActionRequest(learner_id="learner-1", action_id="action-1", on=TODAY), read)
    assert found.text == "Find a mixer"
    said = ["", "I asked around", "no mixer to be had", "it stands there", "it broke", "not needed"]
    assert [one.text for one in found.entries] == said
    assert found.action.status == ACTION_STATUS_DROPPED


async def test_the_text_of_what_a_session_agreed_is_opened_from_the_session(reader: Reading) -> None:
    event = agreed(action_id="session-1.2", session_id="session-1", place=2)
    event.ClearField("text")
    held = SessionHeld(
        session_id="session-1",
        learner_id="learner-1",
        shared_record=Sealed(to_be_sealed="the record"),
        agreed_actions=[
            AgreedAction(text=Sealed(to_be_sealed="First")),
            AgreedAction(text=Sealed(to_be_sealed="Second")),
        ],
    )
    streams = {**PEOPLE, "action-session-1.2": [event], "session-session-1": [held]}
    read = reader(EMPLOYER, streams=streams)
    found = await get_action(GetActionRequest(learner_id="learner-1", action_id="session-1.2", on=TODAY), read)
    assert (found.text, found.action.session_id, found.action.place) == ("Second", "session-1", 2)
    # The owner opens their own action, and nothing else of the session.
    assert read.opened == ["agreed_actions[1].text"]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, ["a1", "a2", "a3", "a4"]),
        ({"status": ACTION_STATUS_OPEN}, ["a1", "a2"]),
        ({"status": ACTION_STATUS_COMPLETED}, ["a3"]),
        ({"status": ACTION_STATUS_DROPPED}, ["a4"]),
        ({"overdue": True}, ["a1"]),
        ({"overdue": True, "on": "2026-03-06"}, []),
        ({"overdue": True, "on": "2026-03-10"}, ["a1", "a2"]),
        ({"owner_id": "ada"}, ["a2"]),
        ({"mentorship_id": "mentorship-1"}, ["a1", "a2", "a3", "a4"]),
        ({"mentorship_id": "mentorship-2"}, []),
    ],
)
async def test_a_plan_is_filtered_and_overdue_is_said_for_the_day_that_is_asked_for(
    reader: Reading, asked: Any, ids: list[str]
) -> None:
    documents = [
        projected(agreed(action_id="a4"), DROPPED),
        projected(agreed(action_id="a3"), COMPLETED),
        projected(agreed(action_id="a2", owner_id="ada", due_on="2026-03-09")),
        projected(agreed(action_id="a1")),
    ]
    for index, one in enumerate(documents):
        one.due_on = one.due_on if one.action_id in ("a1", "a2") else f"2026-04-0{4 - index}"
    found = await list_action_plan(ask(**asked), plan_of(reader, MENTOR, *documents))
    assert [one.action_id for one in found.actions] == ids
    on = asked.get("on", TODAY)
    assert all(one.overdue == (one.status == ACTION_STATUS_OPEN and one.due_on < on) for one in found.actions)


async def test_a_plan_comes_in_pages(reader: Reading) -> None:
    read = plan_of(reader, MENTOR, EMMAS, SHARED, LEARNERS)
    first = await list_action_plan(ask(page=Page(size=2)), read)
    second = await list_action_plan(ask(page=Page(size=2, cursor=first.next_cursor)), read)
    assert [one.action_id for one in (*first.actions, *second.actions)] == ["action-1", "action-2", "action-3"]
    with pytest.raises(Refusal) as caught:
        await list_action_plan(ask(page=Page(cursor=first.next_cursor), overdue=True), read)
    assert caught.value.code == "CURSOR_INVALID"


def test_a_document_follows_its_action_and_holds_no_text() -> None:
    moved = ActionDueDayChanged(action_id="action-1", due_on="2026-03-09", reason=Sealed(to_be_sealed="no mixer"))
    given = ActionReassigned(action_id="action-1", owner_id="ada", contributor_ids=["emma"])
    completed = ActionCompleted(
        action_id="action-1", outcome=ACTION_OUTCOME_ACHIEVED, account=Sealed(to_be_sealed="so")
    )
    found = projected(agreed(), moved, given, completed)
    assert (found.due_on, found.owner_id, found.contributor_ids) == ("2026-03-09", "ada", ["emma"])
    assert (found.status, found.outcome) == (ACTION_STATUS_COMPLETED, ACTION_OUTCOME_ACHIEVED)
    again = projected(agreed(), completed, reopened("2026-03-11", "2026-03-12T00:00:00Z"))
    assert (again.status, again.outcome, again.due_on) == (ACTION_STATUS_OPEN, 0, "2026-03-11")
    dropped = projected(agreed(), ActionDropped(action_id="action-1"))
    assert dropped.status == ACTION_STATUS_DROPPED
    assert not {"Find a mixer", "no mixer", "so"} & set(found.model_dump_json().split('"'))


async def test_my_actions_are_the_open_ones_of_all_learners_while_i_belong_to_them(tmp_path: Path) -> None:
    emma = Party(person_id="emma", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
    service = Running(tmp_path)
    await service.begin(emma)
    await service.begin(emma, learner_id="learner-2", mentorship_id="mentorship-2")
    second = {"learner_id": "learner-2", "mentorship_id": "mentorship-2", "contributor_ids": []}
    for command in (
        agree(action_id="a1", due_on="2026-03-09", contributor_ids=[]),
        agree(action_id="a2", **second),
        agree(action_id="a3", **second, owner_id="mentor-1"),
        agree(action_id="a4", contributor_ids=[]),
        complete(action_id="a4"),
        agree(action_id="a5", due_on="2026-04-01", contributor_ids=[]),
    ):
        await service.give(command, MENTOR)
    await service.carry()

    async def mine(**asked: Any) -> Any:
        return await list_my_actions(ListMyActionsRequest(**{"on": TODAY, **asked}), service.node.reader(EMPLOYER))

    found = await mine()
    assert [(one.action_id, one.learner_id, one.overdue) for one in found.actions] == [
        ("a2", "learner-2", True),
        ("a1", "learner-1", False),
        ("a5", "learner-1", False),
    ]
    assert [one.action_id for one in (await mine(overdue=True)).actions] == ["a2"]
    first = await mine(page=Page(size=2))
    rest = await mine(page=Page(size=2, cursor=first.next_cursor))
    assert [one.action_id for one in (*first.actions, *rest.actions)] == ["a2", "a1", "a5"]
    ended = CancelMentorshipRequest(learner_id="learner-2", mentorship_id="mentorship-2", reason=CANCEL_REASON_OTHER)
    await service.give(ended, MANAGER)
    assert [one.action_id for one in (await mine()).actions] == ["a1", "a5"]
    assert await service.parked() == []


async def test_a_learner_keeps_their_own_actions_when_the_mentorship_has_ended(reader: Reading) -> None:
    streams = {"mentorships-learner-1": [started(), CANCELLED]}
    found = await list_action_plan(ask(), plan_of(reader, LEARNER, EMMAS, SHARED, LEARNERS, streams=streams))
    assert [one.action_id for one in found.actions] == ["action-2", "action-3"]
    mine = await list_my_actions(ListMyActionsRequest(on=TODAY), plan_of(reader, LEARNER, LEARNERS, streams=streams))
    assert [one.action_id for one in mine.actions] == ["action-3"]


async def test_whoever_left_learns_from_no_cursor_what_they_had_to_do(reader: Reading) -> None:
    documents = [projected(agreed(action_id=f"action-{number}")) for number in range(3)]
    read = reader(
        person(documents[0].owner_id, "employer_contact"),
        streams={"mentorships-learner-1": [started(), CANCELLED]},
        documents=documents,
    )
    answer = await list_my_actions(ListMyActionsRequest(on=TODAY, page=Page(size=1)), read)
    assert (list(answer.actions), answer.next_cursor) == ([], "")
