"""Escalation: each assignment sets the alarm of its own deadline, and a missed deadline asks the next person."""

from dataclasses import replace
from datetime import timedelta

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON, given
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned
from safeguarding.domain.concern import concern
from safeguarding.domain.duty_set import duty
from safeguarding.reactions.escalation import escalation

from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    HOUR,
    LEAD,
    NO_ROTA,
    POLICY,
    ROTA,
    SECOND_DEPUTY,
    a_concern,
    a_rota,
    acknowledged,
    assignment,
    closure,
    dsl,
    escalation_of,
    mentor,
    platform,
    raised,
    refusal_of,
    timestamp,
)

META = Metadata(event_id="e", type="t", tenant="provider-1", stream="concern-concern-1", version=3, at=NOON)


def test_every_assignment_is_escalated_at_its_own_deadline() -> None:
    event = ConcernAssigned(
        concern_id="concern-1", site_id="site-1", step=3, acknowledge_by=timestamp(NOON + timedelta(minutes=15))
    )
    replies = list(escalation.policies[ConcernAssigned](event, META))
    assert replies == [Later(NOON + timedelta(minutes=15), escalation_of(3), urgent=True)]


def test_a_concern_that_nobody_has_is_escalated_like_any_other() -> None:
    event = raised(rota=NO_ROTA).happened[-1]
    (reply,) = escalation.policies[ConcernAssigned](event, META)
    assert isinstance(reply, Later)
    assert reply.request == escalation_of(0)


def test_the_alarm_of_each_step_moves_the_concern_on() -> None:
    tale = raised()
    for step in range(5):
        (reply,) = escalation.policies[ConcernAssigned](tale.happened[-1], META)
        assert isinstance(reply, Later)
        tale.now = reply.at
        tale.give(reply.request, by=platform)
        assert tale.state.step == step + 1


class TestEscalate:
    def test_a_missed_deadline_asks_the_next_with_a_deadline_of_their_own(self) -> None:
        past = given(concern).beside(ROTA, duty.initial, POLICY).when(a_concern(), by=mentor).after()
        past.when(escalation_of(0), at=NOON + HOUR).then(
            events.ConcernEscalated(concern_id="concern-1", unanswered_by_id=DSL, step=0),
            events.ConcernAssigned(
                concern_id="concern-1",
                site_id="site-1",
                category=events.CONCERN_CATEGORY_PHYSICAL,
                severity=events.SEVERITY_SERIOUS,
                raiser_role="mentor",
                assignee_id=DEPUTY,
                assignee_role=events.ASSIGNEE_ROLE_DEPUTY_DSL,
                acknowledge_by=timestamp(NOON + 2 * HOUR),
                step=1,
                handling_id=f"concern-1.{DEPUTY}",
            ),
        )

    @pytest.mark.parametrize(
        "late", [timedelta(0), timedelta(minutes=7), 30 * HOUR], ids=["in time", "late", "very late"]
    )
    def test_however_late_it_is_decided_the_next_has_the_whole_time_from_then_and_no_more(
        self, late: timedelta
    ) -> None:
        """From the missed deadline on, it could be over before anybody was asked."""
        tale = raised()
        tale.pass_time((HOUR + late).total_seconds())
        tale.give(escalation_of(0), platform)
        assert tale.state.acknowledge_by == NOON + HOUR + late + HOUR

    def test_deadline_after_deadline_everybody_is_asked_and_then_the_senior_lead_again_and_again(self) -> None:
        tale = raised()
        asked = [tale.state.assignee_id]
        for _ in range(6):
            tale.miss_the_deadline()
            asked.append(tale.state.assignee_id)
        assert asked == [DSL, DEPUTY, SECOND_DEPUTY, LEAD, LEAD, LEAD, LEAD]
        assert tale.state.step == 6

    def test_without_the_senior_lead_the_highest_rung_left_is_asked_again(self) -> None:
        tale = raised(a_concern(naming=[LEAD, SECOND_DEPUTY]))
        asked = [tale.state.assignee_id]
        for _ in range(3):
            tale.miss_the_deadline()
            asked.append(tale.state.assignee_id)
        assert asked == [DSL, DEPUTY, DEPUTY, DEPUTY]

    def test_before_the_deadline_it_is_put_off_and_not_taken_for_done(self) -> None:
        tale = raised()
        tale.pass_time(3599.999)
        with pytest.raises(NotYet):
            tale.give(escalation_of(0), platform)
        assert tale.miss_the_deadline() != []

    def test_a_clock_that_was_set_back_puts_it_off_and_loses_nothing(self) -> None:
        tale = raised()
        tale.pass_time(-86_400)
        with pytest.raises(NotYet):
            tale.give(escalation_of(0), platform)

    def test_an_alarm_of_an_earlier_step_changes_nothing(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.pass_time(86_400)
        assert tale.give(escalation_of(0), platform) == []

    def test_an_acknowledged_concern_is_not_escalated(self) -> None:
        tale = acknowledged()
        tale.pass_time(86_400)
        assert tale.give(escalation_of(0), platform) == []

    def test_a_closed_concern_is_not_escalated(self) -> None:
        tale = acknowledged()
        tale.give(closure, dsl)
        tale.pass_time(86_400)
        assert tale.give(escalation_of(0), platform) == []

    def test_nobody_is_asked_again_and_again_until_the_rota_has_somebody(self) -> None:
        tale = raised(rota=NO_ROTA)
        tale.miss_the_deadline()
        assert assignment(tale).assignee_role == events.ASSIGNEE_ROLE_NOBODY_ON_ROTA
        assert assignment(tale).step == 1
        tale.rota = ROTA
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DSL

    def test_the_rota_of_the_hour_is_asked(self) -> None:
        tale = raised()
        tale.rota = a_rota("person-night-dsl", "person-night-deputy")
        tale.miss_the_deadline()
        assert tale.state.assignee_id == "person-night-dsl"

    def test_whoever_was_named_at_the_raise_is_passed_over_on_every_later_rota(self) -> None:
        tale = raised(a_concern(naming=["person-night-dsl"]))
        tale.rota = a_rota("person-night-dsl", "person-night-deputy")
        tale.miss_the_deadline()
        assert tale.state.assignee_id == "person-night-deputy"

    def test_a_concern_about_a_dsl_stays_past_every_dsl_when_they_leave_the_rota(self) -> None:
        tale = raised(a_concern(naming=[DSL], category=ALLEGATION))
        tale.rota = a_rota("person-friend-of-dsl", DEPUTY)
        tale.miss_the_deadline()
        assert tale.state.assignee_id == LEAD

    def test_conduct_of_somebody_who_becomes_dsl_goes_past_every_dsl_from_then_on_for_good(self) -> None:
        tale = raised(a_concern(naming=["person-new-dsl"], category=ALLEGATION))
        assert tale.state.assignee_id == DSL
        tale.rota = a_rota("person-new-dsl", DEPUTY)
        decided = tale.miss_the_deadline()
        assert events.ConcernFoundAboutDsl(concern_id="concern-1") in decided
        assert tale.state.assignee_id == LEAD
        # Suspended; and even of a rota that remembers nobody, the concern keeps what it is about.
        for suspended in (a_rota("person-newer-dsl", DEPUTY, after=tale.rota), a_rota("person-newer-dsl", DEPUTY)):
            tale.rota = suspended
            assert [type(event) for event in tale.miss_the_deadline()] == [events.ConcernEscalated, ConcernAssigned]
            assert tale.state.assignee_id == LEAD

    def test_the_rota_of_another_site_is_never_used(self) -> None:
        tale = raised()
        tale.pass_time(3600)
        refusal = refusal_of(tale, escalation_of(0, site_id="site-2"), platform)
        assert (refusal.code, refusal.field) == ("CONCERN_OF_ANOTHER_SITE", "site_id")

    def test_the_next_deadline_follows_the_policy_of_the_hour(self) -> None:
        tale = raised()
        tale.policy = replace(POLICY, serious=timedelta(minutes=10))
        tale.miss_the_deadline()
        assert tale.state.acknowledge_by == tale.now + timedelta(minutes=10)
