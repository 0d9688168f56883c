"""Working days: Monday to Friday. Bank holidays are not known here, so that what is chased is chased a day too early at the worst."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_FRIDAY = 5


def after_working_days(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day, by the clocks of the zone, so many working days later."""
    local = at.astimezone(zone)
    left = days
    while left:
        local += timedelta(days=1)
        left -= local.isoweekday() <= _FRIDAY
    return local.astimezone(UTC)
