"""A concern goes from one handler to another: whom it may go to, who has it meanwhile, and what becomes of it where nobody takes it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from hypothesis import given, settings
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import passing_on_events_pb2 as passing
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.handling_pb2 import TriageConcernRequest
from safeguarding.domain.concern_state import refuse_another_site
from safeguarding.domain.duty import Leave
from safeguarding.domain.duty_set import Duty
from safeguarding.domain.route_rules import Rule

from .handling_stories import due_of, kinds
from .histories import Deed, histories
from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    HOUR,
    LEAD,
    LEARNER,
    MENTOR,
    POLICY,
    SECOND_DEPUTY,
    Tale,
    a_concern,
    a_link,
    a_passing_on,
    a_rota,
    a_task,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    closure,
    deputy,
    dsl,
    due_comes,
    lead,
    mentor,
    platform,
    raised,
    refusal_of,
    timestamp,
)
from .test_duty import at, london
from .test_histories import dsls_of, in_it
from .test_reading import Provider

A_TRIAGE = TriageConcernRequest(concern_id="concern-1", category=ALLEGATION, severity=events.SEVERITY_SERIOUS)


@pytest.mark.parametrize("command", [a_passing_on(DEPUTY, site_id=""), a_task(DEPUTY, site_id=""), A_TRIAGE])
def test_where_the_site_is_not_given_it_is_said_where_it_is_told(command: Message) -> None:
    refusal = refusal_of(acknowledged(), command, dsl)
    assert (refusal.code, refusal.field) == ("SITE_MISSING", "site_id")
    assert "GetConcern" in refusal.text


def test_a_concern_of_no_site_is_another_than_one_of_a_site() -> None:
    of_no_site = replace(acknowledged().state, site_id="")
    refuse_another_site(of_no_site, "")
    with pytest.raises(Refusal) as refused:
        refuse_another_site(of_no_site, "site-1")
    assert refused.value.code == "CONCERN_OF_ANOTHER_SITE"


def passed_on(to: str = DEPUTY) -> Tale:
    tale = acknowledged()
    tale.give(a_passing_on(to), dsl)
    return tale


class TestGiver:
    def test_it_is_passed_on_with_a_reason_and_a_deadline_and_stays_with_the_giver(self) -> None:
        tale = acknowledged()
        due = timestamp(NOON + HOUR)
        assert tale.give(a_passing_on(DEPUTY), dsl) == [
            passing.ConcernPassingOnExplained(
                concern_id="concern-1", person_at_risk_id=LEARNER, passing_id="passing-1", giver_id=DSL,
                reason=Sealed(to_be_sealed=a_passing_on(DEPUTY).reason), at=timestamp(NOON),
            ),
            passing.ConcernPassedOn(
                concern_id="concern-1", site_id="site-1", category=events.CONCERN_CATEGORY_PHYSICAL, passing_id="passing-1",
                receiver_id=DEPUTY, acknowledge_by=due, handling_id=f"concern-1.{DEPUTY}", raiser_role="mentor",
            ),
            handling.ConcernDueSet(
                concern_id="concern-1", site_id="site-1", due_id="passing-1", kind=handling.CONCERN_DUE_PASSING_ON, due_at=due
            ),
        ]  # fmt: skip
        assert (tale.state.held_by_id, tale.state.status) == (DSL, calls.CONCERN_STATUS_ACKNOWLEDGED)
        tale.give(an_action(), dsl)

    def test_the_receiver_reads_it_from_then_on_and_takes_it(self) -> None:
        tale = passed_on()
        assert tale.state.is_handler(DEPUTY)
        tale.pass_time(60)
        assert kinds(tale.give(acknowledgement, deputy)) == ["ConcernAcknowledged", "ConcernDueSet", "ConcernDueSet"]
        assert (tale.state.held_by_id, tale.state.assignee_id, tale.state.offer) == (DEPUTY, DEPUTY, None)
        assert due_of(tale) == {"action-0": NOON + timedelta(days=1, seconds=60)}
        assert tale.state.is_handler(DSL)
        assert tale.give(acknowledgement, deputy) == []

    def test_a_repeat_changes_nothing_and_another_receiver_takes_the_first_ones_place(self) -> None:
        tale = passed_on()
        assert tale.give(a_passing_on(DEPUTY), dsl) == []
        tale.give(a_passing_on(LEAD), dsl)
        assert (tale.state.is_handler(DEPUTY), tale.state.is_handler(LEAD)) == (False, True)
        assert refusal_of(tale, acknowledgement, deputy).code == "CONCERN_NOT_YOURS"
        assert tale.give(due_comes("passing-1"), platform) == []

    def test_only_whoever_has_it_passes_it_on(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        assert refusal_of(tale, a_passing_on(LEAD), deputy).code == "CONCERN_NOT_ACKNOWLEDGED"
        tale.give(acknowledgement, deputy)
        assert refusal_of(tale, a_passing_on(LEAD), dsl).code == "CONCERN_HELD_BY_ANOTHER"
        assert refusal_of(tale, a_passing_on(LEAD), person(LEAD, "senior_lead")).code == "CONCERN_NOT_YOURS"
        tale.give(closure, deputy)
        assert refusal_of(tale, a_passing_on(LEAD), deputy).code == "CONCERN_CLOSED"

    def test_the_site_has_to_be_the_concerns_own(self) -> None:
        assert refusal_of(acknowledged(), a_passing_on(DEPUTY, site_id="site-2"), dsl).field == "site_id"


class TestReceiver:
    def test_a_refusal_says_the_same_of_one_who_is_in_it_one_who_is_on_no_rota_and_the_giver(self) -> None:
        tale = raised(a_concern(naming=[DEPUTY.upper()]))
        tale.give(acknowledgement, dsl)
        tale.give(a_link(SECOND_DEPUTY), dsl)
        refusals = [
            refusal_of(tale, a_passing_on(to), dsl)
            for to in (DEPUTY, SECOND_DEPUTY, LEARNER, MENTOR, "nobody", DSL, LEAD.upper())
        ]
        assert {(one.code, one.text, one.field) for one in refusals} == {
            ("RECEIVER_NOT_POSSIBLE", refusals[0].text, "receiver_id")
        }

    def test_whoever_could_be_on_the_ladder_may_have_it_on_duty_or_not(self) -> None:
        away = Duty(london(leaves=(Leave(DEPUTY, "2026-03-02", "2026-03-09"),)))
        policy = replace(POLICY, last_resort_id="chief", rules=(Rule(("prevent",)),))
        for to in (DEPUTY, SECOND_DEPUTY, LEAD, "chief", "prevent"):
            tale = replace(acknowledged(), duty=away, policy=policy)
            tale.give(a_passing_on(to), dsl)
            assert tale.state.is_handler(to)

    def test_what_turns_out_to_be_about_a_dsl_is_passed_on_to_no_dsl(self) -> None:
        tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher"]))
        tale.give(acknowledgement, dsl)
        tale.rota = a_rota(DSL, DEPUTY, "person-teacher")
        assert refusal_of(tale, a_passing_on(DEPUTY), dsl).code == "RECEIVER_NOT_POSSIBLE"
        tale.give(a_passing_on(LEAD), dsl)

    def test_one_who_is_named_meanwhile_neither_reads_nor_takes_it(self) -> None:
        tale = passed_on()
        tale.give(a_link(DEPUTY), dsl)
        assert not tale.state.is_handler(DEPUTY)
        assert refusal_of(tale, acknowledgement, deputy).code == "CONCERN_NOT_YOURS"
        tale.miss_what_is_due("passing-1")
        assert tale.state.held_by_id == DSL


class TestLapsing:
    def test_where_nobody_takes_it_the_giver_has_it_and_is_told_and_the_receiver_reads_it_no_more(self) -> None:
        tale = passed_on()
        lapsed, chased = tale.miss_what_is_due("passing-1")
        assert lapsed == passing.ConcernPassingOnLapsed(concern_id="concern-1", passing_id="passing-1", giver_id=DSL)
        assert chased == handling.ConcernChased(
            concern_id="concern-1", due_id="passing-1", kind=handling.CONCERN_DUE_PASSING_ON, handler_id=DSL
        )
        assert (tale.state.held_by_id, tale.state.offer) == (DSL, None)
        assert not tale.state.is_handler(DEPUTY)
        assert list(due_of(tale)) == ["action-0"]

    def test_one_who_was_asked_before_reads_it_still(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.give(acknowledgement, deputy)
        tale.give(a_passing_on(DSL), deputy)
        tale.miss_what_is_due("passing-1")
        assert tale.state.is_handler(DSL)

    @pytest.mark.parametrize("left", [True, False], ids=["left the rota", "on leave"])
    def test_a_giver_who_is_gone_has_it_no_more_and_the_next_person_is_asked(self, left: bool) -> None:
        tale = passed_on(SECOND_DEPUTY)
        tale.now = at("2026-03-02T13:00")
        if left:
            tale.rota = a_rota(DEPUTY, SECOND_DEPUTY, after=tale.rota)
        else:
            tale.duty = Duty(london(leaves=(Leave(DSL, "2026-03-02", "2026-03-09"),)))
        assert kinds(tale.miss_what_is_due("passing-1")) == ["ConcernPassingOnLapsed", "ConcernAssigned"]
        assert (tale.state.assignee_id, tale.state.status) == (DEPUTY, calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT)

    def test_a_giver_who_does_nothing_loses_it_to_the_next_as_ever(self) -> None:
        tale = passed_on(LEAD)
        tale.miss_what_is_due("action-0")
        assert (tale.state.assignee_id, tale.state.offer) == (DEPUTY, None)
        assert not tale.state.is_handler(LEAD)

    def test_what_is_added_meanwhile_is_told_to_the_giver_and_either_takes_it(self) -> None:
        for who in (dsl, deputy):
            tale = passed_on()
            tale.give(addition, mentor)
            assert (tale.state.assignee_id, tale.state.is_handler(DEPUTY)) == (DSL, True)
            tale.give(acknowledgement, who)
            assert tale.state.held_by_id == who.person_id
            assert (tale.state.offer is None) == (who is deputy)

    def test_another_handler_who_takes_what_was_added_ends_it(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.give(acknowledgement, dsl)
        tale.give(a_passing_on(LEAD), dsl)
        tale.give(addition, mentor)
        tale.give(acknowledgement, deputy)
        assert (tale.state.held_by_id, tale.state.offer, tale.state.is_handler(LEAD)) == (DEPUTY, None, False)

    def test_closing_ends_it(self) -> None:
        tale = passed_on()
        tale.give(an_action(), dsl)
        tale.give(closure, dsl)
        assert (tale.state.offer, tale.state.due, tale.state.is_handler(DEPUTY)) == (None, (), False)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_it_is_never_passed_on_to_one_who_is_in_it_or_on_no_rota_and_always_has_a_giver_who_has_it(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    for deed in deeds:
        before = tale.state
        decided = deed(tale)
        check_passings(decided, before.held_by_id, tale)
        offer = tale.state.offer
        if offer is not None:
            assert tale.state.held_by_id == offer.giver_id
            assert tale.state.find_due(offer.passing_id) is not None
        else:
            assert not [one for one in tale.state.due if one.kind == handling.CONCERN_DUE_PASSING_ON]


def check_passings(decided: Sequence[Message], holder: str, tale: Tale) -> None:
    ruled = {one for rule in tale.policy.rules for one in rule.first_ids}
    for event in decided:
        if isinstance(event, passing.ConcernPassedOn):
            assert event.receiver_id not in in_it(tale.happened) | {holder}
            assert event.receiver_id in dsls_of(tale.rota) | {tale.rota.senior_lead_id} | ruled


async def test_the_receiver_finds_it_in_their_list_until_it_lapses(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)
    await provider.give(rota, lead)
    await provider.give(a_concern(), mentor)
    await provider.give(acknowledgement, dsl)
    await provider.give(a_passing_on(DEPUTY), dsl)
    (shown,) = await provider.concerns_of(deputy)
    assert (shown.concern_id, shown.held_by_id, shown.passed_on_to_id) == ("concern-1", DSL, DEPUTY)
    texts = [entry.text for entry in (await provider.file_of(deputy)).chronology]
    assert a_passing_on(DEPUTY).reason in texts
    provider.now += HOUR
    await provider.give(due_comes("passing-1"), platform)
    assert await provider.concerns_of(deputy) == []
    await provider.node.appends.close()
