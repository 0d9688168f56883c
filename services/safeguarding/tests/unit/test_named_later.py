"""Somebody turns out later to be in a concern about staff: where that is a DSL, no DSL keeps it, reads it or closes it."""

from dataclasses import replace

import pytest
from eventkernel.messages import Principal
from google.protobuf.message import Message
from hypothesis import given, settings
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1.handling_events_pb2 import (
    CONCERN_DUE_LOOK_AT_ROTA,
    ConcernPersonLinked,
    ConcernRotaLookedAt,
)
from safeguarding.concern_file import summary

from .histories import Deed, histories
from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    LEAD,
    MENTOR,
    SECOND_DEPUTY,
    STRANGER,
    Tale,
    a_concern,
    a_link,
    a_passing_on,
    a_task,
    acknowledgement,
    an_action,
    an_addition,
    assignment,
    closure,
    deputy,
    dsl,
    finishing,
    lead,
    mentor,
    raised,
    refusal_of,
)
from .test_histories import dsls_of, in_it, the_raise

STAFF = (events.CONCERN_CATEGORY_STAFF_LOW_LEVEL, ALLEGATION)
NAMED_LATER: list[tuple[Message, Principal]] = [
    (an_addition(DEPUTY), mentor),
    (an_addition(DEPUTY), dsl),
    (a_link(DEPUTY), dsl),
]


def an_allegation_that_the_dsl_has(*named: str) -> Tale:
    tale = raised(a_concern(category=ALLEGATION, naming=named))
    tale.give(acknowledgement, dsl)
    return tale


def look_at_the_rota(tale: Tale) -> None:
    for one in tale.state.due:
        if one.kind == CONCERN_DUE_LOOK_AT_ROTA:
            tale.miss_what_is_due(one.due_id)


@pytest.mark.parametrize(("command", "by"), NAMED_LATER, ids=["the raiser", "the handler", "a link"])
def test_an_acknowledged_allegation_that_names_a_dsl_later_stays_with_no_dsl(command: Message, by: Principal) -> None:
    tale = an_allegation_that_the_dsl_has(STRANGER)
    tale.give(command, by)
    look_at_the_rota(tale)
    assert tale.state.past_every_dsl
    assert assignment(tale).assignee_id == LEAD
    assert not tale.state.is_handler(DSL)
    assert refusal_of(tale, an_action(), dsl).code == "CONCERN_NOT_YOURS"


def test_one_that_is_closed_before_the_rota_was_looked_at_goes_past_every_dsl_all_the_same() -> None:
    tale = an_allegation_that_the_dsl_has(STRANGER)
    tale.give(a_link(DEPUTY), dsl)
    tale.give(closure, dsl)
    look_at_the_rota(tale)
    assert assignment(tale).assignee_id == LEAD
    assert not tale.state.is_handler(DSL)


def test_a_colleague_of_the_dsl_has_no_task_of_it_any_more() -> None:
    tale = an_allegation_that_the_dsl_has(STRANGER)
    tale.give(a_task(DEPUTY), dsl)
    tale.give(an_addition(SECOND_DEPUTY), mentor)
    look_at_the_rota(tale)
    assert not tale.state.has_task(DEPUTY)
    assert tale.state.find_due("task-t-1") is None
    assert refusal_of(tale, finishing("t-2"), deputy).code == "CONCERN_NOT_YOURS"


def test_a_senior_lead_who_has_it_is_the_one_who_is_asked_and_reads_it_still() -> None:
    tale = an_allegation_that_the_dsl_has(STRANGER)
    tale.policy = replace(tale.policy, last_resort_id="person-owner")
    tale.give(a_passing_on(LEAD), dsl)
    tale.give(acknowledgement, lead)
    tale.give(an_addition(DEPUTY), lead)
    look_at_the_rota(tale)
    assert (tale.state.assignee_id, tale.state.is_handler(LEAD)) == (LEAD, True)


def test_where_it_is_no_dsl_whoever_has_it_keeps_it_and_nothing_is_due_of_it_any_more() -> None:
    tale = an_allegation_that_the_dsl_has(STRANGER)
    tale.give(a_link(MENTOR), dsl)
    due_at = summary(tale.state).due_at
    look_at_the_rota(tale)
    assert isinstance(tale.happened[-1], ConcernRotaLookedAt)
    assert tale.state.acknowledged_by_id == DSL
    assert set(tale.state.due) == set(tale.state.tasks)
    assert summary(tale.state).due_at == due_at


def test_the_rota_is_not_looked_at_for_what_is_not_about_staff_or_for_one_who_was_known_to_be_in_it() -> None:
    harmed = raised()
    harmed.give(acknowledgement, dsl)
    harmed.give(a_link(DEPUTY), dsl)
    again = an_allegation_that_the_dsl_has(STRANGER)
    again.give(a_link(STRANGER), dsl)
    for tale in (harmed, again):
        assert all(one.kind != CONCERN_DUE_LOOK_AT_ROTA for one in tale.state.due)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_whoever_names_a_dsl_in_a_concern_about_staff_no_dsl_has_it_once_the_rota_was_looked_at(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    stood = dsls_of(tale.rota)
    for deed in deeds:
        known = in_it(tale.happened)
        decided = deed(tale)
        stood |= dsls_of(tale.rota)
        new = {event.person_id for event in decided if isinstance(event, ConcernPersonLinked)} - known
        if not new:
            continue
        look_at_the_rota(tale)
        newest = tale.state
        # Where whoever had it is named, nobody has it until the next alarm, which looks at the rota.
        if newest.assignee_id == "" and newest.acknowledge_by is not None:
            tale.miss_the_deadline()
        if newest.category in STAFF and stood & new:
            assert tale.state.past_every_dsl, the_raise(tale)
