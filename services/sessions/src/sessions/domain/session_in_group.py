"""One learner's session, as it was decided for the whole group. It is decided as if the group's mentor had asked for this learner alone.

What is refused so is kept with its code, for the mentor to see, and stops nothing for the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from eventkernel.aggregate import Context, Refusal
from eventkernel.messages import Principal
from google.protobuf.message import Message
from mentoring.sessions.v1.events_pb2 import (
    PreparationKept,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.group_session_events_pb2 import (
    GROUP_ACT_CANCEL,
    GROUP_ACT_HOLD,
    GROUP_ACT_MISS,
    GROUP_ACT_MOVE,
    GROUP_ACT_PLAN,
    GroupAct,
    GroupPlaceRefused,
)
from mentoring.sessions.v1.group_session_pb2 import (
    CancelGroupPlaceRequest,
    HoldGroupPlaceRequest,
    MissGroupPlaceRequest,
    MoveGroupPlaceRequest,
    PlanGroupPlaceRequest,
)
from mentoring.sessions.v1.session_record_events_pb2 import SessionAgendaSet
from mentoring.sessions.v1.sessions_pb2 import (
    CancelSessionRequest,
    HoldSessionRequest,
    MissSessionRequest,
    MoveSessionRequest,
    PlanSessionRequest,
)

from sessions.domain import session_planning, session_record
from sessions.domain.guide import Guide
from sessions.domain.session_state import Session

_Asked = (
    PlanGroupPlaceRequest
    | MoveGroupPlaceRequest
    | CancelGroupPlaceRequest
    | HoldGroupPlaceRequest
    | MissGroupPlaceRequest
)
_ACTS: Mapping[type[Message], GroupAct.ValueType] = {
    PlanGroupPlaceRequest: GROUP_ACT_PLAN,
    MoveGroupPlaceRequest: GROUP_ACT_MOVE,
    CancelGroupPlaceRequest: GROUP_ACT_CANCEL,
    HoldGroupPlaceRequest: GROUP_ACT_HOLD,
    MissGroupPlaceRequest: GROUP_ACT_MISS,
}
_Alone = TypeVar("_Alone", bound=Message)
_Event = TypeVar("_Event", bound=Message)


def plan(
    state: Session, command: PlanGroupPlaceRequest, context: Context
) -> list[SessionPlanned | SessionAgendaSet | GroupPlaceRefused]:
    """Plans it, where the group's mentor may."""
    return _as_mentor(session_planning.plan, state, command, _alone(command, PlanSessionRequest()), context)


def move(state: Session, command: MoveGroupPlaceRequest, context: Context) -> list[SessionMoved | GroupPlaceRefused]:
    """Moves it, where the group's mentor may."""
    return _as_mentor(session_planning.move, state, command, _alone(command, MoveSessionRequest()), context)


def cancel(
    state: Session, command: CancelGroupPlaceRequest, context: Context
) -> list[SessionCancelled | GroupPlaceRefused]:
    """Calls it off, where the group's mentor may."""
    alone = _alone(command, CancelSessionRequest())
    return _as_mentor(session_planning.cancel, state, command, alone, context)


def hold(
    state: Session, command: HoldGroupPlaceRequest, context: Context
) -> list[SessionHeld | PreparationKept | GroupPlaceRefused]:
    """Records that it was held, where the group's mentor may. A group's session follows no guide."""
    guideless = replace(context, loaded={**context.loaded, Guide: Guide()})
    return _as_mentor(session_record.hold, state, command, _alone(command, HoldSessionRequest()), guideless)


def miss(state: Session, command: MissGroupPlaceRequest, context: Context) -> list[SessionMissed | GroupPlaceRefused]:
    """Records that it was missed, where the group's mentor may."""
    return _as_mentor(session_record.miss, state, command, _alone(command, MissSessionRequest()), context)


def refused(state: Session, event: GroupPlaceRefused) -> Session:
    """It stands as it stood. What was refused is known again."""
    return replace(state, refused=(*state.refused, event.content_digest))


def _alone(command: _Asked, request: _Alone) -> _Alone:
    """The request that the mentor would have made for this learner alone: the fields that both have."""
    for field, value in command.ListFields():
        if field.name not in request.DESCRIPTOR.fields_by_name:
            continue
        if field.message_type is not None and not field.is_repeated:
            getattr(request, field.name).CopyFrom(value)
        elif field.is_repeated:
            getattr(request, field.name).extend(value)
        else:
            setattr(request, field.name, value)
    return request


def _as_mentor(
    decide: Callable[[Session, _Alone, Context], Sequence[_Event]],
    state: Session,
    command: _Asked,
    alone: _Alone,
    context: Context,
) -> list[_Event | GroupPlaceRefused]:
    digest = context.digest(command.SerializeToString(deterministic=True))
    if digest in state.refused:
        return []
    mentor = Principal(context.principal.tenant, command.mentor_id, frozenset({"mentor"}))
    try:
        return list(decide(state, alone, replace(context, principal=mentor)))
    except Refusal as refusal:
        return [
            GroupPlaceRefused(
                session_id=command.session_id,
                learner_id=command.learner_id,
                group_id=command.group_id,
                mentor_id=command.mentor_id,
                act=_ACTS[type(command)],
                code=refusal.code,
                content_digest=digest,
            )
        ]
