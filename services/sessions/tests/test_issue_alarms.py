"""What nobody answers, and what nobody does anything about, is found by the clock and told, once each time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from eventkernel.timestamps import timestamp
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_PROVIDER_MANAGER, Party
from mentoring.sessions.v1.events_pb2 import CANCEL_REASON_OTHER
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueIdle,
    IssueReferralChased,
    IssueReferred,
    IssueReminderPutOff,
)
from mentoring.sessions.v1.policy_events_pb2 import IssueDeadlines
from mentoring.sessions.v1.policy_pb2 import SetIssuePolicyRequest
from mentoring.sessions.v1.sessions_pb2 import CancelMentorshipRequest
from sessions.reactions.issue_alarms import issue_alarms

from .issue_stories import (
    IDLE,
    LATE,
    OF,
    accept,
    add,
    chase,
    decline,
    next_step,
    nothing,
    outcome,
    past,
    raise_it,
    refer,
    reopen,
    report,
    withdraw,
)
from .plan_stories import CANCELLED, IDS, MANAGER, MENTOR, mentored, started
from .running import Running

META = Metadata("event-1", "type", "provider-1", "issue-issue-1", 1, NOON)
# Ten working days after Tuesday the 17th end with the 31st, by summer time.
AGAIN = datetime(2026, 3, 31, 23, tzinfo=UTC)
PAULA = Party(person_id="paula", relationship=PARTY_RELATIONSHIP_PROVIDER_MANAGER)


def test_an_issue_to_which_nothing_happens_is_told_again_and_again() -> None:
    told = past().when(report(), at=IDLE)
    told.then(
        IssueIdle(**OF, mentorship_id="mentorship-1", mentor_id="mentor-1", act=1, number=1, next_at=timestamp(AGAIN))
    )
    told.after().when(report(), at=AGAIN).then_nothing()
    early = told.after().when(report(number=2), at=AGAIN - timedelta(microseconds=1))
    assert isinstance(early.then_refused("NOT_IDLE"), NotYet)
    assert told.after().when(report(number=2), at=AGAIN).events
    assert isinstance(past().when(report(), at=IDLE - timedelta(microseconds=1)).then_refused("NOT_IDLE"), NotYet)


@pytest.mark.parametrize("command", [refer(), add(), next_step()], ids=lambda one: type(one).__name__)
def test_whatever_happens_to_it_ends_the_alarm_and_sets_another(command: Any) -> None:
    past(command).when(report(), at=IDLE).then_nothing()
    assert past(command).when(report(act=2), at=IDLE).events
    told = past().when(report(), at=IDLE).after().when(command, by=MENTOR, at=IDLE).after()
    told.when(report(number=2), at=AGAIN).then_nothing()
    assert told.state.told_idle == 0


def test_what_is_closed_or_ended_is_not_idle() -> None:
    past(outcome()).when(report(act=2), at=IDLE).then_nothing()
    ended = past().beside(mentored(started(), CANCELLED), *nothing().loaded[1:])
    ended.when(report(), at=IDLE).then_nothing()
    assert past(outcome(), reopen()).when(report(act=3), at=IDLE).events


def acts() -> list[Any]:
    tale = past(refer()).when(accept(), by=MANAGER).after().when(decline(), by=MANAGER).after()
    for command in (add(), next_step(), outcome(), reopen()):
        tale = tale.when(command, by=MENTOR).after()
    return [event for event in tale.past if type(event) in issue_alarms.policies]


@pytest.mark.parametrize("event", acts(), ids=lambda event: event.DESCRIPTOR.name)
def test_each_act_sets_the_alarm_of_its_own_idleness(event: Any) -> None:
    alarms = list(issue_alarms.policies[type(event)](event, META))
    assert Later(IDLE, report(act=event.act)) in alarms
    chases = [Later(LATE, chase())] if isinstance(event, IssueReferred) else []
    assert [one for one in alarms if one != Later(IDLE, report(act=event.act))] == chases


def test_each_telling_sets_the_next_and_the_last_reminder_none() -> None:
    (idle,) = past().when(report(), at=IDLE).events
    assert list(issue_alarms.policies[IssueIdle](idle, META)) == [Later(AGAIN, report(number=2))]
    (chased,) = past(refer()).when(chase(), at=LATE).events
    assert list(issue_alarms.policies[IssueReferralChased](chased, META)) == [Later(LATE + timedelta(days=6), chase(2))]
    put_off = IssueReminderPutOff(**OF, referral_id="referral-1", number=2, next_at=timestamp(IDLE))
    assert list(issue_alarms.policies[IssueReminderPutOff](put_off, META)) == [Later(IDLE, chase(2))]
    last = IssueReferralChased(**OF, referral_id="referral-1", number=3)
    assert list(issue_alarms.policies[IssueReferralChased](last, META)) == []


@settings(max_examples=60, deadline=None)
@having(st.lists(st.sampled_from("adcnortiw"), max_size=14))
def test_whatever_happens_nobody_is_told_twice_or_of_what_is_no_more_so(steps: list[str]) -> None:
    now, tale = NOON, past(refer())
    for number, kind in enumerate(steps):
        now += timedelta(days=4)
        state = tale.state
        commands: dict[str, Any] = {
            "a": (accept(), MANAGER), "d": (decline(), MANAGER), "c": (chase(state.referrals["referral-1"].chased + 1), None),
            "n": (add(f"note-{number}"), MENTOR), "o": (outcome(), MENTOR), "r": (reopen(), MENTOR),
            "w": (withdraw(), MENTOR), "t": (chase(), None), "i": (report(state.act, state.told_idle + 1), None),
        }  # fmt: skip
        command, by = commands[kind]
        told = tale.when(command, by=by, at=now)
        if told.refusal is not None:
            continue
        for event in told.events:
            if isinstance(event, IssueReferralChased):
                assert (state.stage.name, state.referrals["referral-1"].stage.name) == ("OPEN", "WAITING")
                assert event.number <= 3
            if isinstance(event, IssueIdle):
                assert state.stage.name == "OPEN"
                assert state.idle_at is not None
                assert now >= state.idle_at
        tale = told.after()
    told_of = [(one.DESCRIPTOR.name, one.number) for one in tale.past if isinstance(one, IssueReferralChased)]
    idle = [(one.act, one.number) for one in tale.past if isinstance(one, IssueIdle)]
    assert len(set(told_of)) == len(told_of)
    assert len(set(idle)) == len(idle)


@pytest.fixture
async def service(tmp_path: Path) -> Running:
    found = Running(tmp_path)
    await found.begin(PAULA)
    return found


def told(service: Running, kind: type[Any]) -> list[int]:
    return [one.number for one in service.told if isinstance(one, kind)]


async def begin(service: Running) -> None:
    for command in (raise_it(), refer()):
        await service.give(command, MENTOR)
    await service.carry()


async def test_a_referral_without_an_answer_is_chased_by_the_clock_once_each_time_also_after_a_restart(
    service: Running,
) -> None:
    await begin(service)
    await service.fall_due(LATE - timedelta(seconds=1))
    assert told(service, IssueReferralChased) == []
    service.restart()
    await service.fall_due(LATE)
    assert told(service, IssueReferralChased) == [1]
    service.restart()
    # What the dead process had read and not committed comes again.
    await service.deliver(await service.store.commits.read("provider-1", "issue-issue-1"))
    await service.fall_due(LATE)
    commits = await service.store.commits.read("provider-1", "issue-issue-1")
    assert sum(event.type.endswith("chased") for commit in commits for event in commit.events) == 1
    for days in (10, 20, 30, 40):
        await service.fall_due(LATE + timedelta(days=days))
    commits = await service.store.commits.read("provider-1", "issue-issue-1")
    assert sum(event.type.endswith("chased") for commit in commits for event in commit.events) == 3
    assert await service.parked() == []


async def test_what_was_answered_is_not_chased(service: Running) -> None:
    await begin(service)
    await service.give(accept(), MANAGER)
    await service.carry()
    await service.fall_due(LATE + timedelta(days=3))
    assert (told(service, IssueReferralChased), await service.parked()) == ([], [])


async def test_an_issue_that_nobody_sees_is_reported_until_something_happens(service: Running) -> None:
    await begin(service)
    await service.give(accept(), MANAGER)
    await service.carry()
    await service.fall_due(IDLE)
    await service.fall_due(AGAIN)
    assert told(service, IssueIdle) == [1, 2]
    await service.give(outcome(), MENTOR)
    await service.carry()
    await service.fall_due(AGAIN + timedelta(days=60))
    assert (told(service, IssueIdle), await service.parked()) == ([1, 2], [])


async def test_in_an_ended_mentorship_nothing_is_told(service: Running) -> None:
    await begin(service)
    await service.give(CancelMentorshipRequest(**IDS, reason=CANCEL_REASON_OTHER), MANAGER)
    await service.carry()
    await service.fall_due(IDLE + timedelta(days=30))
    assert (told(service, IssueReferralChased), told(service, IssueIdle), await service.parked()) == ([], [], [])


async def test_the_provider_sets_how_long_issues_wait(service: Running) -> None:
    deadlines = IssueDeadlines(answer_working_days=1, chases=1, idle_working_days=2)
    await service.give(SetIssuePolicyRequest(deadlines=deadlines), MANAGER)
    await begin(service)
    await service.fall_due(datetime.fromisoformat("2026-03-03T23:59:59Z"))
    assert told(service, IssueReferralChased) == []
    await service.fall_due(datetime.fromisoformat("2026-03-04T00:00:00Z"))
    assert told(service, IssueReferralChased) == [1]
    await service.fall_due(datetime.fromisoformat("2026-03-05T00:00:00Z"))
    assert told(service, IssueIdle) == [1]
    await service.fall_due(datetime.fromisoformat("2026-04-01T00:00:00Z"))
    assert told(service, IssueReferralChased) == [1]
