"""A mail server for the demo and the tests: it keeps what it is sent and delivers nothing.

Invariant: a message that was accepted (reply 250) is in `messages`, and in the maildir if there is one.
"""

import asyncio
import mailbox
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mentorstream.embedded.errors import StartFailure, StartFailureCode
from mentorstream.embedded.ports import HOST, choose_port, require_free


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message.

    Attributes:
        sender: the envelope's sender, which need not be the message's From.
        recipients: the envelope's recipients, which need not be the message's To.
        message: the message, parsed.
    """

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class SmtpEmbedded:
    """An SMTP server on the loopback address, in a thread of this process, without encryption or sign-in.

    Args:
        port: a port; a free one when None.
        maildir: a folder in maildir format that also gets each message, made if missing.
    """

    host = HOST

    def __init__(self, *, port: int | None = None, maildir: Path | None = None) -> None:
        self.port = port or 0
        self._maildir = maildir
        self._received: list[Received] = []
        self._controller: Controller | None = None

    @property
    def messages(self) -> tuple[Received, ...]:
        """What has been accepted so far, oldest first."""
        return tuple(self._received)

    async def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            StartFailure: PORT_IN_USE, or MAIL_NOT_READY when it does not answer.
        """
        self.port = require_free(self.port, "the mail server", "its port") if self.port else choose_port()
        folder = await asyncio.to_thread(_open_maildir, self._maildir) if self._maildir else None
        controller = Controller(_Keep(self._received, folder), hostname=HOST, port=self.port, enable_SMTPUTF8=True)
        self._controller = controller
        try:
            await asyncio.to_thread(controller.start)
        except (OSError, TimeoutError, RuntimeError) as error:
            await self.stop()
            raise StartFailure(
                StartFailureCode.MAIL_NOT_READY,
                f"The mail server did not answer on port {self.port} of {HOST}: {error}",
                "Run again; if it persists, name another port.",
            ) from error

    async def stop(self) -> None:
        """Stop the server; the messages stay readable. Harmless when it does not run."""
        if self._controller:
            controller, self._controller = self._controller, None
            await asyncio.to_thread(controller.stop, no_assert=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class _Keep:
    """Runs in the server's thread; appending to a list is safe across threads."""

    def __init__(self, received: list[Received], folder: mailbox.Maildir | None) -> None:
        self._received = received
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep one message; aiosmtpd calls it by this name."""
        content = envelope.original_content or b""
        sender, recipients = envelope.mail_from or "", tuple(envelope.rcpt_tos)
        if self._folder is not None:
            await asyncio.to_thread(_file, self._folder, content, sender, recipients)
        self._received.append(Received(sender, recipients, BytesParser(policy=policy.default).parsebytes(content)))
        return "250 OK: kept"


def _open_maildir(path: Path) -> mailbox.Maildir:
    path.parent.mkdir(parents=True, exist_ok=True)
    return mailbox.Maildir(path, factory=None, create=True)


def _file(folder: mailbox.Maildir, content: bytes, sender: str, recipients: tuple[str, ...]) -> None:
    # A maildir has no envelope: the usual trace headers carry it.
    trace = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
    folder.add("".join(f"{line}\r\n" for line in trace).encode() + content)
