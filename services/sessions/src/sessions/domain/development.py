"""A mentor's own development: what they did for it (K10), and until when their vocational skills are current (S10).

Days are calendar days. What a mentor made of an entry is sealed and not in the state: a repeat is known by everything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import DevelopmentRecorded, SkillKeptCurrent
from mentoring.sessions.v1.sessions_pb2 import KeepSkillCurrentRequest, RecordDevelopmentRequest

from sessions.domain.days import day, has_begun


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
    """One mentor's log by entry, and their skills."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    skills: Mapping[str, Currency] = field(default_factory=dict)


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
def keep_current(state: Development, command: KeepSkillCurrentRequest, _context: Context) -> list[SkillKeptCurrent]:
    """Says until when a skill is current, in place of what was said of it before."""
    if day(command.valid_until, "valid_until") < day(command.valid_from, "valid_from"):
        raise Refusal(
            "ENDS_BEFORE_IT_BEGINS",
            f"valid_until {command.valid_until} lies before valid_from {command.valid_from}; give a later last day",
            field="valid_until",
        )
    if state.skills.get(command.skill_id) == _currency(command):
        return []
    return [
        SkillKeptCurrent(
            mentor_id=command.mentor_id,
            skill_id=command.skill_id,
            valid_from=command.valid_from,
            valid_until=command.valid_until,
            proof=command.proof,
        )
    ]


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


def _asked(command: RecordDevelopmentRequest) -> Entry:
    return _entry(command, reflected=bool(command.reflection))


def _entry(of: RecordDevelopmentRequest | DevelopmentRecorded, *, reflected: bool) -> Entry:
    return Entry(of.kind, of.done_on, of.duration.ToNanoseconds(), tuple(of.skill_ids), reflected)


def _currency(of: KeepSkillCurrentRequest | SkillKeptCurrent) -> Currency:
    return Currency(of.valid_from, of.valid_until, of.proof)
