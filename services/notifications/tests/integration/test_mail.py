"""Sending mail to a real SMTP server: what is sent, what is tried again, and what is given up."""

import asyncio

import pytest
from eventkernel.reaction import TryAgain
from notifications.effects.patience import Patience

from .mail_parts import BOTH, MIA, MailServer, MakeRow, unused_port


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
    forms = [[str(part.get_payload(decode=True)) for part in mail.walk()] for _, mail in mailbox.received]
    assert ["Hello Mia Mentor" in form for form in forms[0]] == [False, True, True]
    assert not any("Mia" in form for form in forms[1])
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
    assert found.history == [("STARTED", 1), ("FAILED_FOR_NOW", 1), ("STARTED", 2), ("SENT", 2)]
    assert len(mailbox.received) == 1


async def test_the_waiting_doubles_up_to_a_bound_that_is_shorter_for_safeguarding(row: MakeRow) -> None:
    patience, plain, urgent = Patience(chance=lambda: 1.0), row().request, row(safeguarding=True).request
    assert [patience.seconds(plain, attempt) for attempt in (1, 2, 3, 11, 5000)] == [5, 10, 20, 3600, 3600]
    assert [patience.seconds(urgent, attempt) for attempt in (1, 2, 3, 11, 5000)] == [5, 10, 20, 60, 60]
    # By chance it is shorter, by half at the most: not all come back at once to a server that is up again.
    assert Patience(chance=lambda: 0.0).seconds(plain, 3) == 10
    assert len({Patience().seconds(plain, 3) for _ in range(20)}) > 1


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
    assert found.history == [("STARTED", 1), ("FAILED_FOR_NOW", 1), ("STARTED", 2), ("SENT", 2)]


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
    assert found.history == [("STARTED", 1), ("FAILED_FOR_NOW", 1), ("STARTED", 2), ("SENT", 2)]
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
    await asyncio.gather(*(one.claim() for one in rows))
    assert sorted(str(mail["X-Notice-Id"]) for _, mail in mailbox.received) == sorted(f"n-{n}" for n in range(20))
