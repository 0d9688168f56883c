"""Specialists: who is asked before the DSL on duty, by category, severity, site and time; and which version of the policy said so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import given
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import duty_events_pb2 as duty_events
from mentoring.safeguarding.v1 import duty_pb2 as duties
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1.routing_events_pb2 import RouteRule, RouteRulesSet
from mentoring.safeguarding.v1.routing_pb2 import (
    GetRoutingPolicyRequest,
    PreviewConcernRoutingRequest,
    SetRouteRulesRequest,
)
from safeguarding.domain.duty import Leave
from safeguarding.domain.duty_set import Duty, duty
from safeguarding.domain.policy import RoutingPolicy, policy
from safeguarding.domain.rota import Rota
from safeguarding.domain.route_rules import rules_of
from safeguarding.duty_queries import preview_routing
from safeguarding.routing_queries import get_routing_policy, preview_concern_routing

from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    LEAD,
    NO_ROTA,
    ROTA,
    SECOND_DEPUTY,
    Tale,
    a_concern,
    a_rota,
    assignment,
    dsl,
    lead,
    mentor,
)
from .test_duty import at, london, shift
from .test_policy import DONE, SET

PREVENT, CHILD_LEAD = "person-prevent", "person-child-lead"
RADICALISATION = events.CONCERN_CATEGORY_RADICALISATION
PHYSICAL = events.CONCERN_CATEGORY_PHYSICAL


def rule(*first: str, **of: object) -> RouteRule:
    return RouteRule(first_ids=first, **of)  # type: ignore[arg-type]


PREVENT_FIRST = rule(PREVENT, categories=[RADICALISATION])


def with_rules(*rules: RouteRule) -> RoutingPolicy:
    return given(policy).when(SetRouteRulesRequest(rules=rules)).after().state


def raised_by(rules: RoutingPolicy, rota: Rota = ROTA, duty: Duty = duty.initial, **concern: object) -> Tale:
    tale = Tale(rota=rota, policy=rules, duty=duty)
    tale.give(a_concern(**{"category": RADICALISATION} | concern), mentor)  # type: ignore[arg-type]
    return tale


def asked_in_turn(tale: Tale, times: int) -> list[str]:
    asked = [tale.state.assignee_id]
    for _ in range(times - 1):
        tale.miss_the_deadline()
        asked.append(tale.state.assignee_id)
    return asked


class TestRouting:
    def test_the_specialist_is_asked_first_and_the_ladder_goes_on_as_it_was(self) -> None:
        tale = raised_by(with_rules(PREVENT_FIRST))
        assert assignment(tale).assignee_role == events.ASSIGNEE_ROLE_SPECIALIST
        assert asked_in_turn(tale, 7) == [PREVENT, DSL, DEPUTY, SECOND_DEPUTY, LEAD, LEAD, LEAD]

    def test_a_concern_of_another_category_severity_or_site_goes_to_the_dsl(self) -> None:
        assert raised_by(with_rules(PREVENT_FIRST), category=PHYSICAL).state.assignee_id == DSL
        for other in ({"severities": [events.SEVERITY_OTHER]}, {"site_ids": ["site-2", ""]}):
            assert raised_by(with_rules(rule(PREVENT, **other))).state.assignee_id == DSL
        for same in ({"severities": [events.SEVERITY_SERIOUS]}, {"site_ids": ["site-2", "site-1"]}):
            assert raised_by(with_rules(rule(PREVENT, **same))).state.assignee_id == PREVENT

    def test_of_several_rules_that_fit_the_first_one_holds(self) -> None:
        rules = with_rules(PREVENT_FIRST, rule(CHILD_LEAD))
        assert asked_in_turn(raised_by(rules), 2) == [PREVENT, DSL]
        assert raised_by(rules, category=PHYSICAL).state.assignee_id == CHILD_LEAD

    @pytest.mark.parametrize("spelled", [PREVENT, PREVENT.upper()])
    def test_a_specialist_who_is_at_risk_or_named_is_never_asked(self, spelled: str) -> None:
        tale = raised_by(with_rules(PREVENT_FIRST), naming=[spelled])
        assert PREVENT not in asked_in_turn(tale, 8)

    def test_a_concern_about_a_dsl_goes_past_every_rule(self) -> None:
        tale = raised_by(with_rules(rule(PREVENT)), category=ALLEGATION, naming=[DSL])
        assert asked_in_turn(tale, 3) == [LEAD, LEAD, LEAD]

    def test_one_who_is_on_the_rota_too_is_asked_once_and_as_they_are_spelled_there(self) -> None:
        tale = raised_by(with_rules(rule(SECOND_DEPUTY.upper(), categories=[RADICALISATION])))
        assert asked_in_turn(tale, 5) == [SECOND_DEPUTY, DSL, DEPUTY, LEAD, LEAD]

    def test_a_senior_lead_whom_a_rule_names_is_asked_first_and_again_and_again(self) -> None:
        tale = raised_by(with_rules(rule(LEAD)))
        assert asked_in_turn(tale, 6) == [LEAD, DSL, DEPUTY, SECOND_DEPUTY, LEAD, LEAD]

    def test_without_a_rota_the_specialist_is_asked_again_and_again(self) -> None:
        assert asked_in_turn(raised_by(with_rules(PREVENT_FIRST), rota=NO_ROTA), 3) == [PREVENT] * 3

    def test_what_is_triaged_otherwise_goes_to_the_specialist_at_its_next_deadline(self) -> None:
        tale = raised_by(with_rules(PREVENT_FIRST), category=PHYSICAL)
        tale.state = replace(tale.state, category=RADICALISATION)
        tale.miss_the_deadline()
        assert tale.state.assignee_id == PREVENT


class TestTime:
    """A specialist is on duty at all times, or by shifts of their own; one who is on the rota, as the rota says."""

    def first_at(self, when: str, duty: Duty, first: str = PREVENT) -> str:
        tale = Tale(policy=with_rules(rule(first)), duty=duty, now=at(when))
        tale.give(a_concern(category=RADICALISATION), mentor)
        return tale.state.assignee_id

    def test_without_shifts_of_their_own_they_are_asked_at_all_times(self) -> None:
        office = Duty(london(shift(DSL, "09:00", "17:00")))
        assert self.first_at("2026-03-02T03:00", office) == PREVENT
        assert self.first_at("2026-03-02T03:00", office, first=DEPUTY) == LEAD

    def test_by_shifts_of_their_own_they_are_asked_in_those_alone(self) -> None:
        office = Duty(london(shift(PREVENT, "09:00", "17:00"), shift(DSL, "00:00", "24:00")))
        assert [self.first_at(f"2026-03-02T{hour}:00", office) for hour in ("08", "09", "17")] == [DSL, PREVENT, DSL]

    def test_nobody_is_asked_on_their_leave(self) -> None:
        away = Duty(london(leaves=(Leave(PREVENT, "2026-03-02", "2026-03-03"),)))
        assert self.first_at("2026-03-02T10:00", away) == DSL
        assert self.first_at("2026-03-04T10:00", away) == PREVENT

    def test_shifts_are_set_for_those_whom_a_rule_names_at_the_site_and_for_nobody_else(self) -> None:
        command = duties.SetDutyRequest(
            site_id="site-1", time_zone="Europe/London",
            leaves=[duty_events.Leave(person_id=PREVENT, first_day="2026-03-02", last_day="2026-03-03")],
        )  # fmt: skip
        given(duty).beside(ROTA, with_rules(PREVENT_FIRST)).when(command).after()
        elsewhere = with_rules(rule(PREVENT, site_ids=["site-2"]))
        assert (
            given(duty).beside(ROTA, elsewhere).when(command).then_refused("NOT_ON_THE_ROTA").field
            == "leaves[0].person_id"
        )


class TestPolicy:
    def test_each_setting_is_a_version_and_what_changes_nothing_is_none(self) -> None:
        past = given(policy).when(SET).then(DONE)
        past = past.when(SetRouteRulesRequest(rules=[PREVENT_FIRST])).then(RouteRulesSet(rules=[PREVENT_FIRST]))
        past.when(SET).then_nothing()
        past.when(SetRouteRulesRequest(rules=[PREVENT_FIRST])).then_nothing()
        assert (policy.initial.version, past.state.version) == (0, 2)
        other = past.when(SetRouteRulesRequest()).after()
        assert (other.state.version, other.state.rules) == (3, ())

    def test_setting_the_deadlines_keeps_the_rules(self) -> None:
        past = given(policy, RouteRulesSet(rules=[PREVENT_FIRST])).when(SET).after()
        assert past.state.rules == rules_of([PREVENT_FIRST])
        assert past.state.serious == timedelta(minutes=30)

    def test_all_faults_are_told_at_once(self) -> None:
        rules = [
            rule(PREVENT, CHILD_LEAD, PREVENT.upper()),
            rule(CHILD_LEAD, categories=[RADICALISATION], site_ids=["site-1"]),
        ]
        refusal = given(policy).when(SetRouteRulesRequest(rules=rules)).then_refused("RULE_PERSON_TWICE")
        assert refusal.field == "rules[0].first_ids[2]"
        assert "rules[1]: rules[0] comes first for all that it is for" in refusal.text

    @pytest.mark.parametrize(
        ("first", "second", "is_reached"),
        [
            (rule("a", categories=[PHYSICAL]), rule("b", categories=[PHYSICAL]), False),
            (rule("a", categories=[PHYSICAL]), rule("b", categories=[PHYSICAL, RADICALISATION]), True),
            (rule("a", categories=[PHYSICAL]), rule("b"), True),
            (rule("a", site_ids=["site-1"]), rule("b", categories=[PHYSICAL]), True),
            (rule("a", severities=[events.SEVERITY_OTHER]), rule("b", severities=[events.SEVERITY_SERIOUS]), True),
            (rule("a"), rule("b", severities=[events.SEVERITY_SERIOUS]), False),
        ],
    )  # fmt: skip
    def test_a_rule_that_an_earlier_one_leaves_nothing_to_is_refused(
        self, first: RouteRule, second: RouteRule, is_reached: bool
    ) -> None:
        outcome = given(policy).when(SetRouteRulesRequest(rules=[first, second]))
        if is_reached:
            outcome.after()
        else:
            assert outcome.then_refused("RULE_NEVER_REACHED").field == "rules[1]"

    def test_the_version_that_chose_a_person_is_in_the_assignment_and_an_addition_chooses_nobody(self) -> None:
        tale = raised_by(replace(with_rules(PREVENT_FIRST), version=7))
        assert assignment(tale).policy_version == 7
        tale.policy = replace(tale.policy, version=8)
        tale.miss_the_deadline()
        assert assignment(tale).policy_version == 8

    async def test_the_policy_is_read_as_it_stands(self) -> None:
        reader = LaidDown(lead, {"routing-policy": [DONE, RouteRulesSet(rules=[PREVENT_FIRST])]})
        found = await get_routing_policy(GetRoutingPolicyRequest(), reader)
        assert (found.version, found.serious, list(found.rules)) == (2, DONE.serious, [PREVENT_FIRST])


STREAMS: dict[str, Sequence[Message]] = {
    "rota-site-1": [
        events.RotaSet(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    ],
    "routing-policy": [
        events.RoutingPolicySet(
            immediate_danger=DONE.immediate_danger, serious=DONE.serious, other=DONE.other, last_resort_id="chief"
        ),
        RouteRulesSet(rules=[rule("x", categories=[PHYSICAL]), rule(PREVENT, DSL, categories=[RADICALISATION])]),
    ],
}


class TestPreview:
    async def preview(self, by: object = lead, *involved: str) -> duties.PreviewRoutingResponse:
        request = duties.PreviewRoutingRequest(
            site_id="site-1", category=RADICALISATION, severity=events.SEVERITY_SERIOUS, involved_ids=involved or ["y"]
        )
        return await preview_routing(request, LaidDown(by, STREAMS))  # type: ignore[arg-type]

    async def test_it_says_of_each_rung_why_and_by_which_rule_and_version(self) -> None:
        found = await self.preview()
        assert [(one.person_id, one.because, one.rule) for one in found.steps] == [
            (PREVENT, duties.ASKED_BECAUSE_RULE, 2),
            (DSL, duties.ASKED_BECAUSE_RULE, 2),
            (DEPUTY, duties.ASKED_BECAUSE_DEPUTY_ON_DUTY, 0),
            (SECOND_DEPUTY, duties.ASKED_BECAUSE_DEPUTY_ON_DUTY, 0),
            (LEAD, duties.ASKED_BECAUSE_SENIOR_LEAD, 0),
            ("chief", duties.ASKED_BECAUSE_LAST_RESORT, 0),
        ]
        assert found.policy_version == 2

    async def test_why_somebody_is_passed_over_is_told_to_the_senior_lead_alone(self) -> None:
        for_lead, for_dsl = await self.preview(lead, PREVENT), await self.preview(dsl, PREVENT)
        assert [(one.person_id, one.because) for one in for_lead.passed_over] == [
            (PREVENT, duties.PASSED_OVER_BECAUSE_INVOLVED)
        ]
        assert (list(for_dsl.passed_over), for_dsl.steps) == ([], for_lead.steps)

    async def test_of_a_concern_that_there_is_it_says_who_is_next(self) -> None:
        tale = Tale(policy=policy.fold(policy.initial, STREAMS["routing-policy"]))
        tale.give(a_concern(category=RADICALISATION, naming=[DEPUTY]), mentor)
        streams = {**STREAMS, "concern-concern-1": tale.happened}
        found = await preview_concern_routing(
            PreviewConcernRoutingRequest(concern_id="concern-1"), LaidDown(dsl, streams)
        )
        assert tale.state.assignee_id == PREVENT
        assert (found.next.person_id, found.next.rule) == (DSL, 2)
        assert [(one.person_id, one.because) for one in found.passed_over] == [
            (DEPUTY, duties.PASSED_OVER_BECAUSE_INVOLVED)
        ]
        tale.miss_the_deadline()
        assert tale.state.assignee_id == found.next.person_id

    async def test_of_one_that_names_whom_the_rota_makes_a_deputy_since_it_says_that_it_goes_past_every_dsl(
        self,
    ) -> None:
        tale = Tale(rota=a_rota(DSL))
        tale.give(a_concern(category=ALLEGATION, naming=[DEPUTY]), mentor)
        tale.rota = ROTA
        streams = {"rota-site-1": STREAMS["rota-site-1"], "concern-concern-1": tale.happened}
        found = await preview_concern_routing(
            PreviewConcernRoutingRequest(concern_id="concern-1"), LaidDown(dsl, streams)
        )
        tale.miss_the_deadline()
        assert (found.next.person_id, tale.state.assignee_id) == (LEAD, LEAD)
