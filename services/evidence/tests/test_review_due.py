"""When the next review is due, and how breaks in learning move it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from evidence.domain.review_due import Break, due, ended, moved_by_breaks
from evidence.domain.support_policy import SupportPolicy
from mentoring.evidence.v1.review_events_pb2 import (
    REVIEW_STANDING_DUE,
    REVIEW_STANDING_ENDED,
    REVIEW_STANDING_ON_BREAK,
)

DAY = timedelta(days=1)


def d(text: str) -> date:
    return date.fromisoformat(text)


def away(first_day: str, returned_on: str = "") -> Break:
    return Break(d(first_day), d(returned_on) if returned_on else None)


@pytest.mark.parametrize(
    ("breaks", "moved"),
    [
        ([], "2026-11-01"),
        # Two weeks in between: two weeks later.
        ([away("2026-09-07", "2026-09-21")], "2026-11-15"),
        # Over before, and begun after: neither counts.
        ([away("2026-07-01", "2026-08-01")], "2026-11-01"),
        ([away("2026-11-02", "2026-12-01")], "2026-11-01"),
        ([away("2026-11-02")], "2026-11-01"),
        # A break that begins on the last day is one in which nothing is due.
        ([away("2026-11-01", "2026-11-11")], "2026-11-11"),
        ([away("2026-11-01")], None),
        ([away("2026-09-07")], None),
        # Began before, and reached beyond: only the days after count.
        ([away("2026-07-20", "2026-08-05")], "2026-11-04"),
        # The second is reached only because the first moved the day.
        ([away("2026-11-10", "2026-11-20"), away("2026-09-07", "2026-09-21")], "2026-11-25"),
        ([away("2026-09-07", "9999-12-31")], "9999-12-30"),
    ],
)
def test_days_of_a_break_do_not_count(breaks: Sequence[Break], moved: str | None) -> None:
    found = moved_by_breaks(d("2026-08-01"), d("2026-11-01"), breaks)
    assert found == (None if moved is None else d(moved))


def test_a_learner_learns_as_many_days_as_without_breaks() -> None:
    """Days of learning counted one by one over random breaks."""
    chance = Random(26)
    for _ in range(300):
        begins, given = date(2026, 8, 1), date(2026, 11, 1)
        breaks, first = list[Break](), begins - 20 * DAY
        for _ in range(chance.randrange(4)):
            first += chance.randrange(1, 50) * DAY
            breaks.append(Break(first, first + chance.randrange(1, 40) * DAY))
            first = breaks[-1].returned_on or first
        moved = moved_by_breaks(begins, given, breaks)
        assert moved is not None
        learning = [
            at
            for at in (begins + number * DAY for number in range(1, (moved - begins).days + 1))
            if not any(one.first_day <= at < (one.returned_on or at) for one in breaks)
        ]
        assert len(learning) == (given - begins).days
        assert learning[-1] == moved


def test_the_first_is_due_from_the_start_and_good_practice_earlier() -> None:
    found = due(mentor_id="mentor-1", started_on=d("2026-08-01"), last_held_on=None, breaks=(), policy=SupportPolicy())
    assert (found.standing, found.due_on, found.first_by) == (REVIEW_STANDING_DUE, d("2026-11-01"), d("2026-08-29"))
    assert found.late_at == datetime(2026, 11, 2, tzinfo=UTC)
    # Summer time: the day is over an hour earlier in UTC.
    assert found.first_late_at == datetime(2026, 8, 29, 23, tzinfo=UTC)


def test_the_next_is_due_from_the_last_that_was_held() -> None:
    found = due(
        mentor_id="mentor-1",
        started_on=d("2026-08-01"),
        last_held_on=d("2026-11-30"),
        breaks=(away("2026-09-07", "2026-09-21"),),
        policy=SupportPolicy(),
    )
    assert (found.due_on, found.first_by, found.first_late_at) == (d("2027-02-28"), None, None)


def test_nothing_is_due_in_a_break_without_end_or_after_the_end() -> None:
    found = due(
        mentor_id="mentor-1",
        started_on=d("2026-08-01"),
        last_held_on=None,
        breaks=(away("2026-09-07"),),
        policy=SupportPolicy(),
    )
    assert (found.standing, found.due_on, found.late_at) == (REVIEW_STANDING_ON_BREAK, None, None)
    assert (ended("mentor-1").standing, ended("mentor-1").due_on) == (REVIEW_STANDING_ENDED, None)


def test_the_numbers_are_the_providers() -> None:
    policy = SupportPolicy("Pacific/Auckland", {**SupportPolicy().numbers, "review_months": 2, "first_review_days": 7})
    found = due(mentor_id="mentor-1", started_on=d("2026-08-01"), last_held_on=None, breaks=(), policy=policy)
    assert (found.due_on, found.first_by) == (d("2026-10-01"), d("2026-08-08"))
    assert found.late_at == datetime(2026, 10, 1, 11, tzinfo=UTC)
