"""Breaks in learning: one at a time, in the order of their days, and nothing is planned meanwhile."""

from typing import Any

import pytest
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import BreakInLearningEnded, BreakInLearningStarted
from mentoring.sessions.v1.sessions_pb2 import EndBreakInLearningRequest, StartBreakInLearningRequest
from pydantic import TypeAdapter
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Break, Mentorships

from .session_stories import ACTIVE, START, asked, cancel, hold, miss, missed, move, moved, plan, planned
from .session_stories import cancelled as called_off
from .test_mentorship import agreed, cancelled, past, started

NAMES = {"learner_id": "learner-1", "mentorship_id": "mentorship-1"}


def away(
    first_day: str = "2026-03-02", expected_return: str = "", reason: str = "An operation", **changed: Any
) -> StartBreakInLearningRequest:
    return StartBreakInLearningRequest(
        **NAMES | changed, first_day=first_day, expected_return=expected_return, reason=reason
    )


def went(
    first_day: str = "2026-03-02", expected_return: str = "", reason: str = "An operation"
) -> BreakInLearningStarted:
    return BreakInLearningStarted(
        **NAMES, first_day=first_day, expected_return=expected_return, reason=Sealed(to_be_sealed=reason)
    )


def back(returned_on: str = "2026-05-01", **changed: Any) -> EndBreakInLearningRequest:
    return EndBreakInLearningRequest(**NAMES | changed, returned_on=returned_on)


def came(returned_on: str = "2026-05-01") -> BreakInLearningEnded:
    return BreakInLearningEnded(**NAMES, returned_on=returned_on)


def test_a_break_begins_and_ends() -> None:
    state = (
        past(started(), agreed())
        .when(away(expected_return="2026-06-01"))
        .then(went(expected_return="2026-06-01"))
        .state
    )
    assert state.all[0].current_break == Break("2026-03-02", "2026-06-01")
    state = past(started(), agreed(), went()).when(back()).then(came()).state
    assert state.all[0].current_break is None
    assert state.all[0].newest_break == Break("2026-03-02", "", "2026-05-01")


def test_each_again_changes_nothing() -> None:
    past(started(), went()).when(away()).then_nothing()
    past(started(), went(), came()).when(back()).then_nothing()


def test_one_break_at_a_time() -> None:
    for other in (away("2026-03-03"), away(expected_return="2026-06-01")):
        assert past(started(), went()).when(other).then_refused("ALREADY_ON_BREAK").field == "mentorship_id"


def test_the_next_break_begins_when_the_last_has_ended_and_no_earlier() -> None:
    past(started(), went(), came()).when(away("2026-05-01")).then(went("2026-05-01"))
    assert past(started(), went(), came()).when(away("2026-04-30")).then_refused("BREAKS_OVERLAP").field == "first_day"


def test_nobody_comes_back_who_is_not_away() -> None:
    past(started()).when(back()).then_refused("NOT_ON_BREAK")
    past(started(), went(), came()).when(back("2026-06-01")).then_refused("NOT_ON_BREAK")


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (away(expected_return="2026-03-02"), "ENDS_BEFORE_IT_BEGINS", "expected_return"),
        (away("2026-02-30"), "NO_SUCH_DAY", "first_day"),
        (away(expected_return="2026-02-30"), "NO_SUCH_DAY", "expected_return"),
        (away(mentorship_id="another"), "MENTORSHIP_UNKNOWN", "mentorship_id"),
        (back(mentorship_id="another"), "MENTORSHIP_UNKNOWN", "mentorship_id"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field(command: Any, code: str, field: str) -> None:
    assert past(started()).when(command).then_refused(code).field == field


def test_the_return_comes_after_the_first_day() -> None:
    for day in ("2026-03-02", "2026-03-01"):
        assert past(started(), went()).when(back(day)).then_refused("ENDS_BEFORE_IT_BEGINS").field == "returned_on"
    assert past(started(), went()).when(back("2026-02-30")).then_refused("NO_SUCH_DAY").field == "returned_on"


def test_an_ended_mentorship_has_no_more_breaks() -> None:
    past(started(), cancelled()).when(away()).then_refused("MENTORSHIP_NOT_ACTIVE")
    past(started(), went(), cancelled()).when(back()).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_nothing_is_planned_during_a_break_and_what_was_planned_before_is_recorded() -> None:
    on_break = given(mentorships, START, went()).state
    refusal = asked(plan(), beside=on_break).then_refused("LEARNER_ON_BREAK")
    assert (refusal.field, "2026-03-02" in str(refusal)) == ("mentorship_id", True)
    moving = asked(move(), planned(), beside=on_break).then_refused("LEARNER_ON_BREAK")
    assert (moving.field, "plan or move the session when the break has ended" in moving.text) == ("session_id", True)
    asked(move(), planned(), moved(), beside=on_break).then_nothing()
    asked(cancel(), planned(), beside=on_break).then(called_off())
    asked(miss(), planned(), beside=on_break).then(missed())
    assert (
        asked(hold(), planned(), beside=on_break).after().past == asked(hold(), planned(), beside=ACTIVE).after().past
    )
    ended = given(mentorships, START, went(), came()).state
    asked(plan(), beside=ended).then(planned())
    asked(move(), planned(), beside=ended).then(moved())


DAYS = st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"])


@having(st.lists(st.one_of(st.builds(away, DAYS), st.builds(back, DAYS))))
def test_whatever_is_said_breaks_never_overlap(commands: list[Any]) -> None:
    story = past(started(), agreed())
    days: list[str] = []
    for command in commands:
        outcome = story.when(command)
        if outcome.refusal is None:
            new = outcome.after()
            days += [getattr(event, "first_day", "") or event.returned_on for event in new.past[len(story.past) :]]  # type: ignore[attr-defined]
            story = new
            story.when(command).then_nothing()
    assert days == sorted(days)
    assert (story.state.all[0].current_break is not None) is (len(days) % 2 == 1)
    assert_folds_in_pieces(mentorships, story.past)
    adapter = TypeAdapter(Mentorships)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
