"""A site's duty as it is set; and gaps, told once each before they begin."""

from datetime import UTC, datetime, timedelta

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import Given, given
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import duty_events_pb2 as events
from mentoring.safeguarding.v1.duty_pb2 import LookThroughDutyRequest, SetDutyRequest
from safeguarding.domain.duty_set import Duty, duty
from safeguarding.reactions.duty_gaps import duty_gaps

from .stories import DEPUTY, DSL, LEAD, NO_ROTA, POLICY, ROTA, a_rota, timestamp

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOOK = LookThroughDutyRequest(site_id="site-1")
ALL_DAYS = [number for number in events.Weekday.values() if number]


def shift(**changed: object) -> events.Shift:
    return events.Shift(**{"person_id": DSL, "weekdays": ALL_DAYS, "begins": "00:00", "ends": "24:00"} | changed)  # type: ignore[arg-type]


def leave(first: str, last: str, person: str = DSL) -> events.Leave:
    return events.Leave(person_id=person, first_day=first, last_day=last)


def asked(
    *shifts: events.Shift, leaves: tuple[events.Leave, ...] = (), zone: str = "Europe/London", notice: int = 0
) -> SetDutyRequest:
    return SetDutyRequest(site_id="site-1", time_zone=zone, shifts=shifts, leaves=leaves, notice_days=notice)


def set_(*shifts: events.Shift, leaves: tuple[events.Leave, ...] = (), notice: int = 0) -> Given[Duty]:
    return given(duty).beside(ROTA, POLICY).when(asked(*shifts, leaves=leaves, notice=notice)).after()


def gap(begins: datetime, ends: datetime, lead: str = LEAD) -> events.DutyGapFound:
    return events.DutyGapFound(
        site_id="site-1", begins_at=timestamp(begins), ends_at=timestamp(ends), senior_lead_id=lead
    )


def looked(next_at: datetime) -> events.DutyLookedThrough:
    return events.DutyLookedThrough(site_id="site-1", next_at=timestamp(next_at))


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def test_a_duty_is_set_and_said_to_have_changed() -> None:
    command = asked(shift(), leaves=(leave("2026-03-10", "2026-03-11"),))
    past = (
        given(duty)
        .beside(ROTA, POLICY)
        .when(command)
        .then(
            events.DutySet(site_id="site-1", time_zone="Europe/London", shifts=command.shifts, leaves=command.leaves),
            events.DutyChanged(site_id="site-1"),
        )
    )
    past.when(command).then_nothing()


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (asked(zone="Europe/Atlantis"), "TIME_ZONE_UNKNOWN", "time_zone"),
        (asked(zone="../etc/passwd"), "TIME_ZONE_UNKNOWN", "time_zone"),
        (asked(shift(), shift(person_id="stranger")), "NOT_ON_THE_ROTA", "shifts[1].person_id"),
        (asked(shift(person_id=LEAD)), "NOT_ON_THE_ROTA", "shifts[0].person_id"),
        (asked(leaves=(leave("2026-03-01", "2026-03-02", "stranger"),)), "NOT_ON_THE_ROTA", "leaves[0].person_id"),
        (asked(shift(first_day="2026-02-30")), "NO_SUCH_DAY", "shifts[0].first_day"),
        (asked(leaves=(leave("2026-03-02", "2026-03-01"),)), "ENDS_BEFORE_IT_BEGINS", "leaves[0].last_day"),
        (asked(shift(first_day="2026-03-02", last_day="2026-03-01")), "ENDS_BEFORE_IT_BEGINS", "shifts[0].last_day"),
    ],
)
def test_what_is_wrong_with_a_duty_is_refused_by_its_place(command: SetDutyRequest, code: str, field: str) -> None:
    assert given(duty).beside(ROTA, POLICY).when(command).then_refused(code).field == field


def test_all_that_is_wrong_is_told_at_once() -> None:
    refusal = (
        given(duty)
        .beside(ROTA, POLICY)
        .when(asked(shift(person_id="x"), zone="Nowhere"))
        .then_refused("TIME_ZONE_UNKNOWN")
    )
    assert "shifts[0].person_id" in refusal.text


def test_a_gap_is_told_once_before_it_begins_and_the_next_look_is_arranged_for_the_next_one() -> None:
    past = set_(shift(), leaves=(leave("2026-03-05", "2026-03-06"), leave("2026-03-12", "2026-03-12")))
    past = past.when(LOOK, at=MONDAY).then(gap(day(5), day(7)), looked(day(5)))
    past.when(LOOK, at=MONDAY).then(looked(day(5)))
    again = LookThroughDutyRequest(site_id="site-1", arranged_for=timestamp(day(5)))
    past.when(again, at=day(5) + timedelta(seconds=1)).then(
        gap(day(12), day(13)), looked(day(5) + timedelta(days=14, seconds=1))
    )


def test_of_several_gaps_within_a_notice_each_is_told_once_whatever_is_looked_through_again() -> None:
    nights = set_(shift(begins="09:00", ends="17:00"), notice=7)
    told = nights.when(LOOK, at=MONDAY)
    assert len(told.events) == 7 + len([looked(MONDAY)])
    for again in (timedelta(0), timedelta(days=1), timedelta(days=3)):
        outcome = told.after().when(LOOK, at=MONDAY + again)
        found = [event for event in outcome.events if isinstance(event, events.DutyGapFound)]
        assert found == [one for one in found if one.begins_at.ToDatetime(UTC) >= MONDAY + timedelta(days=7)]
        told = outcome
    # What is over is not kept.
    assert min(ends for _, ends in told.after().state.told) > MONDAY - timedelta(days=7)


def test_a_gap_that_is_far_off_is_told_when_its_notice_comes() -> None:
    past = set_(shift(), leaves=(leave("2026-03-12", "2026-03-12"),), notice=3)
    past.when(LOOK, at=MONDAY).then(looked(day(9)))


def test_a_look_that_was_arranged_before_something_changed_looks_at_nothing() -> None:
    past = set_(shift(), leaves=(leave("2026-03-05", "2026-03-05"),)).when(LOOK, at=MONDAY).after()
    past = past.beside(ROTA, POLICY).when(asked(shift())).after()
    stale = LookThroughDutyRequest(site_id="site-1", arranged_for=timestamp(MONDAY + timedelta(days=14)))
    past.when(stale, at=MONDAY).then_nothing()


def test_a_gap_that_a_new_rota_makes_is_told_though_another_was_told_that_ends_later() -> None:
    both = set_(
        shift(), shift(person_id=DEPUTY, begins="00:00", ends="12:00"), leaves=(leave("2026-03-05", "2026-03-06"),)
    )
    past = both.beside(a_rota(DSL, DEPUTY)).when(LOOK, at=day(4, 13)).after()
    outcome = past.beside(a_rota(DSL)).when(LOOK, at=day(4, 14))
    assert [event for event in outcome.events if isinstance(event, events.DutyGapFound)] == [gap(day(5), day(7))]


def test_a_site_that_never_set_a_duty_is_not_looked_through_again_and_again() -> None:
    given(duty).beside(NO_ROTA).when(LOOK, at=MONDAY).then_nothing()


def test_changes_are_looked_through_at_once_and_arranged_looks_when_their_time_comes() -> None:
    def reply(event: Message) -> list[object]:
        meta = Metadata("id", "type", "provider-1", "duty-site-1", 1, MONDAY)
        return list(duty_gaps.policies[type(event)](event, meta))

    assert reply(events.DutyChanged(site_id="site-1")) == [LOOK]
    assert reply(events.RotaChanged(site_id="site-1")) == [LOOK]
    arranged = LookThroughDutyRequest(site_id="site-1", arranged_for=timestamp(day(9)))
    assert reply(looked(day(9))) == [Later(day(9), arranged)]


@pytest.mark.parametrize(
    ("first", "last", "zone"), [("2026-03-02", "9999-12-31", "UTC"), ("0001-01-01", "2026-03-03", "Asia/Tokyo")]
)
def test_a_leave_without_an_end_or_a_beginning_is_looked_through_like_any_other(
    first: str, last: str, zone: str
) -> None:
    past = given(duty).beside(a_rota(DSL), POLICY).when(asked(leaves=(leave(first, last),), zone=zone)).after()
    told, _ = past.beside(a_rota(DSL)).when(LOOK, at=MONDAY).events
    assert isinstance(told, events.DutyGapFound)
