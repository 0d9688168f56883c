"""Calendar days as requests give them, in UTC where nothing else is said; and days, months and working days where a provider is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from eventkernel.aggregate import Refusal
from eventkernel.working_days import working_days_after

_DAY = timedelta(days=1)
_TWO_YEARS = timedelta(days=731)
_MONTHS = 12


def day(text: str, field: str) -> date:
    """The day that `2026-03-02` says. Raises Refusal NO_SUCH_DAY, which names the field, where no calendar has it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("NO_SUCH_DAY", f"{text} is no day of the calendar; give one as 2026-03-02", field=field) from None


def refuse_unless_to_come(starts_at: datetime, now: datetime, else_: str = "") -> None:
    """Raises Refusal NOT_TO_COME for an appointment that is over, or so far away that it must be a mistake. `else_` says what to do then."""
    if not now < starts_at <= now + _TWO_YEARS:
        raise Refusal(
            "NOT_TO_COME",
            f"{starts_at.isoformat()} is not within the two years to come; give such a time{else_}",
            field="starts_at",
        )


def day_there(at: datetime, zone: ZoneInfo) -> date:
    """Which day it is there at this time."""
    return at.astimezone(zone).date()


def end_of(given: date, zone: ZoneInfo) -> datetime:
    """The moment in UTC at which the day is over there: it may have 23 or 25 hours."""
    return datetime.combine(given + _DAY, time(), zone).astimezone(UTC)


def months_later(given: date, months: int) -> date:
    """The same day so many calendar months later; the month's last where it has no such day: 30 November, 28 February."""
    years, month = divmod(given.month - 1 + months, _MONTHS)
    first = date(given.year + years, month + 1, 1)
    # Four days after the 28th are in the next month, whatever the month's length.
    last = (first.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY
    return min(first + (given.day - 1) * _DAY, last)


def working_days_later(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day, by the clocks of the zone, so many working days later, in UTC."""
    local = at.astimezone(zone)
    return datetime.combine(working_days_after(local.date(), days), local.timetz()).astimezone(UTC)
