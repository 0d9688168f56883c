"""From an address that somebody gives to the code that comes there and verifies it. Nobody who reads the store learns the code."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.testing.scenario import person
from mentoring.notifications.v1.addresses_pb2 import (
    AddressSummary,
    AskForMyCodeRequest,
    ListMyAddressesRequest,
    RegisterAddressRequest,
    RegisterMyAddressRequest,
    VerifyMyAddressRequest,
)
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.preferences_events_pb2 import Language, Preferences, QuietHours
from notifications.effects.codes import new_code
from notifications.projections.my_addresses import list_my_addresses
from notifications.reactions.verifying import verifying

from .night import House

NOON, SOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC), timedelta(seconds=1)
ADA, PAULA = person("ada"), person("paula", "provider_manager")
MAIL, CHAT = Channel.CHANNEL_EMAIL, Channel.CHANNEL_APPRISE
ASK = AskForMyCodeRequest(person_id="ada", channel=MAIL, registration=1)
CODE = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")


@pytest.fixture
async def house(tmp_path: Path) -> House:
    found = House(tmp_path, NOON)
    await found.register("ada")
    return found


async def asked(house: House) -> None:
    """Her mail is to be verified, and the reactor heard of it."""
    await house.give(ASK, ADA)
    await house.hear_all(verifying, "addresses-ada")


def codes(house: House) -> list[str]:
    """The codes that came by mail."""
    return [found[0] for mail in house.mailer.taken if (found := CODE.search(_text(mail)))]


def _text(mail: object) -> str:
    return str(mail.get_body(("plain",)).get_content())  # type: ignore[attr-defined]


async def verified(house: House, code: str) -> list[str]:
    request = VerifyMyAddressRequest(person_id="ada", channel=MAIL, registration=1, code=code)
    return [one.rpartition(".")[2] for one in (await house.give(request, ADA)).event_types]


async def mine(house: House) -> list[AddressSummary]:
    return list((await list_my_addresses(ListMyAddressesRequest(), house.node.reader(ADA))).addresses)


async def test_the_code_that_came_verifies_whichever_way_it_is_written(house: House) -> None:
    await asked(house)
    await house.until(NOON + SOON)
    (code,) = codes(house)
    assert await verified(house, code.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == [
        "address-verified"
    ]
    (mail,) = await mine(house)
    assert mail.verified
    assert not mail.HasField("code_expires_at")


async def test_a_wrong_code_counts_as_a_try_though_its_call_succeeds(house: House) -> None:
    await asked(house)
    await house.until(NOON + SOON)
    (code,) = codes(house)
    wrong = "00000-00000" if code != "00000-00000" else "11111-11111"
    for _ in range(5):
        assert await verified(house, wrong) == ["address-code-missed"]
    with pytest.raises(Exception, match="Ask for another"):
        await verified(house, code)


async def test_nobody_else_verifies_it(house: House) -> None:
    await asked(house)
    await house.until(NOON + SOON)
    request = VerifyMyAddressRequest(person_id="ada", channel=MAIL, registration=1, code=codes(house)[0])
    with pytest.raises(Denied):
        await house.give(request, PAULA)


async def test_no_code_and_no_address_is_in_what_is_stored_or_due(house: House) -> None:
    address = "msteams://secret-token"
    await house.give(RegisterMyAddressRequest(person_id="ada", channel=CHAT, address=address), ADA)
    await asked(house)
    await house.until(NOON + SOON)
    (code,) = codes(house)
    commits = await house.store.commits.read("provider-1", "addresses-ada")
    kept = [event.data for commit in commits for event in commit.events]
    kept += [kept_row.row.request for kept_row in house.store.due._rows.values()]
    assert len(kept) > 4
    for data in kept:
        assert not any(part.encode() in data for part in (code, code.replace("-", ""), "secret-token", "example.org"))


async def test_a_code_comes_at_any_hour_and_in_the_persons_language(house: House) -> None:
    night = QuietHours(begins_at="11:00", ends_at="13:00")
    await house.wish("ada", Preferences(language=Language.LANGUAGE_CY, quiet_hours=night))
    await asked(house)
    await house.until(NOON + SOON)
    assert [mail["Content-Language"] for mail in house.mailer.taken] == ["cy"]


async def test_what_is_not_taken_for_now_is_tried_again_with_another_code_which_alone_counts(house: House) -> None:
    await asked(house)
    house.mailer.refuses = 2
    await house.until(NOON + timedelta(minutes=2))
    (code,) = codes(house)
    assert len(house.mailer.tried) == 3
    assert await verified(house, code) == ["address-verified"]


async def test_what_cannot_be_sent_is_said_to_its_person_and_to_nobody_else(house: House) -> None:
    await house.give(RegisterMyAddressRequest(person_id="ada", channel=CHAT, address="msteams://token"), ADA)
    await house.hear_all(verifying, "addresses-ada")
    await house.until(NOON + SOON)
    assert [one.code_failure for one in await mine(house)] == ["", "APPRISE_KIND_NOT_ALLOWED"]
    assert not (await mine(house))[1].HasField("code_expires_at")


async def test_what_is_given_up_is_said(house: House) -> None:
    await asked(house)
    house.mailer.refuses = 100
    await house.until(NOON + timedelta(hours=1))
    assert len(house.mailer.tried) == 5
    assert [one.code_failure for one in await mine(house)] == ["SMTP_451"]
    await asked(house)
    house.mailer.refuses = 0
    await house.until(house.now)
    assert [one.code_failure for one in await mine(house)] == [""]


async def test_what_was_asked_anew_meanwhile_is_sent_once(house: House) -> None:
    for _ in range(3):
        await asked(house)
    await house.until(NOON + timedelta(minutes=1))
    assert len(codes(house)) == 1


async def test_what_another_registers_is_no_way_until_its_person_verified_it(house: House) -> None:
    await house.give(RegisterAddressRequest(person_id="ada", channel=CHAT, address="msteams://token"), PAULA)
    (_, added) = await mine(house)
    assert (added.by_another, added.verified) == (True, False)


@pytest.mark.parametrize("step", range(1, 10))
async def test_wherever_a_process_dies_the_last_code_that_came_verifies(house: House, step: int) -> None:
    await asked(house)
    house.dies_at = house.steps + step
    await house.until(NOON + timedelta(minutes=5))
    assert await verified(house, codes(house)[-1]) == ["address-verified"]


def test_codes_are_made_by_chance_of_letters_that_nobody_mistakes() -> None:
    made = {new_code() for _ in range(200)}
    assert len(made) == 200
    assert all(CODE.fullmatch(code) and not re.search("[ILOU]", code) for code in made)
