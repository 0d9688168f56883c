"""A notice by one way after another, over a real mail server and a real receiver of webhooks: nothing lost, and nothing twice."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from eventkernel.reaction import Doing, TryAgain
from mentoring.notifications.v1.addresses_events_pb2 import AddressRegistered, AddressVerified, ChannelsOrdered
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import ContactRegistered, NoticeSettled, NoticeStarted
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest
from notifications.domain.delivering import Now
from notifications.effects.holding import Holding
from notifications.effects.line import Line
from notifications.effects.outlets import ByAddress, ToTheInbox
from notifications.effects.sending import SendNotice
from notifications.effects.webhook import WebhookMessenger
from standardwebhooks import Webhook

from .mail_parts import BOTH, Died, MailServer, MakeRow, Row, unused_port
from .receiving import Received, receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = Channel.CHANNEL_WEBHOOK
Make = Callable[..., Row]


@pytest.fixture
async def there() -> AsyncIterator[Received]:
    async with receiver() as received:
        yield received


@pytest.fixture
def hooked(row: MakeRow, there: Received) -> Make:
    """Mia has mail, a webhook that she verified, and the inbox."""

    def make(**named: object) -> Row:
        found = row(**named)
        found.contacts["addresses-mia", "address"] = f"http://{there.url}/hook"
        found.contacts["addresses-mia", "secret"] = SECRET
        found.streams = {
            "contact-mia": [ContactRegistered(person_id="mia")],
            "addresses-mia": [
                AddressRegistered(person_id="mia", channel=HOOK, registration=1),
                AddressVerified(person_id="mia", channel=HOOK, registration=1),
            ],
        }
        found.effect = replace(
            found.effect,
            outlets={
                **found.effect.outlets,
                HOOK: ByAddress(HOOK, WebhookMessenger(private=True), "https://m.example"),
                Channel.CHANNEL_INBOX: ToTheInbox(),
            },
        )
        return found

    return make


def ways(row: Row) -> list[str]:
    """The channels that were tried, in order."""
    return [Channel.Name(one.channel) for one in row.story.past if isinstance(one, NoticeStarted)]


async def test_what_mail_takes_goes_no_other_way(hooked: Make, mailbox: MailServer, there: Received) -> None:
    found = hooked()
    await found.claim()
    await found.claim()
    assert (len(mailbox.received), there.posts) == (1, [])


@BOTH
async def test_the_next_channel_is_used_at_once_where_one_is_down(
    hooked: Make, there: Received, safeguarding: bool
) -> None:
    found = hooked(safeguarding=safeguarding, port=unused_port())
    with pytest.raises(TryAgain) as raised:
        await found.claim()
    assert raised.value.seconds == 0
    await found.claim()
    assert found.history == [("STARTED", 1), ("FAILED_FOR_NOW", 1), ("STARTED", 2), ("DELIVERED", 2)]
    ((headers, body),) = there.posts
    told = Webhook(SECRET).verify(body, headers)
    assert headers["webhook-id"] == "n-1.2.1"
    # No name, and of a concern nothing but that there is one.
    assert not any(word in body for word in ("Mia", "physical", "mentor's"))
    assert told["data"]["why"].startswith("You are told this because")


async def test_a_round_in_which_nobody_takes_it_is_followed_by_another(
    hooked: Make, mailbox: MailServer, there: Received
) -> None:
    there.status = 503
    mailbox.rcpt += ["451 later", "451 later"]
    found = hooked()
    pauses = []
    for _ in range(4):
        with pytest.raises(TryAgain) as raised:
            await found.claim()
        pauses.append(raised.value.seconds)
    assert ways(found) == ["CHANNEL_EMAIL", "CHANNEL_WEBHOOK"] * 2
    assert pauses == [0, 5, 0, 10]
    await found.claim()
    assert (len(mailbox.received), found.history[-1]) == (1, ("SENT", 5))


async def test_what_nobody_takes_to_the_end_is_in_the_inbox(hooked: Make, there: Received) -> None:
    there.status = 503
    found = hooked(port=unused_port())
    # Four rounds by two ways, and the inbox.
    assert await found.claim_until_done(most=20) == 9
    assert [outcome for outcome, _ in found.history[1::2]] == ["FAILED_FOR_NOW"] * 6 + ["FAILED"] * 2 + ["DELIVERED"]
    assert ways(found)[-1] == "CHANNEL_INBOX"


async def test_a_way_that_is_none_uses_up_no_round_of_the_others(hooked: Make, there: Received) -> None:
    there.status = 404
    found = hooked(port=unused_port())
    order = ChannelsOrdered(person_id="mia", channels=[HOOK, Channel.CHANNEL_EMAIL])
    found.streams["addresses-mia"] = [*found.streams["addresses-mia"], order]
    await found.claim_until_done(most=20)
    assert ways(found) == ["CHANNEL_WEBHOOK", *["CHANNEL_EMAIL"] * 4, "CHANNEL_INBOX"]


async def test_an_address_that_is_none_is_said_to_be_gone_and_left_out(
    hooked: Make, mailbox: MailServer, there: Received
) -> None:
    mailbox.rcpt.append("550 5.1.1 no such person")
    found = hooked()
    with pytest.raises(TryAgain):
        await found.claim()
    (settled,) = [one for one in found.story.past if isinstance(one, NoticeSettled)]
    assert (settled.gone, settled.channel, settled.registration) == (True, Channel.CHANNEL_EMAIL, 1)
    there.status = 503
    with pytest.raises(TryAgain):
        await found.claim()
    with pytest.raises(TryAgain):
        await found.claim()
    assert ways(found) == ["CHANNEL_EMAIL", "CHANNEL_WEBHOOK", "CHANNEL_WEBHOOK"]


@pytest.mark.parametrize("step", ["mail_from", "rcpt"])
async def test_mail_that_is_refused_for_its_sender_leaves_the_recipients_address_alone(
    hooked: Make, mailbox: MailServer, step: str
) -> None:
    """RFC 3463: 5.1.8 is about the sender's address. Else a provider whose domain is broken would lose every address it writes to."""
    getattr(mailbox, step).append("550 5.1.8 Sender address rejected: Domain not found")
    found = hooked()
    with pytest.raises(TryAgain):
        await found.claim()
    (settled,) = [one for one in found.story.past if isinstance(one, NoticeSettled)]
    assert not settled.gone


async def test_mail_that_is_refused_for_what_it_says_leaves_its_address_alone(
    hooked: Make, mailbox: MailServer
) -> None:
    mailbox.data.append("550 5.7.1 looks like spam")
    found = hooked()
    with pytest.raises(TryAgain):
        await found.claim()
    (settled,) = [one for one in found.story.past if isinstance(one, NoticeSettled)]
    assert not settled.gone


async def test_a_process_that_dies_on_the_second_way_sends_nothing_twice(
    hooked: Make, mailbox: MailServer, there: Received
) -> None:
    """Fault of others: a message sent twice after a restart."""
    mailbox.rcpt.append("451 later")
    found = hooked()
    with pytest.raises(TryAgain):
        await found.claim()
    with pytest.raises(Died):
        await found.claim(dies_at=SettleNoticeRequest)
    await found.claim()
    await found.claim()
    assert found.history[-2:] == [("STARTED", 2), ("UNKNOWN", 2)]
    assert (mailbox.received, len(there.posts)) == ([], 1)


async def test_an_alert_whose_process_died_goes_on_by_the_other_way(
    hooked: Make, mailbox: MailServer, there: Received
) -> None:
    found = hooked(safeguarding=True)
    with pytest.raises(Died):
        await found.claim(dies_at=SettleNoticeRequest)
    await found.claim()
    assert found.history == [("STARTED", 1), ("UNKNOWN", 1), ("STARTED", 2), ("DELIVERED", 2)]
    assert (len(mailbox.received), len(there.posts)) == (1, 1)


async def test_a_line_that_is_closed_sends_it_the_other_way(hooked: Make, there: Received) -> None:
    found = hooked(port=unused_port())
    closed = Line("EMAIL", failures=1)
    found.effect = replace(found.effect, lines={Channel.CHANNEL_EMAIL: closed})
    for _ in range(2):
        with pytest.raises(TryAgain):
            await found.claim()
        await found.claim()
        found.story, first = type(found.story)(found.story.aggregate, ()), found.failures[0]
    assert first == "EMAIL_CIRCUIT_OPEN"
    assert len(there.posts) == 2


async def test_nobody_is_sent_anything_while_another_process_has_it(hooked: Make, mailbox: MailServer) -> None:
    found = hooked()
    other = hooked()

    class Meanwhile(Holding):
        """Another process starts the same attempt just before this one does."""

        async def looked_at(self, _request: StartNoticeRequest, _doing: Doing) -> Now:
            found.story = other.story
            return Now()

    with pytest.raises(Died):
        await other.claim(dies_at=SettleNoticeRequest)
    assert len(mailbox.received) == 1
    found.effect = SendNotice(found.effect.outlets, {}, found.effect.patience, Meanwhile())
    with pytest.raises(TryAgain) as raised:
        await found.claim()
    assert (str(raised.value), len(mailbox.received)) == ("ELSEWHERE", 1)
