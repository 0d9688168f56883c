"""By which channels a notice may go: as its recipient ordered them, never nowhere, and no concern turned away."""

from dataclasses import replace
from datetime import timedelta

import pytest
from eventkernel.testing.scenario import NOON
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from notifications.domain.addresses_state import Address, Addresses
from notifications.domain.contact import Contact
from notifications.domain.ways import Way, in_order

HOOK, CHAT, MAIL, INBOX = (
    Channel.CHANNEL_WEBHOOK, Channel.CHANNEL_APPRISE, Channel.CHANNEL_EMAIL, Channel.CHANNEL_INBOX,
)  # fmt: skip
ORDINARY = StartNoticeRequest(occasion=Occasion.OCCASION_SESSION_PLANNED, because=Because.BECAUSE_MENTOR)
ALERT = StartNoticeRequest(
    occasion=Occasion.OCCASION_CONCERN_ASSIGNED, because=Because.BECAUSE_DSL_ON_DUTY, safeguarding=True, registration=1
)
CONTACT = Contact(newest=1, proven=1)
# Somebody else replaced the contact of the first registration.
ON_TRIAL = Contact(newest=2, proven=1, meanwhile=1, stands_from=NOON + timedelta(days=14))
HOOKED = Address(HOOK, 1, verified=True)
CHATTING = Address(CHAT, 2, verified=True)


def having(*known: Address, order: tuple[Channel.ValueType, ...] = ()) -> Addresses:
    return Addresses(newest=9, known=known, order=order)


def ways(notice: StartNoticeRequest, addresses: Addresses, contact: Contact = CONTACT) -> list[Way]:
    return list(in_order(notice, addresses, contact, NOON))


def test_whoever_never_said_anything_gets_mail_first_and_then_what_else_they_have() -> None:
    assert ways(ORDINARY, having()) == [Way(MAIL, 1), Way(INBOX)]
    assert ways(ORDINARY, having(CHATTING, HOOKED)) == [Way(MAIL, 1), Way(HOOK, 1), Way(CHAT, 2), Way(INBOX)]


def test_the_persons_order_counts_up_to_the_inbox() -> None:
    found = having(HOOKED, CHATTING, order=(CHAT, MAIL, INBOX, HOOK))
    assert ways(ORDINARY, found) == [Way(CHAT, 2), Way(MAIL, 1), Way(INBOX)]


def test_mail_and_the_inbox_stand_in_where_the_order_leaves_them_out() -> None:
    assert ways(ORDINARY, having(HOOKED, order=(HOOK,))) == [
        Way(HOOK, 1),
        Way(MAIL, 1, stands_in=True),
        Way(INBOX, stands_in=True),
    ]


def test_a_target_without_a_channel_falls_to_mail_and_the_inbox_and_that_is_said() -> None:
    """Fault of others: who chose a channel and has no address there was told nothing, and nobody knew."""
    unverified = Address(HOOK, 1)
    assert ways(ORDINARY, having(unverified, order=(HOOK,))) == [
        Way(MAIL, 1, stands_in=True),
        Way(INBOX, stands_in=True),
    ]
    assert ways(ORDINARY, having(), Contact()) == [Way(MAIL, 0), Way(INBOX)]


@pytest.mark.parametrize("order", [(INBOX,), (HOOK,), (CHAT, HOOK, INBOX)])
def test_a_concern_is_never_left_to_the_inbox_and_goes_by_mail_whatever_the_order(
    order: tuple[Channel.ValueType, ...],
) -> None:
    found = ways(ALERT, having(order=order))
    assert found == [Way(MAIL, 1, stands_in=True)]
    assert INBOX not in [way.channel for way in ways(ALERT, having(HOOKED, CHATTING, order=order))]


def test_a_concern_goes_by_mail_to_the_contact_that_stood_not_to_what_another_put_there() -> None:
    assert ways(ALERT, having(), ON_TRIAL) == [Way(MAIL, 1)]
    second = StartNoticeRequest(safeguarding=True, registration=1, second_copy=True)
    assert ways(second, having(HOOKED, order=(HOOK,)), ON_TRIAL) == [Way(MAIL, 2)]
    assert ways(second, having(), CONTACT) == []


def test_that_a_concern_was_received_goes_by_mail_alone_since_others_may_read_along_elsewhere() -> None:
    received = StartNoticeRequest(
        occasion=Occasion.OCCASION_CONCERN_RECEIVED,
        because=Because.BECAUSE_RAISED_THE_CONCERN,
        safeguarding=True,
        registration=1,
    )
    assert ways(received, having(HOOKED, order=(HOOK,))) == [Way(MAIL, 1)]


def test_the_end_of_a_contact_is_told_where_it_was() -> None:
    replaced = StartNoticeRequest(
        occasion=Occasion.OCCASION_CONTACT_REPLACED, because=Because.BECAUSE_OWN_CONTACT, registration=1
    )
    assert ways(replaced, having(HOOKED, order=(HOOK,)), ON_TRIAL) == [Way(MAIL, 1)]


CHANNELS = st.sampled_from([MAIL, HOOK, CHAT, INBOX])
KNOWN = st.lists(
    st.builds(
        Address, st.sampled_from([HOOK, CHAT]), st.integers(1, 6), by_another=st.booleans(), verified=st.booleans()
    ),
    max_size=6,
    unique_by=lambda one: one.registration,
)
ORDERS = st.lists(CHANNELS, unique=True).map(tuple)


@settings(max_examples=100, deadline=None)
@for_all(known=KNOWN, order=ORDERS, notice=st.sampled_from([ORDINARY, ALERT]))
def test_nobody_is_without_a_way_and_no_way_leads_to_what_was_not_verified(
    known: list[Address], order: tuple[Channel.ValueType, ...], notice: StartNoticeRequest
) -> None:
    found = ways(notice, having(*known, order=order))
    last = MAIL if notice.safeguarding else INBOX
    assert last in [way.channel for way in found]
    assert len(set(found)) == len(found)
    usable = {(one.channel, one.registration) for one in known if one.verified}
    assert {(way.channel, way.registration) for way in found if way.channel in (HOOK, CHAT)} <= usable


@settings(max_examples=100, deadline=None)
@for_all(known=KNOWN, added=KNOWN, order=ORDERS, notice=st.sampled_from([ORDINARY, ALERT]))
def test_whatever_others_put_there_the_persons_own_ways_of_each_channel_stay_the_first_in_their_order(
    known: list[Address], added: list[Address], order: tuple[Channel.ValueType, ...], notice: StartNoticeRequest
) -> None:
    own = [Address(one.channel, one.registration, verified=one.verified) for one in known]
    theirs = [Address(one.channel, one.registration + 10, by_another=True, verified=one.verified) for one in added]
    before = ways(notice, having(*own, order=order))
    after = ways(notice, having(*own, *theirs, order=order))
    assert [way for way in after if way.registration <= 10] == before
    for channel in (HOOK, CHAT):
        numbers = [way.registration for way in after if way.channel == channel]
        assert numbers == sorted(numbers, key=lambda number: number > 10)


def test_nothing_goes_to_what_came_back_but_an_alert_that_has_no_other_way() -> None:
    dead = Addresses(newest=9, known=(HOOKED,), suppressed=frozenset({(MAIL, 1)}))
    assert ways(ORDINARY, dead) == [Way(HOOK, 1), Way(INBOX)]
    assert ways(ALERT, dead) == [Way(HOOK, 1), Way(MAIL, 1, stands_in=True)]
    nothing_else = Addresses(suppressed=frozenset({(MAIL, 1), (HOOK, 1)}))
    assert [way.channel for way in ways(ORDINARY, nothing_else)] == [INBOX]
    assert [way.channel for way in ways(ORDINARY, replace(nothing_else, order=(MAIL,)))] == [INBOX]
    assert ways(ALERT, nothing_else) == [Way(MAIL, 1, stands_in=True)]
    # What is registered anew has another number.
    assert ways(ORDINARY, nothing_else, Contact(newest=2, proven=2))[0] == Way(MAIL, 2)
