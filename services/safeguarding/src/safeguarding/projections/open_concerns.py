"""Every concern by when it was raised and whether it is closed or merged: what finds those that are open, and what is counted. It names nobody."""

import asyncio
from collections import Counter
from datetime import datetime

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Page
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned, ConcernCategory, ConcernClosed
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernReopened
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMerged, ConcernSeparated
from mentoring.safeguarding.v1.oversight_pb2 import (
    ConcernCount,
    GetConcernTrendsRequest,
    GetConcernTrendsResponse,
    ListOpenConcernsRequest,
    ListOpenConcernsResponse,
)
from pydantic import BaseModel

from safeguarding.concern_file import summary, urgency
from safeguarding.domain.concern import concern, stream_of
from safeguarding.one_matter import is_kept_away
from safeguarding.projections.every import every

# A cell with fewer concerns could be about somebody who is known.
_LEAST = 5
_MONTHS = 12
_PAGE = 500


class OpenConcern(BaseModel):
    """One concern; `month` is that of its raise, in UTC, and `merged_into` the merging that it is merged by."""

    concern_id: str
    site_id: str = ""
    category: ConcernCategory.ValueType = ConcernCategory.CONCERN_CATEGORY_UNSPECIFIED
    month: str = ""
    is_open: bool = True
    merged_into: str = ""


open_concerns = Projection(
    "open_concerns", version=2, document=OpenConcern, key="concern_id", indexes=("is_open", "month")
)


@open_concerns.on
def assigned(document: OpenConcern, event: ConcernAssigned, meta: Metadata) -> None:
    """Somebody is asked: the first assignment is of the commit that raised it."""
    document.site_id = event.site_id
    document.category = document.category or event.category
    document.month = document.month or f"{meta.at:%Y-%m}"
    document.is_open = True


@open_concerns.on
def closed(document: OpenConcern, _event: ConcernClosed, _meta: Metadata) -> None:
    """Nothing is waited for."""
    document.is_open = False


@open_concerns.on
def reopened(document: OpenConcern, _event: ConcernReopened, _meta: Metadata) -> None:
    """Open again."""
    document.is_open = True


@open_concerns.on
def merged(document: OpenConcern, event: ConcernMerged, _meta: Metadata) -> None:
    """It is shown and counted as its leading concern."""
    document.is_open, document.merged_into = False, _merging(event)


@open_concerns.on
def separated(document: OpenConcern, event: ConcernSeparated, _meta: Metadata) -> None:
    """On its own, unless it is merged into another. Where it was merged, the assignment that follows makes it open."""
    if document.merged_into == _merging(event):
        document.merged_into = ""


async def list_open_concerns(request: ListOpenConcernsRequest, read: Reader) -> ListOpenConcernsResponse:
    """What is open by the concerns themselves, the nearest time by which somebody is to act first; nothing that the caller is in.

    Those are taken out before the pages are cut: neither a page's length nor a cursor tells of them.
    """
    me = read.principal.person_id
    found = [one for one in await every(open_concerns, read, is_open=True) if request.site_id in ("", one.site_id)]
    states = await asyncio.gather(*(read.state(concern, stream_of(one.concern_id)) for one in found))
    others = [state for state in states if not await is_kept_away(me, state, read)]
    shown, cursor = cut(others, request.page, key=urgency, of=list_name("open concerns", me, request.site_id))
    return ListOpenConcernsResponse(concerns=map(summary, shown), next_cursor=cursor)


async def get_concern_trends(request: GetConcernTrendsRequest, read: Reader) -> GetConcernTrendsResponse:
    """Counts of whole months that are over, as raised: who watches a count grow day by day learns nothing of the day's concern."""
    months = _months_before(read.now, request.months or _MONTHS)
    by_category, by_site = Counter[tuple[str, int]](), Counter[tuple[str, str]]()
    page = Page(size=_PAGE)
    while True:
        found, page.cursor = await read.page(open_concerns, page, order="month", month=frozenset(months))
        counted = [one for one in found if not one.merged_into]
        by_category.update((one.month, one.category) for one in counted)
        by_site.update((one.month, one.site_id) for one in counted)
        if not page.cursor:
            break
    counts = [
        ConcernCount(month=month, category=ConcernCategory.ValueType(category), at_least=_rounded(count))
        for (month, category), count in sorted(by_category.items())
        if count >= _LEAST
    ]
    counts += [
        ConcernCount(month=month, site_id=site_id, at_least=_rounded(count))
        for (month, site_id), count in sorted(by_site.items())
        if count >= _LEAST and site_id
    ]
    return GetConcernTrendsResponse(counts=counts)


def _merging(event: ConcernMerged | ConcernSeparated) -> str:
    return f"{event.leading_id}.{event.number}"


def _rounded(count: int) -> int:
    return count // _LEAST * _LEAST


def _months_before(now: datetime, count: int) -> list[str]:
    """The months that were over by now, in UTC."""
    newest = now.year * 12 + now.month - 2
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(newest - count + 1, newest + 1)]
