"""What belongs to a session beside its record: the agenda, a mentor's own notes, and the learner's own view.

All of it is text, sealed and not in the state. A keyed digest there tells a repeat from something new.
"""

from collections.abc import Iterable
from dataclasses import replace

from eventkernel.aggregate import AlreadyDone, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import PreparationKept
from mentoring.sessions.v1.session_record_events_pb2 import LearnerViewAdded, SessionAgendaSet
from mentoring.sessions.v1.session_record_pb2 import (
    AddLearnerViewRequest,
    KeepPreparationRequest,
    SetSessionAgendaRequest,
)
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, PlanSessionRequest

from sessions.domain.session_state import Session, Stage, active_mentorship, plan_of, refuse_settled, unknown


def set_agenda(state: Session, command: SetSessionAgendaRequest, context: Context) -> list[SessionAgendaSet]:
    """Says what a planned session is to be about, in place of what was said before."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    if state.agenda == _agenda_digest(command.agenda, context):
        return AlreadyDone()
    refuse_settled(state)
    active_mentorship(context, mentorship_id)
    return [agenda_set(command, context)]


def keep_preparation(state: Session, command: KeepPreparationRequest, context: Context) -> list[PreparationKept]:
    """Keeps notes of the caller's own beside those that they have kept already."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    if _preparation_digest(command, context) in state.preparations:
        return AlreadyDone()
    active_mentorship(context, mentorship_id)
    return [preparation_of(command, context)]


def add_learner_view(state: Session, command: AddLearnerViewRequest, context: Context) -> list[LearnerViewAdded]:
    """The learner says how they see a session that was held, in place of what they said before.

    Another's session is answered as one that does not exist.
    """
    if state.learner_id != command.learner_id:
        raise unknown(command.session_id)
    digest = context.digest(f"learner-view\n{command.learner_view}".encode())
    if state.learner_view == digest:
        return AlreadyDone()
    if state.stage is not Stage.HELD:
        raise Refusal(
            "SESSION_NOT_HELD",
            f"session {command.session_id} was not held; a learner's view is of one that was",
            field="session_id",
        )
    return [
        LearnerViewAdded(
            session_id=command.session_id,
            learner_id=command.learner_id,
            learner_view=Sealed(to_be_sealed=command.learner_view),
            content_digest=digest,
        )
    ]


def agenda_set(command: SetSessionAgendaRequest | PlanSessionRequest, context: Context) -> SessionAgendaSet:
    """The agenda of a request, one item a line."""
    return SessionAgendaSet(
        session_id=command.session_id,
        learner_id=command.learner_id,
        agenda=Sealed(to_be_sealed="\n".join(command.agenda)) if command.agenda else None,
        content_digest=_agenda_digest(command.agenda, context),
    )


def preparation_of(command: KeepPreparationRequest | HoldSessionRequest, context: Context) -> PreparationKept:
    """The notes of a request, as their author's."""
    return PreparationKept(
        session_id=command.session_id,
        learner_id=command.learner_id,
        private_preparation=Sealed(to_be_sealed=command.private_preparation),
        author_id=context.principal.person_id,
        content_digest=_preparation_digest(command, context),
    )


def is_kept(state: Session, command: HoldSessionRequest, context: Context) -> bool:
    """Whether the notes that came with a record are kept already. Of old notes, which have no digest, nobody can say that they are not."""
    return "" in state.preparations or _preparation_digest(command, context) in state.preparations


def agenda_was_set(state: Session, event: SessionAgendaSet) -> Session:
    """It is to be about this."""
    return replace(state, agenda=event.content_digest)


def preparation_kept(state: Session, event: PreparationKept) -> Session:
    """A mentor kept notes of their own; what they say stays sealed."""
    return replace(state, preparations=(*state.preparations, event.content_digest))


def learner_view_added(state: Session, event: LearnerViewAdded) -> Session:
    """The learner said how they see it."""
    return replace(state, learner_view=event.content_digest)


def _agenda_digest(agenda: Iterable[str], context: Context) -> str:
    items = "\n".join(agenda)
    return context.digest(f"agenda\n{items}".encode()) if items else ""


def _preparation_digest(command: KeepPreparationRequest | HoldSessionRequest, context: Context) -> str:
    return context.digest(f"preparation\n{context.principal.person_id}\n{command.private_preparation}".encode())
