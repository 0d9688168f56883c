"""A session of mentor-1 with learner-1, as tests tell of it."""

from typing import Any

from eventkernel.aggregate import Context
from eventkernel.testing.scenario import NOON, Outcome, given, person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    MOVE_REASON_LEARNER_ASKED,
    REASON_OWNER_EMPLOYER,
    REASON_OWNER_LEARNER,
    REASON_OWNER_UNSPECIFIED,
    SESSION_CANCEL_REASON_WORK_PRESSURE,
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
)
from mentoring.sessions.v1.session_record_pb2 import (
    AddLearnerViewRequest,
    CorrectSessionRequest,
    HeldAccount,
    KeepPreparationRequest,
    SetSessionAgendaRequest,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CancelSessionRequest,
    HoldSessionRequest,
    MissSessionRequest,
    MoveSessionRequest,
    PlanSessionRequest,
)
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

TWO_MENTORS = given(
    mentorships, START, MentorshipStarted(learner_id="learner-1", mentorship_id="mentorship-2", mentor_id="mentor-2")
).state


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
