"""Puts every notice requested on its way at once, as a due row of its own: each is retried alone, and
what is about concerns waits for nothing else."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from eventkernel.timestamps import timestamp
from mentoring.notifications.v1.events_pb2 import NoticeRequested
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.occasions import is_safeguarding

sending = Reaction("sending")


@sending.on
def notice_requested(event: NoticeRequested, meta: Metadata) -> Iterator[Later]:
    """The row carries all that the message is composed of, so that nothing need be read back."""
    yield Later(
        at=meta.at,
        request=StartNoticeRequest(
            notice_id=event.notice_id,
            attempt=1,
            recipient_id=event.recipient_id,
            safeguarding=is_safeguarding(event.occasion),
            telling_id=event.telling_id,
            occasion=event.occasion,
            because=event.because,
            detail=event.detail,
            about_id=event.about_id,
            raiser_role=event.raiser_role,
            category=event.category,
            registration=event.registration,
            second_copy=event.second_copy,
            about_version=event.about_version,
            requested_at=timestamp(meta.at),
        ),
        urgent=is_safeguarding(event.occasion),
    )
