"""Sending mail to a real SMTP server, with processes that die at the worst moments."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message as Mail
from typing import TypeVar

import protovalidate
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from eventkernel.aggregate import Aggregate
from eventkernel.keys import KeyDestroyed
from eventkernel.reaction import TryAgain
from eventkernel.testing.scenario import Given, given
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeSettled, NoticeStarted, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest
from notifications.domain.notice import Notice, notice
from notifications.effects.mail import Patience, SendMail
from notifications.effects.smtp import SmtpMailer

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

    effect: SendMail
    request: StartNoticeRequest
    contacts: Contacts = field(default_factory=lambda: dict(MIA))
    story: Given[Notice] = field(default_factory=lambda: given(notice))
    attempts: int = 0
    opened: list[str] = field(default_factory=list)

    async def claim(self, *, dies_at: type[Message] | None = None) -> None:
        self.attempts += 1
        await self.effect(self.request, OneTry(self, self.attempts, dies_at))

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

    async def command(self, request: Message) -> CommandReply:
        if self.dies_at is type(request):
            raise Died
        protovalidate.validate(request)
        outcome = self.row.story.when(request)
        self.row.story = outcome.after()
        return CommandReply(event_types=[TYPES[type(event)] for event in outcome.events])

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        return aggregate.initial

    async def open_fields(self, stream: str, event_type: str, fields: Sequence[str], nth: int = 0) -> list[str] | None:
        assert event_type == "mentoring.notifications.contact-registered"
        assert nth == 0
        self.row.opened.extend(fields)
        found = [self.row.contacts.get((stream, field)) for field in fields]
        if "erased" in found:
            raise KeyDestroyed("mia")
        texts = [text for text in found if text is not None]
        return texts if len(texts) == len(fields) else None


@pytest.fixture
async def server() -> AsyncIterator[tuple[MailServer, int]]:
    found = MailServer()
    listening = await asyncio.get_running_loop().create_server(
        lambda: SMTP(found, hostname="mail.example", loop=asyncio.get_running_loop()), "127.0.0.1", 0
    )
    yield found, listening.sockets[0].getsockname()[1]
    listening.close()


@pytest.fixture
def mailbox(server: tuple[MailServer, int]) -> MailServer:
    return server[0]


MakeRow = Callable[..., Row]


@pytest.fixture
def row(server: tuple[MailServer, int]) -> MakeRow:
    def make(
        *, safeguarding: bool = False, port: int | None = None, seconds: float = 20, answer_seconds: float = 20
    ) -> Row:
        effect = SendMail(
            mailer=SmtpMailer("127.0.0.1", port or server[1], seconds=seconds, answer_seconds=answer_seconds),
            sender="mentor@stream.example",
            link_base="https://m.example",
            patience=Patience(attempts=4),
            clock=lambda: AT,
        )
        request = StartNoticeRequest(
            notice_id="n-1",
            attempt=1,
            recipient_id="mia",
            safeguarding=safeguarding,
            telling_id="t-1",
            occasion=Occasion.OCCASION_CONCERN_ASSIGNED if safeguarding else Occasion.OCCASION_SESSION_PLANNED,
            because=Because.BECAUSE_DSL_ON_DUTY if safeguarding else Because.BECAUSE_MENTOR,
            detail=Detail.DETAIL_FULL,
            about_id="a-1",
            raiser_role="mentor" if safeguarding else "",
            category="physical" if safeguarding else "",
        )
        return Row(effect, request)

    return make


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


BOTH = pytest.mark.parametrize("safeguarding", [False, True])


@BOTH
async def test_a_notice_is_sent_once(row: MakeRow, mailbox: MailServer, safeguarding: bool) -> None:
    found = row(safeguarding=safeguarding)
    await found.claim()
    ((recipients, mail),) = mailbox.received
    assert recipients == ["mia@example.org"]
    assert mail["Message-ID"] == "<n-1@stream.example>"
    assert found.history == [("STARTED", 1), ("SENT", 1)]
    await found.claim()
    assert len(mailbox.received) == 1


async def test_a_notice_greets_by_name_and_a_concerns_does_not_even_read_the_name(
    row: MakeRow, mailbox: MailServer
) -> None:
    plain, concern = row(), row(safeguarding=True)
    await plain.claim()
    await concern.claim()
    assert plain.opened == ["email", "name"]
    assert concern.opened == ["email"]
    texts = [bytes(mail.get_payload(decode=True)).decode() for _, mail in mailbox.received]
    assert "Hello Mia Mentor" in texts[0]
    assert "Mia" not in texts[1]
    assert "Mia" not in str(mailbox.received[1][1])


@BOTH
async def test_a_server_that_is_down_is_tried_again_until_it_is_up(
    row: MakeRow, mailbox: MailServer, server: tuple[MailServer, int], safeguarding: bool
) -> None:
    found = row(safeguarding=safeguarding, port=unused_port())
    with pytest.raises(TryAgain) as raised:
        await found.claim()
    assert str(raised.value) == "SMTP_UNREACHABLE"
    found.effect = row(safeguarding=safeguarding).effect
    await found.claim()
    assert found.history == [("STARTED", 1), ("FAILED", 1), ("STARTED", 2), ("SENT", 2)]
    assert len(mailbox.received) == 1


async def test_the_waiting_doubles_up_to_a_bound_that_is_shorter_for_safeguarding(row: MakeRow) -> None:
    patience, plain, urgent = Patience(), row().request, row(safeguarding=True).request
    assert [patience.seconds(plain, attempt) for attempt in (1, 2, 3, 11, 5000)] == [5, 10, 20, 3600, 3600]
    assert [patience.seconds(urgent, attempt) for attempt in (1, 2, 3, 11, 5000)] == [5, 10, 20, 60, 60]


async def test_a_notice_is_given_up_after_its_last_attempt_and_stays_failed(row: MakeRow) -> None:
    found = row(port=unused_port())
    assert await found.claim_until_done(most=10) == 4
    assert found.history[-1] == ("FAILED", 4)


async def test_a_safeguarding_notice_is_never_given_up(row: MakeRow, mailbox: MailServer) -> None:
    found = row(safeguarding=True, port=unused_port())
    assert await found.claim_until_done(most=10) == 10
    found.effect = row(safeguarding=True).effect
    await found.claim()
    assert found.history[-1] == ("SENT", 11)


async def test_a_contact_not_registered_yet_is_waited_for(row: MakeRow, mailbox: MailServer) -> None:
    found = row()
    found.contacts.clear()
    with pytest.raises(TryAgain):
        await found.claim()
    assert found.failures == ["CONTACT_UNKNOWN"]
    found.contacts.update(MIA)
    await found.claim()
    assert found.history == [("STARTED", 1), ("FAILED", 1), ("STARTED", 2), ("SENT", 2)]


@pytest.mark.parametrize(
    ("safeguarding", "claims"), [(False, 4), (True, 10)], ids=["given up in the end", "safeguarding: never"]
)
async def test_a_contact_that_never_comes(row: MakeRow, safeguarding: bool, claims: int) -> None:
    found = row(safeguarding=safeguarding)
    found.contacts.clear()
    assert await found.claim_until_done(most=10) == claims
    assert set(found.failures) == {"CONTACT_UNKNOWN"}


@pytest.mark.parametrize(
    ("email", "failure"), [("erased", "CONTACT_ERASED"), ("mia@x@y", "ADDRESS_INVALID")], ids=["erased", "invalid"]
)
async def test_a_recipient_who_cannot_be_written_to_is_not_tried_for_ever(
    row: MakeRow, email: str, failure: str
) -> None:
    found = row()
    found.contacts["contact-mia", "email"] = email
    await found.claim()
    assert found.failures == [failure]
    urgent = row(safeguarding=True)
    urgent.contacts["contact-mia", "email"] = email
    with pytest.raises(TryAgain):
        await urgent.claim()


@pytest.mark.parametrize("step", ["mail_from", "rcpt", "data"])
async def test_a_passing_refusal_is_tried_again(row: MakeRow, mailbox: MailServer, step: str) -> None:
    getattr(mailbox, step).append("451 try later, mia@example.org")
    found = row()
    with pytest.raises(TryAgain) as raised:
        await found.claim()
    assert "example.org" not in str(raised.value)
    await found.claim()
    assert found.history == [("STARTED", 1), ("FAILED", 1), ("STARTED", 2), ("SENT", 2)]
    assert found.failures == ["SMTP_451", ""]
    assert len(mailbox.received) == 1


@pytest.mark.parametrize("step", ["mail_from", "rcpt", "data"])
async def test_a_final_refusal_is_final_save_for_safeguarding(row: MakeRow, mailbox: MailServer, step: str) -> None:
    answers = getattr(mailbox, step)
    answers.append("550 no such person")
    plain = row()
    await plain.claim()
    assert plain.failures == ["SMTP_550"]
    assert plain.history[-1] == ("FAILED", 1)

    answers.append("550 no such person")
    urgent = row(safeguarding=True)
    with pytest.raises(TryAgain):
        await urgent.claim()
    await urgent.claim()
    assert urgent.history[-1] == ("SENT", 2)


# A server that stays silent is not waited for long; one that hangs up is heard at once.
ANSWER = {"silence": 0.5, "hang up": 20}


@pytest.mark.parametrize("ending", ["silence", "hang up"])
async def test_no_answer_after_the_message_was_handed_over_is_unknown_and_not_sent_again(
    row: MakeRow, mailbox: MailServer, ending: str
) -> None:
    mailbox.data.append(ending)
    found = row(answer_seconds=ANSWER[ending])
    await found.claim()
    assert found.history == [("STARTED", 1), ("UNKNOWN", 1)]
    await found.claim()
    assert len(mailbox.received) == 1


@pytest.mark.parametrize("ending", ["silence", "hang up"])
async def test_no_answer_about_a_safeguarding_message_sends_it_again_recognisably(
    row: MakeRow, mailbox: MailServer, ending: str
) -> None:
    mailbox.data.append(ending)
    found = row(safeguarding=True, answer_seconds=ANSWER[ending])
    with pytest.raises(TryAgain):
        await found.claim()
    await found.claim()
    assert found.history == [("STARTED", 1), ("UNKNOWN", 1), ("STARTED", 2), ("SENT", 2)]
    assert [mail["Message-ID"] for _, mail in mailbox.received] == ["<n-1@stream.example>"] * 2


async def test_a_process_that_dies_between_sending_and_recording_leaves_it_unknown(
    row: MakeRow, mailbox: MailServer
) -> None:
    found = row()
    with pytest.raises(Died):
        await found.claim(dies_at=SettleNoticeRequest)
    await found.claim()
    await found.claim()
    assert found.history == [("STARTED", 1), ("UNKNOWN", 1)]
    assert found.failures == ["OUTCOME_UNKNOWN"]
    assert len(mailbox.received) == 1


async def test_a_safeguarding_process_that_dies_there_is_followed_by_another_with_the_same_message(
    row: MakeRow, mailbox: MailServer
) -> None:
    found = row(safeguarding=True)
    with pytest.raises(Died):
        await found.claim(dies_at=SettleNoticeRequest)
    await found.claim()
    await found.claim()
    assert found.history == [("STARTED", 1), ("UNKNOWN", 1), ("STARTED", 2), ("SENT", 2)]
    assert [mail["Message-ID"] for _, mail in mailbox.received] == ["<n-1@stream.example>"] * 2
    assert mailbox.received[0][1].get_payload() == mailbox.received[1][1].get_payload()


@BOTH
async def test_a_process_that_dies_before_it_starts_has_done_nothing(
    row: MakeRow, mailbox: MailServer, safeguarding: bool
) -> None:
    found = row(safeguarding=safeguarding)
    with pytest.raises(Died):
        await found.claim(dies_at=StartNoticeRequest)
    assert mailbox.received == []
    await found.claim()
    assert found.history == [("STARTED", 2), ("SENT", 2)]
    assert len(mailbox.received) == 1


async def test_a_contact_that_cannot_be_read_just_now_leaves_no_doubt_behind(
    row: MakeRow, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = row()
    reading = OneTry(found, 1, None)

    async def fails(stream: str, event_type: str, fields: Sequence[str], nth: int) -> list[str] | None:
        raise ConnectionError("the store is away")

    monkeypatch.setattr(reading, "open_fields", fails)
    with pytest.raises(ConnectionError):
        await found.effect(found.request, reading)
    assert found.history == []
    found.attempts = 1
    await found.claim()
    assert found.history == [("STARTED", 2), ("SENT", 2)]


class StoreAway(Exception):
    """The store did not answer: the command may have been stored, or not."""


@pytest.mark.parametrize("stored", [False, True], ids=["not stored", "stored unheard"])
@pytest.mark.parametrize("command", [StartNoticeRequest, SettleNoticeRequest])
async def test_a_command_of_unknown_fate_is_given_again_within_the_try(
    row: MakeRow, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch, command: type[Message], stored: bool
) -> None:
    found = row()
    trying = OneTry(found, 1, None)
    first_replies: dict[bytes, CommandReply] = {}
    failures = [StoreAway(), StoreAway()]

    async def as_the_kernel_does(request: Message) -> CommandReply:
        key = type(request).__name__.encode() + request.SerializeToString()
        fails = failures.pop() if isinstance(request, command) and failures else None
        if key not in first_replies and (stored or not fails):
            first_replies[key] = await OneTry(found, 1, None).command(request)
        if fails:
            raise fails
        return first_replies[key]

    monkeypatch.setattr(trying, "command", as_the_kernel_does)
    await found.effect(found.request, trying)
    assert found.history == [("STARTED", 1), ("SENT", 1)]
    assert len(mailbox.received) == 1


async def test_a_server_that_greets_nobody_is_left_in_time(row: MakeRow) -> None:
    async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    listening = await asyncio.start_server(mute, "127.0.0.1", 0)
    found = row(port=listening.sockets[0].getsockname()[1], seconds=0.3)
    with pytest.raises(TryAgain):
        await asyncio.wait_for(found.claim(), 20)
    assert found.failures == ["SMTP_UNREACHABLE"]
    listening.close()


async def test_a_busy_server_that_refuses_the_connection_is_tried_again(row: MakeRow) -> None:
    async def busy(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 no service here\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(busy, "127.0.0.1", 0)
    found = row(port=listening.sockets[0].getsockname()[1])
    with pytest.raises(TryAgain) as raised:
        await found.claim()
    assert str(raised.value) == "SMTP_554"
    listening.close()


async def test_twenty_notices_at_once_are_twenty_messages(row: MakeRow, mailbox: MailServer) -> None:
    rows = [row() for _ in range(20)]
    for number, one in enumerate(rows):
        one.request.notice_id = f"n-{number}"
        one.effect = SendMail(
            SmtpMailer("127.0.0.1", one.effect.mailer.port, seconds=20, answer_seconds=20),  # type: ignore[attr-defined]
            "mentor@stream.example",
            "https://m.example",
        )
    await asyncio.gather(*(one.claim() for one in rows))
    assert sorted(str(mail["X-Notice-Id"]) for _, mail in mailbox.received) == sorted(f"n-{n}" for n in range(20))
