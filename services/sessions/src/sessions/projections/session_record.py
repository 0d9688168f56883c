"""One session with its record, opened from its own stream each time, on the record, for those who may read it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from google.protobuf.message import Message
from mentoring.sessions.v1.events_pb2 import PreparationKept, SessionHeld, SessionMissed
from mentoring.sessions.v1.session_parts_pb2 import Advice
from mentoring.sessions.v1.session_record_events_pb2 import (
    HeldRecord,
    LearnerViewAdded,
    MissedRecord,
    SessionAgendaSet,
    SessionCorrected,
)
from mentoring.sessions.v1.session_record_pb2 import Correction, HeldAccount, MissedAccount, Preparation
from mentoring.sessions.v1.sessions_pb2 import GetSessionRequest, GetSessionResponse

from sessions.domain.session_state import unknown
from sessions.projections.learner_sessions import learner_sessions, summary

_Place = tuple[int, str]
_Texts = Mapping[_Place, str]


async def get_session(request: GetSessionRequest, read: Reader) -> GetSessionResponse:
    """One session as it stands, with the corrections made and the caller's own notes.

    Raises Refusal SESSION_UNKNOWN where the learner has no such session: that another learner has it is not told.
    """
    history = await read.history(f"session-{request.session_id}")
    document = learner_sessions.new(request.session_id)
    for item in history:
        fold = learner_sessions.folds.get(type(item.event))
        if fold is not None:
            fold(document, item.event, item.meta)
    if document.learner_id != request.learner_id:
        raise unknown(request.session_id)
    records = [item for item in history if isinstance(item.event, SessionHeld | SessionMissed | SessionCorrected)]
    superseded = records[:-1] if request.with_superseded else []
    corrections = [(item, "explanation") for item in records if isinstance(item.event, SessionCorrected)]
    preparations = [(item, "private_preparation") for item in _notes_of(read.principal.person_id, history)]
    agenda = _newest(history, SessionAgendaSet, "agenda")
    view = _newest(history, LearnerViewAdded, "learner_view")
    texts = await _open(read, [*_places([*superseded, *records[-1:]]), *corrections, *preparations, *agenda, *view])
    stands = _outcome(records[-1], texts) if records else None
    kept = [
        Preparation(kept_at=timestamp(item.meta.at), private_preparation=texts[_place(item, path)])
        for item, path in preparations
    ]
    return GetSessionResponse(
        session=summary(document),
        shared_record=stands.shared_record if isinstance(stands, HeldAccount) else "",
        private_preparation=kept[-1].private_preparation if kept else "",
        advice=stands.advice if isinstance(stands, HeldAccount) else [],
        corrections=[
            _correction(item, former if request.with_superseded else None, texts) for former, item in pairwise(records)
        ],
        agenda=[line for place in agenda for line in texts[_place(*place)].split("\n")],
        learner_view=next((texts[_place(*place)] for place in view), ""),
        learner_view_at=next((timestamp(item.meta.at) for item, _ in view), None),
        preparations=kept,
    )


def _notes_of(person_id: str, history: Iterable[Recorded]) -> Iterator[Recorded]:
    """The notes that this person wrote. Old ones do not tell whose they are: they came with the record, and so are its mentor's."""
    recorded_by = ""
    for item in history:
        if isinstance(item.event, SessionHeld):
            recorded_by = item.event.mentor_id
        if isinstance(item.event, PreparationKept) and (item.event.author_id or recorded_by) == person_id:
            yield item


def _newest(history: Iterable[Recorded], kind: type[Message], field: str) -> list[tuple[Recorded, str]]:
    """Where the newest text of this kind is; nowhere, where that took it away."""
    found = [item for item in history if isinstance(item.event, kind)][-1:]
    return [(item, field) for item in found if item.event.HasField(field)]


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
        guide=record.guide if record.HasField("guide") else None,
    )


def _correction(item: Recorded, former: Recorded | None, texts: _Texts) -> Correction:
    event = item.event
    if not isinstance(event, SessionCorrected):
        raise TypeError(f"{type(event).__name__} is no correction")
    shown = Correction(
        correction=event.correction,
        corrected_at=timestamp(item.meta.at),
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
