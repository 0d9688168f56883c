"""The rota: each place another person's, and setting it again changes nothing."""

import pytest
from eventkernel.testing.scenario import given
from mentoring.safeguarding.v1.duty_events_pb2 import RotaChanged
from mentoring.safeguarding.v1.events_pb2 import RotaSet
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRotaRequest
from safeguarding.domain.rota import Rota, rota

SET = SetRotaRequest(site_id="site-1", dsl_id="a", deputy_ids=["b", "c"], senior_lead_id="d")
CHANGED = RotaChanged(site_id="site-1")
DONE = RotaSet(site_id="site-1", dsl_id="a", deputy_ids=["b", "c"], senior_lead_id="d")


def test_a_rota_is_set() -> None:
    past = given(rota).when(SET).then(DONE, CHANGED)
    assert past.state == Rota("a", ("b", "c"), "d", frozenset("abc"))


def test_a_rota_may_have_no_deputies() -> None:
    alone = SetRotaRequest(site_id="site-1", dsl_id="a", senior_lead_id="d")
    given(rota).when(alone).then(RotaSet(site_id="site-1", dsl_id="a", senior_lead_id="d"), CHANGED)


def test_the_same_rota_again_changes_nothing() -> None:
    given(rota, DONE).when(SET).then_nothing()


def test_who_ever_stood_on_it_as_dsl_or_deputy_is_remembered() -> None:
    others = RotaSet(site_id="site-1", dsl_id="e", deputy_ids=["b"], senior_lead_id="a")
    past = given(rota, DONE, others)
    assert past.state == Rota("e", ("b",), "a", frozenset("abce"))
    past.when(SET).then(DONE, CHANGED)


def test_another_order_of_deputies_is_another_rota() -> None:
    other = SetRotaRequest(site_id="site-1", dsl_id="a", deputy_ids=["c", "b"], senior_lead_id="d")
    past = given(rota, DONE).when(other).after()
    assert past.state.deputy_ids == ("c", "b")


@pytest.mark.parametrize(
    ("deputies", "lead", "field"),
    [
        (["a"], "d", "deputy_ids"),
        (["b", "b"], "d", "deputy_ids"),
        (["b"], "a", "senior_lead_id"),
        (["b"], "b", "senior_lead_id"),
        (["A"], "d", "deputy_ids"),
        (["b"], "B", "senior_lead_id"),
    ],
)
def test_nobody_stands_on_a_rota_twice(deputies: list[str], lead: str, field: str) -> None:
    twice = SetRotaRequest(site_id="site-1", dsl_id="a", deputy_ids=deputies, senior_lead_id=lead)
    assert given(rota).when(twice).then_refused("ROTA_PERSON_TWICE").field == field
