"""A real SMTP server that answers as it is told, and the due row of one notice over the real aggregate."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message as Mail
from typing import TypeVar

import protovalidate
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from eventkernel.aggregate import Aggregate
from eventkernel.blobs.sealed import SealedBlobs
from eventkernel.keys import KeyDestroyed
from eventkernel.reaction import TryAgain
from eventkernel.reading import Reader
from eventkernel.testing.scenario import Given, given
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1.events_pb2 import NoticeSettled, NoticeStarted, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from notifications.domain.notice import Notice, notice
from notifications.effects.sending import SendNotice

TYPES = {
    NoticeStarted: "mentoring.notifications.notice-started",
    NoticeSettled: "mentoring.notifications.notice-settled",
}
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
State = TypeVar("State")
Contacts = dict[tuple[str, str], str]
MIA: Contacts = {("contact-mia", "name"): "Mia Mentor", ("contact-mia", "email"): "mia@example.org"}


class Died(BaseException):
    """The process ended here."""


@dataclass
class MailServer:
    """What a real SMTP server was sent, and how it is to answer. Answers are taken in turn; afterwards it takes all."""

    received: list[tuple[list[str], Mail]] = field(default_factory=list)
    mail_from: list[str] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.mail_from.pop(0) if self.mail_from else "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt:
            return self.rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.data.pop(0) if self.data else "250 OK"
        if answer.startswith(("4", "5")):
            return answer
        assert isinstance(envelope.content, bytes)
        self.received.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content)))
        if answer == "silence":
            await asyncio.sleep(60)
        if answer == "hang up":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


@dataclass
class Row:
    """The due row of one notice with its stream: each `claim` is a process that does it."""

    effect: SendNotice
    request: StartNoticeRequest
    contacts: Contacts = field(default_factory=lambda: dict(MIA))
    story: Given[Notice] = field(default_factory=lambda: given(notice))
    streams: dict[str, Sequence[Message]] = field(default_factory=dict)
    attempts: int = 0
    opened: list[str] = field(default_factory=list)
    now: datetime = AT

    async def claim(self, *, dies_at: type[Message] | None = None) -> None:
        self.attempts += 1
        await self.effect(self.request, OneTry(self, self.attempts, dies_at, self.now))

    async def claim_until_done(self, most: int) -> int:
        """Claims it again for as long as the effect asks for that; how often it was claimed."""
        for count in range(1, most + 1):
            try:
                await self.claim()
            except TryAgain:
                continue
            return count
        return most

    @property
    def history(self) -> list[tuple[str, int]]:
        return [
            ("STARTED", event.attempt)
            if isinstance(event, NoticeStarted)
            else (Outcome.Name(event.outcome).removeprefix("OUTCOME_"), event.attempt)
            for event in self.story.past
            if isinstance(event, NoticeStarted | NoticeSettled)
        ]

    @property
    def failures(self) -> list[str]:
        return [event.failure for event in self.story.past if isinstance(event, NoticeSettled)]


@dataclass
class OneTry:
    """What the kernel gives an effect, over the real aggregate and no store."""

    row: Row
    attempt: int
    dies_at: type[Message] | None
    now: datetime = AT
    row_id: str = "row-1"
    tenant: str = "provider-1"

    @property
    def blobs(self) -> SealedBlobs:
        raise AssertionError("mail keeps no bytes")

    async def command(self, request: Message) -> CommandReply:
        if self.dies_at is type(request):
            raise Died
        protovalidate.validate(request)
        outcome = self.row.story.when(request)
        self.row.story = outcome.after()
        return CommandReply(event_types=[TYPES[type(event)] for event in outcome.events])

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        past = self.row.story.past if aggregate.name == "notice" else self.row.streams.get(stream, ())
        return aggregate.fold(aggregate.initial, past)

    def reader(self) -> Reader:
        raise AssertionError("a notice is sent by its streams alone")

    async def open_fields(self, stream: str, event_type: str, fields: Sequence[str], nth: int = 0) -> list[str] | None:
        assert event_type.endswith("contact-registered" if stream.startswith("contact-") else "address-registered")
        assert nth == (1 if stream in self.row.streams else 0)
        self.row.opened.extend(fields)
        found = [self.row.contacts.get((stream, field)) for field in fields]
        if "erased" in found:
            raise KeyDestroyed("mia")
        texts = [text for text in found if text is not None]
        return texts if len(texts) == len(fields) else None


MakeRow = Callable[..., Row]
BOTH = pytest.mark.parametrize("safeguarding", [False, True])


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
