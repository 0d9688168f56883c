"""A person's sessions as an iCalendar document (RFC 5545), for any calendar that can import one.

A calendar is shared with colleagues and kept by others. So an entry tells when, and neither with whom nor of which kind: that a session
is pastoral tells of its learner already.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from eventkernel.reading import Reader
from icalendar import Calendar, Event
from mentoring.common.v1.common_pb2 import Page
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest, GetCalendarResponse
from mentoring.sessions.v1.mentorship_pb2 import MENTORSHIP_STATUS_ACTIVE
from mentoring.sessions.v1.sessions_pb2 import SESSION_STATUS_HELD, SESSION_STATUS_PLANNED

from sessions.policy_defaults import CALENDAR_DAYS_BACK
from sessions.projections.learner_sessions import LearnerSession, learner_sessions
from sessions.projections.mentorship_register import mentorship_register
from sessions.projections.session_lists import is_mentor_in
from sessions.projections.times import EPOCH, milliseconds

_PRODUCT = "-//Mentorstream//Sessions//EN"
_SUMMARY = "Mentoring session"
# As many as a page may have.
_AT_ONCE = 500
_TAKES_PLACE = (SESSION_STATUS_PLANNED, SESSION_STATUS_HELD)


async def get_calendar(request: GetCalendarRequest, read: Reader) -> GetCalendarResponse:
    """The sessions of the caller as learner, and of the mentorships in which they mentor now."""
    since = milliseconds(read.now - timedelta(days=request.days_back or CALENDAR_DAYS_BACK))
    found = [one async for one in _all(read, since, {"learner_id": request.person_id})]
    found += await _as_mentor(request.person_id, read, since)
    return GetCalendarResponse(calendar=written(found, read.principal.tenant))


def written(sessions: Iterable[LearnerSession], tenant: str) -> str:
    """The document. Each entry keeps its UID, and its SEQUENCE grows with whatever changed."""
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    for one in sorted(sessions, key=lambda each: (each.starts_at_ms, each.session_id)):
        calendar.add_component(_entry(one, tenant))
    return bytes(calendar.to_ical()).decode()


def _entry(one: LearnerSession, tenant: str) -> Event:
    entry = Event()
    entry.add("uid", f"{one.session_id}@{tenant}.sessions.mentorstream")
    # Without a METHOD, RFC 5545 has DTSTAMP tell when the entry was last revised: the same document for the same sessions.
    entry.add("dtstamp", _at(one.changed_ms))
    entry.add("last-modified", _at(one.changed_ms))
    entry.add("sequence", one.changes)
    entry.add("summary", _SUMMARY)
    entry.add("dtstart", _at(one.starts_at_ms))
    entry.add("duration", timedelta(milliseconds=one.duration_ms))
    entry.add("status", "CONFIRMED" if one.status in _TAKES_PLACE else "CANCELLED")
    return entry


async def _as_mentor(person_id: str, read: Reader, since: int) -> list[LearnerSession]:
    """Which mentorships those are is read from the register, and of each the mentorship itself is asked: who was replaced is told nothing."""
    mine = await read.documents(mentorship_register, mentor_id=person_id, status=MENTORSHIP_STATUS_ACTIVE)
    still = await asyncio.gather(*(is_mentor_in(person_id, one.learner_id, one.mentorship_id, read) for one in mine))
    pairs = {(one.learner_id, one.mentorship_id) for one, holds in zip(mine, still, strict=True) if holds}
    if not pairs:
        return []
    wanted = {
        "learner_id": frozenset(learner_id for learner_id, _ in pairs),
        "mentorship_id": frozenset(mentorship_id for _, mentorship_id in pairs),
    }
    return [one async for one in _all(read, since, wanted) if (one.learner_id, one.mentorship_id) in pairs]


async def _all(read: Reader, since: int, equal: Mapping[str, object]) -> AsyncIterator[LearnerSession]:
    page = Page(size=_AT_ONCE)
    while True:
        found, page.cursor = await read.page(
            learner_sessions, page, order="starts_at_ms", descending=False, since=since, **equal
        )
        for one in found:
            yield one
        if not page.cursor:
            return


def _at(since_1970: int) -> datetime:
    # iCalendar knows whole seconds.
    return (EPOCH + timedelta(milliseconds=since_1970)).astimezone(UTC).replace(microsecond=0)
