"""What is known of a person's addresses: which there are, which may be used, and in which order."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mentoring.notifications.v1.channel_pb2 import Channel

_A_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Code:
    """The hash of the code that verifies an address, until when it counts, and how many more wrong ones may be given."""

    digest: str
    expires_at: datetime
    tries: int

    def counts(self, now: datetime) -> bool:
        """Whether it may still be given."""
        return now < self.expires_at and self.tries > 0


@dataclass(frozen=True, slots=True)
class Address:
    """One address. Of mail the registration is the contact's, and only those are here for which a code was asked.

    `asked`: how many codes were asked for it. `code`: the one that counts, while it is not verified. `failure`: why the newest could not
    be sent.
    """

    channel: Channel.ValueType
    registration: int
    by_another: bool = False
    verified: bool = False
    asked: int = 0
    code: Code | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """When a code was asked, and whether by somebody else."""

    at: datetime
    by_another: bool


@dataclass(frozen=True, slots=True)
class Addresses:
    """Those that are there, the newest last. `order` is the person's of their channels; empty: never said. `suppressed`: which of them
    nothing is sent to, since it came back."""

    newest: int = 0
    known: tuple[Address, ...] = ()
    order: tuple[Channel.ValueType, ...] = ()
    suppressed: frozenset[tuple[Channel.ValueType, int]] = frozenset()
    asked: tuple[Asked, ...] = ()

    def find(self, channel: Channel.ValueType, registration: int) -> Address | None:
        """The one of this number; None where there is none, or none any more."""
        return next((one for one in self.of(channel) if one.registration == registration), None)

    def get(self, channel: Channel.ValueType, registration: int) -> Address:
        """The same, of which an event says that it is there; made anew where a snapshot has forgotten it."""
        return self.find(channel, registration) or Address(channel, registration)

    def of(self, channel: Channel.ValueType) -> tuple[Address, ...]:
        """Those of a channel."""
        return tuple(one for one in self.known if one.channel == channel)

    def numbered(self, registration: int) -> tuple[Address, ...]:
        """The one of this number that the person may remove: mail is not."""
        return tuple(
            one for one in self.known if one.registration == registration and one.channel != Channel.CHANNEL_EMAIL
        )

    def usable(self, channel: Channel.ValueType) -> tuple[int, ...]:
        """Which registrations of a channel may be used: the person's own first, then what others put there; the newest first."""
        found = [one for one in self.of(channel) if one.verified and not self.is_suppressed(channel, one.registration)]
        return tuple(one.registration for one in sorted(found, key=lambda one: (one.by_another, -one.registration)))

    def is_suppressed(self, channel: Channel.ValueType, registration: int) -> bool:
        """Whether what went there came back."""
        return (channel, registration) in self.suppressed

    def wants_code(self, channel: Channel.ValueType, registration: int, asked: int) -> bool:
        """Whether the code that was asked for as the so manieth is still wanted: it was not verified, removed, or asked anew since."""
        known = self.find(channel, registration)
        return known is not None and not known.verified and known.asked == asked

    def asked_lately(self, now: datetime, *, by_another: bool) -> int:
        """How many codes this side asked for within the last 24 hours."""
        return sum(one.by_another == by_another and one.at > now - _A_DAY for one in self.asked)

    def with_registered(self, new: Address) -> "Addresses":
        """With a new one, in place of what the same side put on its channel and nobody verified."""
        kept = (
            one for one in self.known if one.channel != new.channel or one.verified or one.by_another != new.by_another
        )
        return replace(self, newest=new.registration, known=(*kept, new))

    def with_asked(self, address: Address, at: datetime, *, by_another: bool) -> "Addresses":
        """A code was asked for this one."""
        lately = (one for one in self.asked if one.at > at - _A_DAY)
        return replace(self.with_address(address), asked=(*lately, Asked(at, by_another)))

    def with_address(self, address: Address) -> "Addresses":
        """With this one as it is now."""
        if self.find(address.channel, address.registration) is None:
            return replace(self, known=(*self.known, address))
        same = (address.channel, address.registration)
        return replace(
            self, known=tuple(address if (one.channel, one.registration) == same else one for one in self.known)
        )

    def after_verifying(self, address: Address) -> "Addresses":
        """Used from now on: the person's own in place of their own before it, what somebody else put there beside all."""
        found = self.with_address(replace(address, verified=True, code=None, failure=""))
        found = replace(found, suppressed=self.suppressed - {(address.channel, address.registration)})
        if address.by_another or address.channel == Channel.CHANNEL_EMAIL:
            return found
        return replace(
            found,
            known=tuple(
                one
                for one in found.known
                if one.channel != address.channel
                or one.registration == address.registration
                or one.by_another
                or not one.verified
            ),
        )

    def without(self, channel: Channel.ValueType, registration: int) -> "Addresses":
        """Without this one."""
        return replace(
            self, known=tuple(one for one in self.known if (one.channel, one.registration) != (channel, registration))
        )
