"""Mail by SMTP, one connection a message. The protocol's steps are taken one by one, because what an error means turns on DATA:
before it nothing has gone out, after it only the server's answer tells."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPResponseException

from notifications.effects.mailer import NotTaken, Unsure

_FAREWELL_SECONDS = 1.0
# RFC 3463, and 7505 for the last: the recipient's mailbox, system, syntax, one that moved away, and a domain that takes no mail. The other
# 5.1.x are about the sender's address, which is the platform's own and the same for everybody.
_NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})


@dataclass(frozen=True)
class SmtpMailer:
    """Sends through one SMTP server.

    Args:
        username: empty where the server asks for no sign-in.
        tls: TLS from the first byte on; `start_tls` then says nothing.
        start_tls: True: only over TLS; None: where the server offers it; False: never.
        seconds: how long it may take up to DATA, the connection included.
        answer_seconds: how long from there to the server's last answer. Both together end well within the lease of a due row.
    """

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    start_tls: bool | None = None
    seconds: float = 6.0
    answer_seconds: float = 10.0

    async def send(self, message: EmailMessage) -> None:
        """Returns once the server has answered that it keeps the message; raises NotTaken or Unsure.

        Errors are not raised from aiosmtplib's, whose texts hold the recipient's address.
        """
        client = SMTP(
            hostname=self.host, port=self.port, timeout=self.seconds, use_tls=self.tls,
            start_tls=False if self.tls else self.start_tls,
            username=self.username or None, password=self.password or None,
        )  # fmt: skip
        try:
            await self._up_to_data(client, message)
            await self._hand_over(client, message)
            # The message is taken: however the farewell ends, that stands.
            with suppress(SMTPException, OSError):
                await client.quit(timeout=_FAREWELL_SECONDS)
        finally:
            client.close()

    async def _up_to_data(self, client: SMTP, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await self._connect(client)
                await self._address(client, message)
        except TimeoutError:
            raise NotTaken("SMTP_UNREACHABLE", passing=True, dead=True) from None

    async def _connect(self, client: SMTP) -> None:
        try:
            await client.connect()
        except SMTPResponseException as error:
            # Whatever the server says here is about us and not about this message: it may be mended.
            raise NotTaken(f"SMTP_{error.code}", passing=True) from None
        except (SMTPException, OSError, ValueError):
            raise NotTaken("SMTP_UNREACHABLE", passing=True, dead=True) from None

    async def _address(self, client: SMTP, message: EmailMessage) -> None:
        try:
            await client.mail(message["From"].addresses[0].addr_spec)
            await client.rcpt(message["To"].addresses[0].addr_spec)
        except SMTPResponseException as error:
            raise _refused(error) from None
        except (SMTPException, OSError):
            raise NotTaken("SMTP_UNREACHABLE", passing=True, dead=True) from None

    async def _hand_over(self, client: SMTP, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(self.answer_seconds):
                await client.data(message.as_bytes(), timeout=None)
        except SMTPDataError as error:
            raise _refused(error) from None
        except (SMTPException, OSError):
            raise Unsure("SMTP_NO_ANSWER") from None


def _refused(error: SMTPResponseException) -> NotTaken:
    gone = error.code >= 500 and str(error.message).split(" ", 1)[0] in _NO_SUCH_ADDRESS
    return NotTaken(f"SMTP_{error.code}", passing=error.code < 500, gone=gone)
