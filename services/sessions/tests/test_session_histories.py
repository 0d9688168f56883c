"""What holds of every session, whatever was asked of it: it is settled once, and what changes it follows on what stood."""

from typing import Any

from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    MISS_REASON_WORK_PRESSURE,
    REASON_OWNER_EMPLOYER,
    REASON_OWNER_LEARNER,
    SESSION_CANCEL_REASON_UNAVAILABLE,
    SESSION_CANCEL_REASON_WORK_PRESSURE,
    PreparationKept,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.session_record_events_pb2 import (
    FormerRecord,
    LearnerViewAdded,
    SessionAgendaSet,
    SessionCorrected,
)
from mentoring.sessions.v1.session_record_pb2 import (
    MissedAccount,
)
from pydantic import TypeAdapter
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.session import session
from sessions.domain.session_state import Session

from .session_stories import (
    ACTIVE,
    ANOTHER_MENTOR,
    CANCELLED,
    MENTOR,
    NO_GUIDE,
    NONE,
    account,
    cancel,
    correct,
    hold,
    keep,
    miss,
    move,
    plan,
    planned,
    set_agenda,
    view,
)

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
