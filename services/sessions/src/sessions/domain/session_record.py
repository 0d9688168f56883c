"""What became of a planned session: it was held, or missed; and that record put right afterwards.

What was said is sealed and not in the state: a repeat is known by everything else, and the record stands until it is corrected.
"""

from dataclasses import replace

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import PreparationKept, SessionHeld, SessionMissed
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, SessionCorrected
from mentoring.sessions.v1.session_record_pb2 import CorrectSessionRequest, HeldAccount
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, MissSessionRequest

from sessions.domain.guide import Guide, followed, guide_followed, refuse_wrong_guide
from sessions.domain.session_account import (
    Absence,
    Account,
    absence_of,
    account_of,
    former_record,
    given_advice,
    missed_record,
    refuse_anothers_reason,
    refuse_wrong_minutes,
)
from sessions.domain.session_actions import agreed_actions_of, refuse_unfit_actions, to_be_done
from sessions.domain.session_state import (
    Session,
    Stage,
    active_mentorship,
    plan_of,
    refuse_settled,
    refuse_unknown_ksbs,
    standard_of,
)
from sessions.domain.session_texts import is_kept, preparation_of


def hold(state: Session, command: HoldSessionRequest, context: Context) -> list[SessionHeld | PreparationKept]:
    """Records that a planned session took place. It may touch other KSBs than were planned."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    keeps = bool(command.private_preparation) and not is_kept(state, command, context)
    account = account_of(command)
    if (state.recorded, state.agreed) == (account, agreed_actions_of(command)) and not keeps:
        return []
    refuse_settled(state)
    mentorship = active_mentorship(context, mentorship_id)
    refuse_unknown_ksbs(command.ksb_codes, mentorship)
    refuse_wrong_minutes(command)
    refuse_wrong_guide(account.guide, context.state(Guide), "guide")
    refuse_unfit_actions(command, mentorship)
    events: list[SessionHeld | PreparationKept] = [
        SessionHeld(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=context.principal.person_id,
            duration=command.duration,
            ksb_codes=command.ksb_codes,
            techniques=command.techniques,
            shared_record=Sealed(to_be_sealed=command.shared_record),
            standard=standard_of(mentorship),
            mentorship_id=mentorship_id,
            ksb_minutes=command.ksb_minutes,
            advice=given_advice(command.advice),
            guide=guide_followed(account.guide),
            agreed_actions=to_be_done(command.agreed_actions),
        )
    ]
    return [*events, preparation_of(command, context)] if keeps else events


def miss(state: Session, command: MissSessionRequest, context: Context) -> list[SessionMissed]:
    """Records that a planned session did not take place."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    absence = absence_of(command)
    if state.recorded == absence:
        return []
    refuse_settled(state)
    active_mentorship(context, mentorship_id)
    refuse_anothers_reason(command)
    told = missed_record(absence)
    return [
        SessionMissed(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=context.principal.person_id,
            reason=told.reason,
            mentorship_id=mentorship_id,
            reason_owner=told.reason_owner,
        )
    ]


def correct(state: Session, command: CorrectSessionRequest, context: Context) -> list[SessionCorrected]:
    """Supersedes what stands of a session that was held or missed; it may turn out that it was the other."""
    mentorship_id = plan_of(state, command, context).mentorship_id
    if state.stands is None:
        raise Refusal(
            "SESSION_NOT_RECORDED",
            f"session {state.session_id} was neither held nor missed, so there is no record to correct; record it first",
            field="session_id",
        )
    asked = _asked(command)
    if state.corrections == command.corrections_known + 1 and state.stands == asked:
        return []
    if state.corrections != command.corrections_known:
        raise Refusal(
            "CORRECTED_SINCE",
            f"the record has {state.corrections} corrections, and the request knows of {command.corrections_known}; "
            "read the session again, and correct what stands now",
            field="corrections_known",
        )
    mentorship = active_mentorship(context, mentorship_id)
    event = SessionCorrected(
        session_id=command.session_id,
        learner_id=command.learner_id,
        mentor_id=state.mentor_id,
        mentorship_id=mentorship_id,
        standard=standard_of(mentorship),
        corrected_by=context.principal.person_id,
        correction=state.corrections + 1,
        reason=command.reason,
        explanation=Sealed(to_be_sealed=command.explanation),
        former=former_record(state.stands),
    )
    if isinstance(asked, Absence):
        refuse_anothers_reason(command.missed, "missed.")
        event.missed.CopyFrom(missed_record(asked))
    else:
        refuse_unknown_ksbs(command.held.ksb_codes, mentorship, "held.ksb_codes")
        refuse_wrong_minutes(command.held, "held.")
        known = state.stands.guide if isinstance(state.stands, Account) else None
        refuse_wrong_guide(asked.guide, context.state(Guide), "held.guide", known=known)
        event.held.CopyFrom(_held(command.held))
    return [event]


def held(state: Session, event: SessionHeld) -> Session:
    """It took place."""
    account, agreed = account_of(event), agreed_actions_of(event)
    return replace(state, stage=Stage.HELD, mentor_id=event.mentor_id, recorded=account, stands=account, agreed=agreed)


def missed(state: Session, event: SessionMissed) -> Session:
    """It did not take place."""
    absence = absence_of(event)
    return replace(state, stage=Stage.MISSED, mentor_id=event.mentor_id, recorded=absence, stands=absence)


def corrected(state: Session, event: SessionCorrected) -> Session:
    """Another record stands. What was recorded at first stays, so that its repeat is known."""
    stands: Account | Absence = account_of(event.held) if event.HasField("held") else absence_of(event.missed)
    stage = Stage.HELD if isinstance(stands, Account) else Stage.MISSED
    return replace(state, stage=stage, stands=stands, corrections=event.correction)


def _asked(command: CorrectSessionRequest) -> Account | Absence:
    return account_of(command.held) if command.HasField("held") else absence_of(command.missed)


def _held(account: HeldAccount) -> HeldRecord:
    return HeldRecord(
        duration=account.duration,
        ksb_codes=account.ksb_codes,
        techniques=account.techniques,
        ksb_minutes=account.ksb_minutes,
        advice=given_advice(account.advice),
        shared_record=Sealed(to_be_sealed=account.shared_record),
        guide=guide_followed(followed(account.guide)),
    )
