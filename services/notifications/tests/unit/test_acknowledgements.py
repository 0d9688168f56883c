"""Which alerts an acknowledgement answers: those that asked for it before it was given, and no others."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import given
from google.protobuf.message import Message
from mentoring.notifications.v1.delivery_events_pb2 import AcknowledgementRecorded
from mentoring.notifications.v1.delivery_pb2 import RecordAcknowledgementRequest
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from mentoring.safeguarding.v1.events_pb2 import ConcernAcknowledged, ConcernClosed
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMerged
from notifications.domain.acknowledgements import acknowledgements
from notifications.domain.occasions import PARTS_TOLD, is_safeguarding
from notifications.reactions.acknowledging import acknowledging

ASSIGNED, CHASED = Occasion.OCCASION_CONCERN_ASSIGNED, Occasion.OCCASION_CONCERN_CHASED
ADDED_TO = Occasion.OCCASION_CONCERN_ADDED_TO
PASSED_ON = Because.BECAUSE_PASSED_ON_TO


def taken(version: int, by: str = "dora", *, closed: bool = False) -> AcknowledgementRecorded:
    return AcknowledgementRecorded(concern_id="c-1", handler_id=by, version=version, closed=closed)


def answered(
    *events: AcknowledgementRecorded,
    at: int,
    occasion: Occasion.ValueType = ASSIGNED,
    because: Because.ValueType = Because.BECAUSE_DSL_ON_DUTY,
) -> bool:
    """Whether an alert to Dan that was asked for at this version is answered by what is known."""
    alert = StartNoticeRequest(recipient_id="dan", occasion=occasion, because=because, about_version=at)
    return given(acknowledgements, *events).state.answer(alert)


def test_what_asked_before_it_was_taken_is_answered_and_what_asks_after_is_not() -> None:
    assert not answered(at=3)
    assert answered(taken(5), at=4)
    assert not answered(taken(5), at=5)
    assert not answered(taken(5), at=6)


def test_who_acknowledged_it_again_after_a_lapse_answers_what_asked_meanwhile() -> None:
    assert answered(taken(5), taken(9, "dan"), at=8)
    assert not answered(taken(5), taken(9, "dan"), at=10)


def test_the_newest_counts_in_whatever_order_they_are_heard() -> None:
    events = (taken(5), taken(9), taken(7, "dan"), taken(3, closed=True))
    states = {given(acknowledgements, *order).state for order in permutations(events)}
    assert len(states) == 1
    assert answered(*events, at=8)


@pytest.mark.parametrize("occasion", [one for one in PARTS_TOLD if is_safeguarding(one)])
def test_only_what_asks_to_take_a_concern_is_answered_by_its_being_taken(occasion: Occasion.ValueType) -> None:
    """Whoever raised it, has a task of it or lost it is told all the same, and so is whoever may not have read what was added."""
    assert answered(taken(5), at=4, occasion=occasion) == (occasion == ASSIGNED)


def test_once_it_is_closed_nobody_is_chased_or_asked_to_take_it() -> None:
    closed = taken(7, closed=True)
    assert answered(closed, at=6, because=PASSED_ON)
    assert answered(closed, at=6, occasion=CHASED)
    assert not answered(closed, at=8, occasion=CHASED)
    assert not answered(closed, at=6, occasion=ADDED_TO)
    assert not answered(closed, at=6, occasion=Occasion.OCCASION_CONCERN_RECEIVED)


def test_what_is_passed_on_is_answered_by_its_receiver_alone() -> None:
    """Whoever has it may acknowledge what was added to it meanwhile."""
    assert not answered(taken(9, "dora"), at=8, because=PASSED_ON)
    assert answered(taken(9, "dan"), at=8, because=PASSED_ON)


def test_an_alert_from_before_versions_were_kept_is_sent() -> None:
    assert not answered(at=0)
    assert not answered(taken(5), at=0)
    assert not answered(taken(5, closed=True), at=0)


def test_what_was_closed_and_may_be_open_again_by_then_is_insisted_on() -> None:
    """Of an alert from before versions were kept nobody knows whether it was asked for before the close, or once it was reopened."""
    known = given(acknowledgements, taken(5, closed=True)).state
    assert [known.is_closed(StartNoticeRequest(about_version=at)) for at in (0, 4, 5, 6)] == [False, True, False, False]


def test_what_is_known_already_is_recorded_once() -> None:
    record = RecordAcknowledgementRequest(concern_id="c-1", handler_id="dora", version=5)
    after = given(acknowledgements).when(record).then(taken(5))
    after.when(record).then_nothing()
    given(acknowledgements, taken(9)).when(record).then_nothing()


@pytest.mark.parametrize(
    ("event", "handler_id", "closed"),
    [
        (ConcernAcknowledged(concern_id="c-1", handler_id="dora"), "dora", False),
        (ConcernClosed(concern_id="c-1", handler_id="dora"), "dora", True),
        (ConcernMerged(concern_id="c-1", leading_id="c-2"), "", True),
    ],
)
def test_what_safeguarding_publishes_is_recorded_with_its_place_in_the_stream(
    event: Message, handler_id: str, closed: bool
) -> None:
    meta = Metadata("e", "t", "provider-1", "concern-c-1", 12, datetime(2026, 3, 2, tzinfo=UTC))
    assert list(acknowledging.policies[type(event)](event, meta)) == [
        RecordAcknowledgementRequest(concern_id="c-1", handler_id=handler_id, version=12, closed=closed)
    ]
