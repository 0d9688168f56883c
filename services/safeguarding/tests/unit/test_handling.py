"""What those who have a concern do about it, and what happens where they do nothing, or turn out to be in it."""

from dataclasses import replace
from datetime import timedelta

import protovalidate
import pytest
from eventkernel.aggregate import NotYet
from eventkernel.testing.scenario import NOON
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.domain.duty import Calendar, Leave
from safeguarding.domain.duty_set import Duty

from .handling_stories import DAY, a_triage, acknowledgement_of, due_of, kinds
from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    POLICY,
    SECOND_DEPUTY,
    Tale,
    a_concern,
    a_link,
    a_rota,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    an_addition,
    assignment,
    closure,
    dsl,
    due_comes,
    lead,
    mentor,
    platform,
    raised,
    refusal_of,
    reopening,
    timestamp,
)


class TestNaming:
    def test_whoever_has_it_loses_it_where_an_addition_names_them_and_the_next_is_asked_at_once(self) -> None:
        tale = acknowledged()
        decided = tale.give(an_addition(DSL), mentor)
        assert kinds(decided) == ["ConcernAddedTo", "ConcernPersonLinked", "ConcernAssigned"]
        assert not tale.state.is_handler(DSL)
        assert (tale.state.assignee_id, tale.state.acknowledge_by) == ("", tale.now)
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DEPUTY

    def test_whoever_is_named_later_is_never_asked_at_any_step(self) -> None:
        tale = raised()
        tale.give(an_addition(DEPUTY, LEAD), mentor)
        asked = []
        for _ in range(5):
            tale.miss_the_deadline()
            asked.append(tale.state.assignee_id)
        assert asked == [SECOND_DEPUTY] * 5

    def test_one_who_was_asked_before_and_is_named_later_reads_and_does_nothing_more(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.give(an_addition(DSL), mentor)
        assert tale.state.assignee_id == DEPUTY
        for command in (acknowledgement, addition, an_action(), a_link("x"), reopening):
            assert refusal_of(tale, command, dsl).code == "CONCERN_NOT_YOURS"

    def test_a_handler_who_names_themself_loses_it_too(self) -> None:
        tale = acknowledged()
        tale.give(a_link(DSL), dsl)
        assert not tale.state.is_handler(DSL)
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DEPUTY

    def test_a_closed_concern_that_names_whoever_closed_it_is_looked_at_by_another(self) -> None:
        tale = acknowledged()
        tale.give(an_action(), dsl)
        tale.give(closure, dsl)
        tale.give(an_addition(DSL), mentor)
        assert tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DEPUTY

    def test_one_who_is_named_in_other_letters_is_kept_out_too(self) -> None:
        tale = acknowledged()
        tale.give(an_addition(DSL.upper()), mentor)
        assert not tale.state.is_handler(DSL)
        assert tale.state.acknowledge_by == tale.now

    def test_an_allegation_that_names_a_dsl_later_goes_past_every_dsl_from_then_on(self) -> None:
        tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher"]))
        assert tale.state.assignee_id == DSL
        tale.give(an_addition(DEPUTY), mentor)
        tale.miss_the_deadline()
        assert (tale.state.assignee_id, tale.state.past_every_dsl) == (LEAD, True)

    def test_naming_one_who_is_in_it_already_links_nobody(self) -> None:
        assert "ConcernPersonLinked" not in kinds(raised().give(an_addition(LEARNER), mentor))

    def test_a_part_is_given_put_right_and_a_repeat_changes_nothing(self) -> None:
        tale = acknowledged()
        (linked,) = tale.give(a_link("person-uncle", "the-note: was there"), dsl)
        assert isinstance(linked, handling.ConcernPersonLinked)
        assert (linked.person_id, linked.note.to_be_sealed) == ("person-uncle", "the-note: was there")
        assert tale.give(a_link("person-uncle"), dsl) == []
        tale.give(a_link("person-uncle", part=handling.PART_IN_CONCERN_SAID_TO_HAVE_DONE_HARM), dsl)
        assert tale.state.parts == (("person-uncle", handling.PART_IN_CONCERN_SAID_TO_HAVE_DONE_HARM),)

    def test_only_a_handler_gives_parts(self) -> None:
        assert refusal_of(acknowledged(), a_link("x"), mentor).code == "CONCERN_NOT_YOURS"


class TestTriage:
    def test_what_it_is_and_how_serious_is_said_by_whoever_has_it(self) -> None:
        tale = acknowledged()
        (triaged,) = tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT, events.SEVERITY_OTHER), dsl)
        assert triaged == handling.ConcernTriaged(
            concern_id="concern-1", handler_id=DSL, category=events.CONCERN_CATEGORY_NEGLECT, severity=events.SEVERITY_OTHER, at=timestamp(NOON)
        )  # fmt: skip
        assert tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT, events.SEVERITY_OTHER), dsl) == []
        tale.give(addition, mentor)
        assert assignment(tale).category == events.CONCERN_CATEGORY_NEGLECT
        assert tale.state.acknowledge_by == tale.now + timedelta(hours=8)

    def test_it_does_not_count_as_acting(self) -> None:
        tale = acknowledged()
        tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT), dsl)
        assert "action-0" in due_of(tale)

    def test_one_that_turns_out_to_be_an_allegation_is_to_be_with_the_lado(self) -> None:
        tale = raised(a_concern(naming=["person-teacher"]))
        tale.give(acknowledgement, dsl)
        tale.give(a_triage(ALLEGATION), dsl)
        assert due_of(tale)["lado"] == NOON + DAY

    def test_one_that_turns_out_to_be_about_a_dsl_goes_past_every_dsl_at_once(self) -> None:
        tale = raised(a_concern(naming=[DEPUTY]))
        tale.give(acknowledgement, dsl)
        tale.give(a_triage(ALLEGATION), dsl)
        assert (tale.state.assignee_id, tale.state.past_every_dsl) == (LEAD, True)

    def test_only_one_that_is_open_is_triaged_by_its_handler_with_its_own_sites_rota(self) -> None:
        assert refusal_of(raised(), a_triage(ALLEGATION), dsl).code == "CONCERN_NOT_ACKNOWLEDGED"
        assert refusal_of(acknowledged(), a_triage(ALLEGATION), mentor).code == "CONCERN_NOT_YOURS"
        refusal = refusal_of(acknowledged(), a_triage(ALLEGATION, site_id="site-2"), dsl)
        assert (refusal.code, refusal.field) == ("CONCERN_OF_ANOTHER_SITE", "site_id")


def test_who_is_at_risk_and_what_it_is_about_are_enough() -> None:
    request = calls.RaiseConcernRequest(concern_id="c-1", person_at_risk_id=LEARNER, narrative="he is afraid of home")
    protovalidate.validate(request)
    tale = raised(request)
    assert tale.state.severity == events.SEVERITY_SERIOUS
    assert tale.state.acknowledge_by == NOON + timedelta(hours=1)
    tale.give(acknowledgement_of("c-1"), dsl)
    assert due_of(tale) == {"action-0": NOON + DAY}


class TestReopening:
    def test_whoever_reopens_it_has_it_and_is_to_act(self) -> None:
        tale = acknowledged()
        tale.give(an_action(), dsl)
        tale.give(closure, dsl)
        tale.now += DAY
        decided = tale.give(reopening, dsl)
        assert kinds(decided) == ["ConcernReopeningExplained", "ConcernReopened", "ConcernDueSet", "ConcernDueSet"]
        assert (tale.state.status, tale.state.acknowledged_by_id) == (calls.CONCERN_STATUS_IN_ACTION, DSL)
        assert due_of(tale) == {"action-0": tale.now + DAY}

    def test_an_open_one_is_not_reopened_nor_by_a_stranger(self) -> None:
        assert refusal_of(acknowledged(), reopening, dsl).code == "CONCERN_NOT_CLOSED"
        tale = acknowledged()
        tale.give(closure, dsl)
        assert refusal_of(tale, reopening, lead).code == "CONCERN_NOT_YOURS"

    def test_the_alarm_from_before_its_close_does_not_ring_for_what_was_reopened(self) -> None:
        tale = acknowledged()
        tale.give(closure, dsl)
        tale.now += timedelta(hours=23)
        tale.give(reopening, dsl)
        tale.now += timedelta(hours=2)
        with pytest.raises(NotYet):
            tale.give(due_comes("action-0"), platform)


def test_whoever_raised_it_can_name_people_and_learns_nothing_of_who_has_it() -> None:
    """Whether the one who is named has it or not, the same kinds of events are stored, and those are what the reply tells."""
    one, other = acknowledged(), acknowledged()
    assert kinds(one.give(an_addition(DSL), mentor)) == kinds(other.give(an_addition(DEPUTY), mentor))
    assert MENTOR not in one.state.asked_ids


def test_a_dsl_neither_reads_nor_takes_back_what_went_past_every_dsl() -> None:
    tale = raised(a_concern(naming=[DEPUTY]))
    tale.give(acknowledgement, dsl)
    tale.give(a_triage(ALLEGATION), dsl)
    assert tale.state.assignee_id == LEAD
    assert refusal_of(tale, acknowledgement, dsl).code == "CONCERN_NOT_YOURS"
    assert not tale.state.is_handler(DSL)


def test_a_dsl_on_leave_who_is_the_last_resort_is_not_asked_about_a_colleague() -> None:
    away = Duty(Calendar(leaves=(Leave(DSL, "2020-01-01", "2030-01-01"),)))
    tale = Tale(rota=a_rota(DSL, DEPUTY), duty=away, policy=replace(POLICY, last_resort_id=DSL))
    tale.give(a_concern(about=DEPUTY, category=ALLEGATION), mentor)
    tale.miss_the_deadline()
    assert tale.state.assignee_id == LEAD


def test_what_turns_out_to_be_no_allegation_is_not_chased_to_the_lado() -> None:
    tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher"]))
    tale.give(acknowledgement, dsl)
    tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT), dsl)
    assert "lado" not in due_of(tale)


def test_what_turns_out_to_be_immediate_danger_is_to_be_acted_on_sooner() -> None:
    tale = raised(a_concern(severity=events.SEVERITY_OTHER))
    tale.give(acknowledgement, dsl)
    tale.give(a_triage(events.CONCERN_CATEGORY_PHYSICAL, events.SEVERITY_IMMEDIATE_DANGER), dsl)
    assert due_of(tale)["action-0"] == NOON + timedelta(hours=1)
    tale.give(a_triage(events.CONCERN_CATEGORY_PHYSICAL, events.SEVERITY_OTHER), dsl)
    assert due_of(tale)["action-0"] == NOON + timedelta(hours=1)
