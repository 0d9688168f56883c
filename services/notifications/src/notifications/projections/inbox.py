"""Inboxes: each person's notices, in the words of their messages. A concern's says no more than that there is one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from eventkernel.aggregate import Aggregate
from eventkernel.following import Following
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, NoticeSettled, Occasion, Outcome
from mentoring.notifications.v1.inbox_events_pb2 import NoticeRead
from mentoring.notifications.v1.inbox_pb2 import (
    FollowMyInboxRequest,
    FollowMyInboxResponse,
    GetMyInboxRequest,
    GetMyInboxResponse,
    InboxEntry,
)
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from pydantic import BaseModel

from notifications.contents import content_of, tells_whom_to_call
from notifications.domain.delivery_policy import DeliveryPolicy
from notifications.domain.preferences import preferences
from notifications.domain.provider_details import ProviderDetails, provider_details
from notifications.forms import as_entry
from notifications.texts import Words, has_words, page, words_in

GetMyInbox: TypeAlias = Callable[[GetMyInboxRequest, Reader], Awaitable[GetMyInboxResponse]]
FollowMyInbox: TypeAlias = Callable[[FollowMyInboxRequest, Following], AsyncIterator[FollowMyInboxResponse]]
_LONGEST_AGO = timedelta(days=1)
# Two tellings are in two partitions, so that a notice may be there later than one that was asked for after it: whoever calls again is sent what
# is so much older too.
_LATE = timedelta(minutes=5)
_COUNTED = 100
_EVERY_PAGE = 500
# A mail leads an outline's reader to the notice itself: whoever reads the inbox is there.
_NO_MORE = "notices"


class InboxDocument(BaseModel):
    """One notice. `shown`: its recipient may see it; `unread`: that, and they have not marked it."""

    notice_id: str
    recipient_id: str = ""
    occasion: Occasion.ValueType = Occasion.OCCASION_UNSPECIFIED
    because: Because.ValueType = Because.BECAUSE_UNSPECIFIED
    detail: Detail.ValueType = Detail.DETAIL_UNSPECIFIED
    about_id: str = ""
    requested_at: datetime | None = None
    second_copy: bool = False
    withdrawn: bool = False
    reader_ids: list[str] = []
    shown: bool = False
    unread: bool = False


inbox = Projection("inbox", version=1, document=InboxDocument, key="notice_id", indexes=("recipient_id",))


@inbox.on
def requested(document: InboxDocument, event: NoticeRequested, meta: Metadata) -> None:
    """Somebody is told. One who gets two copies reads one."""
    document.recipient_id = event.recipient_id
    document.occasion = event.occasion
    document.because = event.because
    document.detail = event.detail
    document.about_id = event.about_id
    document.second_copy = event.second_copy
    document.requested_at = meta.at
    _look_again(document)


@inbox.on
def settled(document: InboxDocument, event: NoticeSettled, _meta: Metadata) -> None:
    """Whoever has lost the need to know before it was sent is not told here either, nor asked for what somebody has done since."""
    document.withdrawn = event.outcome in (Outcome.OUTCOME_NEED_ENDED, Outcome.OUTCOME_ACKNOWLEDGED)
    _look_again(document)


@inbox.on
def marked(document: InboxDocument, event: NoticeRead, _meta: Metadata) -> None:
    """The mark comes from a stream of its own, and so perhaps first."""
    document.reader_ids = sorted({*document.reader_ids, event.person_id})
    _look_again(document)


def inbox_queries(policy: Aggregate[DeliveryPolicy]) -> tuple[GetMyInbox, FollowMyInbox]:
    """The caller's own, and what comes: in their language, and where they did not say one, in that of this policy."""

    async def get_my_inbox(request: GetMyInboxRequest, reader: Reader) -> GetMyInboxResponse:
        me = reader.principal.person_id
        which = {"unread": True} if request.unread else {"shown": True}
        found, cursor = await reader.page(
            inbox, request.page, order="requested_at", descending=True, recipient_id=me, **which
        )
        unread, _ = await reader.page(inbox, Page(size=_COUNTED), order="requested_at", recipient_id=me, unread=True)
        words = await _words(policy, reader)
        entries = [await _entry(reader, words, document) for document in found]
        return GetMyInboxResponse(entries=entries, next_cursor=cursor, unread=len(unread))

    async def follow_my_inbox(
        request: FollowMyInboxRequest, following: Following
    ) -> AsyncIterator[FollowMyInboxResponse]:
        sent: dict[str, InboxEntry] = {}
        since: datetime | None = None
        async for read in following.rounds():
            since = since or _since(request, read.now)
            words = await _words(policy, read)
            async for document in _newer(read, since):
                entry = await _entry(read, words, document)
                if sent.get(document.notice_id, None if document.shown else entry) != entry:
                    sent[document.notice_id] = entry
                    yield FollowMyInboxResponse(entry=entry)

    return get_my_inbox, follow_my_inbox


async def _words(policy: Aggregate[DeliveryPolicy], read: Reader) -> Words:
    said = await read.state(preferences, f"preferences-{read.principal.person_id}")
    return words_in(said.wishes(await read.state(policy, "delivery-policy")).language)


async def _newer(read: Reader, since: datetime) -> AsyncIterator[InboxDocument]:
    page = Page(size=_EVERY_PAGE)
    while True:
        found, page.cursor = await read.page(
            inbox, page, order="requested_at", since=since, recipient_id=read.principal.person_id, second_copy=False
        )
        for document in found:
            yield document
        if not page.cursor:
            return


def _since(request: FollowMyInboxRequest, now: datetime) -> datetime:
    if not request.HasField("since"):
        return now
    return max(request.since.ToDatetime(UTC) - _LATE, now - _LONGEST_AGO)


def _look_again(document: InboxDocument) -> None:
    can_be_told = has_words(document.occasion, document.detail)
    document.shown = can_be_told and not (document.second_copy or document.withdrawn)
    document.unread = document.shown and document.recipient_id not in document.reader_ids


async def _entry(read: Reader, words: Words, document: InboxDocument) -> InboxEntry:
    if not document.shown:
        return InboxEntry(notice_id=document.notice_id, withdrawn=True)
    notice = StartNoticeRequest(
        notice_id=document.notice_id, occasion=document.occasion, because=document.because, detail=document.detail
    )
    provider = ProviderDetails()
    if tells_whom_to_call(document.occasion):
        provider = await read.state(provider_details, "provider-details")
    content = content_of(notice, "", "", words, provider)
    where = page(document.occasion, document.detail)
    has_more = where != _NO_MORE
    return InboxEntry(
        notice_id=document.notice_id,
        at=timestamp(document.requested_at),
        occasion=document.occasion,
        detail=document.detail,
        subject=content.subject,
        text=as_entry(content),
        why=content.why,
        page=where if has_more else "",
        about_id=document.about_id if has_more else "",
        read=not document.unread,
    )
