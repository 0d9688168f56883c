"""A learner's sessions, one document a session; and one session with its record, opened for those who may read it.

No text of a session is in a document: it is opened from the session's own stream, each time, on the record.
"""

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.events_pb2 import (
    MissReason,
    PreparationKept,
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
from mentoring.sessions.v1.sessions_pb2 import (
    SESSION_STATUS_CANCELLED,
    SESSION_STATUS_HELD,
    SESSION_STATUS_MISSED,
    SESSION_STATUS_PLANNED,
    SESSION_STATUS_UNSPECIFIED,
    GetSessionRequest,
    GetSessionResponse,
    ListSessionsRequest,
    ListSessionsResponse,
    SessionStatus,
    SessionSummary,
)
from pydantic import BaseModel


class LearnerSession(BaseModel):
    """One session without its texts; times in milliseconds, the start since 1970 in UTC.

    Start and duration are as it was last moved; duration and KSBs are the planned ones until it is held.
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


# Version 2: documents of version 1 have no fields for why a session was cancelled, and differ from their fold.
learner_sessions = Projection(
    "learner_sessions", version=2, document=LearnerSession, key="session_id", indexes=("learner_id",)
)


@learner_sessions.on
def planned(document: LearnerSession, event: SessionPlanned, _meta: Metadata) -> None:
    """A session to come."""
    document.learner_id = event.learner_id
    document.mentor_id = event.mentor_id
    document.status = SESSION_STATUS_PLANNED
    document.kind = event.kind
    document.starts_at_ms = event.starts_at.ToMilliseconds()
    document.duration_ms = event.duration.ToMilliseconds()
    document.ksb_codes = list(event.ksb_codes)
    document.group_id = event.group_id


@learner_sessions.on
def moved(document: LearnerSession, event: SessionMoved, _meta: Metadata) -> None:
    """It takes place at other times."""
    document.starts_at_ms = event.starts_at.ToMilliseconds()
    document.duration_ms = event.duration.ToMilliseconds()


@learner_sessions.on
def held(document: LearnerSession, event: SessionHeld, _meta: Metadata) -> None:
    """It took place: as long as it really was, on what it really touched."""
    document.status = SESSION_STATUS_HELD
    document.duration_ms = event.duration.ToMilliseconds()
    document.ksb_codes = list(event.ksb_codes)
    document.techniques = list(event.techniques)


@learner_sessions.on
def missed(document: LearnerSession, event: SessionMissed, _meta: Metadata) -> None:
    """It did not take place."""
    document.status = SESSION_STATUS_MISSED
    document.miss_reason = event.reason


@learner_sessions.on
def cancelled(document: LearnerSession, event: SessionCancelled, _meta: Metadata) -> None:
    """It will not take place."""
    document.status = SESSION_STATUS_CANCELLED
    document.cancel_reason = event.reason
    document.cancel_reason_owner = event.reason_owner


async def list_sessions(request: ListSessionsRequest, read: Reader) -> ListSessionsResponse:
    """The learner's sessions, the latest start first."""
    documents = await read.documents(learner_sessions, learner_id=request.learner_id)
    documents.sort(key=lambda document: (document.starts_at_ms, document.session_id), reverse=True)
    return ListSessionsResponse(sessions=[_summary(document) for document in documents])


async def get_session(request: GetSessionRequest, read: Reader) -> GetSessionResponse:
    """One session with its shared record; with the private preparation where the caller is its mentor.

    Raises Refusal SESSION_UNKNOWN where the learner has no such session: that another learner has it is not told.
    """
    history = await read.history(f"session-{request.session_id}")
    document = learner_sessions.new(request.session_id)
    for item in history:
        fold = learner_sessions.folds.get(type(item.event))
        if fold is not None:
            fold(document, item.event, item.meta)
    if document.learner_id != request.learner_id:
        raise Refusal(
            "SESSION_UNKNOWN", f"the learner has no session {request.session_id}; check both ids", field="session_id"
        )
    is_mentor = read.principal.person_id == document.mentor_id
    wanted = [
        (item, field)
        for item in history
        for kind, field, may_read in (
            (SessionHeld, "shared_record", True),
            (PreparationKept, "private_preparation", is_mentor),
        )
        if may_read and isinstance(item.event, kind)
    ]
    opened = dict(zip((field for _, field in wanted), await read.open(wanted), strict=True))
    return GetSessionResponse(
        session=_summary(document),
        shared_record=opened.get("shared_record", ""),
        private_preparation=opened.get("private_preparation", ""),
    )


def _summary(document: LearnerSession) -> SessionSummary:
    starts_at, duration = Timestamp(), Duration()
    starts_at.FromMilliseconds(document.starts_at_ms)
    duration.FromMilliseconds(document.duration_ms)
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
    )
