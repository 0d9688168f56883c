"""A learner against the expected pace. The clock of a programme counts days, and stands still in breaks in learning."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mentoring.evidence.v1.progress_pb2 import COLOUR_AMBER, COLOUR_GREEN, COLOUR_RED, Colour

from evidence.domain.progress_policy import ProgressPolicy


@dataclass(frozen=True, slots=True)
class Away:
    """A break: its first day, and the first day of learning again; none while it lasts."""

    first_day: date
    returned_on: date | None


@dataclass(frozen=True, slots=True)
class Pace:
    """The colour with what it follows from: days over of all days, percent of the KSBs expected and signed off, points behind."""

    colour: Colour.ValueType
    ends_on: date
    days_over: int
    days_in_all: int
    break_days: int
    expected_percent: int
    signed_off_percent: int
    behind: int


def pace_of(
    *, started_on: date, planned_end: date | None, breaks: Sequence[Away], today: date, signed_off: int, ksbs: int,
    policy: ProgressPolicy,
) -> Pace:  # fmt: skip
    """Where the learner is, and where they are expected to be.

    The expected share of the KSBs is the share of the programme's days that is over. A day of a break is no day of the programme, and the
    end is put off by it. `ksbs` is how many the standard has, at least one.
    """
    in_all = max(1, (planned_end - started_on).days if planned_end else policy.programme_days)
    away = _days_away(breaks, started_on, today)
    over = min(in_all, max(0, (today - started_on).days - away))
    expected, present = 100 * over // in_all, 100 * signed_off // ksbs
    # Of the exact shares, so that rounding never makes a colour.
    behind = 100 * (over * ksbs - signed_off * in_all)
    colour = COLOUR_RED
    if behind <= policy.green_until * in_all * ksbs:
        colour = COLOUR_GREEN
    elif behind <= policy.amber_until * in_all * ksbs:
        colour = COLOUR_AMBER
    return Pace(
        colour=colour,
        ends_on=started_on + timedelta(days=in_all + away),
        days_over=over,
        days_in_all=in_all,
        break_days=away,
        expected_percent=expected,
        signed_off_percent=present,
        # Rounded up, so that what is told is never less than what was judged.
        behind=max(0, -(-behind // (in_all * ksbs))),
    )


def _days_away(breaks: Sequence[Away], since: date, until: date) -> int:
    """The days of breaks from one day to another, the latter not included, each day once."""
    spans = sorted((max(one.first_day, since), min(one.returned_on or until, until)) for one in breaks)
    days, reached = 0, since
    for first, after in spans:
        begins = max(first, reached)
        if after > begins:
            days, reached = days + (after - begins).days, after
    return days
