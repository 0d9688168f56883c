"""Ways: by which channels a notice may go to a person, in which order. Nothing that somebody else did turns a notice away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.addresses_state import Addresses
from notifications.domain.contact import Contact

# Mail first: what somebody else added, or the person never spoke of, comes behind it.
UNSAID = (Channel.CHANNEL_EMAIL, Channel.CHANNEL_WEBHOOK, Channel.CHANNEL_APPRISE, Channel.CHANNEL_INBOX)
_MAIL_ALONE = frozenset({Occasion.OCCASION_CONTACT_REPLACED})


@dataclass(frozen=True, slots=True)
class Way:
    """One address of one channel.

    Args:
        registration: which of the channel's; of mail the contact's, 0 where none is known yet: it may come. The inbox has none.
        stands_in: it is not in the person's order, and is for where nothing in that works: that it was used is to be reported.
    """

    channel: Channel.ValueType
    registration: int = 0
    stands_in: bool = False


def in_order(notice: StartNoticeRequest, addresses: Addresses, contact: Contact, now: datetime) -> tuple[Way, ...]:
    """The ways of a notice, the best first: each is for where those before it did not work. Empty: a second copy that is not needed.

    Mail and the inbox stand in, so that nobody is without a way. What is about a concern is in nobody's inbox alone: the inbox is no
    way of it, and mail always is. That a concern was received is told to its raiser by mail, since others may read along elsewhere;
    the end of a contact where that was; a second copy where somebody else put the contact. Nothing but an alert that has no other way goes
    to what is suppressed.
    """
    if notice.second_copy:
        copy = contact.second_copy(notice.registration, now)
        return (Way(Channel.CHANNEL_EMAIL, copy),) if copy else ()
    mail = _mail(notice, contact, now)
    if notice.occasion in _MAIL_ALONE or notice.because == Because.BECAUSE_RAISED_THE_CONCERN:
        return (Way(Channel.CHANNEL_EMAIL, mail),)
    order = addresses.order or UNSAID
    suppressed = addresses.is_suppressed(Channel.CHANNEL_EMAIL, mail)
    if notice.safeguarding:
        order = tuple(channel for channel in order if channel != Channel.CHANNEL_INBOX)
        if suppressed:
            # What came back is tried last, and still tried: an alert without any way would be lost.
            order = tuple(channel for channel in order if channel != Channel.CHANNEL_EMAIL)
        return _ways(order, [Channel.CHANNEL_EMAIL], addresses, mail)
    if suppressed:
        order = tuple(channel for channel in order if channel != Channel.CHANNEL_EMAIL)
    if Channel.CHANNEL_INBOX in order:
        return _ways(order[: order.index(Channel.CHANNEL_INBOX) + 1], [], addresses, mail)
    behind = [Channel.CHANNEL_INBOX] if suppressed else [Channel.CHANNEL_EMAIL, Channel.CHANNEL_INBOX]
    return _ways(order, behind, addresses, mail)


def _ways(
    order: Sequence[Channel.ValueType], behind: Sequence[Channel.ValueType], addresses: Addresses, mail: int
) -> tuple[Way, ...]:
    found = [Way(channel, number) for channel in order for number in _registrations(channel, addresses, mail)]
    found += [
        Way(channel, number, stands_in=True)
        for channel in behind
        if channel not in order
        for number in _registrations(channel, addresses, mail)
    ]
    return tuple(found)


def _registrations(channel: Channel.ValueType, addresses: Addresses, mail: int) -> Sequence[int]:
    if channel == Channel.CHANNEL_EMAIL:
        return [mail]
    return [0] if channel == Channel.CHANNEL_INBOX else addresses.usable(channel)


def _mail(notice: StartNoticeRequest, contact: Contact, now: datetime) -> int:
    """Which registration of the contact: of a concern by ADR 0014, else the one that is asked for, or the newest."""
    if notice.safeguarding:
        return contact.first_copy(notice.registration, now)
    return notice.registration or contact.newest
