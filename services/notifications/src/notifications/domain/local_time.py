"""Local time: from when to when it is quiet where somebody is, and when a time of day comes next. Where clocks are put forward a time may not
be there, and where they are put back it is there twice."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another, which may be on the next day. Begun in an hour that comes twice, they begin in its first;
    ended in one, they end in its second."""

    begins: time
    ends: time

    @property
    def lasts(self) -> timedelta:
        """How long, on a day on which no clock is changed."""
        length = _since_midnight(self.ends) - _since_midnight(self.begins)
        return length if length > timedelta() else length + _DAY

    def end(self, now: datetime, time_zone: str) -> datetime | None:
        """When the quiet hours end that it is in now; None where it is in none."""
        zone = ZoneInfo(time_zone)
        today = now.astimezone(zone).date()
        for begun in (today - _DAY, today):
            ends_on = begun if self.ends > self.begins else begun + _DAY
            if moment(begun, self.begins, zone) <= now < (end := moment(ends_on, self.ends, zone, last=True)):
                return end
        return None


def next_at(after: datetime, at: time, time_zone: str, weekday: int = 0) -> datetime:
    """When it is this time of day next, behind `after`; on this day of the week (1: Monday) where one is given."""
    zone = ZoneInfo(time_zone)
    day = after.astimezone(zone).date()
    while moment(day, at, zone) <= after or (weekday and day.isoweekday() != weekday):
        day += _DAY
    return moment(day, at, zone)


def moment(day: date, at: time, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The moment in UTC at which the clock there shows this, or first shows more, where clocks were put forward over it.

    Args:
        last: where it is shown twice, the second.
    """
    local = datetime.combine(day, at, zone)
    early, late = sorted(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return late if last else early
    return _change(early, late, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks were put forward between these two moments."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)
