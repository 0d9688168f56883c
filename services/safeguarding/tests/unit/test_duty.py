"""Who is on duty when: shifts, leave, nights, gaps, and the days on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mentoring.safeguarding.v1 import events_pb2 as events
from safeguarding.domain.duty import ALWAYS, Calendar, Leave, Shift, Stretch
from safeguarding.domain.duty_set import Duty

from .stories import DEPUTY, DSL, LEAD, SECOND_DEPUTY, Tale, a_concern, a_rota, mentor

LONDON = ZoneInfo("Europe/London")
WEEK, EVERY_DAY = frozenset({1, 2, 3, 4, 5}), frozenset({1, 2, 3, 4, 5, 6, 7})
PAIR = a_rota(DSL, DEPUTY)


def at(text: str) -> datetime:
    """A time in London."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


def shift(
    person: str, begins: str, ends: str, weekdays: frozenset[int] = EVERY_DAY, *, first: str = "", last: str = ""
) -> Shift:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Shift(person, weekdays, minutes(begins), minutes(ends), first, last)


def london(*shifts: Shift, leaves: tuple[Leave, ...] = ()) -> Calendar:
    return Calendar("Europe/London", shifts, leaves)


def on_duty(calendar: Calendar, when: str) -> list[str]:
    return [person for person in (DSL, DEPUTY, SECOND_DEPUTY) if calendar.is_on_duty(person, at(when))]


OFFICE = london(shift(DSL, "09:00", "17:00", WEEK), shift(DEPUTY, "17:00", "09:00", WEEK))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-02T08:59", []),
        ("2026-03-02T09:00", [DSL]),
        ("2026-03-02T16:59", [DSL]),
        ("2026-03-02T17:00", [DEPUTY]),
        ("2026-03-03T08:59", [DEPUTY]),
        ("2026-03-07T08:59", [DEPUTY]),
        ("2026-03-07T09:00", []),
        ("2026-07-06T09:00", [DSL]),
    ],
    ids=["before the first", "its first minute", "its last", "the night's first", "in the night", "Friday's night", "the weekend", "in summer time"],
)  # fmt: skip
def test_a_shift_is_on_its_weekdays_in_local_time_and_a_night_is_of_the_day_it_begins_on(
    when: str, expected: list[str]
) -> None:
    assert on_duty(OFFICE, when) == expected


def test_a_shift_until_midnight_and_bounds_of_days() -> None:
    calendar = london(shift(DSL, "18:00", "24:00", first="2026-03-02", last="2026-03-03"))
    times = ("2026-03-01T20:00", "2026-03-02T23:59", "2026-03-03T00:00", "2026-03-03T23:59", "2026-03-04T20:00")
    assert [bool(on_duty(calendar, when)) for when in times] == [False, True, False, True, False]


def test_leave_is_whole_local_days_whatever_the_shifts_say() -> None:
    calendar = london(shift(DSL, "18:00", "06:00"), leaves=(Leave(DSL, "2026-07-02", "2026-07-03"),))
    times = ("2026-07-01T23:59", "2026-07-02T00:00", "2026-07-03T23:59", "2026-07-04T00:00")
    assert [bool(on_duty(calendar, when)) for when in times] == [True, False, False, True]
    assert calendar.is_on_leave(DSL, at("2026-07-02T00:00"))
    assert not calendar.is_on_leave(DEPUTY, at("2026-07-02T00:00"))


def test_without_shifts_everybody_is_on_duty_but_for_their_leave() -> None:
    assert on_duty(ALWAYS, "2026-03-07T03:00") == [DSL, DEPUTY, SECOND_DEPUTY]
    calendar = london(leaves=(Leave(DSL, "2026-03-07", "2026-03-07"),))
    assert on_duty(calendar, "2026-03-07T03:00") == [DEPUTY, SECOND_DEPUTY]


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"], ids=["forward", "back"])
@pytest.mark.parametrize("handover", ["00:30", "01:00", "01:30", "02:00"])
def test_two_shifts_that_meet_where_clocks_change_leave_nobody_out(change: str, handover: str) -> None:
    """01:30 is not there in spring, and there twice in autumn."""
    calendar = london(shift(DSL, "12:00", handover), shift(DEPUTY, handover, "12:00"))
    noon = at(f"{change}T12:00")
    stretches = calendar.stretches(PAIR, noon - timedelta(hours=20), noon)
    assert [stretch for stretch in stretches if not stretch.person_ids] == []


def test_stretches_follow_one_another_and_name_gaps_and_overlaps() -> None:
    calendar = london(shift(DSL, "09:00", "13:00", frozenset({1})), shift(DEPUTY, "12:00", "15:00", frozenset({1})))
    assert calendar.stretches(PAIR, at("2026-03-02T08:00"), at("2026-03-02T16:00")) == [
        Stretch(at("2026-03-02T08:00"), at("2026-03-02T09:00"), ()),
        Stretch(at("2026-03-02T09:00"), at("2026-03-02T12:00"), (DSL,)),
        Stretch(at("2026-03-02T12:00"), at("2026-03-02T13:00"), (DSL, DEPUTY)),
        Stretch(at("2026-03-02T13:00"), at("2026-03-02T15:00"), (DEPUTY,)),
        Stretch(at("2026-03-02T15:00"), at("2026-03-02T16:00"), ()),
    ]


shifts = st.builds(
    Shift,
    st.sampled_from([DSL, DEPUTY]),
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(0, 24 * 60 - 1),
    st.integers(0, 24 * 60),
    st.sampled_from(["", "2026-03-27"]),
    st.sampled_from(["", "2026-03-30"]),
)
leaves = st.builds(
    Leave, st.sampled_from([DSL, DEPUTY]), st.just("2026-03-28"), st.sampled_from(["2026-03-28", "2026-03-30"])
)


@settings(max_examples=150, deadline=None)
@given(st.lists(shifts, max_size=5), st.lists(leaves, max_size=2), st.integers(0, 5 * 24 * 60 - 1))
def test_what_a_stretch_says_is_what_holds_at_each_minute_of_it(
    some: list[Shift], off: list[Leave], minute: int
) -> None:
    """Over the spring change of clocks, with overlapping shifts, nights and leave."""
    calendar = Calendar("Europe/London", tuple(some), tuple(off))
    begins = datetime(2026, 3, 27, tzinfo=UTC)
    stretches = calendar.stretches(PAIR, begins, begins + timedelta(days=5))
    assert [one.begins for one in stretches] == [begins, *(one.ends for one in stretches[:-1])]
    when = begins + timedelta(minutes=minute)
    (stretch,) = [one for one in stretches if one.begins <= when < one.ends]
    assert stretch.person_ids == tuple(person for person in (DSL, DEPUTY) if calendar.is_on_duty(person, when))


class TestRouting:
    def raised_at(self, when: str, calendar: Calendar = OFFICE, naming: tuple[str, ...] = ()) -> Tale:
        tale = Tale(rota=PAIR, duty=Duty(calendar), now=at(when))
        tale.give(a_concern(naming=naming), mentor)
        return tale

    def test_who_is_on_duty_is_asked(self) -> None:
        assert self.raised_at("2026-03-02T10:00").state.assignee_id == DSL
        assert self.raised_at("2026-03-02T20:00").state.assignee_id == DEPUTY

    def test_in_a_gap_the_senior_lead_is_asked_at_once(self) -> None:
        assert self.raised_at("2026-03-08T10:00").state.assignee_id == LEAD

    def test_whoever_comes_on_duty_is_asked_at_the_next_deadline(self) -> None:
        tale = self.raised_at("2026-03-02T08:30")
        assert tale.state.assignee_id == LEAD
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DSL

    def test_no_shift_brings_a_named_person_onto_the_ladder(self) -> None:
        assert self.raised_at("2026-03-02T10:00", naming=(DSL,)).state.assignee_id == LEAD

    def test_an_allegation_about_a_dsl_who_is_off_duty_still_goes_past_every_dsl(self) -> None:
        tale = Tale(rota=PAIR, duty=Duty(OFFICE), now=at("2026-03-02T20:00"))
        tale.give(a_concern(naming=[DSL], category=events.CONCERN_CATEGORY_STAFF_ALLEGATION), mentor)
        assert tale.state.assignee_id == LEAD
