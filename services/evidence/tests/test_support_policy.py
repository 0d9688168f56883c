"""What a provider sets for the pace of support."""

from collections.abc import Callable
from typing import Any

from eventkernel.testing.scenario import assert_folds_in_pieces, given, person
from evidence.domain.support_policy import SupportPolicy, support_policy
from evidence.projections.support_policy import get_support_policy
from mentoring.evidence.v1.support_policy_events_pb2 import SupportNumbers, SupportPolicySet
from mentoring.evidence.v1.support_policy_pb2 import GetSupportPolicyRequest, SetSupportPolicyRequest

MANAGER = person("manager-1", "provider_manager")
TWO_MONTHS = SetSupportPolicyRequest(numbers=SupportNumbers(review_months=2, chases=0))


def test_every_number_has_a_default() -> None:
    assert {field.name for field in SupportNumbers.DESCRIPTOR.fields} == set(SupportPolicy().numbers)
    assert SupportPolicy().numbers["review_months"] == 3
    assert SupportPolicy().numbers["first_review_days"] == 28
    assert SupportPolicy().time_zone == "Europe/London"


def test_what_is_left_out_is_set_to_its_default() -> None:
    (event,) = given(support_policy).when(TWO_MONTHS, by=MANAGER).events
    assert isinstance(event, SupportPolicySet)
    assert event.time_zone == "Europe/London"
    assert (event.numbers.review_months, event.numbers.chases, event.numbers.answer_working_days) == (2, 0, 5)
    assert event.numbers.HasField("chases")


def test_setting_the_same_changes_nothing_and_leaving_all_out_sets_the_defaults() -> None:
    given(support_policy).when(SetSupportPolicyRequest(), by=MANAGER).then_nothing()
    story = given(support_policy).when(TWO_MONTHS, by=MANAGER).after()
    story.when(TWO_MONTHS, by=MANAGER).then_nothing()
    back = story.when(SetSupportPolicyRequest(), by=MANAGER).after()
    assert back.state == SupportPolicy()
    assert_folds_in_pieces(support_policy, back.past)


def test_a_time_zone_that_nobody_knows_is_refused() -> None:
    refusal = given(support_policy).when(SetSupportPolicyRequest(time_zone="Europe/Londn"), by=MANAGER)
    assert refusal.then_refused("TIME_ZONE_UNKNOWN").field == "time_zone"


async def test_it_is_read_with_defaults(reader: Callable[..., Any]) -> None:
    events = given(support_policy).when(TWO_MONTHS, by=MANAGER).events
    read = reader(MANAGER, streams={"support-policy": events})
    answer = await get_support_policy(GetSupportPolicyRequest(), read)
    assert (answer.time_zone, answer.numbers.review_months, answer.numbers.chases) == ("Europe/London", 2, 0)
    assert answer.numbers.chase_working_days == 3
