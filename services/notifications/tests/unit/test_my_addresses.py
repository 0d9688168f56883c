"""The list of one's own addresses: masked, and nobody else's."""

import pytest
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered, AddressVerified
from mentoring.notifications.v1.addresses_pb2 import AddressSummary, ListMyAddressesRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import ContactRegistered
from notifications.projections.my_addresses import list_my_addresses, masked


async def test_a_person_sees_their_own_addresses_masked_and_which_are_used() -> None:
    hook, chat = Channel.CHANNEL_WEBHOOK, Channel.CHANNEL_APPRISE
    streams: dict[str, list[Message]] = {
        "addresses-ada": [
            AddressRegistered(
                channel=hook, registration=1, address=Sealed(to_be_sealed="https://h.example.org/secret")
            ),
            AddressVerified(channel=hook, registration=1),
            AddressRegistered(
                channel=chat, registration=2, address=Sealed(to_be_sealed="msteams://token"), by_another=True
            ),
        ],
        "contact-ada": [ContactRegistered(email=Sealed(to_be_sealed="ada@example.org"))],
        "addresses-ben": [AddressRegistered(channel=chat, registration=1, address=Sealed(to_be_sealed="slack://b"))],
    }
    found = await list_my_addresses(ListMyAddressesRequest(), LaidDown(person("ada"), streams))
    assert list(found.addresses) == [
        AddressSummary(channel=Channel.CHANNEL_EMAIL, registration=1, masked="a***@example.org"),
        AddressSummary(channel=hook, registration=1, masked="https://h.example.org/***", verified=True),
        AddressSummary(channel=chat, registration=2, masked="msteams://***", by_another=True),
    ]


@pytest.mark.parametrize(
    ("channel", "address", "shown"),
    [
        (Channel.CHANNEL_EMAIL, "ada.lovelace@example.org", "a***@example.org"),
        (Channel.CHANNEL_WEBHOOK, "https://h.example.org:8443/token?key=1", "https://h.example.org:8443/***"),
        (Channel.CHANNEL_APPRISE, "twilio://user:token@12025550100/44", "twilio://***"),
    ],
)
def test_what_is_shown_is_enough_to_know_it_again_and_nothing_to_send_to(
    channel: Channel.ValueType, address: str, shown: str
) -> None:
    assert masked(channel, address) == shown
