"""A concern: raised and given in one commit, escalated until acknowledged, then acted on, referred, closed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import NOON, given, person
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_ACTION, CONCERN_DUE_ACTIVITY, ConcernDueSet
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.duty_set import duty
from safeguarding.domain.rota import Rota

from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    HOUR,
    LEAD,
    LEARNER,
    MENTOR,
    NARRATIVE,
    NO_ROTA,
    POLICY,
    ROTA,
    SECOND_DEPUTY,
    STRANGER,
    Tale,
    a_concern,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    assignment,
    closure,
    deputy,
    dsl,
    lead,
    mentor,
    raised,
    refusal_of,
    timestamp,
)


class TestRaise:
    def test_a_concern_is_raised_received_and_given_to_the_dsl_on_duty_in_one_commit(self) -> None:
        command = a_concern(naming=["person-stepfather"])
        outcome = given(concern).beside(ROTA, duty.initial, POLICY).when(command, by=mentor)
        outcome.then(
            events.ConcernRaised(
                concern_id="concern-1",
                site_id="site-1",
                category=events.CONCERN_CATEGORY_PHYSICAL,
                severity=events.SEVERITY_SERIOUS,
                person_at_risk_id=LEARNER,
                named_person_ids=["person-stepfather"],
                raiser_id=MENTOR,
                narrative=Sealed(to_be_sealed=NARRATIVE),
                content_digest=outcome.after().state.content_digest,
            ),
            events.ConcernReceived(concern_id="concern-1", raiser_id=MENTOR, severity=events.SEVERITY_SERIOUS),
            events.ConcernAssigned(
                concern_id="concern-1",
                site_id="site-1",
                category=events.CONCERN_CATEGORY_PHYSICAL,
                severity=events.SEVERITY_SERIOUS,
                raiser_role="mentor",
                assignee_id=DSL,
                assignee_role=events.ASSIGNEE_ROLE_DSL_ON_DUTY,
                acknowledge_by=timestamp(NOON + HOUR),
                step=0,
                handling_id=f"concern-1.{DSL}",
            ),
        )

    @pytest.mark.parametrize(
        ("severity", "within"),
        [
            (events.SEVERITY_IMMEDIATE_DANGER, timedelta(minutes=15)),
            (events.SEVERITY_SERIOUS, HOUR),
            (events.SEVERITY_OTHER, 8 * HOUR),
        ],
    )
    def test_the_severity_sets_the_deadline(self, severity: events.Severity.ValueType, within: timedelta) -> None:
        assert raised(a_concern(severity=severity)).state.acknowledge_by == NOON + within

    def test_the_providers_own_policy_sets_the_deadline(self) -> None:
        tale = Tale(policy=replace(POLICY, serious=timedelta(minutes=5)))
        tale.give(a_concern(), mentor)
        assert tale.state.acknowledge_by == NOON + timedelta(minutes=5)

    def test_a_second_concern_names_the_dsl_on_duty_and_is_routed_past_that_person(self) -> None:
        assert raised(a_concern(naming=[DSL])).state.assignee_id == DEPUTY

    def test_a_dsl_at_risk_is_never_asked_about_themselves(self) -> None:
        assert raised(a_concern(about=DSL)).state.assignee_id == DEPUTY

    @pytest.mark.parametrize("accused", [DSL, DEPUTY, SECOND_DEPUTY])
    def test_an_allegation_against_any_dsl_goes_straight_to_the_senior_lead(self, accused: str) -> None:
        tale = raised(a_concern(naming=[accused], category=ALLEGATION))
        assert tale.state.assignee_id == LEAD
        assert assignment(tale).assignee_role == events.ASSIGNEE_ROLE_SENIOR_LEAD

    def test_an_allegation_against_a_mentor_goes_to_the_dsl_on_duty(self) -> None:
        assert raised(a_concern(naming=[MENTOR], category=ALLEGATION)).state.assignee_id == DSL

    def test_an_allegation_against_a_dsl_and_the_senior_lead_goes_to_no_other_dsl(self) -> None:
        tale = raised(a_concern(naming=[DSL, LEAD], category=ALLEGATION))
        assert tale.state.assignee_id == ""
        assert assignment(tale).assignee_role == events.ASSIGNEE_ROLE_NOBODY_ON_ROTA

    @pytest.mark.parametrize(
        ("rota", "naming"),
        [(NO_ROTA, []), (ROTA, [DSL, DEPUTY, SECOND_DEPUTY, LEAD])],
        ids=["no rota", "everybody on the rota is named"],
    )
    def test_without_anybody_to_ask_it_is_accepted_and_keeps_its_deadline(self, rota: Rota, naming: list[str]) -> None:
        tale = raised(a_concern(naming=naming), rota=rota)
        assert assignment(tale).assignee_role == events.ASSIGNEE_ROLE_NOBODY_ON_ROTA
        assert tale.state.assignee_id == ""
        assert tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
        assert tale.state.acknowledge_by == NOON + HOUR

    def test_the_same_concern_again_changes_nothing(self) -> None:
        tale = raised(a_concern(naming=["person-a", "person-b"]))
        tale.pass_time(60)
        assert tale.give(a_concern(naming=["person-b", "person-a"]), mentor) == []

    def test_the_same_concern_again_changes_nothing_even_after_its_close(self) -> None:
        tale = acknowledged()
        tale.give(closure, dsl)
        assert tale.give(a_concern(), mentor) == []

    @pytest.mark.parametrize(
        "other",
        [
            a_concern(narrative="something else was seen"),
            a_concern(about="person-other"),
            a_concern(naming=["person-other"]),
            a_concern(severity=events.SEVERITY_OTHER),
            a_concern(category=events.CONCERN_CATEGORY_NEGLECT),
            a_concern(anonymous=True),
        ],
        ids=["narrative", "person at risk", "named", "severity", "category", "anonymity"],
    )
    def test_another_concern_under_the_same_id_is_refused_and_never_taken_for_a_repeat(
        self, other: calls.RaiseConcernRequest
    ) -> None:
        refusal = refusal_of(raised(), other, mentor)
        assert (refusal.code, refusal.field) == ("CONCERN_EXISTS", "concern_id")

    def test_the_refusal_tells_a_stranger_nothing_of_the_concern_that_is_there(self) -> None:
        stranger = person(STRANGER, "teacher")
        tales = [
            raised(),
            raised(a_concern(about="person-other", naming=[DSL], severity=events.SEVERITY_OTHER), rota=NO_ROTA),
            raised(by=person("person-other", "learner")),
            acknowledged(),
        ]
        refusals = [refusal_of(tale, a_concern(), stranger) for tale in tales]
        assert len({(refusal.code, refusal.text, refusal.field) for refusal in refusals}) == 1
        for secret in (LEARNER, MENTOR, DSL, NARRATIVE):
            assert secret not in refusals[0].text

    def test_an_anonymous_raiser_is_kept_for_the_handlers_and_published_nowhere(self) -> None:
        tale = raised(a_concern(anonymous=True))
        whole, receipt, given_to_dsl = tale.happened
        assert isinstance(whole, events.ConcernRaised)
        assert isinstance(receipt, events.ConcernReceived)
        assert isinstance(given_to_dsl, events.ConcernAssigned)
        assert (whole.raiser_id, receipt.raiser_id, given_to_dsl.raiser_role) == (MENTOR, "", "anonymous")

    @pytest.mark.parametrize("command", [a_concern(about=MENTOR), a_concern(naming=[MENTOR])], ids=["at risk", "named"])
    def test_a_raiser_who_is_at_risk_or_named_gets_no_message_that_others_could_see(
        self, command: calls.RaiseConcernRequest
    ) -> None:
        receipt = raised(command).happened[1]
        assert isinstance(receipt, events.ConcernReceived)
        assert receipt.raiser_id == ""

    def test_of_several_roles_the_same_one_is_always_told(self) -> None:
        tale = raised(by=person(MENTOR, "teacher", "mentor", "coach"))
        assert tale.state.raiser_role == "coach"

    def test_a_role_that_the_contract_does_not_know_is_not_told(self) -> None:
        assert raised(by=person(MENTOR, "aunt_of_person-learner")).state.raiser_role == "anyone_known"
        assert raised(by=person(MENTOR)).state.raiser_role == "anyone_known"


class TestAcknowledge:
    def test_whoever_was_asked_acknowledges(self) -> None:
        past = given(concern).beside(ROTA, duty.initial, POLICY).when(a_concern(), by=mentor).after()
        story = (
            past.beside(POLICY)
            .when(acknowledgement, by=dsl)
            .then(
                events.ConcernAcknowledged(concern_id="concern-1", handler_id=DSL),
                ConcernDueSet(
                    concern_id="concern-1",
                    site_id="site-1",
                    due_id="action-0",
                    kind=CONCERN_DUE_ACTION,
                    due_at=timestamp(NOON + timedelta(days=1)),
                ),
                ConcernDueSet(
                    concern_id="concern-1",
                    site_id="site-1",
                    due_id="activity-1",
                    kind=CONCERN_DUE_ACTIVITY,
                    due_at=timestamp(NOON + timedelta(days=7)),
                ),
            )
        )
        assert story.state.status == calls.CONCERN_STATUS_ACKNOWLEDGED
        assert story.state.acknowledge_by is None

    def test_whoever_missed_the_deadline_can_still_acknowledge(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.give(acknowledgement, dsl)
        assert tale.state.acknowledged_by_id == DSL

    def test_acknowledging_again_changes_nothing(self) -> None:
        assert acknowledged().give(acknowledgement, dsl) == []

    def test_a_second_handler_is_told_that_another_has_it(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.give(acknowledgement, deputy)
        assert refusal_of(tale, acknowledgement, dsl).code == "CONCERN_ALREADY_ACKNOWLEDGED"

    @pytest.mark.parametrize("who", [MENTOR, LEARNER, DEPUTY, LEAD, STRANGER])
    def test_nobody_else_acknowledges(self, who: str) -> None:
        refusal = refusal_of(raised(), acknowledgement, person(who, "dsl", "deputy_dsl", "senior_lead"))
        assert refusal.code == "CONCERN_NOT_YOURS"

    def test_a_concern_that_is_not_there_is_refused_in_the_same_words_as_one_that_is_anothers(self) -> None:
        absent, others = refusal_of(Tale(), acknowledgement, deputy), refusal_of(raised(), acknowledgement, deputy)
        assert (absent.code, absent.text, absent.field) == (others.code, others.text, others.field)


class TestActAndClose:
    def test_an_action_is_recorded_and_sealed_for_the_person_at_risk(self) -> None:
        tale = acknowledged()
        (action,) = tale.give(an_action(), dsl)
        assert action == events.ConcernActionRecorded(
            concern_id="concern-1",
            person_at_risk_id=LEARNER,
            handler_id=DSL,
            text=Sealed(to_be_sealed="the-action: spoke with his aunt"),
            at=timestamp(NOON),
        )
        assert tale.state.status == calls.CONCERN_STATUS_IN_ACTION

    def test_a_referral_makes_it_referred_and_later_action_leaves_it_so(self) -> None:
        tale = acknowledged()
        tale.give(an_action(events.REFERRAL_BODY_LOCAL_AUTHORITY), dsl)
        assert tale.state.status == calls.CONCERN_STATUS_REFERRED
        tale.give(an_action(), dsl)
        assert tale.state.status == calls.CONCERN_STATUS_REFERRED

    @pytest.mark.parametrize("command", [an_action(), closure], ids=["action", "close"])
    def test_nothing_is_done_before_somebody_acknowledged(
        self, command: calls.RecordActionRequest | calls.CloseConcernRequest
    ) -> None:
        assert refusal_of(raised(), command, dsl).code == "CONCERN_NOT_ACKNOWLEDGED"

    def test_a_close_keeps_its_reason_at_home(self) -> None:
        tale = acknowledged()
        assert tale.give(closure, dsl) == [
            events.ConcernClosureExplained(
                concern_id="concern-1",
                person_at_risk_id=LEARNER,
                reason=Sealed(to_be_sealed="the-reason: he is safe with his aunt"),
            ),
            events.ConcernClosed(concern_id="concern-1", handler_id=DSL),
        ]
        assert tale.state.status == calls.CONCERN_STATUS_CLOSED

    @pytest.mark.parametrize("command", [an_action(), closure], ids=["action", "close"])
    def test_a_closed_concern_refuses_action_and_a_second_reason(
        self, command: calls.RecordActionRequest | calls.CloseConcernRequest
    ) -> None:
        tale = acknowledged()
        tale.give(closure, dsl)
        assert refusal_of(tale, command, dsl).code == "CONCERN_CLOSED"

    @pytest.mark.parametrize("command", [an_action(), closure], ids=["action", "close"])
    @pytest.mark.parametrize("who", [mentor, lead], ids=["raiser", "not asked"])
    def test_nobody_but_a_handler_acts_or_closes(
        self, who: Principal, command: calls.RecordActionRequest | calls.CloseConcernRequest
    ) -> None:
        assert refusal_of(acknowledged(), command, who).code == "CONCERN_NOT_YOURS"


class TestAdd:
    @pytest.mark.parametrize("who", [mentor, dsl], ids=["raiser", "handler"])
    def test_raiser_and_handler_add_while_it_waits_and_after_its_close(self, who: Principal) -> None:
        for tale in (raised(), acknowledged()):
            if tale.state.acknowledged_by_id:
                tale.give(closure, dsl)
            tale.pass_time(60)
            assert tale.give(addition, who)[0] == events.ConcernAddedTo(
                concern_id="concern-1",
                person_at_risk_id=LEARNER,
                author_id=who.person_id,
                text=Sealed(to_be_sealed="the-addition: he asked me to stay"),
                at=timestamp(NOON + timedelta(minutes=1)),
            )
            assert tale.state.added_to_at == NOON + timedelta(minutes=1)

    def test_what_was_added_before_its_time_was_kept_is_read_as_before(self) -> None:
        state = raised().state
        assert concern.fold(state, [events.ConcernAddedTo(concern_id="concern-1", author_id=MENTOR)]) == state

    @pytest.mark.parametrize("who", [STRANGER, LEARNER, LEAD, ""])
    def test_nobody_else_adds(self, who: str) -> None:
        assert refusal_of(raised(), addition, person(who)).code == "CONCERN_NOT_YOURS"
        assert refusal_of(Tale(), addition, person(who)).code == "CONCERN_NOT_YOURS"


def test_a_person_who_is_named_is_no_handler_even_if_they_had_been_asked() -> None:
    state = Concern(asked_ids=(DSL,), in_it_ids=frozenset({DSL}))
    assert not state.is_handler(DSL)
