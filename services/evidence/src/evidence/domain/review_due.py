"""When the next progress review of a mentorship is due.

So many calendar months after the day of the last review, the first after the day of the start (DfE apprenticeship funding rules: at
least every three months). Days of a break in learning do not count: each that lies between moves the day on by one, so that between two reviews
a learner learns as long as without the break. In a break that nobody knows the end of nothing is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from eventkernel.timestamps import timestamp
from mentoring.evidence.v1.review_events_pb2 import (
    REVIEW_STANDING_DUE,
    REVIEW_STANDING_ENDED,
    REVIEW_STANDING_ON_BREAK,
    ReviewDueSet,
    ReviewStanding,
)

from evidence.domain.days import end_of, months_later
from evidence.domain.support_policy import SupportPolicy

_DAY = timedelta(days=1)
# No break moves a day farther: the calendar ends.
_LAST_DAY = date(9999, 12, 30)


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """A break in learning: its first day, and the first day of learning again; None while nobody knows."""

    first_day: date
    returned_on: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is due. The days are None where they are empty in the contract's `ReviewDueSet`, which says what each is."""

    mentor_id: str
    standing: ReviewStanding.ValueType
    due_on: date | None = None
    first_by: date | None = None
    late_at: datetime | None = None
    first_late_at: datetime | None = None


def moved_by_breaks(begins: date, given: date, breaks: Iterable[Break]) -> date | None:
    """The day that has as many days of learning after `begins` as `given` would have without breaks; None in a break without an end."""
    moved = given
    for one in sorted(breaks, key=lambda one: one.first_day):
        if one.first_day > moved:
            break
        if one.returned_on is None:
            return None
        away = one.returned_on - max(one.first_day, begins + _DAY)
        if away > timedelta():
            moved = moved + away if away < _LAST_DAY - moved else _LAST_DAY
    return moved


def due(
    *, mentor_id: str, started_on: date, last_held_on: date | None, breaks: Iterable[Break], policy: SupportPolicy
) -> Due:
    """When the next review of an active mentorship is due."""
    every = tuple(breaks)
    begins = last_held_on or started_on
    due_on = moved_by_breaks(begins, months_later(begins, policy.numbers["review_months"]), every)
    if due_on is None:
        return Due(mentor_id, REVIEW_STANDING_ON_BREAK)
    first_by = None
    if last_held_on is None:
        first_by = moved_by_breaks(begins, begins + policy.numbers["first_review_days"] * _DAY, every)
    return Due(
        mentor_id,
        REVIEW_STANDING_DUE,
        due_on,
        first_by,
        end_of(due_on, policy.zone),
        None if first_by is None else end_of(first_by, policy.zone),
    )


def ended(mentor_id: str) -> Due:
    """Nothing is due any more."""
    return Due(mentor_id, REVIEW_STANDING_ENDED)


def to_event(found: Due, learner_id: str, mentorship_id: str) -> ReviewDueSet:
    """As it is published."""
    return ReviewDueSet(
        learner_id=learner_id,
        mentorship_id=mentorship_id,
        mentor_id=found.mentor_id,
        standing=found.standing,
        due_on=_text(found.due_on),
        first_by=_text(found.first_by),
        late_at=timestamp(found.late_at),
        first_late_at=timestamp(found.first_late_at),
    )


def _text(given: date | None) -> str:
    return "" if given is None else given.isoformat()
