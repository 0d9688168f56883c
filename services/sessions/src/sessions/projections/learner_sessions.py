"""Sessions, one document a session, as they stand after the last correction. No text of a session is in a document."""

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.events_pb2 import (
    MissReason,
    ReasonOwner,
    SessionCancelled,
    SessionCancelReason,
    SessionHeld,
    SessionKind,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
    Technique,
)
from mentoring.sessions.v1.session_parts_pb2 import AdviceKind, GuideFollowed, KsbMinutes
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, MissedRecord, SessionCorrected
from mentoring.sessions.v1.sessions_pb2 import (
    SESSION_STATUS_CANCELLED,
    SESSION_STATUS_HELD,
    SESSION_STATUS_MISSED,
    SESSION_STATUS_PLANNED,
    SESSION_STATUS_UNSPECIFIED,
    SessionStatus,
    SessionSummary,
)
from pydantic import BaseModel

from sessions.projections.times import milliseconds


class LearnerSession(BaseModel):
    """One session without its texts; times in milliseconds, the start since 1970 in UTC.

    Start and duration are as it was last moved; duration and KSBs are the planned ones unless it was held. `mentor_id` planned it,
    until somebody moved, held, missed or cancelled it. `advice_kinds` has one kind a piece of advice. `changes` counts what happened to
    it since it was planned, `changed_ms` is when it last did.
    """

    session_id: str
    learner_id: str = ""
    mentor_id: str = ""
    status: SessionStatus.ValueType = SESSION_STATUS_UNSPECIFIED
    kind: SessionKind.ValueType = SessionKind.SESSION_KIND_UNSPECIFIED
    starts_at_ms: int = 0
    duration_ms: int = 0
    ksb_codes: list[str] = []
    techniques: list[Technique.ValueType] = []
    miss_reason: MissReason.ValueType = MissReason.MISS_REASON_UNSPECIFIED
    group_id: str = ""
    cancel_reason: SessionCancelReason.ValueType = SessionCancelReason.SESSION_CANCEL_REASON_UNSPECIFIED
    cancel_reason_owner: ReasonOwner.ValueType = ReasonOwner.REASON_OWNER_UNSPECIFIED
    miss_reason_owner: ReasonOwner.ValueType = ReasonOwner.REASON_OWNER_UNSPECIFIED
    mentorship_id: str = ""
    ksb_minutes: dict[str, int] = {}
    advice_kinds: list[AdviceKind.ValueType] = []
    guide_id: str = ""
    guide_version: int = 0
    guide_step_ids: list[str] = []
    corrections: int = 0
    planned_duration_ms: int = 0
    planned_ksb_codes: list[str] = []
    changes: int = 0
    changed_ms: int = 0


# Version 3: documents of version 2 do not know the mentorship, nor what a correction takes back, nor how often a session changed.
learner_sessions = Projection(
    "learner_sessions", version=3, document=LearnerSession, key="session_id", indexes=("learner_id", "mentor_id")
)


@learner_sessions.on
def planned(document: LearnerSession, event: SessionPlanned, meta: Metadata) -> None:
    """A session to come."""
    document.changed_ms = milliseconds(meta.at)
    document.learner_id = event.learner_id
    document.mentor_id = event.mentor_id
    document.mentorship_id = event.mentorship_id
    document.status = SESSION_STATUS_PLANNED
    document.kind = event.kind
    document.starts_at_ms = event.starts_at.ToMilliseconds()
    document.duration_ms = document.planned_duration_ms = event.duration.ToMilliseconds()
    document.ksb_codes = list(event.ksb_codes)
    document.planned_ksb_codes = list(event.ksb_codes)
    document.group_id = event.group_id


@learner_sessions.on
def moved(document: LearnerSession, event: SessionMoved, meta: Metadata) -> None:
    """It takes place at other times."""
    _changed(document, meta)
    document.mentor_id = event.mentor_id
    document.starts_at_ms = event.starts_at.ToMilliseconds()
    document.duration_ms = document.planned_duration_ms = event.duration.ToMilliseconds()


@learner_sessions.on
def held(document: LearnerSession, event: SessionHeld, meta: Metadata) -> None:
    """It took place: as long as it really was, on what it really touched."""
    _changed(document, meta)
    document.mentor_id = event.mentor_id
    _held(document, event)


@learner_sessions.on
def missed(document: LearnerSession, event: SessionMissed, meta: Metadata) -> None:
    """It did not take place."""
    _changed(document, meta)
    document.mentor_id = event.mentor_id
    _missed(document, event)


@learner_sessions.on
def corrected(document: LearnerSession, event: SessionCorrected, meta: Metadata) -> None:
    """Another record stands in place of the one before."""
    _changed(document, meta)
    document.corrections = event.correction
    if event.HasField("held"):
        _held(document, event.held)
    else:
        _missed(document, event.missed)


@learner_sessions.on
def cancelled(document: LearnerSession, event: SessionCancelled, meta: Metadata) -> None:
    """It will not take place."""
    _changed(document, meta)
    document.mentor_id = event.mentor_id
    document.status = SESSION_STATUS_CANCELLED
    document.cancel_reason = event.reason
    document.cancel_reason_owner = event.reason_owner


def summary(document: LearnerSession) -> SessionSummary:
    """A session as lists show it."""
    starts_at, duration = Timestamp(), Duration()
    starts_at.FromMilliseconds(document.starts_at_ms)
    duration.FromMilliseconds(document.duration_ms)
    guide = GuideFollowed(guide_id=document.guide_id, version=document.guide_version, step_ids=document.guide_step_ids)
    return SessionSummary(
        session_id=document.session_id,
        mentor_id=document.mentor_id,
        status=document.status,
        kind=document.kind,
        starts_at=starts_at,
        duration=duration,
        ksb_codes=document.ksb_codes,
        techniques=document.techniques,
        miss_reason=document.miss_reason,
        group_id=document.group_id,
        cancel_reason=document.cancel_reason,
        cancel_reason_owner=document.cancel_reason_owner,
        miss_reason_owner=document.miss_reason_owner,
        mentorship_id=document.mentorship_id,
        ksb_minutes=[KsbMinutes(ksb_code=code, minutes=minutes) for code, minutes in document.ksb_minutes.items()],
        advice_kinds=document.advice_kinds,
        corrections=document.corrections,
        guide=guide if document.guide_id else None,
        learner_id=document.learner_id,
    )


def _changed(document: LearnerSession, meta: Metadata) -> None:
    document.changes += 1
    document.changed_ms = milliseconds(meta.at)


def _held(document: LearnerSession, record: SessionHeld | HeldRecord) -> None:
    document.status = SESSION_STATUS_HELD
    document.duration_ms = record.duration.ToMilliseconds()
    document.ksb_codes = list(record.ksb_codes)
    document.techniques = list(record.techniques)
    document.ksb_minutes = {one.ksb_code: one.minutes for one in record.ksb_minutes}
    document.advice_kinds = [one.kind for one in record.advice]
    _follow(document, record.guide)
    document.miss_reason = MissReason.MISS_REASON_UNSPECIFIED
    document.miss_reason_owner = ReasonOwner.REASON_OWNER_UNSPECIFIED


def _missed(document: LearnerSession, record: SessionMissed | MissedRecord) -> None:
    document.status = SESSION_STATUS_MISSED
    document.miss_reason = record.reason
    document.miss_reason_owner = record.reason_owner
    document.duration_ms = document.planned_duration_ms
    document.ksb_codes = list(document.planned_ksb_codes)
    document.techniques = []
    document.ksb_minutes = {}
    document.advice_kinds = []
    _follow(document, GuideFollowed())


def _follow(document: LearnerSession, guide: GuideFollowed) -> None:
    document.guide_id = guide.guide_id
    document.guide_version = guide.version
    document.guide_step_ids = list(guide.step_ids)
