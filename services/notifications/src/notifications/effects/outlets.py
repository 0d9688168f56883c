"""By each channel, what is handed over, and to which address. Whatever can fail without a trace happens here, before anything is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from eventkernel.keys import KeyDestroyed
from eventkernel.reaction import Doing
from eventkernel.timing import Clock, utc_now
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import ContactRegistered, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.contents import tells_whom_to_call
from notifications.domain.provider_details import ProviderDetails, provider_details
from notifications.effects.giving import type_of
from notifications.effects.mailer import Mailer
from notifications.effects.messenger import Messenger, Short
from notifications.messages import Recipient, Unaddressable, brief, compose

CONTACT_UNKNOWN = "CONTACT_UNKNOWN"
CONTACT_ERASED = "CONTACT_ERASED"
ADDRESS_INVALID = "ADDRESS_INVALID"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    `gone`: the address is none any more.
    """

    outcome: Outcome.ValueType
    failure: str = ""
    gone: bool = False

    def is_over(self, *, safeguarding: bool) -> bool:
        """Whether the notice is done with: it went, it is not to go, or nobody knows whether it did."""
        if self.outcome == Outcome.OUTCOME_UNKNOWN:
            return not safeguarding
        return self.outcome not in (Outcome.OUTCOME_FAILED, Outcome.OUTCOME_FAILED_FOR_NOW)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that is about to be handed over.

    Args:
        circuit: whose death is every such message's.
        hand_over: raises NotTaken or Unsure.
        outcome: what it is when that is done.
    """

    circuit: str
    hand_over: Callable[[], Awaitable[None]]
    outcome: Outcome.ValueType = Outcome.OUTCOME_SENT


class Outlet(Protocol):
    """A channel."""

    async def prepare(
        self, notice: StartNoticeRequest, registration: int, language: str, doing: Doing
    ) -> Ready | Ended:
        """The notice for this registration of its recipient's, or why there is nothing to hand over."""
        ...


@dataclass(frozen=True)
class ByMail:
    """Mail, to a registration of the recipient's contact; 0: the newest.

    Args:
        sender: the platform's own address.
        link_base: where the portal's pages are.
        clock: dates the messages.
    """

    mailer: Mailer
    sender: str
    link_base: str
    clock: Clock = utc_now

    async def prepare(
        self, notice: StartNoticeRequest, registration: int, language: str, doing: Doing
    ) -> Ready | Ended:
        """A contact that is not there may come."""
        # A safeguarding message greets nobody by name, so the name is not read for it.
        fields = ("email",) if notice.safeguarding else ("email", "name")
        try:
            found = await doing.open_fields(
                f"contact-{notice.recipient_id}", type_of(ContactRegistered), fields, registration
            )
        except KeyDestroyed:
            return Ended(Outcome.OUTCOME_FAILED, CONTACT_ERASED)
        if found is None:
            return Ended(Outcome.OUTCOME_FAILED_FOR_NOW, CONTACT_UNKNOWN)
        try:
            message = compose(
                notice, Recipient(*found), sender=self.sender, link_base=self.link_base, at=self.clock(),
                language=language, provider=await _provider(notice, doing),
            )  # fmt: skip
        except Unaddressable:
            return Ended(Outcome.OUTCOME_FAILED, ADDRESS_INVALID)
        return Ready("mail", partial(self.mailer.send, message))


@dataclass(frozen=True)
class ByAddress:
    """A webhook or Apprise, to a registration of the recipient's addresses."""

    channel: Channel.ValueType
    messenger: Messenger
    link_base: str

    async def prepare(
        self, notice: StartNoticeRequest, registration: int, language: str, doing: Doing
    ) -> Ready | Ended:
        """What a receiver of webhooks has answered for is delivered; what a service took is sent."""
        of_webhook = self.channel == Channel.CHANNEL_WEBHOOK
        fields = ("address", "secret") if of_webhook else ("address",)
        try:
            found = await doing.open_fields(
                f"addresses-{notice.recipient_id}", type_of(AddressRegistered), fields, registration
            )
        except KeyDestroyed:
            return Ended(Outcome.OUTCOME_FAILED, CONTACT_ERASED)
        if found is None:
            return Ended(Outcome.OUTCOME_FAILED, CONTACT_UNKNOWN)
        said = brief(notice, link_base=self.link_base, language=language, provider=await _provider(notice, doing))
        kind = Occasion.Name(notice.occasion).removeprefix("OCCASION_").lower()
        short = Short(
            f"{notice.notice_id}.{self.channel}.{registration}", kind, said.subject, said.text, said.link, said.why
        )
        address = " ".join(found)
        return Ready(
            self.messenger.circuit(address),
            partial(self.messenger.send, short, address),
            Outcome.OUTCOME_DELIVERED if of_webhook else Outcome.OUTCOME_SENT,
        )


class ToTheInbox:
    """The inbox, where each notice is already."""

    async def prepare(
        self, _notice: StartNoticeRequest, _registration: int, _language: str, _doing: Doing
    ) -> Ready | Ended:
        """Nothing can fail."""
        return Ready("inbox", _nothing, Outcome.OUTCOME_DELIVERED)


async def _provider(notice: StartNoticeRequest, doing: Doing) -> ProviderDetails:
    if not tells_whom_to_call(notice.occasion):
        return ProviderDetails()
    return await doing.state(provider_details, "provider-details")


async def _nothing() -> None:
    return
