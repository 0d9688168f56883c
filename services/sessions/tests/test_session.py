"""What may happen to a session."""

from collections.abc import Callable

import pytest
from eventkernel.testing.scenario import person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_WORK_PRESSURE,
    SESSION_KIND_PASTORAL,
    TECHNIQUE_OPEN_QUESTIONS,
)

from .session_stories import (
    ANOTHER_MENTOR,
    CANCELLED,
    COMPLETED,
    NONE,
    TWO_MENTORS,
    asked,
    cancel,
    cancelled,
    correct,
    held,
    hold,
    kept,
    miss,
    missed,
    move,
    moved,
    plan,
    planned,
)


def test_a_mentor_plans_a_session_in_an_active_mentorship() -> None:
    asked(plan()).then(planned())


def test_planning_it_again_changes_nothing() -> None:
    asked(plan(), planned()).then_nothing()
    asked(plan(), planned(), held()).then_nothing()


def test_a_session_may_aim_at_no_ksb() -> None:
    outcome = asked(plan(ksb_codes=[], kind=SESSION_KIND_PASTORAL))
    assert len(outcome.after().past) == 1


def test_the_same_id_planned_otherwise_is_refused() -> None:
    refusal = asked(plan(duration=Duration(seconds=1800)), planned()).then_refused("SESSION_EXISTS")
    assert refusal.field == "session_id"


def test_a_session_needs_an_active_mentorship_of_the_learner() -> None:
    for beside in (NONE, CANCELLED, COMPLETED):
        refusal = asked(plan(), beside=beside).then_refused("MENTORSHIP_NOT_ACTIVE")
        assert refusal.field == "mentorship_id"
    asked(plan(mentorship_id="mentorship-2")).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_to_whoever_does_not_mentor_in_a_mentorship_it_is_as_if_it_were_not_there() -> None:
    anothers = asked(plan(), by=ANOTHER_MENTOR).then_refused("MENTORSHIP_NOT_ACTIVE")
    nobodys = asked(plan(), beside=NONE, by=ANOTHER_MENTOR).then_refused("MENTORSHIP_NOT_ACTIVE")
    assert (anothers.text, anothers.field) == (nobodys.text, nobodys.field)


@pytest.mark.parametrize("ask", [hold, miss, move, cancel, correct], ids=lambda ask: ask.__name__)
def test_that_there_is_a_session_is_told_to_the_learners_mentors_alone(ask: Callable[..., Message]) -> None:
    stranger = asked(ask(), planned(), by=person("mentor-9", "mentor")).then_refused("SESSION_NOT_PLANNED")
    assert stranger.text == asked(ask(), by=person("mentor-9", "mentor")).then_refused("SESSION_NOT_PLANNED").text


def test_a_ksb_that_the_standard_does_not_have_is_named() -> None:
    refusal = asked(plan(ksb_codes=["K1", "K9", "B7"])).then_refused("UNKNOWN_KSB")
    assert refusal.field == "ksb_codes"
    assert "K9, B7" in refusal.text
    assert "ST0148 1.0" in refusal.text


def test_a_planned_session_is_held_as_long_and_on_what_it_really_was() -> None:
    asked(hold(), planned()).then(held())


def test_preparation_is_kept_apart_from_the_shared_record() -> None:
    asked(hold(private_preparation="CONFIDENTIAL: ask about home"), planned()).then(held(), kept())


def test_holding_it_again_changes_nothing() -> None:
    asked(hold(), planned(), held()).then_nothing()
    asked(hold(private_preparation="CONFIDENTIAL: ask about home"), planned(), held(), kept()).then_nothing()


def test_a_record_is_not_overwritten_by_another() -> None:
    for other in (
        hold(duration=Duration(seconds=60)),
        hold(ksb_codes=["K1"]),
        hold(techniques=[TECHNIQUE_OPEN_QUESTIONS]),
        hold(private_preparation="added later"),
    ):
        refusal = asked(other, planned(), held()).then_refused("SESSION_NOT_PLANNED")
        assert "held already" in refusal.text


def test_holding_touches_ksbs_of_the_standard_alone() -> None:
    assert asked(hold(ksb_codes=["S9"]), planned()).then_refused("UNKNOWN_KSB").field == "ksb_codes"


def test_a_session_that_was_never_planned_is_neither_held_missed_moved_nor_cancelled() -> None:
    for command in (hold(), miss(), move(), cancel()):
        refusal = asked(command).then_refused("SESSION_NOT_PLANNED")
        assert refusal.field == "session_id"
        assert "plan it first" in refusal.text


def test_another_learners_session_is_answered_as_one_that_does_not_exist() -> None:
    for ask in (hold, miss, move, cancel, correct):
        command = ask(learner_id="learner-2")
        anothers, nobodys = asked(command, planned()), asked(command)
        assert anothers.then_refused("SESSION_NOT_PLANNED").text == nobodys.then_refused("SESSION_NOT_PLANNED").text
    taken = asked(plan(learner_id="learner-2"), planned()).then_refused("SESSION_EXISTS")
    assert taken.text == asked(plan(ksb_codes=[]), planned()).then_refused("SESSION_EXISTS").text


def test_only_the_sessions_own_mentor_records_it() -> None:
    for command in (hold(), miss(), move(), cancel(), correct()):
        asked(command, planned(), by=ANOTHER_MENTOR, beside=TWO_MENTORS).then_refused("SESSION_OF_ANOTHER_MENTOR")


def test_a_session_of_an_ended_mentorship_is_neither_held_missed_moved_nor_cancelled() -> None:
    for beside in (CANCELLED, COMPLETED):
        for command in (hold(), miss(), move(), cancel()):
            asked(command, planned(), beside=beside).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_a_repeat_is_still_a_repeat_when_the_mentorship_has_ended() -> None:
    asked(hold(), planned(), held(), beside=CANCELLED).then_nothing()
    asked(miss(), planned(), missed(), beside=CANCELLED).then_nothing()
    asked(move(), planned(), moved(), beside=CANCELLED).then_nothing()
    asked(cancel(), planned(), cancelled(), beside=CANCELLED).then_nothing()


def test_a_planned_session_is_missed_for_a_reason() -> None:
    asked(miss(), planned()).then(missed())


def test_missing_it_again_changes_nothing() -> None:
    asked(miss(), planned(), missed()).then_nothing()


def test_it_is_not_missed_for_another_reason_later() -> None:
    asked(miss(MISS_REASON_WORK_PRESSURE), planned(), missed()).then_refused("SESSION_NOT_PLANNED")


def test_a_missed_session_is_not_held_and_a_held_one_not_missed() -> None:
    assert "missed already" in asked(hold(), planned(), missed()).then_refused("SESSION_NOT_PLANNED").text
    assert "held already" in asked(miss(), planned(), held()).then_refused("SESSION_NOT_PLANNED").text
