"""What is read of sessions, and by whom."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    REASON_OWNER_EMPLOYER,
    REASON_OWNER_LEARNER,
    SESSION_CANCEL_REASON_WORK_PRESSURE,
    SESSION_KIND_TECHNICAL,
    TECHNIQUE_GROW,
    TECHNIQUE_OSKAR,
    PreparationKept,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.session_parts_pb2 import ADVICE_KIND_PASTORAL, GivenAdvice, KsbMinutes
from mentoring.sessions.v1.session_record_events_pb2 import (
    CORRECTION_REASON_WRONG_ENTRY,
    CORRECTION_REASON_WRONG_SESSION,
    HeldRecord,
    LearnerViewAdded,
    MissedRecord,
    SessionAgendaSet,
    SessionCorrected,
)
from mentoring.sessions.v1.sessions_pb2 import (
    SESSION_STATUS_CANCELLED,
    SESSION_STATUS_HELD,
    SESSION_STATUS_MISSED,
    SESSION_STATUS_PLANNED,
    GetSessionRequest,
    ListSessionsRequest,
    SessionSummary,
)
from sessions.projections.learner_sessions import LearnerSession, learner_sessions
from sessions.projections.session_lists import list_sessions
from sessions.projections.session_record import get_session

META = Metadata("event-1", "type", "provider-1", "session-session-1", 1, datetime(2026, 3, 2, tzinfo=UTC))
PLANNED = SessionPlanned(
    session_id="session-1",
    learner_id="learner-1",
    mentorship_id="mentorship-1",
    mentor_id="mentor-1",
    kind=SESSION_KIND_TECHNICAL,
    starts_at=Timestamp(seconds=1_772_445_600),
    duration=Duration(seconds=3600),
    ksb_codes=["K1"],
    group_id="group-1",
)
HELD = SessionHeld(
    session_id="session-1",
    learner_id="learner-1",
    mentor_id="mentor-1",
    duration=Duration(seconds=2700),
    ksb_codes=["K2", "S1"],
    techniques=[TECHNIQUE_OSKAR],
    shared_record=Sealed(to_be_sealed="what was said"),
)
KEPT = PreparationKept(
    session_id="session-1", learner_id="learner-1", private_preparation=Sealed(to_be_sealed="the mentor's own")
)
MISSED = SessionMissed(
    session_id="session-1",
    learner_id="learner-1",
    mentor_id="mentor-1",
    reason=MISS_REASON_LEARNER_ILL,
    reason_owner=REASON_OWNER_LEARNER,
)
CORRECTED_TO_MISSED = SessionCorrected(
    session_id="session-1",
    learner_id="learner-1",
    mentor_id="mentor-1",
    corrected_by="mentor-1",
    correction=1,
    reason=CORRECTION_REASON_WRONG_SESSION,
    explanation=Sealed(to_be_sealed="why it was missed"),
    missed=MissedRecord(reason=MISS_REASON_LEARNER_ILL, reason_owner=REASON_OWNER_LEARNER),
)
CORRECTED_TO_HELD = SessionCorrected(
    session_id="session-1",
    learner_id="learner-1",
    mentor_id="mentor-1",
    corrected_by="mentor-1",
    correction=1,
    reason=CORRECTION_REASON_WRONG_ENTRY,
    explanation=Sealed(to_be_sealed="why it was held"),
    held=HeldRecord(
        duration=Duration(seconds=1800),
        ksb_codes=["K1", "S1"],
        techniques=[TECHNIQUE_GROW],
        ksb_minutes=[KsbMinutes(ksb_code="S1", minutes=20)],
        advice=[GivenAdvice(kind=ADVICE_KIND_PASTORAL, text=Sealed(to_be_sealed="the advice, as it was"))],
        shared_record=Sealed(to_be_sealed="the record, as it was"),
    ),
)
MOVED = SessionMoved(
    session_id="session-1",
    learner_id="learner-1",
    starts_at=Timestamp(seconds=1_772_532_000),
    duration=Duration(seconds=1800),
    former_starts_at=PLANNED.starts_at,
)
CANCELLED = SessionCancelled(
    session_id="session-1",
    learner_id="learner-1",
    mentor_id="mentor-1",
    reason=SESSION_CANCEL_REASON_WORK_PRESSURE,
    reason_owner=REASON_OWNER_EMPLOYER,
)
MENTOR = person("mentor-1", "mentor")
LEARNER = person("learner-1", "learner")
ANOTHER_MENTOR = person("mentor-2", "mentor")
ASKED = GetSessionRequest(session_id="session-1", learner_id="learner-1")


def projected(*events: Message) -> LearnerSession:
    document = learner_sessions.new("session-1")
    for event in events:
        learner_sessions.folds[type(event)](document, event, META)
    return LearnerSession.model_validate_json(document.model_dump_json())


def test_a_planned_session_shows_what_was_planned() -> None:
    document = projected(PLANNED)
    assert document.status == SESSION_STATUS_PLANNED
    assert (document.learner_id, document.mentor_id, document.group_id) == ("learner-1", "mentor-1", "group-1")
    assert (document.duration_ms, document.ksb_codes) == (3_600_000, ["K1"])


def test_a_held_session_shows_how_it_really_was() -> None:
    document = projected(PLANNED, HELD)
    assert document.status == SESSION_STATUS_HELD
    assert (document.duration_ms, document.ksb_codes) == (2_700_000, ["K2", "S1"])
    assert document.techniques == [TECHNIQUE_OSKAR]
    assert "what was said" not in document.model_dump_json()


def test_a_missed_session_shows_why_and_whose_it_was() -> None:
    document = projected(PLANNED, MISSED)
    assert (document.status, document.miss_reason, document.miss_reason_owner) == (
        SESSION_STATUS_MISSED,
        MISS_REASON_LEARNER_ILL,
        REASON_OWNER_LEARNER,
    )


def test_a_corrected_session_shows_what_stands_and_nothing_of_what_stood() -> None:
    document = projected(PLANNED, HELD, CORRECTED_TO_MISSED)
    assert document == projected(PLANNED, MISSED).model_copy(update={"corrections": 1, "changes": 2})
    again = projected(PLANNED, MISSED, CORRECTED_TO_HELD)
    assert (again.status, again.miss_reason, again.miss_reason_owner) == (SESSION_STATUS_HELD, 0, 0)
    assert (again.duration_ms, again.ksb_codes, again.techniques) == (1_800_000, ["K1", "S1"], [TECHNIQUE_GROW])
    assert (again.ksb_minutes, again.advice_kinds) == ({"S1": 20}, [ADVICE_KIND_PASTORAL])
    assert "as it was" not in again.model_dump_json()


def test_a_moved_session_is_still_planned_and_shows_its_new_times() -> None:
    document = projected(PLANNED, MOVED)
    assert (document.status, document.starts_at_ms, document.duration_ms) == (
        SESSION_STATUS_PLANNED,
        1_772_532_000_000,
        1_800_000,
    )


def test_a_cancelled_session_shows_why_and_whose_it_was() -> None:
    document = projected(PLANNED, CANCELLED)
    assert document.status == SESSION_STATUS_CANCELLED
    assert document.cancel_reason == SESSION_CANCEL_REASON_WORK_PRESSURE
    assert document.cancel_reason_owner == REASON_OWNER_EMPLOYER


async def test_list_and_get_answer_the_new_times_and_the_cancellation_alike(reader: Callable[..., Any]) -> None:
    history = [PLANNED, MOVED, CANCELLED]
    read = reader(LEARNER, streams={"session-session-1": history}, documents=[projected(*history)])
    got = (await get_session(ASKED, read)).session
    assert list((await list_sessions(ListSessionsRequest(learner_id="learner-1"), read)).sessions) == [got]
    assert (got.starts_at, got.duration) == (MOVED.starts_at, MOVED.duration)
    assert (got.status, got.cancel_reason, got.cancel_reason_owner) == (
        SESSION_STATUS_CANCELLED,
        SESSION_CANCEL_REASON_WORK_PRESSURE,
        REASON_OWNER_EMPLOYER,
    )
    assert read.opened == []


async def test_a_learners_sessions_come_newest_first_and_nobody_elses(reader: Callable[..., Any]) -> None:
    later = projected(PLANNED, HELD).model_copy(update={"session_id": "session-2", "starts_at_ms": 1_772_532_000_000})
    other = projected(PLANNED).model_copy(update={"session_id": "session-3", "learner_id": "learner-2"})
    read = reader(LEARNER, documents=[projected(PLANNED), later, other])
    response = await list_sessions(ListSessionsRequest(learner_id="learner-1"), read)
    assert [one.session_id for one in response.sessions] == ["session-2", "session-1"]
    assert response.sessions[1] == SessionSummary(
        session_id="session-1",
        mentor_id="mentor-1",
        status=SESSION_STATUS_PLANNED,
        kind=SESSION_KIND_TECHNICAL,
        starts_at=Timestamp(seconds=1_772_445_600),
        duration=Duration(seconds=3600),
        ksb_codes=["K1"],
        group_id="group-1",
        mentorship_id="mentorship-1",
        learner_id="learner-1",
    )
    assert read.opened == []


async def test_the_learner_reads_the_shared_record_and_not_the_preparation(reader: Callable[..., Any]) -> None:
    read = reader(LEARNER, streams={"session-session-1": [PLANNED, HELD, KEPT]})
    response = await get_session(ASKED, read)
    assert response.shared_record == "what was said"
    assert response.private_preparation == ""
    assert read.opened == ["shared_record"]
    assert response.session.status == SESSION_STATUS_HELD


async def test_another_mentor_of_the_learner_does_not_read_the_preparation(reader: Callable[..., Any]) -> None:
    read = reader(ANOTHER_MENTOR, streams={"session-session-1": [PLANNED, HELD, KEPT]})
    response = await get_session(ASKED, read)
    assert (response.shared_record, response.private_preparation) == ("what was said", "")
    assert read.opened == ["shared_record"]


async def test_the_sessions_mentor_reads_both(reader: Callable[..., Any]) -> None:
    response = await get_session(ASKED, reader(MENTOR, streams={"session-session-1": [PLANNED, HELD, KEPT]}))
    assert (response.shared_record, response.private_preparation) == ("what was said", "the mentor's own")


async def test_a_session_to_come_has_nothing_to_open(reader: Callable[..., Any]) -> None:
    read = reader(MENTOR, streams={"session-session-1": [PLANNED]})
    response = await get_session(ASKED, read)
    assert response.session.status == SESSION_STATUS_PLANNED
    assert (response.shared_record, read.opened) == ("", [])


async def test_the_standing_record_is_shown_with_who_corrected_it_and_why(reader: Callable[..., Any]) -> None:
    read = reader(LEARNER, streams={"session-session-1": [PLANNED, HELD, CORRECTED_TO_HELD]})
    response = await get_session(ASKED, read)
    assert response.shared_record == "the record, as it was"
    assert [(one.kind, one.text) for one in response.advice] == [(ADVICE_KIND_PASTORAL, "the advice, as it was")]
    (correction,) = response.corrections
    assert (correction.correction, correction.corrected_by, correction.reason, correction.explanation) == (
        1,
        "mentor-1",
        CORRECTION_REASON_WRONG_ENTRY,
        "why it was held",
    )
    assert correction.HasField("corrected_at")
    assert correction.WhichOneof("superseded") is None
    assert read.opened == ["held.shared_record", "held.advice[0].text", "explanation"]


async def test_what_was_before_each_correction_is_opened_on_demand(reader: Callable[..., Any]) -> None:
    second = SessionCorrected()
    second.CopyFrom(CORRECTED_TO_MISSED)
    second.correction = 2
    read = reader(MENTOR, streams={"session-session-1": [PLANNED, HELD, CORRECTED_TO_HELD, second]})
    response = await get_session(
        GetSessionRequest(session_id="session-1", learner_id="learner-1", with_superseded=True), read
    )
    first, last = response.corrections
    assert (first.held.shared_record, list(first.held.ksb_codes)) == ("what was said", ["K2", "S1"])
    assert (last.held.shared_record, last.held.advice[0].text) == ("the record, as it was", "the advice, as it was")
    assert (response.session.status, response.session.corrections) == (SESSION_STATUS_MISSED, 2)
    assert (response.shared_record, list(response.advice)) == ("", [])


async def test_a_missed_session_that_was_corrected_shows_why_it_was_thought_missed(reader: Callable[..., Any]) -> None:
    read = reader(MENTOR, streams={"session-session-1": [PLANNED, MISSED, CORRECTED_TO_HELD]})
    response = await get_session(
        GetSessionRequest(session_id="session-1", learner_id="learner-1", with_superseded=True), read
    )
    assert response.corrections[0].missed.reason == MISS_REASON_LEARNER_ILL
    assert response.shared_record == "the record, as it was"


def _notes(author_id: str, text: str) -> PreparationKept:
    return PreparationKept(
        session_id="session-1",
        learner_id="learner-1",
        private_preparation=Sealed(to_be_sealed=text),
        author_id=author_id,
    )


@pytest.mark.parametrize(
    ("caller", "read_by_them"),
    [
        (MENTOR, ["before", "the mentor's own"]),
        (ANOTHER_MENTOR, ["a later mentor's"]),
        (LEARNER, []),
        (person("paula", "provider_manager", "mentor"), []),
    ],
)
async def test_notes_are_read_by_their_author_alone(
    reader: Callable[..., Any], caller: Any, read_by_them: list[str]
) -> None:
    history = [PLANNED, _notes("mentor-1", "before"), HELD, KEPT, _notes("mentor-2", "a later mentor's")]
    read = reader(caller, streams={"session-session-1": history})
    response = await get_session(ASKED, read)
    assert [one.private_preparation for one in response.preparations] == read_by_them
    assert response.private_preparation == (read_by_them or [""])[-1]
    assert read.opened.count("private_preparation") == len(read_by_them)


async def test_agenda_and_the_learners_view_are_shown_as_they_stand(reader: Callable[..., Any]) -> None:
    history = [
        PLANNED,
        SessionAgendaSet(agenda=Sealed(to_be_sealed="before")),
        SessionAgendaSet(agenda=Sealed(to_be_sealed="exam nerves\nthe placement")),
        HELD,
        LearnerViewAdded(learner_view=Sealed(to_be_sealed="too fast")),
        LearnerViewAdded(learner_view=Sealed(to_be_sealed="it went well")),
    ]
    for caller in (LEARNER, MENTOR):
        read = reader(caller, streams={"session-session-1": history})
        response = await get_session(ASKED, read)
        assert (list(response.agenda), response.learner_view) == (["exam nerves", "the placement"], "it went well")
        assert response.HasField("learner_view_at")
        assert read.opened == ["shared_record", "agenda", "learner_view"]


async def test_an_agenda_that_was_taken_away_is_not_shown(reader: Callable[..., Any]) -> None:
    history = [PLANNED, SessionAgendaSet(agenda=Sealed(to_be_sealed="before")), SessionAgendaSet()]
    response = await get_session(ASKED, reader(LEARNER, streams={"session-session-1": history}))
    assert (list(response.agenda), response.learner_view, response.HasField("learner_view_at")) == ([], "", False)


@pytest.mark.parametrize("learner_id", ["learner-2", "nobody"])
async def test_a_session_of_another_learner_is_unknown(reader: Callable[..., Any], learner_id: str) -> None:
    read = reader(person(learner_id, "learner"), streams={"session-session-1": [PLANNED, HELD]})
    with pytest.raises(Refusal) as caught:
        await get_session(GetSessionRequest(session_id="session-1", learner_id=learner_id), read)
    assert caught.value.code == "SESSION_UNKNOWN"
    assert read.opened == []


async def test_a_session_that_never_was_is_refused_in_the_same_words(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await get_session(ASKED, reader(LEARNER))
    assert (caught.value.code, caught.value.field) == ("SESSION_UNKNOWN", "session_id")
