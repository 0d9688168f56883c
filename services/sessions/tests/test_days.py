"""When a day begins and ends where the provider is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from eventkernel.aggregate import Refusal
from sessions.domain.days import day, end_of, has_begun, start_of


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("given", "time_zone", "ends"),
    [
        (date(2026, 1, 15), "Europe/London", utc(2026, 1, 16)),
        (date(2026, 7, 15), "Europe/London", utc(2026, 7, 15, 23)),
        # The clocks go forward on the 29th of March, and back on the 25th of October.
        (date(2026, 3, 28), "Europe/London", utc(2026, 3, 29)),
        (date(2026, 3, 29), "Europe/London", utc(2026, 3, 29, 23)),
        (date(2026, 10, 24), "Europe/London", utc(2026, 10, 24, 23)),
        (date(2026, 10, 25), "Europe/London", utc(2026, 10, 26)),
        (date(2026, 3, 2), "Pacific/Kiritimati", utc(2026, 3, 2, 10)),
        # There the clocks go forward at midnight: the 6th of September 2026 begins at one o'clock, in the moment the 5th ends.
        (date(2026, 9, 5), "America/Santiago", utc(2026, 9, 6, 4)),
    ],
)
def test_a_day_ends_at_the_providers_midnight(given: date, time_zone: str, ends: datetime) -> None:
    assert end_of(given, time_zone) == ends
    assert start_of(given + timedelta(days=1), time_zone) == ends


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    lengths = [
        (end_of(given, "Europe/London") or utc(1)) - (start_of(given, "Europe/London") or utc(1))
        for given in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 2))
    ]
    assert lengths == [timedelta(hours=23), timedelta(hours=25), timedelta(hours=24)]


def test_where_the_calendar_ends_no_day_ends() -> None:
    assert end_of(date.max, "Europe/London") is None
    assert start_of(date.min, "Pacific/Kiritimati", days=-1) is None


def test_a_day_has_begun_when_it_has_anywhere_on_earth() -> None:
    assert has_begun(date(2026, 3, 3), utc(2026, 3, 2, 10))
    assert not has_begun(date(2026, 3, 3), utc(2026, 3, 2, 9, 59))


def test_a_day_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        day("2026-02-30", "due_on")
    assert (caught.value.code, caught.value.field) == ("NO_SUCH_DAY", "due_on")
