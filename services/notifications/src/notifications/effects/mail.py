"""Sends a notice by mail. Between NoticeStarted and NoticeSettled there is nothing but the sending itself: whatever can fail without
a trace (reading the contact, composing) comes before, so that an attempt that was never settled was truly under way."""

import asyncio
from dataclasses import dataclass, field
from email.message import EmailMessage

import structlog
from eventkernel import tracing
from eventkernel.aggregate import Aggregate, Refusal
from eventkernel.keys import KeyDestroyed
from eventkernel.reaction import Doing, TryAgain
from eventkernel.timing import Clock, utc_now
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1.events_pb2 import ContactRegistered, NoticeStarted, Outcome
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest
from mentoring.options.v1 import options_pb2
from opentelemetry.trace import SpanKind

from notifications.contents import tells_whom_to_call
from notifications.default_matrix import default_matrix
from notifications.domain.circle import circle
from notifications.domain.conditions import conditions
from notifications.domain.contact import contact
from notifications.domain.need_to_know import NeedToKnow, need_to_know
from notifications.domain.provider_details import ProviderDetails, provider_details
from notifications.domain.telling import telling
from notifications.effects.mailer import Mailer, NotTaken, Unsure
from notifications.messages import Recipient, Unaddressable, compose

_INSIST_AFTER = (0.1, 0.5, 2.0)
_log = structlog.get_logger(__name__)

CONTACT_UNKNOWN = "CONTACT_UNKNOWN"
CONTACT_ERASED = "CONTACT_ERASED"
ADDRESS_INVALID = "ADDRESS_INVALID"
_FOR_GOOD = frozenset({Outcome.OUTCOME_SENT, Outcome.OUTCOME_NOT_NEEDED, Outcome.OUTCOME_NEED_ENDED})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying: waiting times double from `first_seconds` up to the longest. Safeguarding never gives up."""

    first_seconds: float = 5.0
    longest_seconds: float = 3600.0
    longest_seconds_safeguarding: float = 60.0
    attempts: int = 12

    def gives_up(self, request: StartNoticeRequest, attempt: int) -> bool:
        """Whether this attempt, from 1, was the last."""
        return not request.safeguarding and attempt >= self.attempts

    def seconds(self, request: StartNoticeRequest, attempt: int) -> float:
        """How long to wait after this attempt, from 1."""
        longest = self.longest_seconds_safeguarding if request.safeguarding else self.longest_seconds
        # Beyond 2**30 it is the longest anyway, and a float would overflow some day.
        return min(longest, self.first_seconds * 2.0 ** min(attempt - 1, 30))


@dataclass(frozen=True, slots=True)
class _Ended:
    outcome: Outcome.ValueType
    failure: str = ""
    # Whether the same may end better at another time.
    passing: bool = False


@dataclass(frozen=True)
class SendMail:
    """The effect of a StartNoticeRequest that is due.

    Args:
        sender: the platform's own address.
        link_base: where the portal's pages are.
        clock: dates the messages.
        matrix: the provider's need-to-know policy.
    """

    mailer: Mailer
    sender: str
    link_base: str
    patience: Patience = Patience()
    clock: Clock = utc_now
    matrix: Aggregate[NeedToKnow] = field(default_factory=lambda: need_to_know(default_matrix()))

    async def __call__(self, request: StartNoticeRequest, doing: Doing) -> None:
        """Sends once, and records how it ended. Raises TryAgain where it is to be tried again."""
        ready = await self._prepare(request, doing)
        if not await _started(request, doing):
            return
        ended = await self._send(ready) if isinstance(ready, EmailMessage) else ready
        await _insist(
            doing,
            SettleNoticeRequest(
                notice_id=request.notice_id, attempt=doing.attempt, outcome=ended.outcome, failure=ended.failure
            ),
        )
        if ended.outcome in _FOR_GOOD or self.patience.gives_up(request, doing.attempt):
            return
        if ended.passing or request.safeguarding:
            raise TryAgain(self.patience.seconds(request, doing.attempt), ended.failure)

    async def _prepare(self, request: StartNoticeRequest, doing: Doing) -> EmailMessage | _Ended:
        if not request.safeguarding and not await self._is_still_needed(request, doing):
            return _Ended(Outcome.OUTCOME_NEED_ENDED)
        registration = await self._registration(request, doing)
        if request.second_copy and not registration:
            return _Ended(Outcome.OUTCOME_NOT_NEEDED)
        try:
            # A safeguarding message greets nobody by name, so the name is not read for it.
            fields = ("email",) if request.safeguarding else ("email", "name")
            found = await doing.open_fields(
                f"contact-{request.recipient_id}",
                _type_of(ContactRegistered),
                fields,
                registration,
            )
        except KeyDestroyed:
            return _Ended(Outcome.OUTCOME_FAILED, CONTACT_ERASED)
        if found is None:
            return _Ended(Outcome.OUTCOME_FAILED, CONTACT_UNKNOWN, passing=True)
        recipient = Recipient(*found) if len(found) > 1 else Recipient(found[0], "")
        provider = ProviderDetails()
        if tells_whom_to_call(request.occasion):
            provider = await doing.state(provider_details, "provider-details")
        try:
            return compose(
                request, recipient, sender=self.sender, link_base=self.link_base, at=self.clock(), provider=provider
            )
        except Unaddressable:
            return _Ended(Outcome.OUTCOME_FAILED, ADDRESS_INVALID)

    async def _is_still_needed(self, request: StartNoticeRequest, doing: Doing) -> bool:
        told = await doing.state(telling, f"telling-{request.telling_id}")
        around = await doing.state(circle, f"circle-{told.learner_id}")
        matrix = await doing.state(self.matrix, "need-to-know")
        depends_on = await doing.state(conditions, f"conditions-{told.learner_id}")
        return told.is_still_needed(request, around, matrix, depends_on, doing.now)

    async def _registration(self, request: StartNoticeRequest, doing: Doing) -> int:
        """Which registration it goes to; 0: the newest, or for a second copy none."""
        if not request.safeguarding:
            return request.registration
        known = await doing.state(contact, f"contact-{request.recipient_id}")
        which = known.second_copy if request.second_copy else known.first_copy
        return which(request.registration, doing.now)

    async def _send(self, message: EmailMessage) -> _Ended:
        try:
            with tracing.step("send mail", kind=SpanKind.CLIENT):
                await self.mailer.send(message)
        except NotTaken as refused:
            return _Ended(Outcome.OUTCOME_FAILED, refused.code, passing=refused.passing)
        except Unsure as unsure:
            return _Ended(Outcome.OUTCOME_UNKNOWN, unsure.code)
        return _Ended(Outcome.OUTCOME_SENT)


async def _started(request: StartNoticeRequest, doing: Doing) -> bool:
    attempt = StartNoticeRequest()
    attempt.CopyFrom(request)
    attempt.attempt = doing.attempt
    reply = await _insist(doing, attempt)
    return _type_of(NoticeStarted) in reply.event_types


async def _insist(doing: Doing, request: StartNoticeRequest | SettleNoticeRequest) -> CommandReply:
    """Gives a command, and again where it is unknown whether it was stored: an attempt that then died would be lost to doubt."""
    for seconds in _INSIST_AFTER:
        try:
            return await doing.command(request)
        except Refusal:
            raise
        except Exception as error:  # whatever the store raises
            _log.warning("command given again", notice=request.notice_id, error=type(error).__name__)
            await asyncio.sleep(seconds)
    return await doing.command(request)


def _type_of(event: type[ContactRegistered] | type[NoticeStarted]) -> str:
    return event.DESCRIPTOR.GetOptions().Extensions[options_pb2.event].type
