"""A site's duty as it is set, and the search for times in which nobody is on it, before they come."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eventkernel.aggregate import Aggregate, Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.safeguarding.v1 import duty_events_pb2 as events
from mentoring.safeguarding.v1.duty_events_pb2 import DutyChanged, DutyGapFound, DutyLookedThrough, DutySet
from mentoring.safeguarding.v1.duty_pb2 import LookThroughDutyRequest, SetDutyRequest

from safeguarding.domain.duty import ALWAYS, Calendar, Leave, Shift
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.policy_defaults import DUTY_GAP_NOTICE

# A gap is looked for so long after the time by which it is to be told, so that the next look can wait until then.
_BETWEEN_LOOKS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Duty:
    """A site's calendar. `told` has the gaps that were told, from when until when: none that lies within one is told again."""

    calendar: Calendar = ALWAYS
    notice: timedelta = DUTY_GAP_NOTICE
    told: tuple[tuple[datetime, datetime], ...] = ()
    next_look_at: datetime | None = None


# Shape 2: states of shape 1 had forgotten all gaps that were told but the last.
duty = Aggregate("duty", initial=Duty(), shape=2)


@duty.decide
def set_duty(state: Duty, command: SetDutyRequest, context: Context) -> list[DutySet | DutyChanged]:
    """Sets all of it. Concerns that wait are asked by it from their next deadline on."""
    rules = context.state(RoutingPolicy).rules
    named = {person_id for rule in rules if rule.is_at(command.site_id) for person_id in rule.first_ids}
    faults = list(_faults(command, context.state(Rota), named))
    if faults:
        raise Refusal(faults[0].code, "; ".join(fault.text for fault in faults), field=faults[0].field)
    event = DutySet(
        site_id=command.site_id,
        time_zone=command.time_zone,
        shifts=command.shifts,
        leaves=command.leaves,
        notice_days=command.notice_days,
    )
    if (_calendar(event), _notice(event)) == (state.calendar, state.notice):
        return []
    return [event, DutyChanged(site_id=command.site_id)]


@duty.decide
def look_through(
    state: Duty, command: LookThroughDutyRequest, context: Context
) -> list[DutyGapFound | DutyLookedThrough]:
    """Tells each gap that begins within the notice, once, and arranges the next look.

    A look that was arranged before something changed looks at nothing: the change has led to a look of its own.
    """
    arranged = command.arranged_for.ToDatetime(tzinfo=UTC) if command.HasField("arranged_for") else None
    calendar, rota, now = state.calendar, context.state(Rota), context.now
    if (arranged is not None and arranged != state.next_look_at) or not (calendar.shifts or calendar.leaves):
        return []
    horizon = now + state.notice
    gaps = [one for one in calendar.stretches(rota, now, horizon + _BETWEEN_LOOKS) if not one.person_ids]
    new = [gap for gap in gaps if not any(begins <= gap.begins and gap.ends <= ends for begins, ends in state.told)]
    next_at = min((gap.begins - state.notice for gap in new if gap.begins >= horizon), default=now + _BETWEEN_LOOKS)
    told = [
        DutyGapFound(
            site_id=command.site_id,
            begins_at=timestamp(gap.begins),
            ends_at=timestamp(gap.ends),
            senior_lead_id=rota.senior_lead_id,
        )
        for gap in new
        if gap.begins < horizon
    ]
    return [*told, DutyLookedThrough(site_id=command.site_id, next_at=timestamp(next_at))]


@duty.evolve
def duty_set(_state: Duty, event: DutySet) -> Duty:
    """The new duty replaces the old one, and what was told of that."""
    return Duty(_calendar(event), _notice(event))


@duty.evolve
def duty_changed(state: Duty, _event: DutyChanged) -> Duty:
    """Tells others of it."""
    return state


@duty.evolve
def gap_found(state: Duty, event: DutyGapFound) -> Duty:
    """It was told. One that is over by now is not kept: a gap is told within the notice, so now is no longer than that before it begins."""
    gap = event.begins_at.ToDatetime(tzinfo=UTC), event.ends_at.ToDatetime(tzinfo=UTC)
    return replace(state, told=(*(one for one in state.told if one[1] > gap[0] - state.notice), gap))


@duty.evolve
def looked_through(state: Duty, event: DutyLookedThrough) -> Duty:
    """The next look is arranged."""
    return replace(state, next_look_at=event.next_at.ToDatetime(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    text: str
    field: str


def _faults(command: SetDutyRequest, rota: Rota, named: set[str]) -> Iterator[_Fault]:
    try:
        ZoneInfo(command.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield _Fault(
            "TIME_ZONE_UNKNOWN",
            f"time_zone: {command.time_zone} is no time zone; give its name in the IANA database, such as Europe/London",
            "time_zone",
        )
    people = {rota.dsl_id, *rota.deputy_ids, *named}
    for number, shift in enumerate(command.shifts):
        yield from _entry_faults(f"shifts[{number}]", shift, people)
    for number, leave in enumerate(command.leaves):
        yield from _entry_faults(f"leaves[{number}]", leave, people)


def _entry_faults(where: str, entry: events.Shift | events.Leave, people: set[str]) -> Iterator[_Fault]:
    if entry.person_id not in people:
        yield _Fault(
            "NOT_ON_THE_ROTA",
            f"{where}.person_id: {entry.person_id} is neither the DSL nor a deputy of the site, and no rule names them for it; set the rota, "
            "or the rules, first",
            f"{where}.person_id",
        )
    days = [day for day in (entry.first_day, entry.last_day) if day]
    for name, day in (("first_day", entry.first_day), ("last_day", entry.last_day)):
        if day and not _is_day(day):
            yield _Fault(
                "NO_SUCH_DAY", f"{where}.{name}: {day} is in no calendar; give a day that is", f"{where}.{name}"
            )
    if len(days) == len(("first", "last")) and days[0] > days[1]:
        yield _Fault(
            "ENDS_BEFORE_IT_BEGINS",
            f"{where}.last_day: {days[1]} is before the first day {days[0]}; give that day or a later one",
            f"{where}.last_day",
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _calendar(event: DutySet) -> Calendar:
    return Calendar(
        time_zone=event.time_zone,
        shifts=tuple(
            Shift(
                person_id=shift.person_id,
                weekdays=frozenset(shift.weekdays),
                begins=_minutes(shift.begins),
                ends=_minutes(shift.ends),
                first_day=shift.first_day,
                last_day=shift.last_day,
            )
            for shift in event.shifts
        ),
        leaves=tuple(Leave(leave.person_id, leave.first_day, leave.last_day) for leave in event.leaves),
    )


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _notice(event: DutySet) -> timedelta:
    return timedelta(days=event.notice_days) if event.notice_days else DUTY_GAP_NOTICE
