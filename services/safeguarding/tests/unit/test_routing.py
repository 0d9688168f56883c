"""The ladder: the DSL on duty, deputies in order, the senior lead; never anybody at risk or named."""

import pytest
from mentoring.safeguarding.v1 import events_pb2 as events
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import NOBODY, Step, is_about_a_dsl, ladder, next_step

from .stories import DEPUTY, DSL, LEAD, MENTOR, NO_ROTA, ROTA, SECOND_DEPUTY, a_concern, a_rota, mentor, raised

STEP_DSL = Step(DSL, events.ASSIGNEE_ROLE_DSL_ON_DUTY)
STEP_DEPUTY = Step(DEPUTY, events.ASSIGNEE_ROLE_DEPUTY_DSL)
STEP_SECOND = Step(SECOND_DEPUTY, events.ASSIGNEE_ROLE_DEPUTY_DSL)
STEP_LEAD = Step(LEAD, events.ASSIGNEE_ROLE_SENIOR_LEAD)


def test_the_dsl_on_duty_then_deputies_in_order_then_the_senior_lead() -> None:
    assert ladder(ROTA, set()) == (STEP_DSL, STEP_DEPUTY, STEP_SECOND, STEP_LEAD)


def test_whoever_is_at_risk_or_named_is_passed_over() -> None:
    assert ladder(ROTA, {DSL}) == (STEP_DEPUTY, STEP_SECOND, STEP_LEAD)
    assert ladder(ROTA, {DEPUTY, LEAD}) == (STEP_DSL, STEP_SECOND)
    assert ladder(ROTA, {DSL, DEPUTY, SECOND_DEPUTY, LEAD}) == ()


@pytest.mark.parametrize("spelled", [DSL.upper(), DSL.title()])
def test_whoever_is_named_is_passed_over_however_the_id_is_spelled(spelled: str) -> None:
    assert spelled != DSL
    assert ladder(ROTA, {spelled}) == (STEP_DEPUTY, STEP_SECOND, STEP_LEAD)
    assert is_about_a_dsl(ROTA, events.CONCERN_CATEGORY_STAFF_ALLEGATION, {spelled})
    assert not Concern(asked_ids=(DSL,), in_it_ids=frozenset({spelled})).is_handler(DSL)


def test_a_raiser_who_is_named_in_other_letters_is_told_nothing_at_home() -> None:
    tale = raised(a_concern(naming=[MENTOR.upper()]), by=mentor)
    (received,) = [event for event in tale.happened if isinstance(event, events.ConcernReceived)]
    assert received.raiser_id == ""


def test_a_concern_about_a_dsl_goes_past_every_dsl_to_the_senior_lead() -> None:
    assert ladder(ROTA, {DSL}, past_every_dsl=True) == (STEP_LEAD,)
    assert ladder(ROTA, {DSL, LEAD}, past_every_dsl=True) == ()


def test_the_providers_last_resort_is_asked_after_everybody_and_where_there_is_no_rota() -> None:
    last = Step("chief", events.ASSIGNEE_ROLE_SENIOR_LEAD)
    assert ladder(ROTA, set(), last_resort_id="chief") == (STEP_DSL, STEP_DEPUTY, STEP_SECOND, STEP_LEAD, last)
    assert ladder(NO_ROTA, set(), last_resort_id="chief") == (last,)
    assert ladder(ROTA, {DSL, LEAD}, past_every_dsl=True, last_resort_id="chief") == (last,)


def test_a_last_resort_who_is_on_the_rota_or_named_is_not_asked_beside_it() -> None:
    assert ladder(ROTA, set(), last_resort_id=LEAD) == (STEP_DSL, STEP_DEPUTY, STEP_SECOND, STEP_LEAD)
    assert ladder(ROTA, {LEAD}, past_every_dsl=True, last_resort_id=DEPUTY) == ()
    assert ladder(NO_ROTA, {"chief"}, last_resort_id="chief") == ()


@pytest.mark.parametrize("place", [DSL, DEPUTY, LEAD])
def test_a_last_resort_who_is_on_the_rota_in_other_letters_is_not_asked_beside_it(place: str) -> None:
    assert ladder(ROTA, {SECOND_DEPUTY}, past_every_dsl=True, last_resort_id=place.upper()) == (STEP_LEAD,)


def test_without_a_rota_nobody_is_on_the_ladder() -> None:
    assert ladder(NO_ROTA, set()) == ()
    assert ladder(Rota(), {""}) == ()


@pytest.mark.parametrize(
    "category", [events.CONCERN_CATEGORY_STAFF_LOW_LEVEL, events.CONCERN_CATEGORY_STAFF_ALLEGATION]
)
@pytest.mark.parametrize("accused", [DSL, DEPUTY, SECOND_DEPUTY])
def test_conduct_of_the_dsl_or_of_a_deputy_is_about_a_dsl(
    category: events.ConcernCategory.ValueType, accused: str
) -> None:
    assert is_about_a_dsl(ROTA, category, {"person-learner", accused})


@pytest.mark.parametrize("accused", [DSL, SECOND_DEPUTY, DSL.upper()])
def test_conduct_of_one_who_is_off_duty_is_about_a_dsl(accused: str) -> None:
    off_duty = a_rota("person-night-dsl", DEPUTY, after=ROTA)
    assert is_about_a_dsl(off_duty, events.CONCERN_CATEGORY_STAFF_ALLEGATION, {"person-learner", accused})
    tale = raised(a_concern(naming=[accused], category=events.CONCERN_CATEGORY_STAFF_ALLEGATION), rota=off_duty)
    assert tale.state.assignee_id == LEAD


def test_whoever_is_senior_lead_now_is_asked_as_that_also_where_they_were_a_dsl() -> None:
    promoted = a_rota(DEPUTY, lead_id=DSL, after=ROTA)
    tale = raised(a_concern(naming=[DEPUTY], category=events.CONCERN_CATEGORY_STAFF_ALLEGATION), rota=promoted)
    assert tale.state.assignee_id == DSL


def test_who_was_asked_under_a_misspelled_id_is_asked_again_under_their_own() -> None:
    assert next_step((STEP_DSL, STEP_LEAD), (DSL.upper(),)) == STEP_DSL


def test_conduct_of_other_staff_is_not_about_a_dsl() -> None:
    assert not is_about_a_dsl(ROTA, events.CONCERN_CATEGORY_STAFF_ALLEGATION, {"person-learner", "person-mentor", LEAD})


def test_a_dsl_who_is_merely_named_is_not_whom_it_is_about() -> None:
    assert not is_about_a_dsl(ROTA, events.CONCERN_CATEGORY_NEGLECT, {"person-learner", DSL})


def test_the_next_is_the_first_who_was_not_asked() -> None:
    steps = ladder(ROTA, set())
    assert next_step(steps, ()) == STEP_DSL
    assert next_step(steps, (DSL, DEPUTY)) == STEP_SECOND


def test_when_all_were_asked_the_highest_rung_is_asked_again() -> None:
    assert next_step(ladder(ROTA, set()), (DSL, DEPUTY, SECOND_DEPUTY, LEAD)) == STEP_LEAD
    assert next_step(ladder(ROTA, {LEAD}), (DSL, DEPUTY, SECOND_DEPUTY)) == STEP_SECOND


def test_on_an_empty_ladder_it_is_nobody() -> None:
    assert next_step((), (DSL,)) == NOBODY
