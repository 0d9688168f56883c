"""A person's calendar at its address, `/calendar/<provider>/<person_id>/<secret>.ics`.

The address names the stream, and the stream as it is stored now says whether the secret opens it: no read model that may be behind is
asked, so what is closed is closed at once.
"""

import re

from eventkernel.messages import Principal
from eventkernel.pages import Shown
from eventkernel.reading import Readers
from eventkernel.tokens import ID_PATTERN
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest

from sessions.domain.calendar_feed import calendar_feed
from sessions.projections.calendar import get_calendar

_ID = ID_PATTERN.removeprefix("^").removesuffix("$")
_ADDRESS = re.compile(rf"({_ID})/({_ID})/([A-Za-z0-9_-]{{43}})\.ics")


async def calendar_page(rest: str, readers: Readers) -> Shown | None:
    """What GetCalendar answers the person now; None where this opens no calendar."""
    found = _ADDRESS.fullmatch(rest)
    if found is None:
        return None
    tenant, person_id, secret = found.groups()
    read = readers(Principal(tenant, person_id))
    feed = await read.state(calendar_feed, f"calendar-feed-{person_id}")
    if not feed.is_opened_by(secret):
        return None
    answer = await get_calendar(GetCalendarRequest(person_id=person_id), read)
    return Shown("text/calendar; charset=utf-8", answer.calendar.encode())
