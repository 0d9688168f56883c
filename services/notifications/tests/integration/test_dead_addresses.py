"""An alert that no address takes is tried for as long as its concern is open, and grows no stream by the minute."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.messages import Metadata, derived_id
from mentoring.notifications.v1.events_pb2 import NoticeStarted
from mentoring.safeguarding.v1.events_pb2 import ConcernClosed
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernAcknowledgementLapsed
from notifications.effects.mailer import NotTaken
from notifications.reactions.acknowledging import acknowledging
from notifications.reactions.telling import telling

from .night import TENANT, House

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
# What the concern's close does not answer by itself.
LAPSED = ConcernAcknowledgementLapsed(concern_id="c-1", handler_id="dora", step=1)


@pytest.fixture(params=["dead", "missing"])
async def house(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> House:
    found = House(tmp_path, NOON)
    if request.param == "dead":
        await found.register("dora")

    async def refuse(_message: object) -> None:
        raise NotTaken("SMTP_550", passing=False, gone=True)

    monkeypatch.setattr(found.mailer, "send", refuse)
    return found


async def alerted(house: House) -> str:
    meta = Metadata("event-3", "", TENANT, "concern-c-1", 3, house.now)
    await house.hear(telling, LAPSED, meta)
    (alert,) = await house.put_on_their_way(derived_id("telling", "event-3"))
    return alert


async def attempts(house: House, alert: str) -> int:
    return sum(isinstance(event, NoticeStarted) for event in await house.story(alert))


async def test_it_is_tried_each_hour_at_the_least_and_not_each_minute(house: House) -> None:
    alert = await alerted(house)
    await house.until(NOON + DAY)
    first = await attempts(house, alert)
    await house.until(NOON + 2 * DAY)
    assert 24 <= await attempts(house, alert) - first <= 48


async def test_it_is_tried_no_more_once_the_concern_is_closed(house: House) -> None:
    alert = await alerted(house)
    await house.until(NOON + DAY)
    closed = ConcernClosed(concern_id="c-1", handler_id="dan")
    await house.hear(acknowledging, closed, Metadata("event-9", "", TENANT, "concern-c-1", 9, house.now))
    before = await attempts(house, alert)
    await house.until(NOON + 3 * DAY)
    assert await attempts(house, alert) - before <= 1
    assert house._next() is None
    assert (await house.outcomes(alert))[-1] == "FAILED"


async def test_an_address_that_comes_is_used(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = await alerted(house)
    await house.until(NOON + DAY)
    monkeypatch.undo()
    await house.register("dora")
    await house.until(NOON + DAY + timedelta(hours=1))
    assert house.mails() == [alert]
