"""What somebody has to know of a site's duty before it comes: gaps, overlaps, leave, and changes of the clocks.

What comes back each week at the same local times is one finding, with how often it comes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mentoring.safeguarding.v1.duty_pb2 import CheckDutyResponse, DutyStretch, GetRotaResponse
from mentoring.safeguarding.v1.routing_pb2 import GetRoutingPolicyResponse

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What was found, the gravest first."""

    NO_ROTA = "no rota"
    GAP = "gap"
    CLOCKS = "clocks change"
    LEAVE = "leave"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, in the site's local time; `last` is when it begins for the last time of `times`."""

    kind: Kind
    first: datetime
    ends: datetime
    said: str
    last: datetime
    times: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """A site's rota, who is on duty at it in the time that was asked for, and the provider's policy."""

    site_id: str
    rota: GetRotaResponse
    duty: CheckDutyResponse
    policy: GetRoutingPolicyResponse


class _Alike(NamedTuple):
    """What the stretches of one finding have in common, in local time."""

    people: tuple[str, ...]
    begins: time
    ends: time
    over: timedelta


def without_rota(policy: GetRoutingPolicyResponse) -> str:
    """Whom a concern goes to where there is no rota."""
    if policy.last_resort_id:
        first = "those whom a rule of it names, then " if policy.rules else ""
        return f"and the routing policy names a last resort: a concern goes to {first}{policy.last_resort_id}"
    unless = ", unless a rule of it names somebody" if policy.rules else ""
    return (
        f"and the routing policy names no last resort: a concern goes to NOBODY{unless}. Set one with SetRoutingPolicy"
    )


def findings(site: Site, begins: datetime, ends: datetime) -> list[Finding]:
    """All of a site's from one time to another, by their kinds and then by when they begin."""
    zone = ZoneInfo(site.duty.time_zone or "UTC")
    if not site.rota.rota_is_set:
        nobody = f"nobody stands on it, {without_rota(site.policy)}"
        return [Finding(Kind.NO_ROTA, begins.astimezone(zone), ends.astimezone(zone), nobody, begins.astimezone(zone))]
    found = [*_stretches(site, zone), *_clocks(site, zone, begins, ends), *_leave(site, zone, begins, ends)]
    return sorted(found, key=lambda one: (list(Kind).index(one.kind), one.first))


def _stretches(site: Site, zone: ZoneInfo) -> Iterator[Finding]:
    """Gaps and overlaps. Where no shifts are set all are on duty at all times, and that is meant."""
    alike: dict[_Alike, list[tuple[datetime, datetime]]] = {}
    for one in site.duty.stretches:
        if one.person_ids and (len(one.person_ids) == 1 or not site.rota.shifts):
            continue
        first, ends = _local(one, zone)
        key = _Alike(tuple(one.person_ids), first.time(), ends.time(), ends.date() - first.date())
        alike.setdefault(key, []).append((first, ends))
    lead = site.rota.senior_lead_id
    for what, times in alike.items():
        kind, said = Kind.GAP, f"nobody is on duty: a concern goes to {lead} at once"
        if what.people:
            kind, said = Kind.OVERLAP, f"on duty together, asked in this order: {', '.join(what.people)}"
        yield Finding(kind, *times[0], said, times[-1][0], len(times))


def _clocks(site: Site, zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[Finding]:
    for at, by in _changes(zone, begins, ends):
        present = next((_who(one) for one in site.duty.stretches if _holds(one, at)), "nobody")
        minutes = abs(by) // timedelta(minutes=1)
        how = "longer" if by < timedelta() else "shorter"
        way = "back" if by < timedelta() else "forward"
        said = f"they go {way}: {present} on duty then, {minutes} minutes {how} than the clock says"
        local = at.astimezone(zone)
        yield Finding(Kind.CLOCKS, local, local, said, local)


def _leave(site: Site, zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[Finding]:
    first_day, last_day = begins.astimezone(zone).date(), ends.astimezone(zone).date()
    for one in site.rota.leaves:
        first, last = date.fromisoformat(one.first_day), date.fromisoformat(one.last_day)
        if first <= last_day and first_day <= last:
            starts = datetime.combine(first, datetime.min.time(), zone)
            stops = datetime.combine(last, datetime.max.time(), zone)
            yield Finding(Kind.LEAVE, starts, stops, f"{one.person_id} is away, whatever their shifts say", starts)


def _changes(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """When the zone's distance from UTC changes and by how much, to the minute: found by halving the days in which it does."""
    day = begins.astimezone(UTC)
    while day < ends:
        following = min(day + _DAY, ends)
        by = _offset(zone, following) - _offset(zone, day)
        if by:
            before, after = day, following
            while after - before > timedelta(minutes=1):
                middle = before + (after - before) / 2
                if _offset(zone, middle) == _offset(zone, day):
                    before = middle
                else:
                    after = middle
            yield after.replace(second=0, microsecond=0), by
        day = following


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _local(one: DutyStretch, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return one.begins_at.ToDatetime(UTC).astimezone(zone), one.ends_at.ToDatetime(UTC).astimezone(zone)


def _holds(one: DutyStretch, at: datetime) -> bool:
    return one.begins_at.ToDatetime(UTC) <= at < one.ends_at.ToDatetime(UTC)


def _who(one: DutyStretch) -> str:
    people: Sequence[str] = one.person_ids
    return f"{', '.join(people)} {'are' if len(people) > 1 else 'is'}" if people else "nobody is"
