"""What became of a planned session: it was held, or missed.

What was said is sealed and not in the state: a repeat is known by everything else, and the first record stands.
"""

from dataclasses import replace

from eventkernel.aggregate import Context
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import PreparationKept, SessionHeld, SessionMissed
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, MissSessionRequest

from sessions.domain.session_state import (
    Account,
    Session,
    Stage,
    active_mentorship,
    plan_of,
    refuse_settled,
    refuse_unknown_ksbs,
    standard_of,
)


def hold(state: Session, command: HoldSessionRequest, context: Context) -> list[SessionHeld | PreparationKept]:
    """Records that a planned session took place. It may touch other KSBs than were planned."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    if state.account == _asked_account(command):
        return []
    refuse_settled(state)
    mentorship = active_mentorship(context, mentorship_id, "session_id")
    refuse_unknown_ksbs(command.ksb_codes, mentorship)
    events: list[SessionHeld | PreparationKept] = [
        SessionHeld(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=state.mentor_id,
            duration=command.duration,
            ksb_codes=command.ksb_codes,
            techniques=command.techniques,
            shared_record=Sealed(to_be_sealed=command.shared_record),
            standard=standard_of(mentorship),
            mentorship_id=mentorship_id,
        )
    ]
    if command.private_preparation:
        events.append(
            PreparationKept(
                session_id=command.session_id,
                learner_id=command.learner_id,
                private_preparation=Sealed(to_be_sealed=command.private_preparation),
            )
        )
    return events


def miss(state: Session, command: MissSessionRequest, context: Context) -> list[SessionMissed]:
    """Records that a planned session did not take place."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    if state.stage is Stage.MISSED and state.miss_reason == command.reason:
        return []
    refuse_settled(state)
    active_mentorship(context, mentorship_id, "session_id")
    return [
        SessionMissed(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=state.mentor_id,
            reason=command.reason,
            mentorship_id=mentorship_id,
        )
    ]


def held(state: Session, event: SessionHeld) -> Session:
    """It took place."""
    account = Account(
        duration=event.duration.ToNanoseconds(),
        ksb_codes=tuple(event.ksb_codes),
        techniques=tuple(event.techniques),
        prepared=False,
    )
    return replace(state, stage=Stage.HELD, account=account)


def preparation_kept(state: Session, _event: PreparationKept) -> Session:
    """The mentor kept notes of their own; what they say stays sealed."""
    return state if state.account is None else replace(state, account=replace(state.account, prepared=True))


def missed(state: Session, event: SessionMissed) -> Session:
    """It did not take place."""
    return replace(state, stage=Stage.MISSED, miss_reason=event.reason)


def _asked_account(command: HoldSessionRequest) -> Account:
    return Account(
        duration=command.duration.ToNanoseconds(),
        ksb_codes=tuple(command.ksb_codes),
        techniques=tuple(command.techniques),
        prepared=bool(command.private_preparation),
    )
