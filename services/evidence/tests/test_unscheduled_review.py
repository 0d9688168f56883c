"""A review that took place unscheduled, or on another day than it was scheduled for, is recorded on the day on which it did."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from eventkernel.messages import Metadata
from evidence.projections.review_record import list_reviews
from evidence.projections.reviews_due import reviews_due
from google.protobuf.message import Message
from mentoring.evidence.v1.review_events_pb2 import ReviewCompleted, ReviewDueSet, ReviewHeld, ReviewProgress
from mentoring.evidence.v1.review_pb2 import HoldReviewRequest
from mentoring.evidence.v1.review_views_pb2 import REVIEW_STATUS_HELD, REVIEW_STATUS_SCHEDULED, ListReviewsRequest

from .review_stories import (
    AFTER,
    EVERY_SIGNER,
    LEARNER,
    MENTOR,
    OF,
    STARTED,
    STARTS,
    ask,
    at,
    content,
    schedules,
    signed_by,
    started,
    told,
)
from .review_stories import scheduled as one_scheduled
from .review_stories import starts as mentorship


def holds_on(day: str, review_id: str = "review-1", **fields: Any) -> HoldReviewRequest:
    return HoldReviewRequest(**OF, review_id=review_id, held_on=day, content=content(**fields))


def test_it_is_recorded_on_its_day_and_the_next_is_due_from_there() -> None:
    outcome = ask(started(), holds_on("2026-10-01"), MENTOR)
    held, due = outcome.events
    assert isinstance(held, ReviewHeld)
    assert isinstance(due, ReviewDueSet)
    assert (held.held_on, held.revision, due.due_on) == ("2026-10-01", 1, "2027-01-01")
    ask(outcome.after(), holds_on("2026-10-01"), MENTOR).then_nothing()
    signed = signed_by(outcome.after(), *EVERY_SIGNER)
    assert isinstance(signed.past[-1], ReviewCompleted)


def test_recorded_once_it_has_that_day() -> None:
    held = ask(started(), holds_on("2026-10-01"), MENTOR).after()
    ask(held, holds_on("2026-10-02"), MENTOR).then_refused("REVIEW_HELD_ALREADY")
    ask(held, schedules(AFTER + timedelta(days=3)), MENTOR).then_refused("REVIEW_HELD_ALREADY")


@pytest.mark.parametrize("day", ["2026-07-31", "2026-10-21"], ids=["before the mentorship", "to come"])
def test_it_took_place_in_the_mentorship_and_not_to_come(day: str) -> None:
    assert ask(started(), holds_on(day), MENTOR).then_refused("NOT_HELD_THEN").field == "held_on"


@pytest.mark.parametrize("day", ["2026-08-01", "2026-10-20"], ids=["on its first day", "today"])
def test_the_days_at_the_ends_are_days_of_it(day: str) -> None:
    assert isinstance(ask(started(), holds_on(day, goals=[]), MENTOR).events[0], ReviewHeld)


def test_a_day_is_one_of_the_calendar_and_without_one_a_review_was_scheduled() -> None:
    ask(started(), holds_on("2026-09-31"), MENTOR).then_refused("NO_SUCH_DAY")
    assert "held_on" in ask(started(), holds_on(""), MENTOR).then_refused("REVIEW_UNKNOWN").text


@pytest.mark.parametrize("moment", [STARTS - timedelta(days=1), AFTER], ids=["before its time", "after it"])
def test_a_scheduled_one_may_have_taken_place_on_another_day(moment: datetime) -> None:
    held = ask(
        one_scheduled(), holds_on("2026-10-15", progress=ReviewProgress(as_of=at(STARTED))), MENTOR, moment
    ).events[0]
    assert isinstance(held, ReviewHeld)
    assert held.held_on == "2026-10-15"


async def test_what_else_is_scheduled_stays_so(reader: Callable[..., Any]) -> None:
    story = told(
        mentorship(), (schedules(AFTER + timedelta(days=9)), MENTOR, STARTED), (holds_on("2026-10-01", "review-2"), MENTOR, AFTER)
    )  # fmt: skip
    document = folded(story.past)
    assert document.scheduled_id == "review-1"
    read = reader(LEARNER, streams={"reviews-learner-1.mentorship-1": story.past})
    listed = (await list_reviews(ListReviewsRequest(**OF), read)).reviews
    assert [(one.review_id, one.status, one.held_on) for one in listed] == [
        ("review-1", REVIEW_STATUS_SCHEDULED, ""), ("review-2", REVIEW_STATUS_HELD, "2026-10-01"),
    ]  # fmt: skip
    assert [one.HasField("starts_at") for one in listed] == [True, False]
    done = ask(
        story, HoldReviewRequest(**OF, review_id="review-1", content=content()), MENTOR, AFTER + timedelta(days=9)
    )
    assert folded(done.after().past).scheduled_id == ""


def folded(events: tuple[Message, ...]) -> Any:
    document = reviews_due.new("reviews-learner-1.mentorship-1")
    for number, event in enumerate(events, start=1):
        if fold := reviews_due.folds.get(type(event)):
            fold(document, event, Metadata("id", "type", "provider-1", "stream", number, STARTED))
    return document
