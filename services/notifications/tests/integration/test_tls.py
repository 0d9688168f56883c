"""Mail over TLS alone: where the server offers none, no address and no word leaves the process."""

import asyncio
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from notifications.effects.mailer import NotTaken
from notifications.effects.smtp import SmtpMailer


class Plain:
    """A server without TLS, and what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.told.append(address)
        envelope.mail_from = address
        return "250 OK"


@pytest.mark.parametrize(("start_tls", "told"), [(True, []), (False, ["stream@example.org"])])
async def test_a_server_without_tls_is_told_nothing_where_mail_goes_over_tls_alone(
    start_tls: bool, told: list[str]
) -> None:
    plain = Plain()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(plain, hostname="mail.example", loop=loop), "127.0.0.1", 0)
    message = EmailMessage()
    message["From"], message["To"] = "stream@example.org", "dora@example.org"
    mailer = SmtpMailer("127.0.0.1", listening.sockets[0].getsockname()[1], start_tls=start_tls)
    try:
        if start_tls:
            with pytest.raises(NotTaken):
                await mailer.send(message)
        else:
            await mailer.send(message)
    finally:
        listening.close()
    assert plain.told == told
