"""A planned session is moved, or called off; what is settled is neither."""

import pytest
from google.protobuf.message import Message
from mentoring.sessions.v1.events_pb2 import (
    MOVE_REASON_WORK_PRESSURE,
    REASON_OWNER_LEARNER,
    SESSION_CANCEL_REASON_UNAVAILABLE,
)

from .session_stories import (
    LATER,
    START_PLANNED,
    asked,
    cancel,
    cancelled,
    held,
    hold,
    miss,
    missed,
    move,
    moved,
    plan,
    planned,
)


def test_a_planned_session_is_moved_and_the_former_start_is_told() -> None:
    asked(move(), planned()).then(moved())


def test_a_session_is_moved_again_from_where_it_stands() -> None:
    asked(move(starts_at=START_PLANNED), planned(), moved()).then(moved(LATER, starts_at=START_PLANNED))


def test_a_session_keeps_its_start_and_takes_another_length() -> None:
    asked(move(starts_at=START_PLANNED), planned()).then(moved(starts_at=START_PLANNED))


def test_moving_it_to_the_times_that_it_has_changes_nothing() -> None:
    asked(move(), planned(), moved()).then_nothing()
    asked(move(MOVE_REASON_WORK_PRESSURE), planned(), moved()).then_nothing()
    asked(move(starts_at=START_PLANNED, duration=plan().duration), planned()).then_nothing()


def test_a_moved_session_is_held_missed_or_cancelled_like_any_planned_one() -> None:
    asked(hold(), planned(), moved()).then(held())
    asked(miss(), planned(), moved()).then(missed())
    asked(cancel(), planned(), moved()).then(cancelled())


def test_planning_it_again_as_at_first_is_a_repeat_also_when_it_was_moved_since() -> None:
    asked(plan(), planned(), moved()).then_nothing()
    asked(plan(starts_at=LATER), planned(), moved()).then_refused("SESSION_EXISTS")


def test_a_planned_session_is_cancelled_for_a_reason_that_is_somebodys() -> None:
    asked(cancel(), planned()).then(cancelled())


def test_cancelling_it_again_changes_nothing() -> None:
    asked(cancel(), planned(), cancelled()).then_nothing()


def test_it_is_not_cancelled_for_another_reason_or_anothers_later() -> None:
    for other in (cancel(SESSION_CANCEL_REASON_UNAVAILABLE), cancel(whose=REASON_OWNER_LEARNER)):
        asked(other, planned(), cancelled()).then_refused("SESSION_NOT_PLANNED")


@pytest.mark.parametrize(("ended", "word"), [(held(), "held"), (missed(), "missed"), (cancelled(), "cancelled")])
def test_what_is_held_missed_or_cancelled_refuses_all_else_and_says_what_is_taken(ended: Message, word: str) -> None:
    others = {"held": hold(), "missed": miss(), "cancelled": cancel()}
    same_times = move(starts_at=START_PLANNED, duration=plan().duration)
    for command in (move(), same_times, *(one for name, one in others.items() if name != word)):
        refusal = asked(command, planned(), ended).then_refused("SESSION_NOT_PLANNED")
        assert refusal.field == "session_id"
        assert f"{word} already" in refusal.text
        assert "only a planned session is held, missed, moved or cancelled: correct the record" in refusal.text
        assert "plan a new one" in refusal.text
