"""From the address in a mail to what is told no more: reading it changes nothing, posting to it does, and only of what may be left out."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from eventkernel.pages import Form, Shown
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.preferences_events_pb2 import Digest, Every, Language, Preferences, QuietHours
from mentoring.notifications.v1.preferences_pb2 import LeaveOutRequest, SetDeliveryPolicyRequest
from notifications.domain.preferences import preferences
from notifications.reactions.digesting import digesting
from notifications.service import build
from notifications.settings import Settings

from .night import SYSTEM, TENANT, House

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
BASE = "https://pages.example.org"
SESSION = InformationKind.INFORMATION_KIND_SESSION
ADDRESS = re.compile(rf"<{BASE}/unsubscribe/({TENANT}/[0-9a-f-]+/[A-Za-z0-9_-]{{43}})>")


class Posting(House):
    """The house with pages of its own, as they are seen from outside."""

    def restart(self) -> None:
        super().restart()
        self.service = build(Settings(unsubscribe_base=BASE), mailer=self.mailer)
        page = self.service.pages["/unsubscribe/"]
        assert isinstance(page, Form)
        self.page = page
        self.given: list[Message] = []

    async def read(self, rest: str) -> Shown | None:
        return await self.page.show(rest, self.node.reader)

    async def post(self, rest: str) -> Shown | None:
        return await self.page.take(rest, self.node.reader, self._give)

    async def _give(self, request: Message, tenant: str) -> CommandReply:
        self.given.append(request)
        assert tenant == TENANT
        return await self.give(request, SYSTEM)

    def address(self, place: int = -1) -> str:
        """The address in a mail, as a mail program reads it."""
        mail = message_from_bytes(self.mailer.taken[place].as_bytes(), policy=policy.default)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found = ADDRESS.fullmatch(str(mail["List-Unsubscribe"]))
        assert found is not None
        return found[1]

    async def left_out(self, person_id: str = "ada") -> set[int]:
        return set((await self.node.reader(SYSTEM).state(preferences, f"preferences-{person_id}")).unsubscribed)

    async def session(self, telling_id: str) -> None:
        await self.tell_circle(telling_id, "ada")
        await self.put_on_their_way(telling_id)
        await self.until(self.now + timedelta(minutes=1))


@pytest.fixture
async def house(tmp_path: Path) -> Posting:
    found = Posting(tmp_path, NOON)
    await found.register("ada")
    return found


async def test_reading_the_page_changes_nothing_and_one_post_ends_what_the_mail_was_about(house: Posting) -> None:
    await house.session("t-1")
    address = house.address()
    assert b"List-Unsubscribe: <https://" in house.mailer.taken[0].as_bytes()
    shown = await house.read(address)
    assert shown is not None
    assert b'<form method="post">' in shown.body
    assert (house.given, await house.left_out()) == ([], set())
    told = await house.post(address)
    assert told is not None
    assert b"You will be told no more of this." in told.body
    assert await house.left_out() == {SESSION}
    await house.session("t-2")
    assert len(house.mails()) == 1


async def test_what_else_its_person_chose_stays_and_a_second_post_changes_nothing(house: Posting) -> None:
    quiet = Preferences(quiet_hours=QuietHours(begins_at="22:00", ends_at="07:00"), language=Language.LANGUAGE_CY)
    await house.wish("ada", quiet, InformationKind.INFORMATION_KIND_ACTION)
    await house.session("t-1")
    for _ in range(2):
        told = await house.post(house.address())
        assert told is not None
        assert b'lang="cy"' in told.body
    state = await house.node.reader(SYSTEM).state(preferences, "preferences-ada")
    assert state.own == quiet
    assert set(state.unsubscribed) == {SESSION, InformationKind.INFORMATION_KIND_ACTION}
    history = await house.node.reader(SYSTEM).history("preferences-ada")
    assert len(history) == 2


@pytest.mark.parametrize(
    ("occasion", "because"),
    [
        (Occasion.OCCASION_CONCERN_ASSIGNED, Because.BECAUSE_DSL_ON_DUTY),
        (Occasion.OCCASION_CONCERN_RECEIVED, Because.BECAUSE_RAISED_THE_CONCERN),
        (Occasion.OCCASION_CONTACT_REPLACED, Because.BECAUSE_OWN_CONTACT),
        (Occasion.OCCASION_SKILL_LAPSING, Because.BECAUSE_OWN_SKILL),
    ],
)
async def test_what_may_not_be_left_out_has_no_address(
    house: Posting, occasion: Occasion.ValueType, because: Because.ValueType
) -> None:
    await house.ask("n-1", "ada", occasion, because)
    await house.until(NOON)
    (mail,) = house.mailer.taken
    assert "List-Unsubscribe" not in mail
    assert "List-Unsubscribe-Post" not in mail


async def test_what_the_provider_leaves_no_choice_of_by_now_stays(house: Posting) -> None:
    await house.session("t-1")
    rules = SetDeliveryPolicyRequest()
    rules.policy.unsubscribing.SetInParent()
    await house.give(rules, person("paula", "provider_manager"))
    assert await house.post(house.address()) is not None
    assert await house.left_out() == set()


async def test_a_digest_ends_what_it_lists_and_may_be_left_out(house: Posting) -> None:
    await house.wish("ada", Preferences(digest=Digest(every=Every.EVERY_DAY, at="08:00")))
    await house.session("t-1")
    await house.ask("n-2", "ada", Occasion.OCCASION_SKILL_LAPSING, Because.BECAUSE_OWN_SKILL)
    await house.until(NOON + timedelta(minutes=1))
    await house.hear_all(digesting, "digest-ada")
    await house.until(NOON + timedelta(days=1))
    assert len(house.mails()) == 1
    await house.post(house.address())
    assert await house.left_out() == {SESSION}


async def test_no_other_secret_notice_or_provider_opens_it(house: Posting) -> None:
    await house.session("t-1")
    await house.session("t-2")
    tenant, notice_id, secret = house.address(0).split("/")
    _, other_id, other = house.address(1).split("/")
    assert secret != other
    for wrong in (
        f"{tenant}/{notice_id}/{other}",
        f"{tenant}/{other_id}/{secret}",
        f"provider-2/{notice_id}/{secret}",
        f"{tenant}/{notice_id}/{'A' * 43}",
        f"{tenant}/unknown/{secret}",
        f"{tenant}/{notice_id}/",
        "",
    ):
        assert (await house.read(wrong), await house.post(wrong)) == (None, None)
    assert (house.given, await house.left_out()) == ([], set())


async def test_no_secret_is_stored(house: Posting) -> None:
    await house.session("t-1")
    secret = house.address().rpartition("/")[2]
    (notice_id,) = house.mails()
    assert not any(secret in str(event) for event in await house.story(notice_id))


async def test_each_attempt_has_an_address_of_its_own_and_each_opens(house: Posting) -> None:
    house.mailer.refuses = 1
    await house.session("t-1")
    assert len(house.mailer.tried) == 2
    assert await house.read(house.address()) is not None


async def test_without_an_address_for_pages_no_mail_has_one(tmp_path: Path) -> None:
    house = House(tmp_path, NOON)
    await house.register("ada")
    await house.tell_circle("t-1", "ada")
    await house.put_on_their_way("t-1")
    await house.until(NOON)
    assert "List-Unsubscribe" not in house.mailer.taken[0]


def test_a_base_that_is_not_read_by_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="unsubscribe_base"):
        Settings(unsubscribe_base="http://pages.example.org")


def test_the_command_is_the_platforms_alone() -> None:
    options = build().contract.commands[LeaveOutRequest]
    assert list(options.roles) == ["system"]
