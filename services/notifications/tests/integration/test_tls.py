"""Mail over TLS, with a name and a password: where the server offers none, no address and no word leaves the process."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from eventkernel.testing.certificates import certificate
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
    mailer = SmtpMailer("127.0.0.1", listening.sockets[0].getsockname()[1], start_tls=start_tls)
    try:
        if start_tls:
            with pytest.raises(NotTaken):
                await mailer.send(_message())
        else:
            await mailer.send(_message())
    finally:
        listening.close()
    assert plain.told == told


@dataclass
class Signed:
    """A server that takes mail over TLS alone, from whoever knows the password, and what it took."""

    port: int = 0
    taken: list[Any] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        transport = server.transport
        assert transport is not None
        over_tls = transport.get_extra_info("ssl_object") is not None
        self.taken.append((over_tls, session.authenticated, envelope.rcpt_tos))
        return "250 OK"


def knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    assert isinstance(login, LoginPassword)
    return AuthResult(success=(login.login, login.password) == (b"stream", b"right"), handled=False)


# aiosmtpd looks for TLS that a STARTTLS began, and warns of the other.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture(params=["from the first byte", "after STARTTLS"])
async def signed(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Signed, Callable[[str], SmtpMailer]]]:
    """The server, and a mailer to it with some password."""
    trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(trusted)
    server, first, loop = Signed(), request.param == "from the first byte", asyncio.get_running_loop()

    def protocol() -> SMTP:
        over: dict[str, Any] = {} if first else {"tls_context": context, "require_starttls": True}
        return SMTP(
            server, hostname="mail.example", loop=loop, authenticator=knows, auth_required=True, auth_require_tls=not first, **over
        )  # fmt: skip

    listening = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if first else None)
    server.port = listening.sockets[0].getsockname()[1]

    def mailer(password: str) -> SmtpMailer:
        how: dict[str, Any] = {"tls": True} if first else {"start_tls": True}
        return SmtpMailer("127.0.0.1", server.port, username="stream", password=password, **how)

    try:
        yield server, mailer
    finally:
        listening.close()


async def test_mail_goes_over_tls_with_a_name_and_a_password(
    signed: tuple[Signed, Callable[[str], SmtpMailer]],
) -> None:
    server, mailer = signed
    await mailer("right").send(_message())
    assert server.taken == [(True, True, ["dora@example.org"])]


async def test_a_wrong_password_is_told_and_may_be_mended(signed: tuple[Signed, Callable[[str], SmtpMailer]]) -> None:
    server, mailer = signed
    with pytest.raises(NotTaken) as caught:
        await mailer("wrong").send(_message())
    assert (str(caught.value), caught.value.passing) == ("SMTP_535", True)
    assert server.taken == []


async def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    signed: tuple[Signed, Callable[[str], SmtpMailer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    server, mailer = signed
    with pytest.raises(NotTaken):
        await mailer("right").send(_message())
    assert server.taken == []


def _message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "stream@example.org", "dora@example.org"
    message.set_content("Hello")
    return message
