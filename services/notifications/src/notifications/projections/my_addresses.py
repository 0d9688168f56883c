"""A person's own addresses, as they may be shown: enough to know each again, and nothing to send anything to."""

import re

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered
from mentoring.notifications.v1.addresses_pb2 import AddressSummary, ListMyAddressesRequest, ListMyAddressesResponse
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import ContactRegistered

from notifications.domain.addresses import addresses
from notifications.domain.addresses_state import Address, Addresses
from notifications.domain.contact import Contact, contact

_HIDDEN = "***"
_HOST = re.compile(r"https://([^/?]*)")


async def list_my_addresses(_request: ListMyAddressesRequest, read: Reader) -> ListMyAddressesResponse:
    """Read from the streams, so that a person's own change is there at once. Mail is as the contact has it: what stands, and the newest."""
    person_id = read.principal.person_id
    known = await read.state(addresses, f"addresses-{person_id}")
    mail = await read.state(contact, f"contact-{person_id}")
    listed = [*_mail(known, mail, read), *(one for one in known.known if one.channel != Channel.CHANNEL_EMAIL)]
    registered = await _registered(person_id, read)
    texts = await read.open([registered[one.channel == Channel.CHANNEL_EMAIL, one.registration] for one in listed])
    return ListMyAddressesResponse(
        addresses=[_summary(known, one, text) for one, text in zip(listed, texts, strict=True)], channels=known.order
    )


def _mail(known: Addresses, mail: Contact, read: Reader) -> list[Address]:
    numbers = sorted({mail.standing(read.now), mail.newest} - {0})
    return [known.find(Channel.CHANNEL_EMAIL, number) or Address(Channel.CHANNEL_EMAIL, number) for number in numbers]


async def _registered(person_id: str, read: Reader) -> dict[tuple[bool, int], tuple[Recorded, str]]:
    """Each registration's sealed address, by whether it is mail's and its number."""
    history = await read.history(f"addresses-{person_id}")
    found = {
        (False, item.event.registration): (item, "address")
        for item in history
        if isinstance(item.event, AddressRegistered)
    }
    contacts = [
        item for item in await read.history(f"contact-{person_id}") if isinstance(item.event, ContactRegistered)
    ]
    return found | {(True, number): (item, "email") for number, item in enumerate(contacts, start=1)}


def _summary(known: Addresses, one: Address, text: str) -> AddressSummary:
    found = AddressSummary(
        channel=one.channel,
        registration=one.registration,
        masked=masked(one.channel, text),
        verified=one.verified,
        by_another=one.by_another,
        code_failure=one.failure,
        suppressed=known.is_suppressed(one.channel, one.registration),
    )
    if one.code is not None:
        found.code_expires_at.FromDatetime(one.code.expires_at)
    return found


def masked(channel: Channel.ValueType, address: str) -> str:
    """Mail: its first letter and its domain. A webhook: its host. Apprise: the service alone, since tokens are anywhere in the rest."""
    if channel == Channel.CHANNEL_EMAIL:
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}{_HIDDEN}@{domain}"
    if channel == Channel.CHANNEL_WEBHOOK:
        host = _HOST.match(address)
        return f"https://{host[1] if host else _HIDDEN}/{_HIDDEN}"
    return f"{address.partition('://')[0]}://{_HIDDEN}"
