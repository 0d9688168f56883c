"""What may happen to a sampling plan."""

from typing import Any

import pytest
from eventkernel.testing.scenario import Outcome, given, person
from evidence.domain.sampling_plan import SamplingPlan, sampling_plan
from evidence.policy_defaults import SAMPLING
from google.protobuf.message import Message
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLING_STAGE_INTERIM,
    SAMPLING_STAGE_SUMMATIVE,
    SamplingPlanSet,
    SamplingRules,
)
from mentoring.evidence.v1.quality_pb2 import SetSamplingPlanRequest

IQA = person("iqa-1", "iqa")


def sets(**changes: Any) -> SetSamplingPlanRequest:
    usual: dict[str, Any] = {
        "plan_id": "plan-1",
        "stage": SAMPLING_STAGE_INTERIM,
        "standard_reference": "ST0148",
        "first_day": "2026-01-01",
        "last_day": "2026-03-31",
    }
    return SetSamplingPlanRequest(**{**usual, **changes})


def was_set(number: int = 1, last_day: str = "2026-03-31", **rules: int) -> SamplingPlanSet:
    return SamplingPlanSet(
        plan_id="plan-1",
        plan_version=number,
        stage=SAMPLING_STAGE_INTERIM,
        standard_reference="ST0148",
        first_day="2026-01-01",
        last_day=last_day,
        rules=SamplingRules(**{**SAMPLING, **rules}),
    )


def asked(command: Message, *past: Message) -> Outcome[SamplingPlan]:
    return given(sampling_plan, *past).when(command, by=IQA)


def test_what_a_plan_leaves_out_has_the_default_and_the_event_says_every_number() -> None:
    asked(sets()).then(was_set())
    asked(sets(rules=SamplingRules(percentage=25, each_unit=0))).then(was_set(percentage=25, each_unit=0))


def test_setting_it_again_changes_nothing() -> None:
    asked(sets(), was_set()).then_nothing()


def test_a_change_is_a_version_more_and_the_earlier_ones_stay() -> None:
    story = asked(sets(rules=SamplingRules(percentage=50)), was_set()).then(was_set(2, percentage=50))
    assert [story.state.version(number).rules.percentage for number in (1, 2)] == [10, 50]
    asked(sets(last_day="2026-04-30"), was_set()).then(was_set(2, last_day="2026-04-30"))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("stage", {"stage": SAMPLING_STAGE_SUMMATIVE}),
        ("standard_reference", {"standard_reference": "ST0070"}),
        ("first_day", {"first_day": "2026-02-01"}),
    ],
)
def test_a_plan_stays_for_what_it_was_made(field: str, changes: dict[str, Any]) -> None:
    assert asked(sets(**changes), was_set()).then_refused("PLAN_IS_FOR_SOMETHING_ELSE").field == field


def test_a_period_does_not_end_before_it_begins() -> None:
    asked(sets(last_day="2025-12-31")).then_refused("PERIOD_ENDS_BEFORE_IT_BEGINS")
    asked(sets(last_day="2026-01-01")).then(was_set(last_day="2026-01-01"))


def test_a_day_is_one_of_the_calendar() -> None:
    assert asked(sets(last_day="2026-02-30")).then_refused("NO_SUCH_DAY").field == "last_day"
