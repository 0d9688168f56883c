"""An alert whose mail came back goes by the next way, once, unless somebody has the concern by then."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventkernel.messages import Metadata, Principal, derived_id
from eventkernel.reaction import Doing, TryAgain
from eventkernel.testing.scenario import person
from mentoring.notifications.v1.addresses_pb2 import RegisterMyAddressRequest, SendCodeRequest, VerifyMyAddressRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_pb2 import RecordBounceRequest
from mentoring.notifications.v1.events_pb2 import Outcome
from mentoring.notifications.v1.notifications_pb2 import RegisterMyContactRequest, StartNoticeRequest
from mentoring.safeguarding.v1.events_pb2 import AssigneeRole, ConcernAcknowledged, ConcernAssigned, ConcernClosed
from notifications.effects.outlets import Ready
from notifications.effects.sending import SendNotice
from notifications.reactions.acknowledging import acknowledging
from notifications.reactions.sending import sending
from notifications.reactions.telling import telling

from .mail_parts import MailServer
from .night import TENANT, House
from .receiving import Received
from .test_acknowledged import tell
from .test_ways_out import SECRET, Make, hooked, there  # noqa: F401

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SOON = timedelta(minutes=10)
HOOK = Channel.CHANNEL_WEBHOOK
OPERATOR = person("olga", "operator")
ASKED = ConcernAssigned(
    concern_id="c-1", assignee_id="dora", assignee_role=AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY, raiser_role="mentor"
)


async def test_it_goes_by_the_next_way_and_a_further_report_changes_nothing(
    hooked: Make,  # noqa: F811
    mailbox: MailServer,
    there: Received,  # noqa: F811
) -> None:
    found = hooked(safeguarding=True)
    report = RecordBounceRequest(notice_id="n-1", hard=True)
    await found.claim()
    found.story = found.story.when(report).after()
    for _ in range(3):
        with suppress(TryAgain):
            await found.claim()
    assert (len(mailbox.received), len(there.posts)) == (1, 1)
    assert found.history == [("STARTED", 1), ("SENT", 1), ("STARTED", 2), ("DELIVERED", 2)]
    found.story.when(report).then_nothing()


class Hook:
    """Takes what goes to a webhook, and refuses so many at first."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.keys: list[str] = []

    async def prepare(
        self, notice: StartNoticeRequest, registration: int, _language: str, _doing: Doing, *, unsubscribe: str = ""
    ) -> Ready:
        async def take() -> None:
            assert not unsubscribe
            self._house.step()
            self.keys.append(f"{notice.notice_id}.{registration}")

        return Ready("hook", take, Outcome.OUTCOME_DELIVERED)


class Hooked(House):
    """Each process has the same webhook."""

    def restart(self) -> None:
        super().restart()
        self.hook = getattr(self, "hook", None) or Hook(self)
        notices = self.service.effects[StartNoticeRequest]
        assert isinstance(notices, SendNotice)
        outlets = {**notices.outlets, HOOK: self.hook}
        self.service = replace(
            self.service, effects={**self.service.effects, StartNoticeRequest: replace(notices, outlets=outlets)}
        )

    async def verify(self) -> None:
        mine: dict[str, Any] = {"person_id": "dora", "channel": HOOK}
        url = "https://hooks.example.org/a"
        await self.give(RegisterMyAddressRequest(**mine, address=url, secret=SECRET), person("dora"))
        await self.give(SendCodeRequest(**mine, registration=1, asked=1, code="ABCDEFGH"), Principal.system(TENANT))
        await self.give(VerifyMyAddressRequest(**mine, registration=1, code="ABCDEFGH"), person("dora"))

    async def report(self, alert: str) -> None:
        """The mail came back, and the reaction hears all that was reported, over and again."""
        await self.give(RecordBounceRequest(notice_id=alert, hard=False), OPERATOR)
        await self.hear_all(sending, f"notice-{alert}")


@pytest.fixture
async def house(tmp_path: Path) -> Hooked:
    found = Hooked(tmp_path, NOON)
    await found.register("dora")
    return found


def meta(house: House, version: int) -> Metadata:
    return Metadata(f"event-{version}", "", TENANT, "concern-c-1", version, house.now)


async def alerted(house: House) -> str:
    """The alert went out by mail; its notice's id."""
    await house.hear(telling, ASKED, meta(house, 3))
    (alert,) = await house.put_on_their_way(derived_id("telling", "event-3"))
    await house.until(NOON)
    assert house.mails() == [alert]
    return alert


async def test_it_goes_once_by_each_way_however_often_it_is_reported(house: Hooked) -> None:
    await house.verify()
    alert = await alerted(house)
    await house.report(alert)
    await house.until(NOON + timedelta(seconds=1))
    assert house.hook.keys == [f"{alert}.1"], "at once"
    for _ in range(3):
        await house.report(alert)
        house.restart()
        await house.until(house.now + SOON)
    assert (house.mails(), house.hook.keys) == ([alert], [f"{alert}.1"])
    assert await house.outcomes(alert) == ["SENT", "DELIVERED"]


async def test_where_there_is_no_other_way_it_stays_one_that_came_back(house: Hooked) -> None:
    alert = await alerted(house)
    before = await house.story(alert)
    await house.report(alert)
    await house.until(NOON + timedelta(days=1))
    assert house.mails() == [alert]
    assert len(await house.story(alert)) == len(before) + 1


@pytest.mark.parametrize("event", [ConcernAcknowledged, ConcernClosed])
async def test_nobody_is_asked_again_for_what_was_taken_or_closed_since(
    house: Hooked, event: type[ConcernAcknowledged | ConcernClosed]
) -> None:
    await house.verify()
    alert = await alerted(house)
    await house.hear(acknowledging, event(concern_id="c-1", handler_id="dora"), meta(house, 5))
    await house.report(alert)
    await house.until(NOON + SOON)
    assert house.hook.keys == []
    assert await house.outcomes(alert) == ["SENT"]


@pytest.mark.parametrize("step", range(1, 12))
async def test_wherever_a_process_dies_after_it_came_back_it_is_neither_lost_nor_mailed_again(
    house: Hooked, step: int
) -> None:
    await house.verify()
    alert = await alerted(house)
    await house.report(alert)
    house.steps, house.dies_at = 0, step
    await house.until(NOON + SOON)
    assert house.steps >= step
    assert house.mails() == [alert]
    # The one that died while the receiver had it may have reached it: what receives it tells it by its key.
    assert set(house.hook.keys) == {f"{alert}.1"}
    assert (await house.outcomes(alert))[-1] == "DELIVERED"


async def test_what_is_no_alert_is_not_told_again(house: Hooked) -> None:
    await house.verify()
    await house.ask("n-1", "dora")
    await house.until(NOON)
    await house.report("n-1")
    await house.until(NOON + SOON)
    assert (house.mails(), house.hook.keys) == (["n-1"], [])


async def test_an_alert_that_came_back_goes_to_the_address_that_its_person_registered_since_and_once(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, NOON)
    await house.register("dora")
    alert = await tell(house, ASKED, 3)
    await house.until(NOON)
    mine = RegisterMyContactRequest(person_id="dora", name="Dora", email="dora@example.net")
    await house.give(mine, person("dora"))
    # The mail system reports it again once the second mail is out.
    for _ in range(2):
        await house.give(RecordBounceRequest(notice_id=alert, hard=True), OPERATOR)
        await house.hear_all(sending, f"notice-{alert}")
        await house.until(house.now + timedelta(hours=1))
    assert [str(mail["To"]).rpartition("<")[2].strip(">") for mail in house.mailer.taken] == [
        "dora@example.org",
        "dora@example.net",
    ]
