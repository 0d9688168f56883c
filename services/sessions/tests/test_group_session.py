"""A small group's session: decided once, and each learner's for itself."""

from typing import Any

import pytest
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given, person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ABSENT,
    MISS_REASON_LEARNER_ILL,
    MOVE_REASON_OTHER,
    REASON_OWNER_MENTOR,
    REASON_OWNER_PROVIDER,
    SESSION_CANCEL_REASON_OTHER,
    SESSION_KIND_TECHNICAL,
    TECHNIQUE_GROW,
    MentorshipCancelled,
    SessionHeld,
    SessionMissed,
    SessionPlanned,
)
from mentoring.sessions.v1.group_session_events_pb2 import (
    GROUP_ACT_HOLD,
    GROUP_ACT_MOVE,
    GROUP_ACT_PLAN,
    GroupPlaceHeld,
    GroupPlaceMissed,
    GroupPlacePlanned,
    GroupPlaceRefused,
    GroupRecordKept,
)
from mentoring.sessions.v1.group_session_pb2 import (
    CancelGroupPlaceRequest,
    CancelGroupSessionRequest,
    GroupAbsence,
    GroupLearner,
    GroupLearnerRecord,
    HoldGroupPlaceRequest,
    HoldGroupSessionRequest,
    MissGroupPlaceRequest,
    MoveGroupPlaceRequest,
    MoveGroupSessionRequest,
    PlanGroupPlaceRequest,
    PlanGroupSessionRequest,
)
from mentoring.sessions.v1.session_parts_pb2 import KsbMinutes
from pydantic import TypeAdapter
from sessions.domain.group_session import Group, group
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.session import session
from sessions.domain.session_state import Session

from .session_stories import ACTIVE, MENTOR, NONE, START
from .test_taken_over import NOW as TAKEN_OVER

THREE = [GroupLearner(learner_id=f"learner-{number}", mentorship_id=f"mentorship-{number}") for number in (1, 2, 3)]
AT, LATER = Timestamp(seconds=1_772_445_600), Timestamp(seconds=1_772_532_000)
HOUR = Duration(seconds=3600)


def plan(**changes: Any) -> PlanGroupSessionRequest:
    asked: dict[str, Any] = {
        "group_id": "group-1", "learners": THREE, "kind": SESSION_KIND_TECHNICAL, "starts_at": AT, "duration": HOUR, "ksb_codes": ["K1"],
    }  # fmt: skip
    return PlanGroupSessionRequest(**asked | changes)


def move(starts_at: Timestamp = LATER) -> MoveGroupSessionRequest:
    return MoveGroupSessionRequest(group_id="group-1", starts_at=starts_at, duration=HOUR, reason=MOVE_REASON_OTHER)


def cancel(owner: Any = REASON_OWNER_MENTOR) -> CancelGroupSessionRequest:
    return CancelGroupSessionRequest(group_id="group-1", reason=SESSION_CANCEL_REASON_OTHER, reason_owner=owner)


def absent(learner_id: str, reason: Any = MISS_REASON_LEARNER_ILL) -> GroupAbsence:
    return GroupAbsence(learner_id=learner_id, reason=reason)


def hold(**changes: Any) -> HoldGroupSessionRequest:
    asked: dict[str, Any] = {
        "group_id": "group-1", "duration": HOUR, "ksb_codes": ["K1"], "techniques": [TECHNIQUE_GROW],
        "absences": [absent("learner-2")], "shared_record": "We talked about ovens",
    }  # fmt: skip
    return HoldGroupSessionRequest(**asked | changes)


def story() -> Given[Group]:
    return given(group).when(plan(), by=MENTOR).after()


def test_each_learner_gets_a_place_of_their_own_and_no_event_tells_of_two() -> None:
    events = given(group).when(plan(), by=MENTOR).events
    assert [(one.learner_id, one.mentorship_id) for one in events if isinstance(one, GroupPlacePlanned)] == [
        (f"learner-{number}", f"mentorship-{number}") for number in (1, 2, 3)
    ]
    assert len({one.session_id for one in events if isinstance(one, GroupPlacePlanned)}) == 3
    assert_each_tells_of_one(events)


def assert_each_tells_of_one(events: Any) -> None:
    for event in events:
        told = [
            f"learner-{number}" for number in (1, 2, 3) if f"learner-{number}".encode() in event.SerializeToString()
        ]
        assert len(told) <= 1, f"{type(event).__name__} tells of {told}"


def test_planning_it_again_changes_nothing_and_otherwise_is_refused() -> None:
    story().when(plan(learners=list(reversed(THREE))), by=MENTOR).then_nothing()
    story().when(move(), by=MENTOR).after().when(plan(), by=MENTOR).then_nothing()
    for other in (plan(starts_at=LATER), plan(learners=THREE[:2]), plan(ksb_codes=[])):
        assert story().when(other, by=MENTOR).then_refused("GROUP_EXISTS").field == "group_id"
    story().when(plan(), by=person("mentor-2", "mentor")).then_refused("GROUP_EXISTS")


def test_nobody_is_in_a_group_twice() -> None:
    twice = plan(learners=[THREE[0], GroupLearner(learner_id="learner-1", mentorship_id="mentorship-9")])
    assert given(group).when(twice, by=MENTOR).then_refused("LEARNER_TWICE").field == "learners"


def test_it_is_moved_and_cancelled_for_all_and_once() -> None:
    moved = story().when(move(), by=MENTOR)
    assert len(moved.events) == 3
    moved.after().when(move(), by=MENTOR).then_nothing()
    called_off = moved.after().when(cancel(), by=MENTOR)
    assert len(called_off.events) == 3
    called_off.after().when(cancel(), by=MENTOR).then_nothing()
    called_off.after().when(cancel(REASON_OWNER_PROVIDER), by=MENTOR).then_refused("GROUP_NOT_PLANNED")
    assert_each_tells_of_one((*moved.events, *called_off.events))


def test_it_is_held_with_those_who_were_there_each_with_a_record_sealed_for_them_alone() -> None:
    own = [GroupLearnerRecord(learner_id="learner-3", shared_record="You did it alone")]
    outcome = story().when(hold(own_records=own), by=MENTOR)
    held = [one for one in outcome.events if isinstance(one, GroupPlaceHeld)]
    kept = [one for one in outcome.events if isinstance(one, GroupRecordKept)]
    assert [(one.learner_id, one.record) for one in held] == [("learner-1", 1), ("learner-3", 2)]
    assert [(one.learner_id, one.shared_record) for one in kept] == [
        ("learner-1", Sealed(to_be_sealed="We talked about ovens")), ("learner-3", Sealed(to_be_sealed="You did it alone")),
    ]  # fmt: skip
    (missed,) = [one for one in outcome.events if isinstance(one, GroupPlaceMissed)]
    assert (missed.learner_id, missed.reason) == ("learner-2", MISS_REASON_LEARNER_ILL)
    assert_each_tells_of_one(outcome.events)
    outcome.after().when(hold(own_records=own), by=MENTOR).then_nothing()
    for other in (hold(), hold(own_records=own, shared_record="Other words"), move(), cancel()):
        outcome.after().when(other, by=MENTOR).then_refused("GROUP_NOT_PLANNED")


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (hold(absences=[absent("learner-9")]), "LEARNER_NOT_THERE", "absences[0].learner_id"),
        (hold(absences=[absent("learner-1"), absent("learner-1")]), "LEARNER_NOT_THERE", "absences[1].learner_id"),
        (hold(own_records=[GroupLearnerRecord(learner_id="learner-2")]), "LEARNER_NOT_THERE", "own_records[0].learner_id"),
        (hold(absences=[absent(f"learner-{number}") for number in (1, 2, 3)]), "NOBODY_WAS_THERE", "absences"),
        (hold(ksb_minutes=[KsbMinutes(ksb_code="K1", minutes=61)]), "KSB_MINUTES_TOO_LONG", "ksb_minutes"),
        (
            hold(absences=[GroupAbsence(learner_id="learner-1", reason=MISS_REASON_LEARNER_ABSENT, reason_owner=REASON_OWNER_MENTOR)]),
            "REASON_OWNER_MISMATCH",
            "absences[0].reason_owner",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field(command: Message, code: str, field: str) -> None:
    assert story().when(command, by=MENTOR).then_refused(code).field == field


@pytest.mark.parametrize("command", [move(), cancel(), hold()])
def test_a_group_that_was_never_planned_has_no_session(command: Message) -> None:
    given(group).when(command, by=MENTOR).then_refused("GROUP_NOT_PLANNED")


PLACE: dict[str, Any] = {
    "session_id": "session-1", "learner_id": "learner-1", "mentor_id": "mentor-1", "group_id": "group-1",
}  # fmt: skip
PLAN_PLACE = PlanGroupPlaceRequest(
    **PLACE, mentorship_id="mentorship-1", kind=SESSION_KIND_TECHNICAL, starts_at=AT, duration=HOUR, ksb_codes=["K1"]
)
MOVE_PLACE = MoveGroupPlaceRequest(**PLACE, starts_at=LATER, duration=HOUR, reason=MOVE_REASON_OTHER)
HOLD_PLACE = HoldGroupPlaceRequest(**PLACE, duration=HOUR, ksb_codes=["K1"], shared_record="We talked about ovens")
MISS_PLACE = MissGroupPlaceRequest(**PLACE, reason=MISS_REASON_LEARNER_ILL)
CANCEL_PLACE = CancelGroupPlaceRequest(**PLACE, reason=SESSION_CANCEL_REASON_OTHER, reason_owner=REASON_OWNER_MENTOR)


def one(*past: Message, beside: Mentorships = ACTIVE) -> Given[Session]:
    return given(session, *past).beside(beside)


def test_a_place_becomes_the_learners_own_session_as_if_the_mentor_had_planned_it() -> None:
    outcome = one().when(PLAN_PLACE)
    (planned,) = outcome.events
    assert isinstance(planned, SessionPlanned)
    assert (planned.mentor_id, planned.group_id, planned.mentorship_id) == ("mentor-1", "group-1", "mentorship-1")
    outcome.after().when(PLAN_PLACE).then_nothing()
    (held,) = outcome.after().when(HOLD_PLACE).events
    assert isinstance(held, SessionHeld)
    assert held.shared_record == Sealed(to_be_sealed="We talked about ovens")
    (missed,) = outcome.after().when(MISS_PLACE).events
    assert isinstance(missed, SessionMissed)
    for command in (MOVE_PLACE, CANCEL_PLACE):
        after = outcome.after().when(command)
        assert len(after.events) == 1
        after.after().when(command).then_nothing()


AWAY = given(mentorships, START, MentorshipCancelled(mentorship_id="mentorship-1")).state


@pytest.mark.parametrize("beside", [NONE, AWAY, TAKEN_OVER], ids=["none", "ended", "another mentor's"])
def test_a_refusal_is_kept_with_its_code_and_is_no_refusal_of_the_command(beside: Mentorships) -> None:
    outcome = one(beside=beside).when(PLAN_PLACE)
    (refused,) = outcome.events
    assert isinstance(refused, GroupPlaceRefused)
    assert (refused.act, refused.code, refused.learner_id) == (
        GROUP_ACT_PLAN, "MENTORSHIP_NOT_ACTIVE", "learner-1",
    )  # fmt: skip
    assert outcome.after().state.plan is None
    # Also when it could be done by now: what was refused is not done unawares later.
    outcome.after().beside(ACTIVE).when(PLAN_PLACE).then_nothing()


def test_a_session_that_went_its_own_way_stays_as_it_is() -> None:
    planned = one().when(PLAN_PLACE).after()
    missed = planned.when(MISS_PLACE).after()
    (refused,) = missed.when(HOLD_PLACE).events
    assert isinstance(refused, GroupPlaceRefused)
    assert (refused.act, refused.code) == (GROUP_ACT_HOLD, "SESSION_NOT_PLANNED")
    (not_moved,) = planned.beside(TAKEN_OVER).when(MOVE_PLACE).events
    assert isinstance(not_moved, GroupPlaceRefused)
    assert (not_moved.act, not_moved.code) == (GROUP_ACT_MOVE, "SESSION_NOT_PLANNED")


COMMANDS = st.lists(
    st.one_of(
        st.builds(plan, learners=st.sampled_from([THREE, THREE[:2]])),
        st.builds(move, st.sampled_from([AT, LATER])),
        st.builds(cancel),
        st.builds(hold, absences=st.sampled_from([[], [absent("learner-1")]])),
    ),
    max_size=8,
)


@having(COMMANDS)
def test_whatever_is_asked_it_is_settled_once_and_every_place_gets_the_same(commands: list[Message]) -> None:
    past = given(group)
    settled = 0
    for command in commands:
        outcome = past.when(command, by=MENTOR)
        if outcome.refusal is not None:
            continue
        assert_each_tells_of_one(outcome.events)
        places = [event for event in outcome.events if getattr(event, "session_id", "")]
        records = [event for event in places if isinstance(event, GroupRecordKept)]
        if outcome.events and past.state.places:
            assert len(places) - len(records) == len(past.state.places)
        settled += bool(outcome.events) and isinstance(command, CancelGroupSessionRequest | HoldGroupSessionRequest)
        past = outcome.after()
        past.when(command, by=MENTOR).then_nothing()
    assert settled <= 1
    assert_folds_in_pieces(group, past.past)
    adapter = TypeAdapter(Group)
    kept = adapter.dump_json(past.state)
    assert adapter.validate_json(kept) == past.state
    assert b"ovens" not in kept
