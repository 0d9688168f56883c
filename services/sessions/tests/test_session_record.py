"""What a session's record may say, and how it is put right afterwards."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    MISS_REASON_MENTOR_UNAVAILABLE,
    MISS_REASON_WORK_PRESSURE,
    REASON_OWNER_EMPLOYER,
    REASON_OWNER_LEARNER,
    REASON_OWNER_MENTOR,
    TECHNIQUE_GROW,
    TECHNIQUE_OPEN_QUESTIONS,
    SessionHeld,
    SessionMissed,
)
from mentoring.sessions.v1.session_parts_pb2 import (
    ADVICE_KIND_PASTORAL,
    ADVICE_KIND_VOCATIONAL,
    Advice,
    GivenAdvice,
    KsbMinutes,
)
from mentoring.sessions.v1.session_record_events_pb2 import (
    CORRECTION_REASON_WRONG_ENTRY,
    FormerHeld,
    FormerRecord,
    HeldRecord,
    MissedRecord,
    SessionCorrected,
)
from mentoring.sessions.v1.session_record_pb2 import MissedAccount

from .session_stories import (
    ANOTHER_MENTOR,
    CANCELLED,
    ST0148,
    TWO_MENTORS,
    account,
    asked,
    cancelled,
    correct,
    held,
    hold,
    miss,
    missed,
    planned,
)


def minutes(**by_code: int) -> list[KsbMinutes]:
    return [KsbMinutes(ksb_code=code, minutes=number) for code, number in by_code.items()]


def corrected(**changes: Any) -> SessionCorrected:
    event: dict[str, Any] = {
        "session_id": "session-1",
        "learner_id": "learner-1",
        "mentor_id": "mentor-1",
        "mentorship_id": "mentorship-1",
        "standard": ST0148,
        "corrected_by": "mentor-1",
        "correction": 1,
        "reason": CORRECTION_REASON_WRONG_ENTRY,
        "explanation": Sealed(to_be_sealed="CONFIDENTIAL: I took her for another"),
        "former": FormerRecord(
            held=FormerHeld(duration=Duration(seconds=2700), ksb_codes=["K2"], techniques=[TECHNIQUE_GROW])
        ),
    }
    outcome = (
        {}
        if "missed" in changes
        else {
            "held": HeldRecord(
                duration=Duration(seconds=1800),
                ksb_codes=["S1"],
                techniques=[TECHNIQUE_OPEN_QUESTIONS],
                shared_record=Sealed(to_be_sealed="We agreed on other CONFIDENTIAL steps"),
            )
        }
    )
    return SessionCorrected(**{**event, **outcome, **changes})


def test_minutes_and_advice_are_recorded_advice_by_its_kind() -> None:
    command = hold(
        ksb_codes=["K1", "K2"],
        ksb_minutes=minutes(K1=15, K2=30),
        advice=[
            Advice(kind=ADVICE_KIND_PASTORAL, text="CONFIDENTIAL: talk to your GP"),
            Advice(kind=ADVICE_KIND_VOCATIONAL, text="keep the dough colder"),
        ],
    )
    (event,) = asked(command, planned()).events
    assert isinstance(event, SessionHeld)
    assert list(event.ksb_minutes) == minutes(K1=15, K2=30)
    assert list(event.advice) == [
        GivenAdvice(kind=ADVICE_KIND_PASTORAL, text=Sealed(to_be_sealed="CONFIDENTIAL: talk to your GP")),
        GivenAdvice(kind=ADVICE_KIND_VOCATIONAL, text=Sealed(to_be_sealed="keep the dough colder")),
    ]
    asked(command, planned(), event).then_nothing()


@pytest.mark.parametrize(
    ("codes", "given", "code"),
    [
        (["K1", "K2"], minutes(K1=15) + minutes(K1=15), "KSB_MINUTES_REPEATED"),
        (["K1"], minutes(K2=15), "KSB_NOT_TOUCHED"),
        (["K1", "K2"], minutes(K1=15, K2=31), "KSB_MINUTES_TOO_LONG"),
    ],
)
def test_minutes_are_parts_of_the_session_each_ksb_once(codes: list[str], given: list[KsbMinutes], code: str) -> None:
    refusal = asked(hold(ksb_codes=codes, ksb_minutes=given), planned()).then_refused(code)
    assert refusal.field == "ksb_minutes"
    too = correct(held=account(duration=Duration(seconds=2700), ksb_codes=codes, ksb_minutes=given))
    assert asked(too, planned(), held()).then_refused(code).field == "held.ksb_minutes"


def test_minutes_may_fill_the_session_to_the_last() -> None:
    command = hold(ksb_codes=["K1", "K2"], ksb_minutes=minutes(K1=15, K2=30), duration=Duration(seconds=2700))
    assert asked(command, planned()).refusal is None
    shorter = hold(ksb_codes=["K1", "K2"], ksb_minutes=minutes(K1=15, K2=30), duration=Duration(seconds=2699))
    asked(shorter, planned()).then_refused("KSB_MINUTES_TOO_LONG")


def test_the_same_session_with_other_minutes_or_advice_is_no_repeat() -> None:
    for other in (
        hold(ksb_minutes=minutes(K2=10)),
        hold(advice=[Advice(kind=ADVICE_KIND_PASTORAL, text="more")]),
    ):
        asked(other, planned(), held()).then_refused("SESSION_NOT_PLANNED")


@pytest.mark.parametrize(
    ("reason", "named", "told"),
    [
        (MISS_REASON_LEARNER_ILL, 0, REASON_OWNER_LEARNER),
        (MISS_REASON_LEARNER_ILL, REASON_OWNER_LEARNER, REASON_OWNER_LEARNER),
        (MISS_REASON_MENTOR_UNAVAILABLE, 0, REASON_OWNER_MENTOR),
        (MISS_REASON_WORK_PRESSURE, REASON_OWNER_EMPLOYER, REASON_OWNER_EMPLOYER),
        (MISS_REASON_WORK_PRESSURE, 0, 0),
    ],
)
def test_a_missed_session_says_whose_the_reason_is(reason: Any, named: Any, told: Any) -> None:
    (event,) = asked(miss(reason, reason_owner=named), planned()).events
    assert isinstance(event, SessionMissed)
    assert event.reason_owner == told
    asked(miss(reason, reason_owner=named), planned(), event).then_nothing()


def test_a_reason_that_is_somebodys_is_not_anothers() -> None:
    refusal = asked(miss(reason_owner=REASON_OWNER_MENTOR), planned()).then_refused("REASON_OWNER_MISMATCH")
    assert refusal.field == "reason_owner"
    wrong = MissedAccount(reason=MISS_REASON_MENTOR_UNAVAILABLE, reason_owner=REASON_OWNER_LEARNER)
    refusal = asked(correct(missed=wrong), planned(), held()).then_refused("REASON_OWNER_MISMATCH")
    assert refusal.field == "missed.reason_owner"


def test_missing_it_again_is_a_repeat_also_where_the_event_is_older_than_its_owner() -> None:
    asked(miss(), planned(), SessionMissed(reason=MISS_REASON_LEARNER_ILL, mentor_id="mentor-1")).then_nothing()


def test_a_record_is_corrected_with_a_reason_and_says_what_is_to_be_counted_no_more() -> None:
    asked(correct(), planned(), held()).then(corrected())


def test_a_session_that_was_held_may_turn_out_missed_and_the_other_way_round() -> None:
    ill = MissedAccount(reason=MISS_REASON_LEARNER_ILL)
    record = MissedRecord(reason=MISS_REASON_LEARNER_ILL, reason_owner=REASON_OWNER_LEARNER)
    asked(correct(missed=ill), planned(), held()).then(corrected(missed=record))
    asked(correct(), planned(), missed()).then(corrected(former=FormerRecord(missed=record)))


def test_a_second_correction_takes_back_what_the_first_one_said() -> None:
    again = correct(corrections_known=1, held=account(ksb_codes=["K1"], ksb_minutes=minutes(K1=5)))
    (event,) = asked(again, planned(), held(), corrected()).events
    assert isinstance(event, SessionCorrected)
    assert (event.correction, list(event.former.held.ksb_codes)) == (2, ["S1"])
    assert event.former.held.duration == Duration(seconds=1800)
    back = correct(corrections_known=2)
    (last,) = asked(back, planned(), held(), corrected(), event).events
    assert isinstance(last, SessionCorrected)
    assert list(last.former.held.ksb_minutes) == minutes(K1=5)


def test_correcting_it_again_changes_nothing() -> None:
    asked(correct(), planned(), held(), corrected()).then_nothing()
    asked(correct(), planned(), held(), corrected(), beside=CANCELLED).then_nothing()


def test_a_correction_made_on_an_older_record_is_refused() -> None:
    other = correct(held=account(ksb_codes=["K1"]))
    refusal = asked(other, planned(), held(), corrected()).then_refused("CORRECTED_SINCE")
    assert refusal.field == "corrections_known"
    asked(correct(), planned(), held(), corrected(), corrected(correction=2)).then_refused("CORRECTED_SINCE")
    asked(correct(corrections_known=1), planned(), held()).then_refused("CORRECTED_SINCE")


def test_holding_it_again_as_at_first_is_a_repeat_also_when_it_was_corrected_since() -> None:
    asked(hold(), planned(), held(), corrected()).then_nothing()
    asked(hold(ksb_codes=["S1"]), planned(), held(), corrected()).then_refused("SESSION_NOT_PLANNED")


@pytest.mark.parametrize("past", [[planned()], [planned(), cancelled()]])
def test_there_is_nothing_to_correct_of_a_session_without_a_record(past: list[Message]) -> None:
    assert asked(correct(), *past).then_refused("SESSION_NOT_RECORDED").field == "session_id"


def test_a_session_never_planned_anothers_and_one_of_an_ended_mentorship_are_not_corrected() -> None:
    asked(correct()).then_refused("SESSION_NOT_PLANNED")
    asked(correct(learner_id="learner-2"), planned(), held()).then_refused("SESSION_NOT_PLANNED")
    asked(correct(), planned(), held(), by=ANOTHER_MENTOR, beside=TWO_MENTORS).then_refused("SESSION_OF_ANOTHER_MENTOR")
    asked(correct(), planned(), held(), beside=CANCELLED).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_a_correction_names_ksbs_of_the_standard_alone() -> None:
    refusal = asked(correct(held=account(ksb_codes=["S9"])), planned(), held()).then_refused("UNKNOWN_KSB")
    assert refusal.field == "held.ksb_codes"
