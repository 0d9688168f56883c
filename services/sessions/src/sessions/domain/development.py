"""A mentor's own development: what they did for it (K10), and until when their vocational skills are current (S10).

That a skill is about to lapse, and that it lapsed, is told once for its last day, and only while that day is still its last.

Days are calendar days. What a mentor made of an entry is sealed and not in the state: a repeat is known by everything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import NamedTuple

from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import DevelopmentRecorded, SkillKeptCurrent
from mentoring.sessions.v1.sessions_pb2 import KeepSkillCurrentRequest, RecordDevelopmentRequest
from mentoring.sessions.v1.skill_events_pb2 import SkillLapsed, SkillLapsing
from mentoring.sessions.v1.skills_pb2 import AnnounceSkillLapsedRequest, AnnounceSkillLapsingRequest

from sessions.domain.days import day, end_of, has_begun, start_of
from sessions.domain.mentoring_policy import MentoringPolicy


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done: a DevelopmentKind, the day, nanoseconds, the skills it served, and whether there is a reflection."""

    kind: int
    done_on: str
    duration: int
    skill_ids: tuple[str, ...]
    reflected: bool


@dataclass(frozen=True, slots=True)
class Currency:
    """From which day until which, both included, a skill counts as current, and why: a CurrencyProof."""

    valid_from: str
    valid_until: str
    proof: int


@dataclass(frozen=True, slots=True)
class Development:
    """One mentor's log by entry, and their skills. `told_lapsing` and `told_lapsed` are the last days
    for which that was told, by skill."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    skills: Mapping[str, Currency] = field(default_factory=dict)
    told_lapsing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told_lapsed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


development = Aggregate("development", initial=Development())


@development.decide
def record(state: Development, command: RecordDevelopmentRequest, context: Context) -> list[DevelopmentRecorded]:
    """Notes what was done. An entry, once noted, stays as it is."""
    known = state.entries.get(command.entry_id)
    if known == _asked(command):
        return []
    if known is not None:
        raise Refusal(
            "ENTRY_EXISTS",
            f"entry {command.entry_id} says otherwise, and stays as it is; note this under a new id",
            field="entry_id",
        )
    if not has_begun(day(command.done_on, "done_on"), context.now):
        raise Refusal("NOT_DONE_YET", f"{command.done_on} is still to come; note it when it is done", field="done_on")
    return [
        DevelopmentRecorded(
            mentor_id=command.mentor_id,
            entry_id=command.entry_id,
            kind=command.kind,
            done_on=command.done_on,
            duration=command.duration,
            skill_ids=command.skill_ids,
            reflection=Sealed(to_be_sealed=command.reflection) if command.reflection else None,
        )
    ]


@development.decide
def keep_current(state: Development, command: KeepSkillCurrentRequest, context: Context) -> list[SkillKeptCurrent]:
    """Says until when a skill is current, in place of what was said of it before. When it lapses follows the policy as it is now."""
    if day(command.valid_until, "valid_until") < day(command.valid_from, "valid_from"):
        raise Refusal(
            "ENDS_BEFORE_IT_BEGINS",
            f"valid_until {command.valid_until} lies before valid_from {command.valid_from}; give a later last day",
            field="valid_until",
        )
    if state.skills.get(command.skill_id) == _currency(command):
        return []
    event = SkillKeptCurrent(
        mentor_id=command.mentor_id,
        skill_id=command.skill_id,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        proof=command.proof,
    )
    if (moments := end_of_skill(command.valid_until, context.state(MentoringPolicy))) is not None:
        event.lapsing_at.FromDatetime(moments.lapsing_at)
        event.lapses_at.FromDatetime(moments.lapses_at)
    return [event]


@development.decide
def announce_lapsing(state: Development, command: AnnounceSkillLapsingRequest, context: Context) -> list[SkillLapsing]:
    """Tells that a skill is about to lapse, unless it was renewed, was told of before, or has lapsed by now.

    Raises NotYet before its time: a clock that was set back ends no alarm.
    """
    if not _ends_on(state, command) or command.valid_until in state.told_lapsing.get(command.skill_id, ()):
        return []
    if context.now >= command.lapses_at.ToDatetime(tzinfo=UTC):
        return []
    _refuse_before(command.lapsing_at, context)
    return [SkillLapsing(mentor_id=command.mentor_id, skill_id=command.skill_id, valid_until=command.valid_until)]


@development.decide
def announce_lapsed(state: Development, command: AnnounceSkillLapsedRequest, context: Context) -> list[SkillLapsed]:
    """Tells that a skill lapsed, unless it was renewed or was told of before. Raises NotYet before its last day is over."""
    if not _ends_on(state, command) or command.valid_until in state.told_lapsed.get(command.skill_id, ()):
        return []
    _refuse_before(command.lapses_at, context)
    return [SkillLapsed(mentor_id=command.mentor_id, skill_id=command.skill_id, valid_until=command.valid_until)]


@development.evolve
def recorded(state: Development, event: DevelopmentRecorded) -> Development:
    """One entry more."""
    return replace(
        state, entries={**state.entries, event.entry_id: _entry(event, reflected=event.HasField("reflection"))}
    )


@development.evolve
def kept_current(state: Development, event: SkillKeptCurrent) -> Development:
    """What counts of the skill now."""
    return replace(state, skills={**state.skills, event.skill_id: _currency(event)})


@development.evolve
def lapsing(state: Development, event: SkillLapsing) -> Development:
    """It was told for this last day, and is not told for it again."""
    return replace(state, told_lapsing=_told(state.told_lapsing, event))


@development.evolve
def lapsed(state: Development, event: SkillLapsed) -> Development:
    """It was told for this last day, and is not told for it again."""
    return replace(state, told_lapsed=_told(state.told_lapsed, event))


class SkillEnd(NamedTuple):
    """From when a skill is about to lapse, and when its last day is over."""

    lapsing_at: datetime
    lapses_at: datetime


def end_of_skill(valid_until: str, policy: MentoringPolicy) -> SkillEnd | None:
    """When a skill with this last day is about to lapse and lapses, by the provider's policy; None where the calendar ends before."""
    last = date.fromisoformat(valid_until)
    lapsing_at = start_of(last, policy.time_zone, days=-policy.skill_notice_days)
    lapses_at = end_of(last, policy.time_zone)
    return None if lapsing_at is None or lapses_at is None else SkillEnd(lapsing_at, lapses_at)


def _told(told: Mapping[str, tuple[str, ...]], event: SkillLapsing | SkillLapsed) -> Mapping[str, tuple[str, ...]]:
    return {**told, event.skill_id: (*told.get(event.skill_id, ()), event.valid_until)}


def _ends_on(state: Development, command: AnnounceSkillLapsingRequest | AnnounceSkillLapsedRequest) -> bool:
    """Whether the day for which the alarm was set is still the skill's last."""
    current = state.skills.get(command.skill_id)
    return current is not None and current.valid_until == command.valid_until


def _refuse_before(moment: Timestamp, context: Context) -> None:
    if context.now < moment.ToDatetime(tzinfo=UTC):
        raise NotYet("SKILL_STILL_CURRENT", "the skill's time has not come; it is told then")


def _asked(command: RecordDevelopmentRequest) -> Entry:
    return _entry(command, reflected=bool(command.reflection))


def _entry(of: RecordDevelopmentRequest | DevelopmentRecorded, *, reflected: bool) -> Entry:
    return Entry(of.kind, of.done_on, of.duration.ToNanoseconds(), tuple(of.skill_ids), reflected)


def _currency(of: KeepSkillCurrentRequest | SkillKeptCurrent) -> Currency:
    return Currency(of.valid_from, of.valid_until, of.proof)
