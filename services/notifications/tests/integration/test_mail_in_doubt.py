"""Mail of which nobody knows whether it went: servers that fall silent, processes that die at the worst moments, commands unheard."""

from collections.abc import Sequence

import pytest
from eventkernel.reaction import TryAgain
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest

from .mail_parts import BOTH, Died, MailServer, MakeRow, OneTry

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
    first, second = (mail.as_string(unixfrom=False).partition("MIME-Version") for _, mail in mailbox.received)
    assert first[2] == second[2]


@BOTH
async def test_a_process_that_dies_before_it_starts_has_done_nothing(
    row: MakeRow, mailbox: MailServer, safeguarding: bool
) -> None:
    found = row(safeguarding=safeguarding)
    with pytest.raises(Died):
        await found.claim(dies_at=StartNoticeRequest)
    assert mailbox.received == []
    await found.claim()
    assert found.history == [("STARTED", 1), ("SENT", 1)]
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
    assert found.history == [("STARTED", 1), ("SENT", 1)]


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
