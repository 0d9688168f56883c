"""Overdue actions are found by the clock and told once for a due day, where they still are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from google.protobuf.message import Message
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_COACH, PARTY_RELATIONSHIP_EMPLOYER_CONTACT, Party
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ActionAgreed,
    ActionDueDayChanged,
    ActionOverdue,
    ActionReopened,
)
from mentoring.sessions.v1.events_pb2 import CANCEL_REASON_OTHER
from mentoring.sessions.v1.policy_pb2 import SetMentoringPolicyRequest
from mentoring.sessions.v1.sessions_pb2 import CancelMentorshipRequest
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.session_state import Session
from sessions.reactions.overdue_actions import overdue_actions

from .action_stories import (
    COMPLETED,
    DROPPED,
    DUE,
    OF,
    agree,
    agreed,
    announce,
    change_day,
    complete,
    contribute,
    drop,
    past,
    reassign,
    reopen,
    reopened,
)
from .plan_stories import CANCELLED, EMPLOYER, IDS, MANAGER, MENTOR, mentored, started
from .running import Running

AFTER = datetime(2026, 3, 7, tzinfo=UTC)
META = Metadata("event-1", "type", "provider-1", "action-action-1", 1, NOON)
PARTIES = (
    Party(person_id="emma", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
    Party(person_id="carl", relationship=PARTY_RELATIONSHIP_COACH),
)
OVERDUE = ActionOverdue(**OF, mentorship_id="mentorship-1", owner_id="emma", contributor_ids=["carl"], due_on=DUE)


def test_it_is_told_from_the_moment_that_its_day_is_over() -> None:
    outcome = past().when(announce(), at=AFTER)
    outcome.then(OVERDUE)
    outcome.after().when(announce(), at=AFTER).then_nothing()
    early = past().when(announce(), at=AFTER - timedelta(microseconds=1))
    assert isinstance(early.then_refused("DUE_DAY_AHEAD"), NotYet)


@pytest.mark.parametrize("event", [COMPLETED, DROPPED], ids=["completed", "dropped"])
def test_what_is_settled_is_not_overdue(event: Message) -> None:
    past(event).when(announce(), at=AFTER).then_nothing()


def test_what_was_moved_is_not_overdue_for_the_day_before() -> None:
    moved = past().when(change_day(), by=EMPLOYER).after()
    moved.when(announce(), at=AFTER).then_nothing()
    assert moved.when(announce("2026-03-09"), at=AFTER + timedelta(days=3)).events


def test_what_is_noted_on_it_puts_nothing_off() -> None:
    tale = past()
    for number in range(3):
        note = contribute(contribution_id=f"note-{number}")
        tale = tale.when(note, by=EMPLOYER, at=NOON + timedelta(days=number)).after()
    tale.when(announce(), at=AFTER).then(OVERDUE)


def test_what_was_reopened_is_overdue_for_its_new_day() -> None:
    again = past(COMPLETED, reopened("2026-03-09", "2026-03-10T00:00:00Z"))
    again.when(announce(), at=AFTER + timedelta(days=9)).then_nothing()
    assert again.when(announce("2026-03-09"), at=AFTER + timedelta(days=3)).events


def test_in_a_mentorship_that_ended_nothing_is_overdue() -> None:
    ended = past().beside(mentored(started(), CANCELLED), MentoringPolicy(), Session())
    ended.when(announce(), at=AFTER).then_nothing()


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        (ActionAgreed, agreed()),
        (ActionReopened, reopened(DUE, "2026-03-07T00:00:00Z")),
        (ActionDueDayChanged, ActionDueDayChanged(**OF, due_on=DUE, overdue_at=agreed().overdue_at)),
    ],
    ids=["agreed", "reopened", "moved"],
)
def test_each_due_day_sets_the_alarm_of_its_own_end(kind: Any, event: Any) -> None:
    assert list(overdue_actions.policies[kind](event, META)) == [Later(AFTER, announce())]


@having(st.lists(st.tuples(st.sampled_from("mcdrtn"), st.integers(0, 3)), max_size=15))
def test_whatever_happens_it_is_told_once_for_a_due_day_and_only_while_it_is_overdue(steps: list[Any]) -> None:
    now, tale = NOON, past()
    days = [f"2026-03-{day:02}" for day in (6, 7, 8, 9)]
    for kind, index in steps:
        now += timedelta(hours=9)
        command: Any = {
            "m": change_day(days[index]),
            "c": complete(),
            "d": drop(),
            "r": reopen(days[index]),
            "t": announce(days[index]),
            "n": reassign(owner_id="emma", contributor_ids=["carl"] if index else []),
        }[kind]
        before = tale.state
        outcome = tale.when(command, by=MENTOR, at=now)
        if outcome.refusal is None:
            tale = outcome.after()
        if kind == "t" and outcome.events:
            assert (before.stage.name, before.due_on) == ("OPEN", days[index])
            assert now >= datetime.fromisoformat(days[index]).replace(tzinfo=UTC) + timedelta(days=1)
    told = [one.due_on for one in tale.past if isinstance(one, ActionOverdue)]
    assert len(set(told)) == len(told)


def told(service: Running) -> list[ActionOverdue]:
    return [one for one in service.told if isinstance(one, ActionOverdue)]


@pytest.fixture
async def service(tmp_path: Path) -> Running:
    found = Running(tmp_path)
    await found.begin(*PARTIES)
    return found


async def test_an_overdue_action_is_told_by_the_clock_once_also_after_a_restart(service: Running) -> None:
    await service.give(agree(), MENTOR)
    await service.carry()
    await service.fall_due(AFTER - timedelta(seconds=1))
    assert told(service) == []
    service.restart()
    await service.fall_due(AFTER)
    assert told(service) == [OVERDUE]
    service.restart()
    # What the dead process had read and not committed comes again.
    await service.deliver(await service.store.commits.read("provider-1", "action-action-1"))
    await service.fall_due(AFTER + timedelta(days=30))
    commits = await service.store.commits.read("provider-1", "action-action-1")
    assert [event.type.rsplit(".", 1)[-1] for commit in commits for event in commit.events] == [
        "action-agreed",
        "action-overdue",
    ]
    assert await service.parked() == []


async def test_what_was_moved_is_told_when_its_new_day_is_over(service: Running) -> None:
    await service.give(agree(), MENTOR)
    await service.give(change_day(), EMPLOYER)
    await service.carry()
    await service.fall_due(AFTER)
    assert told(service) == []
    await service.fall_due(AFTER + timedelta(days=3))
    assert [one.due_on for one in told(service)] == ["2026-03-09"]


@pytest.mark.parametrize("command", [complete(), drop()], ids=["completed", "dropped"])
async def test_what_was_settled_meanwhile_is_never_told(service: Running, command: Message) -> None:
    await service.give(agree(), MENTOR)
    await service.give(command, MENTOR)
    await service.carry()
    await service.fall_due(AFTER + timedelta(days=30))
    assert (told(service), await service.parked()) == ([], [])


async def test_what_was_completed_and_reopened_is_told_for_its_new_day_alone(service: Running) -> None:
    await service.give(agree(), MENTOR)
    await service.give(complete(), EMPLOYER)
    await service.give(reopen(), EMPLOYER)
    await service.carry()
    await service.fall_due(AFTER + timedelta(days=30))
    assert [one.due_on for one in told(service)] == ["2026-03-09"]


async def test_in_an_ended_mentorship_nothing_is_told(service: Running) -> None:
    await service.give(agree(), MENTOR)
    await service.give(CancelMentorshipRequest(**IDS, reason=CANCEL_REASON_OTHER), MANAGER)
    await service.carry()
    await service.fall_due(AFTER + timedelta(days=30))
    assert (told(service), await service.parked()) == ([], [])


@pytest.mark.parametrize(
    ("time_zone", "due_on", "over_at"),
    [
        ("Europe/London", "2026-03-28", datetime(2026, 3, 29, 0, tzinfo=UTC)),
        ("Europe/London", "2026-03-29", datetime(2026, 3, 29, 23, tzinfo=UTC)),
        ("Europe/London", "2026-10-24", datetime(2026, 10, 24, 23, tzinfo=UTC)),
        ("Europe/London", "2026-10-25", datetime(2026, 10, 26, 0, tzinfo=UTC)),
        ("Europe/Athens", "2026-03-28", datetime(2026, 3, 28, 22, tzinfo=UTC)),
        ("Europe/Athens", "2026-03-29", datetime(2026, 3, 29, 21, tzinfo=UTC)),
    ],
)
async def test_a_day_is_over_at_the_providers_midnight_whatever_the_clocks_do(
    service: Running, time_zone: str, due_on: str, over_at: datetime
) -> None:
    await service.give(SetMentoringPolicyRequest(time_zone=time_zone, skill_notice_days=90), MANAGER)
    await service.give(agree(due_on=due_on), MENTOR)
    await service.carry()
    await service.fall_due(over_at - timedelta(milliseconds=1))
    assert told(service) == []
    await service.fall_due(over_at)
    assert [one.due_on for one in told(service)] == [due_on]
