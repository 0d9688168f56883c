"""Days, months and working days, where calendars and clocks are uneven."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from eventkernel.aggregate import Refusal
from evidence.domain.days import (
    day,
    day_there,
    end_of,
    months_later,
    refuse_unless_to_come,
    working_days_later,
)

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("given", "months", "later"),
    [
        # By the calendar, and not 90 days: these are 92, 92, 90 and 89.
        ("2026-08-01", 3, "2026-11-01"),
        ("2026-07-15", 3, "2026-10-15"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2027-11-29", 3, "2028-02-29"),
        ("2026-11-28", 3, "2027-02-28"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 3, "2028-05-29"),
        ("2026-05-31", 1, "2026-06-30"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-10-31", 24, "2028-10-31"),
    ],
)
def test_months_are_counted_by_the_calendar(given: str, months: int, later: str) -> None:
    assert months_later(date.fromisoformat(given), months) == date.fromisoformat(later)


def test_the_day_of_the_month_is_kept_or_is_the_last() -> None:
    for number in range(800):
        given = date(2027, 1, 1) + timedelta(days=number)
        later = months_later(given, 3)
        assert (later.year * 12 + later.month) - (given.year * 12 + given.month) == 3
        assert later.day == given.day or (later + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ("2026-01-15", "2026-01-16T00:00Z"),
        ("2026-07-15", "2026-07-15T23:00Z"),
        # The days on which the clocks change end by the new ones.
        ("2026-03-29", "2026-03-29T23:00Z"),
        ("2026-10-25", "2026-10-26T00:00Z"),
    ],
)
def test_a_day_ends_at_midnight_there(given: str, ends: str) -> None:
    assert end_of(date.fromisoformat(given), LONDON) == datetime.fromisoformat(ends)


def test_a_day_there_may_be_another_than_in_utc() -> None:
    assert day_there(datetime(2026, 7, 31, 23, 30, tzinfo=UTC), LONDON) == date(2026, 8, 1)
    assert day_there(datetime(2026, 1, 31, 23, 30, tzinfo=UTC), LONDON) == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("at", "days", "later"),
    [
        ("2026-03-02T12:00Z", 5, "2026-03-09T12:00Z"),
        ("2026-03-06T12:00Z", 1, "2026-03-09T12:00Z"),
        ("2026-03-07T12:00Z", 1, "2026-03-09T12:00Z"),
        # Noon stays noon by the clocks there when they change at the weekend.
        ("2026-03-27T12:00Z", 1, "2026-03-30T11:00Z"),
        ("2026-10-23T11:00Z", 1, "2026-10-26T12:00Z"),
    ],
)
def test_working_days_leave_out_the_weekend(at: str, days: int, later: str) -> None:
    assert working_days_later(datetime.fromisoformat(at), days, LONDON) == datetime.fromisoformat(later)


def test_a_day_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        day("2026-02-29", "wished_by")
    assert (caught.value.code, caught.value.field) == ("NO_SUCH_DAY", "wished_by")


@pytest.mark.parametrize("days", [-1, 0, 732])
def test_an_appointment_is_to_come_and_not_centuries_away(days: int) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    refuse_unless_to_come(now + timedelta(seconds=1), now)
    refuse_unless_to_come(now + timedelta(days=731), now)
    with pytest.raises(Refusal) as caught:
        refuse_unless_to_come(now + timedelta(days=days), now)
    assert caught.value.code == "NOT_TO_COME"
