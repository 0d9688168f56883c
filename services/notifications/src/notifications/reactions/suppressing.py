"""Nothing is sent any more to an address that is none: what went there came back, or was not taken for that reason."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import NoticeBounced
from mentoring.notifications.v1.delivery_pb2 import SuppressAddressRequest
from mentoring.notifications.v1.events_pb2 import NoticeSettled

suppressing = Reaction("suppressing")


@suppressing.on
def came_back(event: NoticeBounced, _meta: Metadata) -> Iterator[SuppressAddressRequest]:
    """A mailbox that is full or busy may take the next one."""
    if event.hard:
        yield from _suppressed(event.recipient_id, event.channel, event.registration)


@suppressing.on
def not_taken(event: NoticeSettled, _meta: Metadata) -> Iterator[SuppressAddressRequest]:
    """The server, or the receiver, said so at once."""
    if event.gone:
        yield from _suppressed(event.recipient_id, event.channel, event.registration)


def _suppressed(person_id: str, channel: Channel.ValueType, registration: int) -> Iterator[SuppressAddressRequest]:
    # Sent before a registration was known by its number: whichever it was, a newer one may be there by now.
    if registration:
        yield SuppressAddressRequest(person_id=person_id, channel=channel, registration=registration)
