"""Calendar days as requests give them, and when they begin and end where the provider is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from eventkernel.aggregate import Refusal

# The first place on earth to have a new day is so far ahead of UTC.
_FARTHEST_EAST = timedelta(hours=14)


def day(text: str, field: str) -> date:
    """The day that `2026-03-02` says. Raises Refusal NO_SUCH_DAY, which names the field, where no calendar has it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("NO_SUCH_DAY", f"{text} is no day of the calendar; give one as 2026-03-02", field=field) from None


def has_begun(given: date, now: datetime) -> bool:
    """Whether it is that day, or later, anywhere on earth."""
    return given <= (now + _FARTHEST_EAST).date()


def start_of(given: date, time_zone: str, days: int = 0) -> datetime | None:
    """The moment in UTC at which the day so many days after this one begins there: a day that the clocks change on is shorter or longer.

    None where the calendar ends before. `time_zone` is a name of the IANA database.
    """
    try:
        return datetime.combine(given + timedelta(days=days), time(), ZoneInfo(time_zone)).astimezone(UTC)
    except OverflowError:
        return None


def end_of(given: date, time_zone: str) -> datetime | None:
    """The moment in UTC at which the day is over there."""
    return start_of(given, time_zone, days=1)
