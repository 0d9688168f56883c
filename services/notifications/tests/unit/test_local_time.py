"""Quiet hours and times of day where somebody is, on the days on which the clocks are changed too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from notifications.domain.local_time import QuietHours, moment, next_at

LONDON = "Europe/London"
NIGHT = QuietHours(time(22), time(7))
# In 2026 London's clocks go forward on 29 March at 01:00 UTC, and back on 25 October at 01:00 UTC.
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)


def utc(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (utc(date(2026, 1, 10), 21, 59), None),
        (utc(date(2026, 1, 10), 22), utc(date(2026, 1, 11), 7)),
        (utc(date(2026, 1, 11), 6, 59), utc(date(2026, 1, 11), 7)),
        (utc(date(2026, 1, 11), 7), None),
        # In summer it is an hour earlier in UTC.
        (utc(date(2026, 7, 10), 21), utc(date(2026, 7, 11), 6)),
        (utc(date(2026, 7, 10), 20, 59), None),
    ],
)
def test_a_night_is_quiet_across_midnight_by_the_clock_where_the_person_is(now: datetime, end: datetime | None) -> None:
    assert NIGHT.end(now, LONDON) == end


def test_hours_within_one_day_are_quiet_on_that_day() -> None:
    lunch = QuietHours(time(12), time(13, 30))
    assert lunch.end(utc(date(2026, 1, 10), 12), LONDON) == utc(date(2026, 1, 10), 13, 30)
    assert lunch.end(utc(date(2026, 1, 10), 11, 59), LONDON) is None
    assert lunch.end(utc(date(2026, 1, 10), 13, 30), LONDON) is None


def test_the_night_on_which_clocks_go_forward_is_an_hour_shorter() -> None:
    """Fault of others: quiet hours that were reckoned in UTC, or by adding hours, ended an hour late."""
    assert NIGHT.end(utc(date(2026, 3, 28), 23), LONDON) == utc(FORWARD, 6)


def test_the_night_on_which_clocks_go_back_is_an_hour_longer() -> None:
    """Fault of others: they ended an hour early."""
    assert NIGHT.end(utc(date(2026, 10, 24), 22), LONDON) == utc(BACK, 7)


def test_quiet_hours_that_end_in_the_hour_that_is_not_there_end_when_the_clocks_go_forward() -> None:
    early = QuietHours(time(22), time(1, 30))
    assert early.end(utc(FORWARD, 0, 59), LONDON) == utc(FORWARD, 1)
    assert early.end(utc(FORWARD, 1), LONDON) is None


def test_quiet_hours_that_begin_in_the_hour_that_is_not_there_begin_when_the_clocks_go_forward() -> None:
    late = QuietHours(time(1, 30), time(7))
    assert late.end(utc(FORWARD, 0, 59), LONDON) is None
    assert late.end(utc(FORWARD, 1), LONDON) == utc(FORWARD, 6)


def test_quiet_hours_that_are_all_in_the_hour_that_is_not_there_are_none_that_day() -> None:
    short = QuietHours(time(1), time(2))
    assert short.end(utc(FORWARD, 1), LONDON) is None
    assert short.end(utc(FORWARD, 0, 59), LONDON) is None


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end_in_its_second() -> None:
    """Whoever sleeps until half past one is not woken at the first one."""
    early = QuietHours(time(22), time(1, 30))
    assert early.end(utc(BACK, 0, 30), LONDON) == utc(BACK, 1, 30)
    assert early.end(utc(BACK, 1, 30), LONDON) is None


def test_quiet_hours_that_begin_in_the_hour_that_comes_twice_begin_in_its_first_and_are_not_broken() -> None:
    late = QuietHours(time(1, 30), time(7))
    assert late.end(utc(BACK, 0, 29), LONDON) is None
    for at in (utc(BACK, 0, 30), utc(BACK, 1), utc(BACK, 1, 30)):
        assert late.end(at, LONDON) == utc(BACK, 7)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (utc(date(2026, 3, 28), 1, 30), utc(FORWARD, 1)),
        (utc(FORWARD, 1), utc(date(2026, 3, 30), 0, 30)),
        # The hour that comes twice: in its first, and not again in its second.
        (utc(date(2026, 10, 24), 12), utc(BACK, 0, 30)),
        (utc(BACK, 0, 30), utc(date(2026, 10, 26), 1, 30)),
    ],
)
def test_a_time_of_day_comes_once_a_day_whatever_the_clocks_do(after: datetime, expected: datetime) -> None:
    assert next_at(after, time(1, 30), LONDON) == expected


def test_a_time_of_a_weekday_comes_once_a_week() -> None:
    monday_noon = utc(date(2026, 3, 2), 12)
    assert next_at(monday_noon, time(12), LONDON, weekday=1) == utc(date(2026, 3, 9), 12)
    assert next_at(monday_noon - timedelta(seconds=1), time(12), LONDON, weekday=1) == monday_noon
    assert next_at(monday_noon, time(12), LONDON, weekday=7) == utc(date(2026, 3, 8), 12)


def test_the_day_of_the_week_is_the_one_where_the_person_is() -> None:
    sunday_in_london = utc(date(2026, 3, 1), 20)
    assert next_at(sunday_in_london, time(6), "Asia/Tokyo", weekday=1) == utc(date(2026, 3, 1), 21)


ZONES = st.sampled_from(
    [
        LONDON,
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "America/St_Johns",
        "UTC",
    ]
)
# Around the changes of the clocks more often than by chance.
SOON = st.builds(
    lambda day, minutes: utc(day, 0) + timedelta(minutes=minutes),
    st.dates(date(2020, 1, 2), date(2030, 1, 1)),
    st.integers(0, 1439),
) | st.builds(
    lambda day, minutes: utc(day, 0) + timedelta(minutes=minutes),
    st.sampled_from([FORWARD, BACK, date(2026, 3, 8), date(2026, 11, 1), date(2026, 4, 5), date(2026, 10, 4)]),
    st.integers(-1440, 2880),
)
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
QUIET = st.builds(QuietHours, TIMES, TIMES).filter(lambda quiet: quiet.lasts <= timedelta(hours=18))


def shows(now: datetime, zone: str) -> time:
    return now.astimezone(ZoneInfo(zone)).time()


def within(quiet: QuietHours, clock: time) -> bool:
    if quiet.begins < quiet.ends:
        return quiet.begins <= clock < quiet.ends
    return clock >= quiet.begins or clock < quiet.ends


def clocks_change(now: datetime, zone: str) -> bool:
    around = (now + timedelta(hours=hours) for hours in (-26, 26))
    return len({at.astimezone(ZoneInfo(zone)).utcoffset() for at in around}) > 1


@settings(max_examples=150, deadline=None)
@for_all(now=SOON, quiet=QUIET, zone=ZONES)
def test_whatever_the_zone_quiet_hours_hold_what_the_clock_shows_in_them_and_end(
    now: datetime, quiet: QuietHours, zone: str
) -> None:
    end = quiet.end(now, zone)
    if end is None:
        assert not within(quiet, shows(now, zone))
        return
    assert now < end <= now + quiet.lasts + timedelta(hours=2)
    assert quiet.end(end, zone) is None
    assert quiet.end(end - timedelta(seconds=1), zone) == end
    if not clocks_change(now, zone):
        assert within(quiet, shows(now, zone))
        assert shows(end, zone) == quiet.ends


@settings(max_examples=100, deadline=None)
@for_all(after=SOON, at=TIMES, zone=ZONES, weekday=st.integers(0, 7))
def test_whatever_the_zone_a_time_of_day_comes_next_and_is_what_the_clock_shows(
    after: datetime, at: time, zone: str, weekday: int
) -> None:
    found = next_at(after, at, zone, weekday)
    assert after < found <= after + timedelta(days=8 if weekday else 2)
    local = found.astimezone(ZoneInfo(zone))
    if not clocks_change(found, zone):
        assert local.time() == at
    if weekday:
        assert local.isoweekday() == weekday
    # It comes once a day: the one before it is not behind `after`, on the day before or not at all.
    assert moment(local.date(), at, ZoneInfo(zone)) == found
