"""An alert that waits while somebody takes the concern: it is not sent any more, and the next escalation's is. Fault of others: notices that
went out after the acknowledgement."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.messages import Metadata, derived_id
from google.protobuf.message import Message
from mentoring.safeguarding.v1.events_pb2 import AssigneeRole, ConcernAcknowledged, ConcernAssigned, ConcernClosed
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernAcknowledgementLapsed
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn
from notifications.reactions.acknowledging import acknowledging
from notifications.reactions.telling import telling

from .night import TENANT, House

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SOON = timedelta(minutes=10)
ASKED = ConcernAssigned(
    concern_id="c-1", assignee_id="dora", assignee_role=AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY, raiser_role="mentor"
)
DEPUTY_ASKED = ConcernAssigned(
    concern_id="c-1", assignee_id="dan", assignee_role=AssigneeRole.ASSIGNEE_ROLE_DEPUTY_DSL, step=1
)
PASSED_ON = ConcernPassedOn(concern_id="c-1", receiver_id="dan", passing_id="p-1")


@pytest.fixture
async def house(tmp_path: Path) -> House:
    found = House(tmp_path, NOON)
    await found.register("dora", "dan")
    return found


async def tell(house: House, event: Message, version: int) -> str:
    """The event is told of, and its notice put on its way; the notice's id."""
    meta = _meta(house, event, version)
    await house.hear(telling, event, meta)
    (notice_id,) = await house.put_on_their_way(derived_id("telling", meta.event_id))
    return notice_id


async def taken(house: House, version: int, by: str = "dora", *, closed: bool = False) -> None:
    kind = ConcernClosed if closed else ConcernAcknowledged
    event = kind(concern_id="c-1", handler_id=by)
    await house.hear(acknowledging, event, _meta(house, event, version))


def _meta(house: House, event: Message, version: int) -> Metadata:
    return Metadata(f"{event.DESCRIPTOR.name}-{version}", "", TENANT, "concern-c-1", version, house.now)


async def test_an_alert_that_is_tried_again_is_dropped_once_the_concern_is_acknowledged(house: House) -> None:
    house.mailer.refuses = 1
    alert = await tell(house, ASKED, 3)
    await house.until(NOON)
    await taken(house, 5)
    await house.until(NOON + SOON)
    assert house.mails() == []
    assert await house.outcomes(alert) == ["FAILED_FOR_NOW", "ACKNOWLEDGED"]
    assert len(house.mailer.tried) == 1


async def test_an_alert_that_is_asked_for_after_the_acknowledgement_was_heard_is_dropped(house: House) -> None:
    await taken(house, 5)
    alert = await tell(house, ASKED, 3)
    await house.until(NOON + SOON)
    assert house.mails() == []
    assert await house.outcomes(alert) == ["ACKNOWLEDGED"]


async def test_what_waits_is_dropped_by_a_process_that_knows_nothing_yet(house: House) -> None:
    house.mailer.refuses = 2
    alert = await tell(house, ASKED, 3)
    await house.until(NOON)
    await taken(house, 5)
    house.restart()
    await house.until(NOON + SOON)
    house.restart()
    await house.until(NOON + timedelta(days=1))
    assert house.mails() == []
    assert await house.outcomes(alert) == ["FAILED_FOR_NOW", "ACKNOWLEDGED"]


async def test_an_acknowledgement_that_lapsed_holds_no_later_alert_back(house: House) -> None:
    """All of it is heard late, and in another order than it happened in."""
    await taken(house, 5)
    deputys = await tell(house, DEPUTY_ASKED, 10)
    lapsed = await tell(house, ConcernAcknowledgementLapsed(concern_id="c-1", handler_id="dora", step=1), 9)
    first = await tell(house, ASKED, 3)
    await house.until(NOON + SOON)
    assert set(house.mails()) == {deputys, lapsed}
    assert await house.outcomes(first) == ["ACKNOWLEDGED"]


async def test_a_receiver_is_asked_though_the_giver_acknowledged_what_was_added(house: House) -> None:
    house.mailer.refuses = 1
    alert = await tell(house, PASSED_ON, 8)
    await house.until(NOON)
    await taken(house, 10, "dora")
    await house.until(NOON + SOON)
    assert house.mails() == [alert]


async def test_nobody_is_asked_to_take_what_was_closed(house: House) -> None:
    await taken(house, 11, closed=True)
    alert = await tell(house, PASSED_ON, 8)
    await house.until(NOON + SOON)
    assert (house.mails(), await house.outcomes(alert)) == ([], ["ACKNOWLEDGED"])


async def test_an_alert_of_which_nobody_knows_whether_it_went_is_not_sent_again_once_it_is_answered(
    house: House,
) -> None:
    house.mailer.silent = True
    alert = await tell(house, ASKED, 3)
    await house.until(NOON)
    await taken(house, 5)
    await house.until(NOON + SOON)
    assert await house.outcomes(alert) == ["UNKNOWN", "ACKNOWLEDGED"]
    assert len(house.mailer.tried) == 1


@pytest.mark.parametrize("step", range(1, 12))
async def test_wherever_a_process_dies_an_answered_alert_stays_unsent(house: House, step: int) -> None:
    await taken(house, 5)
    alert = await tell(house, ASKED, 3)
    house.dies_at = step
    await house.until(NOON + SOON)
    assert house.mails() == []
    assert (await house.outcomes(alert))[-1] == "ACKNOWLEDGED"


WHAT_WAS_ADDED = ConcernAssigned(
    concern_id="c-1", assignee_id="dora", assignee_role=AssigneeRole.ASSIGNEE_ROLE_HANDLER, raiser_role="mentor"
)


async def test_what_was_added_while_its_reader_acknowledged_what_stood_there_before_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, NOON)
    await house.register("dora", "dan")
    first = await tell(house, ASKED, 3)
    await house.until(NOON)
    assert house.mails() == [first]
    # Dora reads what there is, at version 3. The raiser adds to it, and mail is down for a moment.
    house.mailer.refuses = 1
    added = await tell(house, WHAT_WAS_ADDED, 5)
    await house.until(NOON)
    # She acknowledges what she has read.
    await taken(house, 6, "dora")
    await house.until(NOON + SOON + timedelta(minutes=1))
    assert house.mails() == [first, added]
