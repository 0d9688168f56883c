"""An address that is none is left alone, until its person verifies it anew."""

from datetime import UTC, datetime

import pytest
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import given
from google.protobuf.message import Message
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered, AddressVerified
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import AddressSuppressed, NoticeBounced
from mentoring.notifications.v1.delivery_pb2 import SuppressAddressRequest
from mentoring.notifications.v1.events_pb2 import NoticeSettled, Outcome
from notifications.domain.addresses import addresses
from notifications.domain.addresses_state import Addresses
from notifications.reactions.suppressing import suppressing

META = Metadata(
    event_id="e", type="t", tenant="provider-1", stream="notice-n-1", version=3, at=datetime(2026, 3, 2, tzinfo=UTC)
)
HOOK = Channel.CHANNEL_WEBHOOK
SUPPRESSES = SuppressAddressRequest(person_id="mia", channel=HOOK, registration=1)
SUPPRESSED = AddressSuppressed(person_id="mia", channel=HOOK, registration=1)
REGISTERED = AddressRegistered(person_id="mia", channel=HOOK, registration=1)
VERIFIED = AddressVerified(person_id="mia", channel=HOOK, registration=1)


def bounced(*, hard: bool, registration: int = 1) -> NoticeBounced:
    return NoticeBounced(notice_id="n-1", recipient_id="mia", channel=HOOK, registration=registration, hard=hard)


def settled(*, gone: bool) -> NoticeSettled:
    return NoticeSettled(
        notice_id="n-1", recipient_id="mia", outcome=Outcome.OUTCOME_FAILED, channel=HOOK, registration=1, gone=gone
    )


@pytest.mark.parametrize(
    ("event", "follows"),
    [
        (bounced(hard=True), [SUPPRESSES]),
        (bounced(hard=False), []),
        (bounced(hard=True, registration=0), []),
        (settled(gone=True), [SUPPRESSES]),
        (settled(gone=False), []),
    ],
)
def test_what_cannot_be_reached_is_suppressed_and_what_is_only_busy_is_not(
    event: Message, follows: list[Message]
) -> None:
    assert list(suppressing.policies[type(event)](event, META)) == follows


def test_it_is_suppressed_once_and_used_again_when_it_is_verified_anew() -> None:
    after = given(addresses, REGISTERED, VERIFIED).when(SUPPRESSES).then(SUPPRESSED)
    after.when(SUPPRESSES).then_nothing()
    assert state(REGISTERED, VERIFIED).usable(HOOK) == (1,)
    assert state(REGISTERED, VERIFIED, SUPPRESSED).usable(HOOK) == ()
    assert state(REGISTERED, VERIFIED, SUPPRESSED, VERIFIED).usable(HOOK) == (1,)


def test_mail_is_suppressed_though_nobody_ever_asked_a_code_for_it() -> None:
    mail = AddressSuppressed(person_id="mia", channel=Channel.CHANNEL_EMAIL, registration=2)
    found = state(mail)
    assert found.is_suppressed(Channel.CHANNEL_EMAIL, 2)
    assert not found.is_suppressed(Channel.CHANNEL_EMAIL, 1)


def state(*events: Message) -> Addresses:
    return addresses.fold(addresses.initial, events)
