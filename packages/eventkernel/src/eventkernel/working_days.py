"""Working days: Monday to Friday. Bank holidays are not known here, so that what is late is so a day too early at the worst."""

from datetime import date, timedelta

_DAY = timedelta(days=1)
_FRIDAY = 5


def working_days_after(given: date, days: int) -> date:
    """The day so many working days after this one."""
    found, left = given, days
    while left:
        found += _DAY
        left -= found.isoweekday() <= _FRIDAY
    return found
