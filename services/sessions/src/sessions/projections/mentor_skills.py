"""Mentors' vocational skills, one document a mentor; a mentor's own log; and which skills of all mentors are about to lapse."""

from collections.abc import Iterable, Iterator
from datetime import date

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.sessions.v1.events_pb2 import CurrencyProof, DevelopmentRecorded, SkillKeptCurrent
from mentoring.sessions.v1.sessions_pb2 import (
    CURRENCY_CURRENT,
    CURRENCY_LAPSED,
    CURRENCY_LAPSING,
    CURRENCY_NOT_YET,
    Currency,
    DevelopmentEntry,
    GetDevelopmentEntryRequest,
    GetDevelopmentEntryResponse,
    GetDevelopmentRequest,
    GetDevelopmentResponse,
    ListLapsingSkillsRequest,
    ListLapsingSkillsResponse,
    SkillCurrency,
)
from pydantic import BaseModel

from sessions.domain.days import day
from sessions.projections.current_policy import current_policy


class Skill(BaseModel):
    """From which day until which a skill counts as current, and why."""

    valid_from: str
    valid_until: str
    proof: CurrencyProof.ValueType


class MentorSkills(BaseModel):
    """A mentor's skills by their ids."""

    mentor_id: str
    skills: dict[str, Skill] = {}


mentor_skills = Projection("mentor_skills", version=1, document=MentorSkills, key="mentor_id")


@mentor_skills.on
def kept_current(document: MentorSkills, event: SkillKeptCurrent, _meta: Metadata) -> None:
    """What counts of the skill now."""
    document.skills[event.skill_id] = Skill(
        valid_from=event.valid_from, valid_until=event.valid_until, proof=event.proof
    )


async def get_development(request: GetDevelopmentRequest, read: Reader) -> GetDevelopmentResponse:
    """A mentor's log without its reflections, the newest day first, and all their skills, the nearest end first."""
    on, document, entries = day(request.on, "on"), mentor_skills.new(request.mentor_id), list[DevelopmentEntry]()
    notice_days = request.notice_days or (await current_policy(read)).skill_notice_days
    for item in await read.history(f"development-{request.mentor_id}"):
        if isinstance(item.event, DevelopmentRecorded):
            entries.append(_entry(item.event))
        elif isinstance(item.event, SkillKeptCurrent):
            kept_current(document, item.event, item.meta)
    shown, cursor = cut(
        entries,
        request.page,
        key=lambda entry: (entry.done_on, entry.entry_id),
        of=list_name("development", request.mentor_id),
        descending=True,
    )
    return GetDevelopmentResponse(
        entries=shown,
        next_cursor=cursor,
        in_a_year=_together(entry for entry in entries if _a_year_before(on) < entry.done_on <= request.on),
        skills=_by_end(_currencies(document, on, notice_days)),
    )


async def get_development_entry(request: GetDevelopmentEntryRequest, read: Reader) -> GetDevelopmentEntryResponse:
    """One entry with its reflection. Raises Refusal ENTRY_UNKNOWN where the mentor has no such entry."""
    for item in await read.history(f"development-{request.mentor_id}"):
        if isinstance(item.event, DevelopmentRecorded) and item.event.entry_id == request.entry_id:
            texts = await read.open([(item, "reflection")]) if item.event.HasField("reflection") else [""]
            return GetDevelopmentEntryResponse(entry=_entry(item.event), reflection=texts[0])
    raise Refusal("ENTRY_UNKNOWN", f"there is no entry {request.entry_id}; check the id", field="entry_id")


async def list_lapsing_skills(request: ListLapsingSkillsRequest, read: Reader) -> ListLapsingSkillsResponse:
    """The skills of all the provider's mentors that are about to lapse or have lapsed, the nearest end first."""
    on = day(request.on, "on")
    notice_days = request.notice_days or (await current_policy(read)).skill_notice_days
    found = [
        skill
        for document in await read.documents(mentor_skills)
        for skill in _currencies(document, on, notice_days)
        if skill.currency in (CURRENCY_LAPSING, CURRENCY_LAPSED)
    ]
    shown, cursor = cut(found, request.page, key=_end, of=list_name("lapsing", request.on, notice_days))
    return ListLapsingSkillsResponse(skills=shown, next_cursor=cursor)


def _currencies(document: MentorSkills, on: date, notice_days: int) -> Iterator[SkillCurrency]:
    for skill_id, skill in document.skills.items():
        days_left = (date.fromisoformat(skill.valid_until) - on).days
        yield SkillCurrency(
            mentor_id=document.mentor_id,
            skill_id=skill_id,
            valid_from=skill.valid_from,
            valid_until=skill.valid_until,
            proof=skill.proof,
            currency=_currency(skill, on, days_left, notice_days),
            days_left=days_left,
        )


def _currency(skill: Skill, on: date, days_left: int, notice_days: int) -> Currency.ValueType:
    if days_left < 0:
        return CURRENCY_LAPSED
    if on < date.fromisoformat(skill.valid_from):
        return CURRENCY_NOT_YET
    return CURRENCY_LAPSING if days_left <= notice_days else CURRENCY_CURRENT


def _by_end(skills: Iterable[SkillCurrency]) -> list[SkillCurrency]:
    return sorted(skills, key=_end)


def _end(skill: SkillCurrency) -> tuple[str, str, str]:
    return skill.valid_until, skill.mentor_id, skill.skill_id


def _entry(event: DevelopmentRecorded) -> DevelopmentEntry:
    return DevelopmentEntry(
        entry_id=event.entry_id,
        kind=event.kind,
        done_on=event.done_on,
        duration=event.duration,
        skill_ids=event.skill_ids,
    )


def _together(entries: Iterable[DevelopmentEntry]) -> Duration:
    whole = Duration()
    whole.FromNanoseconds(sum(entry.duration.ToNanoseconds() for entry in entries))
    return whole


def _a_year_before(on: date) -> str:
    """The same day of the year before; the 28th of February for the 29th."""
    same = 28 if (on.month, on.day) == (2, 29) else on.day
    return on.replace(year=max(on.year - 1, 1), day=same).isoformat()
