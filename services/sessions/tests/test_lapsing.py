"""A mentor's skill that is about to lapse, and one that lapsed, are found by the clock and told once; what was renewed is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON, Given, assert_folds_in_pieces, given
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.events_pb2 import CURRENCY_PROOF_LICENCE, SkillKeptCurrent
from mentoring.sessions.v1.policy_events_pb2 import MentoringPolicySet
from mentoring.sessions.v1.policy_pb2 import SetMentoringPolicyRequest
from mentoring.sessions.v1.sessions_pb2 import (
    CURRENCY_CURRENT,
    CURRENCY_LAPSING,
    GetDevelopmentRequest,
    KeepSkillCurrentRequest,
    ListLapsingSkillsRequest,
)
from mentoring.sessions.v1.skill_events_pb2 import SkillLapsed, SkillLapsing
from mentoring.sessions.v1.skills_pb2 import AnnounceSkillLapsedRequest, AnnounceSkillLapsingRequest
from sessions.domain.development import Development, development, end_of_skill
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.projections.mentor_skills import get_development, kept_current, list_lapsing_skills, mentor_skills
from sessions.reactions.lapsing_skills import lapsing_skills

from .plan_stories import MANAGER, MENTOR
from .running import Running

META = Metadata("event-1", "type", "provider-1", "development-mentor-1", 1, NOON)
SKILL = {"mentor_id": "mentor-1", "skill_id": "bread-making"}
# The 30th of June 2026 ends in London at 23:00 UTC, and ninety days before it is the 1st of April, which begins at 23:00 the day before.
LAST, LAPSES_AT, LAPSING_AT = (
    "2026-06-30",
    datetime(2026, 6, 30, 23, tzinfo=UTC),
    datetime(2026, 3, 31, 23, tzinfo=UTC),
)
MOMENT = timedelta(milliseconds=1)


def at(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


def keep(valid_until: str = LAST, **changed: Any) -> KeepSkillCurrentRequest:
    fields = {**SKILL, "valid_from": "2020-01-01", "proof": CURRENCY_PROOF_LICENCE}
    return KeepSkillCurrentRequest(**{**fields, "valid_until": valid_until, **changed})


def past(*commands: KeepSkillCurrentRequest) -> Given[Development]:
    story = given(development).beside(MentoringPolicy())
    for command in commands or (keep(),):
        story = story.when(command).after()
    return story


LAPSING = AnnounceSkillLapsingRequest(
    mentor_id="mentor-1", skill_id="bread-making", valid_until=LAST, lapsing_at=at(LAPSING_AT), lapses_at=at(LAPSES_AT)
)
LAPSED = AnnounceSkillLapsedRequest(
    mentor_id="mentor-1", skill_id="bread-making", valid_until=LAST, lapses_at=at(LAPSES_AT)
)


def test_when_a_skill_lapses_is_in_the_event_by_the_policy_as_it_is_then() -> None:
    (event,) = given(development).beside(MentoringPolicy()).when(keep()).events
    assert isinstance(event, SkillKeptCurrent)
    assert (event.lapsing_at, event.lapses_at) == (at(LAPSING_AT), at(LAPSES_AT))
    policy = MentoringPolicy(time_zone="UTC", skill_notice_days=30)
    (other,) = given(development).beside(policy).when(keep()).events
    assert isinstance(other, SkillKeptCurrent)
    assert other.lapsing_at == at(datetime(2026, 5, 31, tzinfo=UTC))
    assert other.lapses_at == at(datetime(2026, 7, 1, tzinfo=UTC))


def test_a_skill_beyond_the_calendar_never_lapses() -> None:
    (event,) = given(development).beside(MentoringPolicy()).when(keep("9999-12-31")).events
    assert isinstance(event, SkillKeptCurrent)
    assert not event.HasField("lapses_at")
    assert list(lapsing_skills.policies[SkillKeptCurrent](event, META)) == []


def test_it_is_told_from_its_moment_on_and_once() -> None:
    outcome = past().when(LAPSING, at=LAPSING_AT)
    outcome.then(SkillLapsing(mentor_id="mentor-1", skill_id="bread-making", valid_until=LAST))
    outcome.after().when(LAPSING, at=LAPSING_AT).then_nothing()
    over = outcome.after().when(LAPSED, at=LAPSES_AT)
    over.then(SkillLapsed(mentor_id="mentor-1", skill_id="bread-making", valid_until=LAST))
    over.after().when(LAPSED, at=LAPSES_AT).then_nothing()
    assert_folds_in_pieces(development, over.after().past)


@pytest.mark.parametrize(("command", "moment"), [(LAPSING, LAPSING_AT), (LAPSED, LAPSES_AT)])
def test_before_its_moment_it_is_asked_again(command: Any, moment: datetime) -> None:
    refusal = past().when(command, at=moment - MOMENT).then_refused("SKILL_STILL_CURRENT")
    assert isinstance(refusal, NotYet)


def test_what_has_lapsed_by_now_is_not_about_to() -> None:
    past().when(LAPSING, at=LAPSES_AT).then_nothing()
    assert past().when(LAPSING, at=LAPSES_AT - MOMENT).events


def test_a_renewed_skill_announces_nothing_of_its_former_end() -> None:
    for renewed in (past(keep(), keep("2029-06-30")), past(keep("2026-06-29"))):
        renewed.when(LAPSING, at=LAPSING_AT).then_nothing()
        renewed.when(LAPSED, at=LAPSES_AT).then_nothing()
    given(development).when(LAPSED, at=LAPSES_AT).then_nothing()


def test_another_skill_of_the_same_last_day_is_told_for_itself() -> None:
    story = past(keep(), keep(skill_id="pastry")).when(LAPSED, at=LAPSES_AT).after()
    other = AnnounceSkillLapsedRequest(
        mentor_id="mentor-1", skill_id="pastry", valid_until=LAST, lapses_at=at(LAPSES_AT)
    )
    assert story.when(other, at=LAPSES_AT).events


def test_both_alarms_are_set_and_by_the_defaults_for_an_event_that_does_not_say() -> None:
    old = SkillKeptCurrent(mentor_id="mentor-1", skill_id="bread-making", valid_until=LAST)
    new = past().past[0]
    for event in (old, new):
        alarms = list(lapsing_skills.policies[SkillKeptCurrent](event, META))
        assert alarms == [Later(LAPSING_AT, LAPSING), Later(LAPSES_AT, LAPSED)]
    assert end_of_skill(LAST, MentoringPolicy()) == (LAPSING_AT, LAPSES_AT)


def told(service: Running) -> list[tuple[str, str]]:
    return [
        (type(one).__name__, one.valid_until) for one in service.told if isinstance(one, SkillLapsing | SkillLapsed)
    ]


async def test_lapsing_and_lapsed_are_told_by_the_clock_also_after_a_restart(tmp_path: Path) -> None:
    service = Running(tmp_path)
    await service.give(keep(), MENTOR)
    await service.carry()
    await service.fall_due(LAPSING_AT - MOMENT)
    assert told(service) == []
    service.restart()
    await service.fall_due(LAPSING_AT)
    assert told(service) == [("SkillLapsing", LAST)]
    service.restart()
    await service.deliver(await service.store.commits.read("provider-1", "development-mentor-1"))
    service.told.clear()
    await service.fall_due(LAPSES_AT - MOMENT)
    assert told(service) == []
    await service.fall_due(LAPSES_AT)
    await service.fall_due(LAPSES_AT + timedelta(days=400))
    assert told(service) == [("SkillLapsed", LAST)]
    assert await service.parked() == []


async def test_a_skill_that_is_renewed_meanwhile_is_told_of_at_its_new_end_alone(tmp_path: Path) -> None:
    service = Running(tmp_path)
    policy = SetMentoringPolicyRequest(time_zone="Europe/London", skill_notice_days=30)
    await service.give(policy, MANAGER)
    await service.give(keep(), MENTOR)
    await service.give(keep("2026-12-31"), MENTOR)
    await service.carry()
    await service.fall_due(LAPSES_AT)
    assert told(service) == []
    await service.fall_due(datetime(2026, 12, 1, tzinfo=UTC))
    assert told(service) == [("SkillLapsing", "2026-12-31")]


async def test_lists_take_the_providers_notice_where_none_is_asked_for(reader: Any) -> None:
    event = past().past[0]
    streams = {
        "development-mentor-1": [event],
        "mentoring-policy": [MentoringPolicySet(time_zone="Europe/London", skill_notice_days=10)],
    }
    for on, currency in (("2026-06-19", CURRENCY_CURRENT), ("2026-06-20", CURRENCY_LAPSING)):
        request = GetDevelopmentRequest(mentor_id="mentor-1", on=on)
        (shown,) = (await get_development(request, reader(MENTOR, streams=streams))).skills
        assert shown.currency == currency
    default = reader(MENTOR, streams={"development-mentor-1": [event]})
    (shown,) = (await get_development(GetDevelopmentRequest(mentor_id="mentor-1", on="2026-04-01"), default)).skills
    assert shown.currency == CURRENCY_LAPSING
    document = mentor_skills.new("mentor-1")
    assert isinstance(event, SkillKeptCurrent)
    kept_current(document, event, META)
    for on, count in (("2026-06-19", 0), ("2026-06-20", 1)):
        read = reader(MANAGER, streams=streams, documents=[document])
        assert len((await list_lapsing_skills(ListLapsingSkillsRequest(on=on), read)).skills) == count
