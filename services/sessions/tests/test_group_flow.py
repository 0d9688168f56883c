"""From a group's session to each learner's, through the real kernel over a store in memory: who has what, and who reads what."""

from pathlib import Path
from typing import Any

import pytest
from eventkernel.access import Denied
from eventkernel.commands import Order
from eventkernel.due import Attempt
from eventkernel.keys import KeyDestroyed
from eventkernel.messages import DueRow, Principal, derived_id
from eventkernel.node import Node
from eventkernel.reaction import Later
from eventkernel.reading import Ask
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from mentoring.sessions.v1.group_session_events_pb2 import GROUP_ACT_HOLD, GROUP_ACT_PLAN
from mentoring.sessions.v1.group_session_pb2 import (
    GetGroupSessionRequest,
    GetGroupSessionResponse,
    GroupLearner,
    GroupLearnerRecord,
    GroupRefusal,
    HoldGroupPlaceRequest,
)
from mentoring.sessions.v1.mentorship_pb2 import ChangeMentorRequest
from mentoring.sessions.v1.sessions_pb2 import (
    GetSessionRequest,
    LearnStandardRequest,
    SessionStatus,
    StartBreakInLearningRequest,
)
from sessions.projections.group_session import get_group_session
from sessions.projections.session_record import get_session
from sessions.reactions.group_places import group_places
from sessions.service import build, mentor_of_every_learner, mentor_of_group

from .test_group_session import THREE, absent, hold, move, plan
from .test_mentorship import start

MENTOR, MANAGER = person("mentor-1", "mentor"), person("paula", "provider_manager")
PLANNED, HELD, MISSED = (
    SessionStatus.SESSION_STATUS_PLANNED,
    SessionStatus.SESSION_STATUS_HELD,
    SessionStatus.SESSION_STATUS_MISSED,
)
ASKED = GetGroupSessionRequest(group_id="group-1")


class Platform:
    """The service without Kafka: what the group's stream has is handed to its reaction, twice, as after a lost offset."""

    def __init__(self, folder: Path) -> None:
        self.service, self.store = build(), MemoryStore()
        settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks")
        self.node = Node(self.service, settings, self.store, clock=lambda: NOON)
        self.keys = 0

    async def give(self, request: Message, caller: Principal = MENTOR, key: str = "") -> None:
        self.keys += 1
        await self.node.commands.give(Order(request, caller, key or f"key-{self.keys}"))

    async def react(self, group_id: str = "group-1") -> None:
        system = Principal.system("provider-1")
        for _ in range(2):
            for item in await self.node.reader(system).history(f"group-{group_id}"):
                policy = group_places.policies.get(type(item.event))
                for index, reply in enumerate(policy(item.event, item.meta) if policy else ()):
                    key = derived_id("group_places", item.meta.event_id, str(index))
                    if isinstance(reply, Later):
                        assert not getattr(reply.request, "shared_record", "")
                        row = DueRow(key, system.tenant, NOON, "", b"", attempts=1)
                        doing = Attempt(row, self.node.commands, self.node.reader, NOON)
                        await self.service.effects[HoldGroupPlaceRequest](reply.request, doing)
                    else:
                        await self.give(reply, system, key)

    async def group(self, group_id: str = "group-1") -> GetGroupSessionResponse:
        return await get_group_session(GetGroupSessionRequest(group_id=group_id), self.node.reader(MENTOR))

    async def stored(self, stream: str) -> bytes:
        commits = await self.store.commits.read("provider-1", stream)
        return b"".join(event.data for commit in commits for event in commit.events)


@pytest.fixture
async def platform(tmp_path: Path) -> Platform:
    found = Platform(tmp_path)
    standard = start().standard
    await found.give(LearnStandardRequest(standard=standard, ksb_codes=["K1", "K2"]), Principal.system("provider-1"))
    for one in THREE:
        await found.give(start(one.mentorship_id, learner_id=one.learner_id, parties=[]), MANAGER)
    return found


async def test_a_groups_session_is_planned_moved_and_held_for_each_learner(platform: Platform) -> None:
    await platform.give(plan())
    before = await platform.group()
    assert [place.status for place in before.places] == [SessionStatus.SESSION_STATUS_UNSPECIFIED] * 3
    await platform.react()
    await platform.give(move())
    await platform.react()
    moved = await platform.group()
    assert [(place.status, place.starts_at) for place in moved.places] == [(PLANNED, move().starts_at)] * 3
    await platform.give(hold())
    await platform.react()
    found = await platform.group()
    assert [place.status for place in found.places] == [HELD, MISSED, HELD]
    assert found.status == HELD
    assert not any(place.refusals for place in found.places)


async def test_the_record_is_sealed_for_each_learner_and_opens_for_them(platform: Platform) -> None:
    await platform.give(plan())
    own = [GroupLearnerRecord(learner_id="learner-3", shared_record="You did it alone")]
    await platform.give(hold(absences=[absent("learner-2")], own_records=own))
    await platform.react()
    places = (await platform.group()).places
    for place in places:
        assert b"ovens" not in await platform.stored(f"session-{place.session_id}")
    assert b"ovens" not in await platform.stored("group-group-1")
    for place, expected in zip(places, ("We talked about ovens", "", "You did it alone"), strict=True):
        read = platform.node.reader(person(place.learner_id, "learner"))
        asked = GetSessionRequest(session_id=place.session_id, learner_id=place.learner_id)
        assert (await get_session(asked, read)).shared_record == expected


async def test_what_one_learner_has_erased_stays_readable_for_the_others(platform: Platform) -> None:
    await platform.give(plan())
    await platform.give(hold(absences=[]))
    await platform.react()
    await platform.node._sealer._keys.destroy("provider-1", "learner-1")
    one, two, _ = (await platform.group()).places
    gone = GetSessionRequest(session_id=one.session_id, learner_id="learner-1")
    with pytest.raises(KeyDestroyed):
        await get_session(gone, platform.node.reader(person("learner-1", "learner")))
    read = platform.node.reader(person("learner-2", "learner"))
    stays = GetSessionRequest(session_id=two.session_id, learner_id="learner-2")
    assert (await get_session(stays, read)).shared_record == "We talked about ovens"


async def test_of_a_learner_who_was_erased_before_their_record_arrived_nothing_is_recorded(platform: Platform) -> None:
    await platform.give(plan())
    await platform.react()
    await platform.give(hold(absences=[]))
    await platform.node._sealer._keys.destroy("provider-1", "learner-1")
    await platform.react()
    assert [place.status for place in (await platform.group()).places] == [PLANNED, HELD, HELD]


async def test_one_learners_refusal_is_shown_and_stops_nothing_for_the_others(platform: Platform) -> None:
    away = StartBreakInLearningRequest(
        learner_id="learner-2", mentorship_id="mentorship-2", first_day="2026-03-01", reason="An operation"
    )
    await platform.give(away, MANAGER)
    await platform.give(plan())
    await platform.react()
    await platform.give(hold(absences=[]))
    await platform.react()
    one, two, three = (await platform.group()).places
    assert (one.status, three.status) == (HELD, HELD)
    assert two.status == SessionStatus.SESSION_STATUS_UNSPECIFIED
    assert list(two.refusals) == [
        GroupRefusal(act=GROUP_ACT_PLAN, code="LEARNER_ON_BREAK"), GroupRefusal(act=GROUP_ACT_HOLD, code="SESSION_NOT_PLANNED"),
    ]  # fmt: skip


async def test_what_passed_to_another_mentor_is_not_told_to_the_groups(platform: Platform) -> None:
    await platform.give(plan())
    await platform.react()
    change = ChangeMentorRequest(learner_id="learner-2", mentorship_id="mentorship-2", mentor_id="mentor-2")
    await platform.give(change, MANAGER)
    await platform.give(move())
    await platform.react()
    one, two, _ = (await platform.group()).places
    assert one.starts_at == move().starts_at
    assert (two.passed_on, two.status, two.HasField("starts_at"), list(two.refusals)) == (True, 0, False, [])


async def test_a_guessed_mentorship_of_another_mentor_is_answered_as_one_that_is_not_there(platform: Platform) -> None:
    other = start("mentorship-9", learner_id="learner-2", mentor_id="mentor-2", parties=[])
    other.standard.reference = "ST0001"
    learn = LearnStandardRequest(standard=other.standard, ksb_codes=["K1"])
    await platform.give(learn, Principal.system("provider-1"))
    await platform.give(other, MANAGER)
    told = []
    for number, guessed in enumerate(("mentorship-9", "mentorship-0")):
        group_id = f"group-{number}"
        learners = [THREE[0], GroupLearner(learner_id="learner-2", mentorship_id=guessed)]
        await platform.give(plan(group_id=group_id, learners=learners))
        await platform.react(group_id)
        place = (await platform.group(group_id)).places[1]
        place.ClearField("mentorship_id")
        place.ClearField("session_id")
        told.append(place)
    assert told[0] == told[1]
    assert list(told[0].refusals) == [GroupRefusal(act=GROUP_ACT_PLAN, code="MENTORSHIP_NOT_ACTIVE")]


async def test_whoever_does_not_mentor_them_all_plans_nothing_and_learns_nothing(platform: Platform) -> None:
    stranger = GroupLearner(learner_id="learner-9", mentorship_id="mentorship-9")
    asked = plan(learners=[*THREE, stranger])
    with pytest.raises(Denied):
        await platform.give(asked)
    assert await platform.stored("group-group-1") == b""
    assert await mentor_of_every_learner(Ask(MENTOR, plan(), platform.node.reader(MENTOR)))
    assert not await mentor_of_every_learner(Ask(MENTOR, asked, platform.node.reader(MENTOR)))


@pytest.mark.parametrize("caller", [person("mentor-2", "mentor"), person("learner-1", "learner", "mentor")])
async def test_nobody_else_learns_that_there_is_a_group(platform: Platform, caller: Any) -> None:
    reader = platform.node.reader(caller)
    assert not await mentor_of_group(Ask(caller, ASKED, reader))
    with pytest.raises(Denied) as nowhere:
        await platform.give(move(), caller)
    await platform.give(plan())
    assert not await mentor_of_group(Ask(caller, ASKED, platform.node.reader(caller)))
    with pytest.raises(Denied) as there:
        await platform.give(move(), caller)
    assert str(there.value) == str(nowhere.value)
    assert await mentor_of_group(Ask(MENTOR, ASKED, platform.node.reader(MENTOR)))
