"""What a provider sets: its days, its notice, and the minimum of hours of each standard."""

from datetime import timedelta

import pytest
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.sessions.v1.policy_events_pb2 import IssueDeadlines, IssuePolicySet, MentoringPolicySet, MinimumHoursSet
from mentoring.sessions.v1.policy_pb2 import (
    GetMentoringPolicyRequest,
    GetMentoringPolicyResponse,
    MinimumHours,
    SetIssuePolicyRequest,
    SetMentoringPolicyRequest,
    SetMinimumHoursRequest,
)
from pydantic import TypeAdapter
from sessions.domain.mentoring_policy import IssuePace, MentoringPolicy, mentoring_policy
from sessions.projections.current_policy import get_mentoring_policy

from .plan_stories import MANAGER, STANDARD, hours

NEWER = StandardVersion(reference="ST0148", version="1.1")


def minimum(count: float, source: str = "DfE 2026-27", standard: StandardVersion = STANDARD) -> SetMinimumHoursRequest:
    return SetMinimumHoursRequest(standard=standard, minimum=hours(count), source=source)


def test_there_is_a_default_of_everything_before_anything_is_set() -> None:
    policy = MentoringPolicy()
    assert (policy.time_zone, policy.skill_notice_days) == ("Europe/London", 90)
    default = policy.minimum("ST0148", "1.0")
    assert (default.hours, default.source, default.figure) == (
        timedelta(hours=187),
        "DfE apprenticeship funding rules 2025-26",
        0,
    )


def test_time_zone_and_notice_are_set_together_and_once() -> None:
    command = SetMentoringPolicyRequest(time_zone="Europe/Dublin", skill_notice_days=30)
    outcome = given(mentoring_policy).when(command)
    outcome.then(MentoringPolicySet(time_zone="Europe/Dublin", skill_notice_days=30))
    outcome.after().when(command).then_nothing()
    same = SetMentoringPolicyRequest(time_zone="Europe/London", skill_notice_days=90)
    given(mentoring_policy).when(same).then_nothing()


def test_how_long_issues_wait_is_set_together_and_once() -> None:
    deadlines = IssueDeadlines(answer_working_days=5, chases=0, idle_working_days=20)
    outcome = given(mentoring_policy).when(SetIssuePolicyRequest(deadlines=deadlines))
    outcome.then(IssuePolicySet(deadlines=deadlines))
    outcome.after().when(SetIssuePolicyRequest(deadlines=deadlines)).then_nothing()
    assert outcome.after().state.issues == IssuePace(5, 0, 20)
    same = IssueDeadlines(answer_working_days=3, chases=3, idle_working_days=10)
    given(mentoring_policy).when(SetIssuePolicyRequest(deadlines=same)).then_nothing()


@pytest.mark.parametrize("name", ["Europe/Londres", "Europe", "../Europe/London", "/etc/passwd"])
def test_a_time_zone_that_there_is_not_is_refused(name: str) -> None:
    command = SetMentoringPolicyRequest(time_zone=name, skill_notice_days=30)
    assert given(mentoring_policy).when(command).then_refused("TIME_ZONE_UNKNOWN").field == "time_zone"


def test_a_minimum_is_a_standards_own_and_each_figure_has_its_number() -> None:
    past = given(mentoring_policy).when(minimum(240))
    past.then(MinimumHoursSet(standard=STANDARD, minimum=hours(240), figure=1, source="DfE 2026-27"))
    past.after().when(minimum(240)).then_nothing()
    later = past.after().when(minimum(250)).after().when(minimum(300, standard=NEWER)).after()
    policy = later.state
    assert [policy.minimum("ST0148", one).figure for one in ("1.0", "1.1", "2.0")] == [2, 3, 0]
    assert policy.minimum("ST0148", "1.0").hours == timedelta(hours=250)
    assert policy.minimum("ST0149", "1.0").hours == timedelta(hours=187)
    assert_folds_in_pieces(mentoring_policy, later.past)
    adapter = TypeAdapter(MentoringPolicy)
    assert adapter.validate_json(adapter.dump_json(policy)) == policy


async def test_the_policy_is_read_with_its_defaults(reader: type) -> None:
    past = given(mentoring_policy).when(minimum(240)).after()
    read = reader(MANAGER, streams={"mentoring-policy": past.past})
    assert await get_mentoring_policy(GetMentoringPolicyRequest(), read) == GetMentoringPolicyResponse(
        time_zone="Europe/London",
        skill_notice_days=90,
        default_minimum=MinimumHours(
            minimum=Duration(seconds=187 * 3600), source="DfE apprenticeship funding rules 2025-26"
        ),
        minimums=[MinimumHours(standard=STANDARD, minimum=hours(240), figure=1, source="DfE 2026-27")],
        issues=IssueDeadlines(answer_working_days=3, chases=3, idle_working_days=10),
    )
