"""The mail server keeps what it accepted, envelope and message, also on disk."""

import mailbox
import smtplib
import socket
from asyncio import to_thread
from email.message import EmailMessage
from pathlib import Path

import pytest
from mentorstream.embedded import SmtpEmbedded, StartFailure, StartFailureCode


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mentor@example.org", "learner@example.org", "Nächste Sitzung"
    message.set_content("Am Dienstag um zehn.\n")
    return message


def post(server: SmtpEmbedded) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.send_message(letter(), from_addr="bounce@example.org", to_addrs=["a@example.org", "b@example.org"])


async def test_envelope_and_message_are_kept() -> None:
    async with SmtpEmbedded() as server:
        await to_thread(post, server)
        [received] = server.messages
    assert received.sender == "bounce@example.org"
    assert received.recipients == ("a@example.org", "b@example.org")
    assert received.message["Subject"] == "Nächste Sitzung"
    assert received.message.get_content().strip() == "Am Dienstag um zehn."


async def test_the_maildir_gets_each_message_with_its_envelope(tmp_path: Path) -> None:
    async with SmtpEmbedded(maildir=tmp_path / "mail") as server:
        await to_thread(post, server)
    [filed] = mailbox.Maildir(tmp_path / "mail")
    assert filed["Return-Path"] == "<bounce@example.org>"
    assert filed.get_all("Delivered-To") == ["a@example.org", "b@example.org"]
    assert "Am Dienstag um zehn." in str(filed)


async def test_nobody_listens_after_the_end() -> None:
    async with SmtpEmbedded() as server:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=5)


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailure) as caught:
            await SmtpEmbedded(port=port).start()
    assert caught.value.code is StartFailureCode.PORT_IN_USE
    assert str(port) in caught.value.what
