"""By each channel, what is handed over, and to which address. Whatever can fail without a trace happens here, before anything is sent."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from eventkernel.keys import KeyDestroyed
from eventkernel.reaction import Doing
from eventkernel.timing import Clock, utc_now
from google.protobuf.message import Message
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import ContactRegistered, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.contents import Content, tells_whom_to_call
from notifications.domain.digest import digest
from notifications.domain.provider_details import ProviderDetails, provider_details
from notifications.effects.giving import type_of
from notifications.effects.mailer import Mailer
from notifications.effects.messenger import Messenger, Short
from notifications.forms import as_brief
from notifications.messages import Recipient, Unaddressable, brief, compose, mail

CONTACT_UNKNOWN = "CONTACT_UNKNOWN"
CONTACT_ERASED = "CONTACT_ERASED"
ADDRESS_INVALID = "ADDRESS_INVALID"
# What a webhook reads of a code, where of a notice it reads the occasion.
_CODE = "address_code"


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


class Carrier(Protocol):
    """A channel by which a code can go to an address."""

    async def prepare_code(
        self, person_id: str, registration: int, content: Content, key: str, doing: Doing
    ) -> Ready | Ended:
        """A code for this registration of the person's, or why there is nothing to hand over."""
        ...


class Outlet(Protocol):
    """A channel."""

    async def prepare(
        self, notice: StartNoticeRequest, registration: int, language: str, doing: Doing, *, unsubscribe: str = ""
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
        self, notice: StartNoticeRequest, registration: int, language: str, doing: Doing, *, unsubscribe: str = ""
    ) -> Ready | Ended:
        """A contact that is not there may come."""
        # A safeguarding message greets nobody by name, so the name is not read for it.
        fields = ("email",) if notice.safeguarding else ("email", "name")
        found = await _opened(ContactRegistered, f"contact-{notice.recipient_id}", fields, registration, doing)
        if isinstance(found, Ended):
            return found
        try:
            message = compose(
                notice, Recipient(*found), sender=self.sender, link_base=self.link_base, at=self.clock(), language=language,
                provider=await _provider(notice, doing), listed=await _listed(notice, doing), unsubscribe=unsubscribe,
            )  # fmt: skip
        except Unaddressable:
            return Ended(Outcome.OUTCOME_FAILED, ADDRESS_INVALID)
        return Ready("mail", partial(self.mailer.send, message))

    async def prepare_code(
        self, person_id: str, registration: int, content: Content, key: str, doing: Doing
    ) -> Ready | Ended:
        """By mail to that registration."""
        found = await _opened(ContactRegistered, f"contact-{person_id}", ("email",), registration, doing)
        if isinstance(found, Ended):
            return found
        try:
            message = mail(content, Recipient(*found), sender=self.sender, at=self.clock(), key=key)
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
        self,
        notice: StartNoticeRequest,
        registration: int,
        language: str,
        doing: Doing,
        *,
        unsubscribe: str = "",  # noqa: ARG002 - mail alone has it
    ) -> Ready | Ended:
        """What a receiver of webhooks has answered for is delivered; what a service took is sent."""
        said = brief(
            notice, link_base=self.link_base, language=language, provider=await _provider(notice, doing),
            listed=await _listed(notice, doing),
        )  # fmt: skip
        kind = Occasion.Name(notice.occasion).removeprefix("OCCASION_").lower()
        key = f"{notice.notice_id}.{self.channel}.{registration}"
        short = Short(key, kind, said.subject, said.text, said.link, said.why)
        return await self._ready(notice.recipient_id, registration, short, doing)

    async def prepare_code(
        self, person_id: str, registration: int, content: Content, key: str, doing: Doing
    ) -> Ready | Ended:
        """In the same form."""
        said = as_brief(content)
        short = Short(key, _CODE, said.subject, said.text, said.link, said.why)
        return await self._ready(person_id, registration, short, doing)

    async def _ready(self, person_id: str, registration: int, short: Short, doing: Doing) -> Ready | Ended:
        of_webhook = self.channel == Channel.CHANNEL_WEBHOOK
        fields = ("address", "secret") if of_webhook else ("address",)
        found = await _opened(AddressRegistered, f"addresses-{person_id}", fields, registration, doing)
        if isinstance(found, Ended):
            # An address is there from its registration on: what is not there does not come.
            return replace(found, outcome=Outcome.OUTCOME_FAILED)
        address = " ".join(found)
        return Ready(
            self.messenger.circuit(address),
            partial(self.messenger.send, short, address),
            Outcome.OUTCOME_DELIVERED if of_webhook else Outcome.OUTCOME_SENT,
        )


class ToTheInbox:
    """The inbox, where each notice is already."""

    async def prepare(
        self,
        _notice: StartNoticeRequest,
        _registration: int,
        _language: str,
        _doing: Doing,
        *,
        unsubscribe: str = "",  # noqa: ARG002
    ) -> Ready | Ended:
        """Nothing can fail."""
        return Ready("inbox", _nothing, Outcome.OUTCOME_DELIVERED)


async def _opened(
    kind: type[Message], stream: str, fields: Sequence[str], registration: int, doing: Doing
) -> list[str] | Ended:
    """The address of a registration, or why there is none: a contact may come."""
    try:
        found = await doing.open_fields(stream, type_of(kind), fields, registration)
    except KeyDestroyed:
        return Ended(Outcome.OUTCOME_FAILED, CONTACT_ERASED)
    return found if found is not None else Ended(Outcome.OUTCOME_FAILED_FOR_NOW, CONTACT_UNKNOWN)


async def _provider(notice: StartNoticeRequest, doing: Doing) -> ProviderDetails:
    if not tells_whom_to_call(notice.occasion):
        return ProviderDetails()
    return await doing.state(provider_details, "provider-details")


async def _listed(notice: StartNoticeRequest, doing: Doing) -> Sequence[StartNoticeRequest]:
    if notice.occasion != Occasion.OCCASION_DIGEST:
        return ()
    known = await doing.state(digest, f"digest-{notice.recipient_id}")
    return [one.for_person(notice.recipient_id) for one in known.listed]


async def _nothing() -> None:
    return
