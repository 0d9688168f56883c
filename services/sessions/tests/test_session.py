"""What may happen to a session."""

from typing import Any

from eventkernel.aggregate import Context
from eventkernel.testing.scenario import NOON, Given, Outcome, assert_folds_in_pieces, given, person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    MISS_REASON_WORK_PRESSURE,
    MOVE_REASON_LEARNER_ASKED,
    REASON_OWNER_EMPLOYER,
    REASON_OWNER_LEARNER,
    REASON_OWNER_UNSPECIFIED,
    SESSION_CANCEL_REASON_UNAVAILABLE,
    SESSION_CANCEL_REASON_WORK_PRESSURE,
    SESSION_KIND_PASTORAL,
    SESSION_KIND_VOCATIONAL,
    TECHNIQUE_GROW,
    TECHNIQUE_OPEN_QUESTIONS,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
    PreparationKept,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.session_record_events_pb2 import (
    CORRECTION_REASON_WRONG_ENTRY,
    FormerRecord,
    LearnerViewAdded,
    SessionAgendaSet,
    SessionCorrected,
)
from mentoring.sessions.v1.session_record_pb2 import (
    AddLearnerViewRequest,
    CorrectSessionRequest,
    HeldAccount,
    KeepPreparationRequest,
    MissedAccount,
    SetSessionAgendaRequest,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CancelSessionRequest,
    HoldSessionRequest,
    MissSessionRequest,
    MoveSessionRequest,
    PlanSessionRequest,
)
from pydantic import TypeAdapter
from sessions.domain.guide import Guide
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.session import session
from sessions.domain.session_state import Session

ST0148 = StandardVersion(reference="ST0148", version="1.0")
START = MentorshipStarted(
    learner_id="learner-1",
    mentorship_id="mentorship-1",
    mentor_id="mentor-1",
    standard=ST0148,
    ksb_codes=["K1", "K2", "S1"],
)
ACTIVE = given(mentorships, START).state
CANCELLED = given(mentorships, START, MentorshipCancelled(mentorship_id="mentorship-1")).state
COMPLETED = given(mentorships, START, MentorshipCompleted(mentorship_id="mentorship-1")).state
NONE = Mentorships()
NO_GUIDE = Guide()
MENTOR = person("mentor-1", "mentor")
ANOTHER_MENTOR = person("mentor-2", "mentor")


def plan(**changes: Any) -> PlanSessionRequest:
    planned: dict[str, Any] = {
        "session_id": "session-1",
        "learner_id": "learner-1",
        "mentorship_id": "mentorship-1",
        "kind": SESSION_KIND_VOCATIONAL,
        "starts_at": Timestamp(seconds=1_772_445_600),
        "duration": Duration(seconds=3600),
        "ksb_codes": ["K1", "S1"],
        "group_id": "group-1",
    }
    return PlanSessionRequest(**{**planned, **changes})


def planned() -> SessionPlanned:
    command = plan()
    return SessionPlanned(
        session_id="session-1",
        learner_id="learner-1",
        mentorship_id="mentorship-1",
        mentor_id="mentor-1",
        kind=command.kind,
        starts_at=command.starts_at,
        duration=command.duration,
        ksb_codes=command.ksb_codes,
        group_id="group-1",
        standard=ST0148,
    )


def hold(**changes: Any) -> HoldSessionRequest:
    account: dict[str, Any] = {
        "session_id": "session-1",
        "learner_id": "learner-1",
        "duration": Duration(seconds=2700),
        "ksb_codes": ["K2"],
        "techniques": [TECHNIQUE_GROW],
        "shared_record": "We agreed on CONFIDENTIAL steps",
    }
    return HoldSessionRequest(**{**account, **changes})


def held() -> SessionHeld:
    return SessionHeld(
        session_id="session-1",
        learner_id="learner-1",
        mentor_id="mentor-1",
        duration=Duration(seconds=2700),
        ksb_codes=["K2"],
        techniques=[TECHNIQUE_GROW],
        shared_record=Sealed(to_be_sealed="We agreed on CONFIDENTIAL steps"),
        standard=ST0148,
        mentorship_id="mentorship-1",
    )


def kept() -> PreparationKept:
    text = "CONFIDENTIAL: ask about home"
    return PreparationKept(
        session_id="session-1",
        learner_id="learner-1",
        private_preparation=Sealed(to_be_sealed=text),
        author_id="mentor-1",
        content_digest=digest(f"preparation\nmentor-1\n{text}"),
    )


def digest(content: str) -> str:
    return Context(MENTOR, NOON, "").digest(content.encode())


def miss(reason: Any = MISS_REASON_LEARNER_ILL, **changes: Any) -> MissSessionRequest:
    return MissSessionRequest(**{"session_id": "session-1", "learner_id": "learner-1", "reason": reason, **changes})


def missed(reason: Any = MISS_REASON_LEARNER_ILL) -> SessionMissed:
    return SessionMissed(
        session_id="session-1",
        learner_id="learner-1",
        mentor_id="mentor-1",
        reason=reason,
        mentorship_id="mentorship-1",
        reason_owner=REASON_OWNER_LEARNER if reason == MISS_REASON_LEARNER_ILL else REASON_OWNER_UNSPECIFIED,
    )


START_PLANNED, LATER = Timestamp(seconds=1_772_445_600), Timestamp(seconds=1_772_532_000)


def move(reason: Any = MOVE_REASON_LEARNER_ASKED, **changes: Any) -> MoveSessionRequest:
    times = {"starts_at": LATER, "duration": Duration(seconds=1800)}
    return MoveSessionRequest(
        **{"session_id": "session-1", "learner_id": "learner-1", "reason": reason, **times, **changes}
    )


def moved(former: Timestamp = START_PLANNED, **changes: Any) -> SessionMoved:
    command = move(**changes)
    return SessionMoved(
        session_id="session-1",
        learner_id="learner-1",
        mentor_id="mentor-1",
        mentorship_id="mentorship-1",
        standard=ST0148,
        starts_at=command.starts_at,
        duration=command.duration,
        former_starts_at=former,
        reason=command.reason,
    )


def cancel(
    reason: Any = SESSION_CANCEL_REASON_WORK_PRESSURE, whose: Any = REASON_OWNER_EMPLOYER, **changes: Any
) -> CancelSessionRequest:
    return CancelSessionRequest(
        **{"session_id": "session-1", "learner_id": "learner-1", "reason": reason, "reason_owner": whose, **changes}
    )


def cancelled() -> SessionCancelled:
    return SessionCancelled(
        session_id="session-1",
        learner_id="learner-1",
        mentor_id="mentor-1",
        mentorship_id="mentorship-1",
        standard=ST0148,
        reason=SESSION_CANCEL_REASON_WORK_PRESSURE,
        reason_owner=REASON_OWNER_EMPLOYER,
    )


def account(**changes: Any) -> HeldAccount:
    """How it was held after all: shorter, on another KSB."""
    stands: dict[str, Any] = {
        "duration": Duration(seconds=1800),
        "ksb_codes": ["S1"],
        "techniques": [TECHNIQUE_OPEN_QUESTIONS],
        "shared_record": "We agreed on other CONFIDENTIAL steps",
    }
    return HeldAccount(**{**stands, **changes})


def correct(**changes: Any) -> CorrectSessionRequest:
    """Held otherwise, unless a `missed` is given."""
    correction: dict[str, Any] = {
        "session_id": "session-1",
        "learner_id": "learner-1",
        "corrections_known": 0,
        "reason": CORRECTION_REASON_WRONG_ENTRY,
        "explanation": "CONFIDENTIAL: I took her for another",
    }
    outcome = {} if "missed" in changes else {"held": account()}
    return CorrectSessionRequest(**{**correction, **outcome, **changes})


def set_agenda(*items: str, **changes: Any) -> SetSessionAgendaRequest:
    return SetSessionAgendaRequest(
        **{
            "session_id": "session-1",
            "learner_id": "learner-1",
            "agenda": items or ["CONFIDENTIAL: exam nerves"],
            **changes,
        }
    )


def keep(text: str = "CONFIDENTIAL: ask about home", **changes: Any) -> KeepPreparationRequest:
    return KeepPreparationRequest(
        **{"session_id": "session-1", "learner_id": "learner-1", "private_preparation": text, **changes}
    )


def view(text: str = "CONFIDENTIAL: it went too fast", **changes: Any) -> AddLearnerViewRequest:
    return AddLearnerViewRequest(
        **{"session_id": "session-1", "learner_id": "learner-1", "learner_view": text, **changes}
    )


def asked(
    command: Message, *past: Message, beside: Mentorships = ACTIVE, by: Any = MENTOR, guide: Guide = NO_GUIDE
) -> Outcome[Session]:
    return given(session, *past).beside(beside, guide).when(command, by=by)


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


def test_only_the_mentor_of_the_mentorship_plans_its_sessions() -> None:
    assert asked(plan(), by=ANOTHER_MENTOR).then_refused("SESSION_OF_ANOTHER_MENTOR").field == "mentorship_id"


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
    for command in (hold(), miss(), move(), cancel()):
        asked(command, planned(), by=ANOTHER_MENTOR).then_refused("SESSION_OF_ANOTHER_MENTOR")


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


LEARNERS = st.sampled_from(["learner-1", "learner-1", "learner-1", "learner-2"])
CODES = st.lists(st.sampled_from(["K1", "K2", "S1", "S9"]), max_size=2, unique=True)
SECONDS = st.sampled_from([1800, 3600]).map(lambda seconds: Duration(seconds=seconds))
PLANS = st.builds(
    lambda learner_id, mentorship_id, codes, duration: plan(
        learner_id=learner_id, mentorship_id=mentorship_id, ksb_codes=codes, duration=duration
    ),
    LEARNERS,
    st.sampled_from(["mentorship-1", "mentorship-1", "mentorship-2"]),
    CODES,
    SECONDS,
)
HOLDS = st.builds(
    lambda learner_id, codes, duration, preparation: hold(
        learner_id=learner_id, ksb_codes=codes, duration=duration, private_preparation=preparation
    ),
    LEARNERS,
    CODES,
    SECONDS,
    st.sampled_from(["", "CONFIDENTIAL notes"]),
)
MISSES = st.builds(
    lambda learner_id, reason: miss(reason, learner_id=learner_id),
    LEARNERS,
    st.sampled_from([MISS_REASON_LEARNER_ILL, MISS_REASON_WORK_PRESSURE]),
)
MOVES = st.builds(
    lambda learner_id, seconds, duration: move(
        learner_id=learner_id, starts_at=Timestamp(seconds=seconds), duration=duration
    ),
    LEARNERS,
    st.sampled_from([1_772_445_600, 1_772_532_000]),
    SECONDS,
)
CANCELS = st.builds(
    lambda learner_id, reason, whose: cancel(reason, whose, learner_id=learner_id),
    LEARNERS,
    st.sampled_from([SESSION_CANCEL_REASON_UNAVAILABLE, SESSION_CANCEL_REASON_WORK_PRESSURE]),
    st.sampled_from([REASON_OWNER_LEARNER, REASON_OWNER_EMPLOYER]),
)
CORRECTIONS = st.builds(
    lambda learner_id, known, outcome: correct(learner_id=learner_id, corrections_known=known, **outcome),
    LEARNERS,
    st.integers(min_value=0, max_value=2),
    st.one_of(
        st.builds(lambda codes: {"held": account(ksb_codes=codes)}, CODES),
        st.sampled_from([MISS_REASON_LEARNER_ILL, MISS_REASON_WORK_PRESSURE]).map(
            lambda reason: {"missed": MissedAccount(reason=reason)}
        ),
    ),
)
TEXTS = st.builds(
    lambda learner_id, words, ask: ask(words, learner_id=learner_id),
    LEARNERS,
    st.sampled_from(["CONFIDENTIAL one", "CONFIDENTIAL other"]),
    st.sampled_from([set_agenda, keep, view]),
)
STEPS = st.tuples(
    st.one_of(PLANS, HOLDS, MISSES, MOVES, MOVES, CANCELS, CORRECTIONS, CORRECTIONS, TEXTS, TEXTS),
    st.sampled_from([ACTIVE, ACTIVE, ACTIVE, CANCELLED, NONE]),
    st.sampled_from([MENTOR, MENTOR, MENTOR, ANOTHER_MENTOR]),
)
ADAPTER = TypeAdapter(Session)


@having(st.lists(STEPS, max_size=12), st.booleans())
@settings(max_examples=300)
def test_whatever_is_asked_a_session_is_settled_once_and_no_repeat_counts(
    steps: list[tuple[Message, Mentorships, Any]], begun: bool
) -> None:
    story: Given[Session] = given(session, *([planned()] if begun else []))
    for command, beside, by in steps:
        story = story.beside(beside, NO_GUIDE)
        outcome = story.when(command, by=by)
        if outcome.refusal is None:
            story = outcome.after()
            story.when(command, by=by).then_nothing()
        assert_settled_once(story.past)
        assert_moves_follow(story.past)
        assert_corrections_follow(story.past)
        stored = ADAPTER.dump_json(story.state)
        assert ADAPTER.validate_json(stored) == story.state
        assert b"CONFIDENTIAL" not in stored
    assert_folds_in_pieces(session, story.past)


def assert_settled_once(events: tuple[Message, ...]) -> None:
    """Counts on the events themselves, so that a wrong fold cannot hide a wrong decision."""
    between = SessionMoved | SessionCorrected | SessionAgendaSet | PreparationKept | LearnerViewAdded
    kinds = [type(event) for event in events if not isinstance(event, between)]
    assert kinds in (
        [],
        [SessionPlanned],
        [SessionPlanned, SessionHeld],
        [SessionPlanned, SessionMissed],
        [SessionPlanned, SessionCancelled],
    )
    assert len({getattr(event, "learner_id", "") for event in events}) <= 1
    for event in events:
        assert getattr(event, "mentor_id", "mentor-1") == "mentor-1"
        assert "S9" not in getattr(event, "ksb_codes", [])


def assert_moves_follow(events: tuple[Message, ...]) -> None:
    """Each move starts from where the session stands, changes that, and comes before the session is settled."""
    stands: tuple[Timestamp, Duration] | None = None
    for event in events:
        if isinstance(event, SessionAgendaSet | PreparationKept):
            continue
        if isinstance(event, SessionMoved):
            assert stands is not None
            assert event.former_starts_at == stands[0]
            assert (event.starts_at, event.duration) != stands
        stands = (event.starts_at, event.duration) if isinstance(event, SessionPlanned | SessionMoved) else None


def assert_corrections_follow(events: tuple[Message, ...]) -> None:
    """Each correction is the next, comes after a record, and takes back exactly what stood."""
    stands: tuple[object, ...] | None = None
    number = 0
    for event in events:
        if isinstance(event, SessionCorrected):
            number += 1
            assert event.correction == number
            assert stands == told(event.former)
            stands = told(event)
        if isinstance(event, SessionHeld):
            stands = (event.duration.seconds, *event.ksb_codes)
        if isinstance(event, SessionMissed):
            stands = (event.reason,)


def told(of: SessionCorrected | FormerRecord) -> tuple[object, ...]:
    return (of.held.duration.seconds, *of.held.ksb_codes) if of.HasField("held") else (of.missed.reason,)
