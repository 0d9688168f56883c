"""One session with its record, opened from its own stream each time, on the record, for those who may read it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from eventkernel.aggregate import Refusal
from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.events_pb2 import PreparationKept, SessionHeld, SessionMissed
from mentoring.sessions.v1.session_parts_pb2 import Advice
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, MissedRecord, SessionCorrected
from mentoring.sessions.v1.session_record_pb2 import Correction, HeldAccount, MissedAccount
from mentoring.sessions.v1.sessions_pb2 import GetSessionRequest, GetSessionResponse

from sessions.projections.learner_sessions import learner_sessions, summary

_Place = tuple[int, str]
_Texts = Mapping[_Place, str]


async def get_session(request: GetSessionRequest, read: Reader) -> GetSessionResponse:
    """One session as it stands, and the corrections made; with the private preparation where the caller is its mentor.

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
    records = [item for item in history if isinstance(item.event, SessionHeld | SessionMissed | SessionCorrected)]
    superseded = records[:-1] if request.with_superseded else []
    corrections = [(item, "explanation") for item in records if isinstance(item.event, SessionCorrected)]
    is_mentor = read.principal.person_id == document.mentor_id
    preparation = [
        (item, "private_preparation") for item in history if is_mentor and isinstance(item.event, PreparationKept)
    ]
    texts = await _open(read, [*_places([*superseded, *records[-1:]]), *corrections, *preparation])
    stands = _outcome(records[-1], texts) if records else None
    return GetSessionResponse(
        session=summary(document),
        shared_record=stands.shared_record if isinstance(stands, HeldAccount) else "",
        private_preparation=next((texts[_place(*place)] for place in preparation), ""),
        advice=stands.advice if isinstance(stands, HeldAccount) else [],
        corrections=[
            _correction(item, former if request.with_superseded else None, texts) for former, item in pairwise(records)
        ],
    )


async def _open(read: Reader, wanted: Iterable[tuple[Recorded, str]]) -> _Texts:
    items = list(wanted)
    return dict(zip((_place(*item) for item in items), await read.open(items), strict=True))


def _place(item: Recorded, path: str) -> _Place:
    return item.meta.version, path


def _places(records: Iterable[Recorded]) -> Iterator[tuple[Recorded, str]]:
    """Where the texts of these records are."""
    for item in records:
        held, within = _record(item)
        if isinstance(held, SessionHeld | HeldRecord):
            yield item, f"{within}shared_record"
            yield from ((item, f"{within}advice[{index}].text") for index in range(len(held.advice)))


def _record(item: Recorded) -> tuple[SessionHeld | HeldRecord | SessionMissed | MissedRecord, str]:
    """What an event records, and where in it."""
    event = item.event
    if isinstance(event, SessionCorrected):
        return (event.held, "held.") if event.HasField("held") else (event.missed, "missed.")
    if isinstance(event, SessionHeld | SessionMissed):
        return event, ""
    raise TypeError(f"{type(event).__name__} records no outcome of a session")


def _outcome(item: Recorded, texts: _Texts) -> HeldAccount | MissedAccount:
    record, within = _record(item)
    if isinstance(record, SessionMissed | MissedRecord):
        return MissedAccount(reason=record.reason, reason_owner=record.reason_owner)
    return HeldAccount(
        duration=record.duration,
        ksb_codes=record.ksb_codes,
        techniques=record.techniques,
        ksb_minutes=record.ksb_minutes,
        advice=[
            Advice(kind=one.kind, text=texts[_place(item, f"{within}advice[{index}].text")])
            for index, one in enumerate(record.advice)
        ],
        shared_record=texts[_place(item, f"{within}shared_record")],
    )


def _correction(item: Recorded, former: Recorded | None, texts: _Texts) -> Correction:
    event = item.event
    if not isinstance(event, SessionCorrected):
        raise TypeError(f"{type(event).__name__} is no correction")
    shown = Correction(
        correction=event.correction,
        corrected_at=_timestamp(item.meta.at),
        corrected_by=event.corrected_by,
        reason=event.reason,
        explanation=texts[_place(item, "explanation")],
    )
    if former is not None:
        superseded = _outcome(former, texts)
        if isinstance(superseded, HeldAccount):
            shown.held.CopyFrom(superseded)
        else:
            shown.missed.CopyFrom(superseded)
    return shown


def _timestamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found
