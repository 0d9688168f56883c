"""When the DSL and the deputies of a site are on duty: shifts of each week and leave, in the site's own time.

Where clocks change, a shift begins at the earlier of the instants that its time may mean, and ends at the later: two that
meet at such a time overlap for an hour, and never leave one without anybody.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safeguarding.domain.rota import Rota

_DAY = timedelta(days=1)
_NO_LAST_DAY = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's duty on some weekdays (1 is Monday), in minutes since midnight; the days are ISO texts, and sort as they do."""

    person_id: str
    weekdays: frozenset[int]
    begins: int
    ends: int
    first_day: str
    last_day: str

    def begins_on(self, day: date) -> bool:
        """Whether there is a shift that begins on this day."""
        return day.isoweekday() in self.weekdays and self.first_day <= day.isoformat() <= (
            self.last_day or _NO_LAST_DAY
        )


@dataclass(frozen=True, slots=True)
class Leave:
    """Whole days, both included, as ISO texts."""

    person_id: str
    first_day: str
    last_day: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the same people are on duty, in the order in which they are asked; nobody: a gap."""

    begins: datetime
    ends: datetime
    person_ids: tuple[str, ...]


@dataclass(frozen=True)
class Calendar:
    """A site's shifts and leave. Without shifts everybody is on duty at all times, but for their leave."""

    time_zone: str = "UTC"
    shifts: tuple[Shift, ...] = ()
    leaves: tuple[Leave, ...] = ()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone; raises ZoneInfoNotFoundError or ValueError where there is none of this name."""
        return ZoneInfo(self.time_zone)

    def is_on_leave(self, person_id: str, at: datetime) -> bool:
        """Whether this day, in the site's time, is of the person's leave."""
        today = at.astimezone(self.zone).date().isoformat()
        return any(one.person_id == person_id and one.first_day <= today <= one.last_day for one in self.leaves)

    def is_on_duty(self, person_id: str, at: datetime) -> bool:
        """Whether the person is on duty at this time."""
        if self.is_on_leave(person_id, at):
            return False
        if not self.shifts:
            return True
        today = at.astimezone(self.zone).date()
        # A shift of two days before cannot reach today: none is longer than a day, nor a day longer than 25 hours.
        days = (today - _DAY, today, today + _DAY)
        return any(begins <= at < ends for begins, ends in self._shifts(person_id, days))

    def may_be_asked_first(self, person_id: str, rota: Rota, at: datetime) -> bool:
        """Whether one whom a rule names is on duty: by the rota's shifts and their own, else at all times but for their leave."""
        if person_id in (rota.dsl_id, *rota.deputy_ids) or any(one.person_id == person_id for one in self.shifts):
            return self.is_on_duty(person_id, at)
        return not self.is_on_leave(person_id, at)

    def on_duty(self, rota: Rota, at: datetime) -> Rota:
        """The rota with those alone who are on duty at this time. The senior lead always is."""
        return Rota(
            dsl_id=rota.dsl_id if rota.dsl_id and self.is_on_duty(rota.dsl_id, at) else "",
            deputy_ids=tuple(person for person in rota.deputy_ids if self.is_on_duty(person, at)),
            senior_lead_id=rota.senior_lead_id,
            stood_ids=rota.stood_ids,
        )

    def stretches(self, rota: Rota, begins: datetime, ends: datetime) -> list[Stretch]:
        """Who is on duty from one time to the other, one stretch after the other without a break between them."""
        people = [person for person in (rota.dsl_id, *rota.deputy_ids) if person]
        changes = sorted(self._changes(people, begins, ends))
        times = sorted({begins, *(change.at for change in changes if begins < change.at < ends)})
        on_shift, on_leave = Counter[str](), Counter[str]()
        found: list[Stretch] = []
        done = 0
        for at, until in zip(times, [*times[1:], ends], strict=True):
            while done < len(changes) and changes[done].at <= at:
                change = changes[done]
                (on_leave if change.is_leave else on_shift)[change.person_id] += change.by
                done += 1
            present = tuple(
                person for person in people if (on_shift[person] or not self.shifts) and not on_leave[person]
            )
            if found and found[-1].person_ids == present:
                found[-1] = Stretch(found[-1].begins, until, present)
            else:
                found.append(Stretch(at, until, present))
        return found

    def _changes(self, people: Collection[str], begins: datetime, ends: datetime) -> Iterator["_Change"]:
        first, last = (at.astimezone(self.zone).date() for at in (begins, ends))
        days = [first + _DAY * number for number in range(-1, (last - first).days + 2)]
        for person in people:
            for starts, stops in self._shifts(person, days):
                yield from _both(starts, stops, person, is_leave=False)
        for leave in self.leaves:
            # Only what of it lies in the period is looked at: a leave may begin or end with the calendar itself.
            from_day = max(date.fromisoformat(leave.first_day), first)
            to_day = min(date.fromisoformat(leave.last_day), last)
            if leave.person_id in people and from_day <= to_day:
                starts, _ = self._instants(from_day, 0)
                stops, _ = self._instants(to_day + _DAY, 0)
                yield from _both(starts, stops, leave.person_id, is_leave=True)

    def _shifts(self, person_id: str, days: Iterable[date]) -> Iterator[tuple[datetime, datetime]]:
        mine = [shift for shift in self.shifts if shift.person_id == person_id]
        for day in days:
            for shift in mine:
                if shift.begins_on(day):
                    over_midnight = shift.ends <= shift.begins
                    yield (
                        min(self._instants(day, shift.begins)),
                        max(self._instants(day + _DAY if over_midnight else day, shift.ends)),
                    )

    def _instants(self, day: date, minutes: int) -> tuple[datetime, datetime]:
        """What a local time may mean: twice the same, but where clocks change."""
        past_midnight, minute = divmod(minutes, 24 * 60)
        local = datetime.combine(day + _DAY * past_midnight, time(*divmod(minute, 60)), self.zone)
        return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


ALWAYS = Calendar()


class _Change(NamedTuple):
    """A shift or a leave of a person begins (1) or ends (-1)."""

    at: datetime
    by: int
    person_id: str
    is_leave: bool


def _both(starts: datetime, stops: datetime, person_id: str, *, is_leave: bool) -> tuple[_Change, _Change]:
    return _Change(starts, 1, person_id, is_leave), _Change(stops, -1, person_id, is_leave)
