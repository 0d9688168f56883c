"""The routing policy: a deadline for every severity, the provider's own or the default."""

from datetime import timedelta

import protovalidate
import pytest
from eventkernel.testing.scenario import given
from google.protobuf.duration_pb2 import Duration
from mentoring.safeguarding.v1.events_pb2 import (
    SEVERITY_IMMEDIATE_DANGER,
    SEVERITY_OTHER,
    SEVERITY_SERIOUS,
    SEVERITY_UNSPECIFIED,
    RoutingPolicySet,
    Severity,
)
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRoutingPolicyRequest
from safeguarding.domain.policy import policy


def lasting(seconds: int) -> Duration:
    return Duration(seconds=seconds)


SET = SetRoutingPolicyRequest(immediate_danger=lasting(300), serious=lasting(1800), other=lasting(7200))
DONE = RoutingPolicySet(immediate_danger=lasting(300), serious=lasting(1800), other=lasting(7200))


def test_the_deadlines_of_a_provider_that_set_none_are_the_conventional_ones() -> None:
    assert policy.initial.acknowledge_within(SEVERITY_IMMEDIATE_DANGER) == timedelta(minutes=15)
    assert policy.initial.acknowledge_within(SEVERITY_SERIOUS) == timedelta(hours=1)
    assert policy.initial.acknowledge_within(SEVERITY_OTHER) == timedelta(hours=8)


def test_every_severity_of_the_contract_has_a_deadline() -> None:
    for severity in Severity.values():
        if severity != SEVERITY_UNSPECIFIED:
            assert policy.initial.acknowledge_within(severity) > timedelta(0)


def test_a_provider_sets_its_own() -> None:
    past = given(policy).when(SET).then(DONE)
    assert past.state.acknowledge_within(SEVERITY_IMMEDIATE_DANGER) == timedelta(minutes=5)
    assert past.state.acknowledge_within(SEVERITY_OTHER) == timedelta(hours=2)


def test_what_to_do_in_immediate_danger_is_said_whether_or_not_the_provider_said_it() -> None:
    assert "999" in policy.initial.emergency_advice
    own = SetRoutingPolicyRequest(
        immediate_danger=lasting(300), serious=lasting(1800), other=lasting(7200), emergency_advice="Ring 112, then 01632 960001."
    )  # fmt: skip
    past = given(policy).when(own).after()
    assert past.state.emergency_advice == "Ring 112, then 01632 960001."
    assert past.when(SET).after().state.emergency_advice == policy.initial.emergency_advice


def test_a_provider_sets_how_long_there_is_to_act() -> None:
    own = SetRoutingPolicyRequest(
        immediate_danger=lasting(300), serious=lasting(1800), other=lasting(7200), act_on_serious=lasting(7200)
    )
    state = given(policy).when(own).after().state
    assert state.act_within(SEVERITY_SERIOUS) == timedelta(hours=2)
    assert state.act_within(SEVERITY_OTHER) == policy.initial.act_within(SEVERITY_OTHER)


def test_the_same_policy_again_changes_nothing() -> None:
    given(policy, DONE).when(SET).then_nothing()


def test_setting_the_defaults_where_none_was_set_changes_nothing() -> None:
    given(policy).when(
        SetRoutingPolicyRequest(immediate_danger=lasting(900), serious=lasting(3600), other=lasting(28800))
    ).then_nothing()


@pytest.mark.parametrize("seconds", [0, 8 * 24 * 3600])
def test_a_deadline_that_is_none_or_never_comes_is_no_valid_request(seconds: int) -> None:
    wrong = SetRoutingPolicyRequest(immediate_danger=lasting(300), serious=lasting(1800), other=lasting(seconds))
    with pytest.raises(protovalidate.ValidationError):
        protovalidate.validate(wrong)
    protovalidate.validate(SET)


def test_who_is_asked_last_is_not_taken_away_without_a_word_but_may_be_replaced() -> None:
    past = given(policy).when(with_last_resort("lead-1")).after()
    refusal = past.when(SET).then_refused("LAST_RESORT_MISSING")
    assert (refusal.field, "lead-1" in refusal.text) == ("last_resort_id", True)
    assert past.when(with_last_resort("lead-2")).after().state.last_resort_id == "lead-2"


@pytest.mark.parametrize(
    ("lengths", "field", "bound"),
    [
        ({"immediate_danger": 1801}, "immediate_danger", "at most 1800 s"),
        ({"serious": 7201}, "serious", "at most 7200 s"),
        ({"act_on_immediate_danger": 86_401}, "act_on_immediate_danger", "at most 86400 s"),
        ({"act_on_serious": 3599}, "act_on_serious", "at least 3600 s"),
        ({"act_on_other": 86_399}, "act_on_other", "at least 86400 s"),
        ({"act_on_serious": 7200, "act_on_other": 7199}, "act_on_serious", "at most 7199 s"),
    ],
)
def test_something_graver_never_has_more_time_than_something_less_grave(
    lengths: dict[str, int], field: str, bound: str
) -> None:
    refusal = given(policy).when(own(**lengths)).then_refused("DEADLINES_OUT_OF_ORDER")
    assert refusal.field == field
    assert bound in refusal.text


def test_equal_deadlines_are_in_order() -> None:
    given(policy).when(own(immediate_danger=7200, serious=7200, act_on_serious=3600)).after()


def with_last_resort(person_id: str) -> SetRoutingPolicyRequest:
    command = own()
    command.last_resort_id = person_id
    return command


def own(**lengths: int) -> SetRoutingPolicyRequest:
    command = SetRoutingPolicyRequest()
    command.CopyFrom(SET)
    for field, seconds in lengths.items():
        getattr(command, field).CopyFrom(lasting(seconds))
    return command
