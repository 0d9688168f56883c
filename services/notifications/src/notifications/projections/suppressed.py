"""Suppressed addresses, for operators: whose came back, and on which channel. No address is in it, nor what was to be told there.

That an address is used again stays with the service, so each is asked of its person's own stream.
"""

from datetime import datetime

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import AddressSuppressed
from mentoring.notifications.v1.delivery_pb2 import (
    ListSuppressedAddressesRequest,
    ListSuppressedAddressesResponse,
    SuppressedAddress,
)
from pydantic import BaseModel

from notifications.domain.addresses import addresses
from notifications.domain.contact import contact


class Came(BaseModel):
    """Which of a person's addresses, and when."""

    channel: Channel.ValueType
    registration: int
    at: datetime


class SuppressedDocument(BaseModel):
    """What ever came back to one person; an address once, at its newest."""

    person_id: str
    came_back: list[Came] = []
    newest_at: datetime | None = None


suppressed_addresses = Projection("suppressed_addresses", version=1, document=SuppressedDocument, key="person_id")


@suppressed_addresses.on
def suppressed(document: SuppressedDocument, event: AddressSuppressed, meta: Metadata) -> None:
    """Nothing is sent there any more."""
    others = [
        one for one in document.came_back if (one.channel, one.registration) != (event.channel, event.registration)
    ]
    document.came_back = [*others, Came(channel=event.channel, registration=event.registration, at=meta.at)]
    document.newest_at = meta.at


async def list_suppressed_addresses(
    request: ListSuppressedAddressesRequest, read: Reader
) -> ListSuppressedAddressesResponse:
    """Those that are still suppressed, the newest first. A page may have fewer people than it asks for."""
    found, cursor = await read.page(suppressed_addresses, request.page, order="newest_at", descending=True)
    return ListSuppressedAddressesResponse(
        addresses=[one for document in found for one in await _still(document, read)], next_cursor=cursor
    )


async def _still(document: SuppressedDocument, read: Reader) -> list[SuppressedAddress]:
    known = await read.state(addresses, f"addresses-{document.person_id}")
    mail = await read.state(contact, f"contact-{document.person_id}")
    in_use = {mail.standing(read.now), mail.newest}
    return [
        SuppressedAddress(
            person_id=document.person_id, channel=one.channel, registration=one.registration, since=timestamp(one.at)
        )
        for one in document.came_back
        if known.is_suppressed(one.channel, one.registration)
        and (
            one.registration in in_use
            if one.channel == Channel.CHANNEL_EMAIL
            else known.find(one.channel, one.registration)
        )
    ]
