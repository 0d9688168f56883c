"""What the senior lead and the DSLs ask of the duty: who is on when, and whom a concern would go to, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.reading import LaidDown
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from mentoring.safeguarding.v1 import duty_events_pb2 as duty_events
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1.duty_pb2 import (
    PASSED_OVER_BECAUSE_ABOUT_A_DSL,
    PASSED_OVER_BECAUSE_INVOLVED,
    PASSED_OVER_BECAUSE_OFF_DUTY,
    PASSED_OVER_BECAUSE_ON_LEAVE,
    CheckDutyRequest,
    PreviewRoutingRequest,
)
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.duty_set import Duty
from safeguarding.domain.preview import preview
from safeguarding.domain.rota import Rota
from safeguarding.domain.route_rules import Rule
from safeguarding.domain.routing import is_about_a_dsl
from safeguarding.duty_queries import check_duty, preview_routing

from .histories import PEOPLE, rotas, some_rules
from .stories import ALLEGATION, DEPUTY, DSL, LEAD, POLICY, SECOND_DEPUTY, Tale, a_concern, lead, mentor, timestamp
from .test_duty import OFFICE

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = [day for day in duty_events.Weekday.values() if 1 <= day <= 5]
STREAMS: dict[str, list[Message]] = {
    "rota-site-1": [
        events.RotaSet(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    ],
    "rota-site-without-duty": [events.RotaSet(site_id="site-without-duty", dsl_id=DSL, senior_lead_id=LEAD)],
    "duty-site-1": [
        duty_events.DutySet(
            site_id="site-1",
            time_zone="Europe/London",
            shifts=[
                duty_events.Shift(person_id=DSL, weekdays=WEEK, begins="09:00", ends="17:00"),
                duty_events.Shift(person_id=DEPUTY, weekdays=WEEK, begins="09:00", ends="17:00"),
            ],
            leaves=[duty_events.Leave(person_id=DEPUTY, first_day="2026-03-02", last_day="2026-03-02")],
        )
    ],
}


def reader(now: datetime = MONDAY) -> LaidDown:
    return LaidDown(lead, STREAMS, now=now)


def period(begins: datetime, ends: datetime) -> CheckDutyRequest:
    return CheckDutyRequest(site_id="site-1", begins_at=timestamp(begins), ends_at=timestamp(ends))


async def test_a_period_is_told_in_stretches_with_the_gaps_in_it() -> None:
    found = await check_duty(period(MONDAY, MONDAY + timedelta(days=1, hours=10)), reader())
    assert found.time_zone == "Europe/London"
    assert [(list(one.person_ids), one.begins_at.ToDatetime(UTC)) for one in found.stretches] == [
        ([], MONDAY),
        ([DSL], MONDAY + timedelta(hours=9)),
        ([], MONDAY + timedelta(hours=17)),
        ([DSL, DEPUTY], MONDAY + timedelta(days=1, hours=9)),
    ]
    assert found.stretches[-1].ends_at.ToDatetime(UTC) == MONDAY + timedelta(days=1, hours=10)


@pytest.mark.parametrize(
    ("site", "rota_is_set", "duty_is_set"),
    [("site-1", True, True), ("site-without-duty", True, False), ("never-heard-of", False, False)],
)
async def test_a_site_without_a_rota_or_a_duty_is_told_from_one_that_has_them(
    site: str, rota_is_set: bool, duty_is_set: bool
) -> None:
    request = period(MONDAY, MONDAY + timedelta(days=1))
    request.site_id = site
    duty = await check_duty(request, reader())
    assert (duty.rota_is_set, duty.duty_is_set) == (rota_is_set, duty_is_set)
    asked = about("learner-1", category=events.CONCERN_CATEGORY_PHYSICAL)
    asked.site_id = site
    routing = await preview_routing(asked, reader())
    assert (routing.rota_is_set, routing.duty_is_set) == (rota_is_set, duty_is_set)


async def test_where_nobody_would_be_asked_that_is_said() -> None:
    asked = about("learner-1", category=events.CONCERN_CATEGORY_PHYSICAL)
    assert not (await preview_routing(asked, reader())).nobody
    asked.site_id = "site-without-a-rota"
    assert (await preview_routing(asked, LaidDown(lead, {}, now=MONDAY))).nobody


@pytest.mark.parametrize(
    ("ends", "code"), [(MONDAY, "ENDS_BEFORE_IT_BEGINS"), (MONDAY + timedelta(days=62, seconds=1), "PERIOD_TOO_LONG")]
)
async def test_a_period_that_cannot_be_looked_through_is_refused(ends: datetime, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        await check_duty(period(MONDAY, ends), reader())
    assert (refused.value.code, refused.value.field) == (code, "ends_at")


def about(
    *involved: str, category: events.ConcernCategory.ValueType = ALLEGATION, at: datetime | None = None
) -> PreviewRoutingRequest:
    request = PreviewRoutingRequest(
        site_id="site-1", category=category, severity=events.SEVERITY_SERIOUS, involved_ids=involved
    )
    if at is not None:
        request.at.FromDatetime(at)
    return request


async def test_it_says_whom_a_concern_would_go_to_now_and_why_not_to_others() -> None:
    request = about("learner-1", category=events.CONCERN_CATEGORY_PHYSICAL)
    found = await preview_routing(request, reader(MONDAY + timedelta(hours=10)))
    assert [step.person_id for step in found.steps] == [DSL, LEAD]
    assert [(one.person_id, one.because) for one in found.passed_over] == [
        (DEPUTY, PASSED_OVER_BECAUSE_ON_LEAVE),
        (SECOND_DEPUTY, PASSED_OVER_BECAUSE_OFF_DUTY),
    ]
    assert found.acknowledge_within == Duration(seconds=3600)


async def test_it_says_so_for_another_time_and_for_an_allegation_about_a_dsl() -> None:
    found = await preview_routing(about(DSL, at=MONDAY + timedelta(days=1, hours=10)), reader())
    assert [step.person_id for step in found.steps] == [LEAD]
    assert [(one.person_id, one.because) for one in found.passed_over] == [
        (DSL, PASSED_OVER_BECAUSE_INVOLVED),
        (DEPUTY, PASSED_OVER_BECAUSE_ABOUT_A_DSL),
        (SECOND_DEPUTY, PASSED_OVER_BECAUSE_ABOUT_A_DSL),
    ]


@settings(max_examples=200, deadline=None)
@given(
    rotas,
    st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1, max_size=4),
    st.sampled_from([events.CONCERN_CATEGORY_PHYSICAL, ALLEGATION]),
    st.integers(0, 7 * 24),
    some_rules,
)
def test_a_preview_is_what_a_concern_that_is_raised_then_comes_to(
    rota: Rota, involved: list[str], category: events.ConcernCategory.ValueType, hour: int, rules: tuple[Rule, ...]
) -> None:
    now = MONDAY + timedelta(hours=hour)
    tale = Tale(rota=rota, duty=Duty(OFFICE), policy=replace(POLICY, rules=rules), now=now)
    would_be = Concern(
        site_id="site-1", category=category, severity=events.SEVERITY_SERIOUS, in_it_ids=frozenset(involved),
        past_every_dsl=is_about_a_dsl(rota, category, involved),
    )  # fmt: skip
    found = preview(would_be, tale.rota, OFFICE, tale.policy, now)
    tale.give(a_concern(about=involved[0], naming=involved[1:], category=category), mentor)
    assert tale.state.assignee_id == (found.steps[0][0].person_id if found.steps else "")
