"""A person whose address came back is told by what is left, in their inbox in any case; and an operator sees whose it was."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered, AddressVerified
from mentoring.notifications.v1.addresses_pb2 import OrderMyChannelsRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import AddressSuppressed
from mentoring.notifications.v1.delivery_pb2 import ListSuppressedAddressesRequest, RecordBounceRequest
from mentoring.notifications.v1.events_pb2 import (
    Because,
    ContactRegistered,
    Detail,
    NoticeRequested,
    NoticeSettled,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import RegisterMyContactRequest, StartNoticeRequest
from notifications.domain.addresses_state import Address, Addresses
from notifications.domain.contact import Contact
from notifications.domain.ways import in_order
from notifications.projections.inbox import inbox
from notifications.projections.suppressed import list_suppressed_addresses, suppressed_addresses
from notifications.reactions.suppressing import suppressing
from notifications.reactions.telling import telling

from .night import SYSTEM, House

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
OPERATOR = person("olga", "operator")
HOOK, MAIL = Channel.CHANNEL_WEBHOOK, Channel.CHANNEL_EMAIL


@pytest.fixture
async def house(tmp_path: Path) -> House:
    found = House(tmp_path, NOON)
    await found.register("ada")
    await found.ask("n-1", "ada")
    await found.until(NOON)
    return found


async def come_back(house: House) -> list[str]:
    """The mail comes back, and all follows from that; the notices that tell of it."""
    await house.give(RecordBounceRequest(notice_id="n-1", hard=True), OPERATOR)
    await house.hear_all(suppressing, "notice-n-1")
    await house.hear_all(telling, "addresses-ada")
    history = await house.node.reader(SYSTEM).history("addresses-ada")
    (telling_id,) = [
        request.telling_id
        for item in history
        if isinstance(item.event, AddressSuppressed)
        for request in telling.policies[AddressSuppressed](item.event, item.meta)
        if hasattr(request, "telling_id")
    ]
    return await house.put_on_their_way(telling_id)


async def test_who_has_no_other_way_is_told_in_their_inbox_which_stood_in(house: House) -> None:
    only_mail = OrderMyChannelsRequest(person_id="ada", channels=[MAIL])
    await house.give(only_mail, person("ada", "learner"))
    (told,) = await come_back(house)
    await house.until(NOON + timedelta(hours=1))
    assert house.mails() == ["n-1"]
    (settled,) = [one for one in await house.story(told) if isinstance(one, NoticeSettled)]
    assert (settled.channel, settled.stands_in) == (Channel.CHANNEL_INBOX, True)
    assert await house.outcomes(told) == ["DELIVERED"]


async def test_the_inbox_shows_it(house: House) -> None:
    (told,) = await come_back(house)
    document = inbox.new(told)
    history = await house.node.reader(SYSTEM).history("addresses-ada")
    meta = history[0].meta
    event = NoticeRequested(
        notice_id=told,
        recipient_id="ada",
        occasion=Occasion.OCCASION_ADDRESS_SUPPRESSED,
        detail=Detail.DETAIL_FULL,
        because=Because.BECAUSE_OWN_CONTACT,
    )
    inbox.folds[NoticeRequested](document, event, meta)
    assert (document.shown, document.unread) == (True, True)


async def test_who_registers_another_address_meanwhile_is_told_there(house: House) -> None:
    (told,) = await come_back(house)
    mine = RegisterMyContactRequest(person_id="ada", name="Ada", email="new@example.org")
    await house.give(mine, person("ada", "learner"))
    await house.until(NOON + timedelta(hours=1))
    assert house.mails() == ["n-1", told]
    assert house.mailer.taken[-1]["To"].addresses[0].addr_spec == "new@example.org"


def test_another_verified_channel_comes_before_the_inbox_and_what_is_suppressed_or_unverified_is_none() -> None:
    notice = StartNoticeRequest(occasion=Occasion.OCCASION_ADDRESS_SUPPRESSED, because=Because.BECAUSE_OWN_CONTACT)
    hooks = (Address(HOOK, 1, verified=True), Address(HOOK, 2))
    known = Addresses(known=hooks, suppressed=frozenset({(MAIL, 1)}))
    ways = in_order(notice, known, Contact(newest=1, proven=1), NOON)
    assert [(way.channel, way.registration) for way in ways] == [(HOOK, 1), (Channel.CHANNEL_INBOX, 0)]


REGISTERED = AddressRegistered(person_id="ada", channel=HOOK, registration=1)
VERIFIED = AddressVerified(person_id="ada", channel=HOOK, registration=1)
SUPPRESSED = [AddressSuppressed(person_id="ada", channel=one, registration=1) for one in (HOOK, MAIL)]


@pytest.mark.parametrize(
    ("contacts", "verified_again", "seen"),
    [
        (1, False, [HOOK, MAIL]),
        (1, True, [MAIL]),
        # By mail nothing goes to the first any more, since there is another.
        (2, True, []),
    ],
)
async def test_an_operator_sees_what_is_suppressed_now_and_no_address(
    contacts: int, verified_again: bool, seen: list[Channel.ValueType]
) -> None:
    document = suppressed_addresses.new("ada")
    meta = (await LaidDown(OPERATOR, {"x": [VERIFIED]}, []).history("x"))[0].meta
    for event in (*SUPPRESSED, SUPPRESSED[0]):
        suppressed_addresses.folds[AddressSuppressed](document, event, meta)
    streams: dict[str, list[Message]] = {
        "addresses-ada": [REGISTERED, VERIFIED, *SUPPRESSED, *([VERIFIED] if verified_again else [])],
        "contact-ada": [ContactRegistered(person_id="ada")] * contacts,
    }
    answer = await list_suppressed_addresses(ListSuppressedAddressesRequest(), LaidDown(OPERATOR, streams, [document]))
    assert sorted(one.channel for one in answer.addresses) == sorted(seen)
    assert "@" not in str(answer)
