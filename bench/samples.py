"""The work that is measured: sessions planned and held. Ids come from numbers, so that every run has fresh ones and the same sizes."""

from datetime import UTC, datetime, timedelta

from eventkernel.messages import Commit, StoredEvent, event_id
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_VOCATIONAL, TECHNIQUE_GROW, SessionHeld, SessionPlanned
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, PlanSessionRequest

TENANT, MENTOR, MANAGER = "northfield", "mentor-1", "manager-1"
STANDARD = StandardVersion(reference="ST0148", version="1.0")
CODES = [f"K{number}" for number in range(1, 12)] + [f"S{number}" for number in range(1, 12)]
TOLD = ("K1", "S1", "S2")
SOURCE = "/mentoring/sessions"
LEARNERS = 64
# Now: a broker deletes at once what it takes for older than its retention.
_FROM = datetime.now(UTC).replace(microsecond=0)


def learner(number: int) -> str:
    """One of the learners."""
    return f"learner-{number % LEARNERS:03}"


def mentorship(number: int) -> str:
    """That learner's mentorship."""
    return f"mentorship-{learner(number)}"


def plan(number: int, session_id: str) -> PlanSessionRequest:
    """The session is planned."""
    return PlanSessionRequest(
        session_id=session_id, learner_id=learner(number), mentorship_id=mentorship(number), kind=SESSION_KIND_VOCATIONAL,
        starts_at=_starts(), duration=Duration(seconds=3600), ksb_codes=TOLD,
    )  # fmt: skip


def hold(number: int, session_id: str) -> HoldSessionRequest:
    """The session is held, with a text to be sealed."""
    return HoldSessionRequest(
        session_id=session_id, learner_id=learner(number), duration=Duration(seconds=3300), ksb_codes=TOLD,
        techniques=[TECHNIQUE_GROW], shared_record="Two goals for the month were agreed, and how to know that they are met.",
    )  # fmt: skip


def planned(number: int, session_id: str) -> SessionPlanned:
    """The event of `plan`."""
    return SessionPlanned(
        session_id=session_id, learner_id=learner(number), mentorship_id=mentorship(number), mentor_id=MENTOR,
        kind=SESSION_KIND_VOCATIONAL, starts_at=_starts(), duration=Duration(seconds=3600), ksb_codes=TOLD, standard=STANDARD,
    )  # fmt: skip


def held(number: int, session_id: str) -> SessionHeld:
    """The event of `hold`, its text sealed."""
    sealed = Sealed(subject_id=learner(number), key_version=1, nonce=bytes(12), ciphertext=bytes(87))
    return SessionHeld(
        session_id=session_id, learner_id=learner(number), mentor_id=MENTOR, duration=Duration(seconds=3300), ksb_codes=TOLD,
        techniques=[TECHNIQUE_GROW], shared_record=sealed, standard=STANDARD, mentorship_id=mentorship(number),
    )  # fmt: skip


def commit(number: int, prefix: str) -> Commit:
    """A commit of one published event: a session of its own is planned."""
    session_id = f"{prefix}-{number}"
    return commit_of(planned(number, session_id), "mentoring.sessions.session-planned", number, session_id, 1)


def commit_of(event: Message, kind: str, number: int, session_id: str, version: int) -> Commit:
    """The commit that holds this one event of a session. One in twenty is in a trace that is recorded, as services do by default."""
    identity = f"{TENANT}/{session_id}-{version}"
    return Commit(
        id=identity, tenant=TENANT, stream=f"session-{session_id}",
        events=(StoredEvent(event_id(identity, 1), kind, version, event.SerializeToString(), published=True),),
        partition_key=learner(number), at=_FROM + timedelta(milliseconds=number), actor=MENTOR, published_version=version,
        fingerprint=bytes(32), correlation_id=event_id(identity, 2),
        traceparent=f"00-{number + 1:032x}-{number + 1:016x}-{'00' if number % 20 else '01'}",
    )  # fmt: skip


def _starts() -> Timestamp:
    return Timestamp(seconds=int(_FROM.timestamp()))
