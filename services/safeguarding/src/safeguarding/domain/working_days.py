"""Working days where a provider is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from eventkernel.working_days import working_days_after


def after_working_days(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day, by the clocks of the zone, so many working days later."""
    local = at.astimezone(zone)
    return datetime.combine(working_days_after(local.date(), days), local.timetz()).astimezone(UTC)
