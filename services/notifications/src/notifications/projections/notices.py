"""Notices: what was told to whom, why, and what became of it. Codes and ids alone: no word of a message is in it."""

from datetime import datetime

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import NoticeBounced
from mentoring.notifications.v1.digests_events_pb2 import DigestBegun
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, NoticeSettled, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import (
    ListMyNoticesRequest,
    ListMyNoticesResponse,
    ListNoticesRequest,
    ListNoticesResponse,
    NoticeSummary,
)
from pydantic import BaseModel

from notifications.domain.need_to_know import part_rule
from notifications.domain.occasions import OPEN_TO_MANAGERS


class NoticeDocument(BaseModel):
    """One notice. `outcome` is unspecified while it is on its way."""

    notice_id: str
    recipient_id: str = ""
    occasion: Occasion.ValueType = Occasion.OCCASION_UNSPECIFIED
    because: Because.ValueType = Because.BECAUSE_UNSPECIFIED
    detail: Detail.ValueType = Detail.DETAIL_UNSPECIFIED
    about_id: str = ""
    telling_id: str = ""
    rule: str = ""
    policy_version: int = 0
    outcome: Outcome.ValueType = Outcome.OUTCOME_UNSPECIFIED
    attempts: int = 0
    channel: Channel.ValueType = Channel.CHANNEL_UNSPECIFIED
    stands_in: bool = False
    requested_at: datetime | None = None
    settled_at: datetime | None = None


notices = Projection(
    "notices", version=3, document=NoticeDocument, key="notice_id", indexes=("recipient_id", "telling_id")
)


@notices.on
def requested(document: NoticeDocument, event: NoticeRequested, meta: Metadata) -> None:
    """Somebody is to be told."""
    document.recipient_id = event.recipient_id
    document.occasion = event.occasion
    document.because = event.because
    document.detail = event.detail
    document.about_id = event.about_id
    document.telling_id = event.telling_id
    document.rule = event.rule
    document.policy_version = event.policy_version
    document.requested_at = meta.at


@notices.on
def digest_begun(document: NoticeDocument, event: DigestBegun, meta: Metadata) -> None:
    """A digest is to go, as a notice of its own."""
    document.recipient_id = event.person_id
    document.occasion = Occasion.OCCASION_DIGEST
    document.because = Because.BECAUSE_CHOSE_A_DIGEST
    document.detail = Detail.DETAIL_FULL
    document.rule = part_rule(Because.BECAUSE_CHOSE_A_DIGEST)
    document.requested_at = meta.at


@notices.on
def settled(document: NoticeDocument, event: NoticeSettled, meta: Metadata) -> None:
    """An attempt ended."""
    document.recipient_id = event.recipient_id
    document.outcome = event.outcome
    document.attempts = event.attempt
    document.channel = event.channel
    document.stands_in = event.stands_in
    document.settled_at = meta.at


@notices.on
def bounced(document: NoticeDocument, event: NoticeBounced, meta: Metadata) -> None:
    """What was taken for delivery came back."""
    document.recipient_id = event.recipient_id
    document.outcome = Outcome.OUTCOME_BOUNCED
    document.channel = event.channel
    document.settled_at = meta.at


async def list_notices(request: ListNoticesRequest, reader: Reader) -> ListNoticesResponse:
    """What the provider's circles were told, newest first. Nothing else: a manager may be whom a concern is about.

    A notice whose request was not heard, or whose occasion is a later release's, may be about a concern: it is not listed.
    """
    page = Page(size=request.page.size or request.limit, cursor=request.page.cursor)
    whose = {"recipient_id": request.recipient_id} if request.recipient_id else {}
    found, cursor = await reader.page(
        notices, page, order="requested_at", descending=True, occasion=OPEN_TO_MANAGERS, **whose
    )
    return ListNoticesResponse(notices=map(_summary, found), next_cursor=cursor)


async def list_my_notices(request: ListMyNoticesRequest, reader: Reader) -> ListMyNoticesResponse:
    """The caller's own notices, newest first."""
    found, cursor = await reader.page(
        notices, request.page, order="requested_at", descending=True, recipient_id=reader.principal.person_id
    )
    return ListMyNoticesResponse(notices=map(_summary, found), next_cursor=cursor)


def _summary(document: NoticeDocument) -> NoticeSummary:
    return NoticeSummary(
        notice_id=document.notice_id,
        recipient_id=document.recipient_id,
        occasion=document.occasion,
        because=document.because,
        detail=document.detail,
        about_id=document.about_id,
        outcome=document.outcome,
        attempts=document.attempts,
        requested_at=timestamp(document.requested_at),
        settled_at=timestamp(document.settled_at),
        rule=document.rule,
        policy_version=document.policy_version,
        channel=document.channel,
        stands_in=document.stands_in,
    )
