"""Webhooks and Apprise over real sockets: what a receiver gets, what each answer means, and where nothing may be sent."""

import json
import socket
from collections.abc import AsyncIterator

import pytest
import structlog
from notifications.effects.apprise import AppriseMessenger
from notifications.effects.mailer import NotTaken
from notifications.effects.messenger import Short
from notifications.effects.webhook import WebhookMessenger, is_public
from standardwebhooks import Webhook, WebhookVerificationError

from .receiving import Received, receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Short(
    key="n-1.webhook", kind="session_moved", subject="A session was moved", text="It is here:", link="https://p.test/1",
    why="You are the mentor.",
)  # fmt: skip


@pytest.fixture
async def there() -> AsyncIterator[Received]:
    async with receiver() as received:
        yield received


def at(received: Received) -> str:
    return f"http://{received.url}/hook {SECRET}"


async def refused(address: str, messenger: WebhookMessenger | AppriseMessenger | None = None) -> NotTaken:
    with pytest.raises(NotTaken) as failed:
        await (messenger or WebhookMessenger(private=True)).send(MESSAGE, address)
    assert failed.value.__cause__ is None
    return failed.value


async def test_a_receiver_verifies_whose_it_is_and_reads_what_it_says(there: Received) -> None:
    await WebhookMessenger(private=True).send(MESSAGE, at(there))
    ((headers, body),) = there.posts
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "mentorstream.session_moved"
    assert told["data"] == {
        "subject": MESSAGE.subject, "text": MESSAGE.text, "link": MESSAGE.link, "why": MESSAGE.why
    }  # fmt: skip
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace("moved", "held"), headers)


async def test_a_repeat_has_the_same_id(there: Received) -> None:
    for _ in range(2):
        await WebhookMessenger(private=True).send(MESSAGE, at(there))
    assert [headers["webhook-id"] for headers, _ in there.posts] == ["n-1.webhook", "n-1.webhook"]


@pytest.mark.parametrize(
    ("status", "passing", "gone"),
    [(500, True, False), (503, True, False), (429, True, False), (401, False, False), (302, False, False), (410, False, True)],
)  # fmt: skip
async def test_what_an_answer_means(there: Received, status: int, passing: bool, gone: bool) -> None:
    there.status = status
    told = await refused(at(there))
    assert (told.code, told.passing, told.gone, told.dead) == (f"WEBHOOK_{status}", passing, gone, False)
    # A redirect is not followed: it may lead into this network.
    assert len(there.posts) == 1


async def test_a_receiver_that_hangs_up_is_tried_again_and_one_that_is_not_there_is_dead(
    there: Received,
) -> None:
    there.status = 0
    told = await refused(at(there))
    assert (told.code, told.passing, told.dead) == ("WEBHOOK_NO_ANSWER", True, False)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        told = await refused(f"http://127.0.0.1:{nobody.getsockname()[1]}/hook {SECRET}")
    assert (told.code, told.passing, told.dead) == ("WEBHOOK_UNREACHABLE", True, True)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.org/hook", "WEBHOOK_ADDRESS_INVALID"),
        ("https:///hook", "WEBHOOK_ADDRESS_INVALID"),
        ("file:///etc/passwd", "WEBHOOK_ADDRESS_INVALID"),
        ("https://127.0.0.1/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[::1]/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://169.254.169.254/latest", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://10.1.2.3/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[::ffff:10.1.2.3]/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[64:ff9b::a9fe:a9fe]/latest", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[64:ff9b:1::1]/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[2002:a01:203::1]/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[::10.1.2.3]/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://[fec0::1]/hook", "WEBHOOK_ADDRESS_PRIVATE"),
        ("https://224.0.0.1/hook", "WEBHOOK_ADDRESS_PRIVATE"),
    ],
)
async def test_nothing_is_sent_into_the_network_of_the_service(url: str, code: str) -> None:
    assert (await refused(f"{url} {SECRET}", WebhookMessenger())).code == code


@pytest.mark.parametrize("host", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_what_is_on_the_public_internet_is_known_for_it_however_it_is_reached(host: str) -> None:
    """RFC 6052: a host that speaks IPv6 alone is given a receiver's IPv4 address within such a one."""
    assert is_public(host)


async def test_a_name_that_leads_into_the_network_of_the_service_is_not_followed(
    there: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(there.url.partition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
    told = await refused(f"https://innocent.example:{port}/hook {SECRET}", WebhookMessenger())
    assert (told.code, there.posts) == ("WEBHOOK_UNREACHABLE", [])


async def test_a_secret_that_is_none_is_said_and_not_shown(there: Received) -> None:
    told = await refused(f"http://{there.url}/hook whsec_")
    assert (told.code, there.posts) == ("WEBHOOK_SECRET_INVALID", [])


async def test_apprise_hands_it_to_the_service_that_the_address_names(there: Received) -> None:
    await AppriseMessenger({"json"}).send(MESSAGE, f"json://{there.url}/room")
    ((_, body),) = there.posts
    told = json.loads(body)
    assert told["title"] == MESSAGE.subject
    assert told["message"].splitlines() == [MESSAGE.text, MESSAGE.link, MESSAGE.why]


async def test_an_apprise_address_is_one_url_and_no_further_one_rides_on_an_allowed_kind(there: Received) -> None:
    address = f"xmls://127.0.0.1:1/,json://{there.url}/room"
    assert (await refused(address, AppriseMessenger({"xmls"}, seconds=2))).code == "APPRISE_NOT_TAKEN"
    assert there.posts == []


async def test_apprise_says_what_a_service_did_not_take(there: Received) -> None:
    there.status = 500
    told = await refused(f"json://{there.url}/room", AppriseMessenger({"json"}))
    assert (told.code, told.passing) == ("APPRISE_NOT_TAKEN", True)


@pytest.mark.parametrize("address", ["json://{}/room", "syslog://", "JSON://{}/room"])
async def test_only_the_kinds_that_the_operator_names_are_used(there: Received, address: str) -> None:
    told = await refused(address.format(there.url), AppriseMessenger({"twilio"}))
    assert (told.code, told.passing, there.posts) == ("APPRISE_KIND_NOT_ALLOWED", False, [])


async def test_no_address_or_word_is_logged(there: Received, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with structlog.testing.capture_logs() as logged:
        await AppriseMessenger({"json"}).send(MESSAGE, f"json://user:hunter2@{there.url}/room")
        there.status = 500
        await refused(f"json://user:hunter2@{there.url}/room", AppriseMessenger({"json"}))
        await refused(at(there))
    for word in ("hunter2", SECRET, MESSAGE.text, MESSAGE.link):
        assert word not in caplog.text + str(logged)
