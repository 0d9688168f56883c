"""A session before it takes place: planned, perhaps moved, perhaps called off."""

from dataclasses import replace

from eventkernel.aggregate import Context, Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.events_pb2 import SessionCancelled, SessionMoved, SessionPlanned
from mentoring.sessions.v1.session_record_events_pb2 import SessionAgendaSet
from mentoring.sessions.v1.sessions_pb2 import CancelSessionRequest, MoveSessionRequest, PlanSessionRequest

from sessions.domain.session_state import (
    Plan,
    Session,
    Stage,
    Times,
    active_mentorship,
    own_mentorship,
    plan_of,
    refuse_on_break,
    refuse_settled,
    refuse_unknown_ksbs,
    standard_of,
)
from sessions.domain.session_texts import agenda_set


def plan(state: Session, command: PlanSessionRequest, context: Context) -> list[SessionPlanned | SessionAgendaSet]:
    """Plans a session in an active mentorship of the learner. That an id is taken by another learner's is not told apart."""
    if state.stage is not Stage.NOTHING:
        if state.learner_id == command.learner_id and state.plan == _plan(command):
            return []
        raise Refusal(
            "SESSION_EXISTS",
            f"session {command.session_id} was planned otherwise; plan this one under a new id",
            field="session_id",
        )
    mentorship = own_mentorship(context, command.mentorship_id)
    refuse_on_break(mentorship, "mentorship_id")
    refuse_unknown_ksbs(command.ksb_codes, mentorship)
    events: list[SessionPlanned | SessionAgendaSet] = [
        SessionPlanned(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentorship.mentor_id,
            kind=command.kind,
            starts_at=command.starts_at,
            duration=command.duration,
            ksb_codes=command.ksb_codes,
            group_id=command.group_id,
            standard=standard_of(mentorship),
        )
    ]
    return [*events, agenda_set(command, context)] if command.agenda else events


def move(state: Session, command: MoveSessionRequest, context: Context) -> list[SessionMoved]:
    """Gives a planned session other times. Moved to the times that it has, nothing is done, whatever the reason."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    refuse_settled(state)
    if state.times == _times(command):
        return []
    mentorship = active_mentorship(context, mentorship_id)
    refuse_on_break(mentorship, "session_id")
    former = Timestamp()
    former.FromNanoseconds(state.times.starts_at)
    return [
        SessionMoved(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=context.principal.person_id,
            mentorship_id=mentorship_id,
            standard=standard_of(mentorship),
            starts_at=command.starts_at,
            duration=command.duration,
            former_starts_at=former,
            reason=command.reason,
        )
    ]


def cancel(state: Session, command: CancelSessionRequest, context: Context) -> list[SessionCancelled]:
    """Calls a planned session off."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    if state.cancelled_for == (command.reason, command.reason_owner):
        return []
    refuse_settled(state)
    mentorship = active_mentorship(context, mentorship_id)
    return [
        SessionCancelled(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=context.principal.person_id,
            mentorship_id=mentorship_id,
            standard=standard_of(mentorship),
            reason=command.reason,
            reason_owner=command.reason_owner,
        )
    ]


def planned(_state: Session, event: SessionPlanned) -> Session:
    """It is planned."""
    return Session(
        Stage.PLANNED, event.session_id, event.learner_id, event.mentor_id, plan=_plan(event), times=_times(event)
    )


def moved(state: Session, event: SessionMoved) -> Session:
    """It takes place at other times. What was planned at first stays, so that its repeat is known."""
    return replace(state, times=_times(event), mentor_id=event.mentor_id)


def cancelled(state: Session, event: SessionCancelled) -> Session:
    """It will not take place."""
    return replace(
        state, stage=Stage.CANCELLED, mentor_id=event.mentor_id, cancelled_for=(event.reason, event.reason_owner)
    )


def _plan(of: PlanSessionRequest | SessionPlanned) -> Plan:
    return Plan(
        mentorship_id=of.mentorship_id,
        kind=of.kind,
        starts_at=of.starts_at.ToNanoseconds(),
        duration=of.duration.ToNanoseconds(),
        ksb_codes=tuple(of.ksb_codes),
        group_id=of.group_id,
    )


def _times(of: MoveSessionRequest | SessionMoved | SessionPlanned) -> Times:
    return Times(starts_at=of.starts_at.ToNanoseconds(), duration=of.duration.ToNanoseconds())
