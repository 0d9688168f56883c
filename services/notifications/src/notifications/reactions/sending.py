"""Puts every notice requested on its way at once, as a due row of its own: each is retried alone, and
what is about concerns waits for nothing else."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.notifications.v1.delivery_events_pb2 import NoticeBounced
from mentoring.notifications.v1.events_pb2 import NoticeRequested
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.notice import to_be_started
from notifications.domain.occasions import is_safeguarding

sending = Reaction("sending")


@sending.on
def notice_requested(event: NoticeRequested, meta: Metadata) -> Iterator[Later]:
    """The row carries all that the message is composed of, so that nothing need be read back."""
    yield Later(at=meta.at, request=to_be_started(event, meta.at), urgent=is_safeguarding(event.occasion))


@sending.on
def alert_came_back(event: NoticeBounced, meta: Metadata) -> Iterator[Later]:
    """By the next way. What is no alert is in the inbox, and is not told again."""
    if event.safeguarding and event.telling_id:
        request = StartNoticeRequest(
            notice_id=event.notice_id,
            recipient_id=event.recipient_id,
            safeguarding=True,
            telling_id=event.telling_id,
        )
        yield Later(at=meta.at, request=request, urgent=True)
