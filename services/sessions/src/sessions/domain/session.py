"""One session with one learner: planned, perhaps moved, then held, missed or cancelled, once.

Only the mentor of an active mentorship does any of it, and only KSBs of the mentorship's standard are touched.
What was said is sealed and not in the state: a repeat is known by everything else, and the first record stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from eventkernel.aggregate import Aggregate, Context, Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.sessions.v1.events_pb2 import (
    PreparationKept,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CancelSessionRequest,
    HoldSessionRequest,
    MissSessionRequest,
    MoveSessionRequest,
    PlanSessionRequest,
)

from sessions.domain.mentorship import Mentorship, Mentorships


class Stage(IntEnum):
    """How far a session has come."""

    NOTHING = 0
    PLANNED = 1
    HELD = 2
    MISSED = 3
    CANCELLED = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What was planned at first; times in nanoseconds, the start since 1970 in UTC, `kind` a SessionKind."""

    mentorship_id: str
    kind: int
    starts_at: int
    duration: int
    ksb_codes: tuple[str, ...]
    group_id: str


@dataclass(frozen=True, slots=True)
class Times:
    """When it takes place, as it stands: nanoseconds, the start since 1970 in UTC."""

    starts_at: int
    duration: int


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of how it was held, but for its text: nanoseconds, codes and Techniques, and whether preparation was kept."""

    duration: int
    ksb_codes: tuple[str, ...]
    techniques: tuple[int, ...]
    prepared: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `miss_reason` is a MissReason, 0 unless it was missed.

    `cancelled_for` is a SessionCancelReason and its ReasonOwner, None unless it was cancelled.
    """

    stage: Stage = Stage.NOTHING
    session_id: str = ""
    learner_id: str = ""
    mentor_id: str = ""
    plan: Plan | None = None
    times: Times = Times(0, 0)
    account: Account | None = None
    miss_reason: int = 0
    cancelled_for: tuple[int, int] | None = None


session = Aggregate("session", initial=Session())


@session.decide
def plan(state: Session, command: PlanSessionRequest, context: Context) -> list[SessionPlanned]:
    """Plans a session in an active mentorship of the learner."""
    if state.stage is not Stage.NOTHING:
        _refuse_another_learner(state, command.learner_id)
        if state.plan == _plan(command):
            return []
        raise Refusal(
            "SESSION_EXISTS",
            f"session {command.session_id} was planned otherwise; plan this one under a new id",
            field="session_id",
        )
    mentorship = _active(context, command.mentorship_id, "mentorship_id")
    _refuse_another_mentor(context, mentorship.terms.mentor_id, "mentorship_id")
    _refuse_on_break(mentorship, "mentorship_id")
    _refuse_unknown(command.ksb_codes, mentorship)
    return [
        SessionPlanned(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=mentorship.terms.mentor_id,
            kind=command.kind,
            starts_at=command.starts_at,
            duration=command.duration,
            ksb_codes=command.ksb_codes,
            group_id=command.group_id,
            standard=_standard(mentorship),
        )
    ]


@session.decide
def hold(state: Session, command: HoldSessionRequest, context: Context) -> list[SessionHeld | PreparationKept]:
    """Records that a planned session took place. It may touch other KSBs than were planned."""
    mentorship_id = _planned(state, command, context).mentorship_id
    if state.account == _asked_account(command):
        return []
    _refuse_settled(state)
    mentorship = _active(context, mentorship_id, "session_id")
    _refuse_unknown(command.ksb_codes, mentorship)
    events: list[SessionHeld | PreparationKept] = [
        SessionHeld(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=state.mentor_id,
            duration=command.duration,
            ksb_codes=command.ksb_codes,
            techniques=command.techniques,
            shared_record=Sealed(to_be_sealed=command.shared_record),
            standard=_standard(mentorship),
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


@session.decide
def miss(state: Session, command: MissSessionRequest, context: Context) -> list[SessionMissed]:
    """Records that a planned session did not take place."""
    mentorship_id = _planned(state, command, context).mentorship_id
    if state.stage is Stage.MISSED and state.miss_reason == command.reason:
        return []
    _refuse_settled(state)
    _active(context, mentorship_id, "session_id")
    return [
        SessionMissed(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=state.mentor_id,
            reason=command.reason,
            mentorship_id=mentorship_id,
        )
    ]


@session.decide
def move(state: Session, command: MoveSessionRequest, context: Context) -> list[SessionMoved]:
    """Gives a planned session other times. Moved to the times that it has, nothing is done, whatever the reason."""
    mentorship_id = _planned(state, command, context).mentorship_id
    _refuse_settled(state)
    if state.times == _times(command):
        return []
    mentorship = _active(context, mentorship_id, "session_id")
    _refuse_on_break(mentorship, "session_id")
    former = Timestamp()
    former.FromNanoseconds(state.times.starts_at)
    return [
        SessionMoved(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=state.mentor_id,
            mentorship_id=mentorship_id,
            standard=_standard(mentorship),
            starts_at=command.starts_at,
            duration=command.duration,
            former_starts_at=former,
            reason=command.reason,
        )
    ]


@session.decide
def cancel(state: Session, command: CancelSessionRequest, context: Context) -> list[SessionCancelled]:
    """Calls a planned session off."""
    mentorship_id = _planned(state, command, context).mentorship_id
    if state.cancelled_for == (command.reason, command.reason_owner):
        return []
    _refuse_settled(state)
    mentorship = _active(context, mentorship_id, "session_id")
    return [
        SessionCancelled(
            session_id=command.session_id,
            learner_id=command.learner_id,
            mentor_id=state.mentor_id,
            mentorship_id=mentorship_id,
            standard=_standard(mentorship),
            reason=command.reason,
            reason_owner=command.reason_owner,
        )
    ]


@session.evolve
def planned(_state: Session, event: SessionPlanned) -> Session:
    """It is planned."""
    return Session(
        Stage.PLANNED, event.session_id, event.learner_id, event.mentor_id, plan=_plan(event), times=_times(event)
    )


@session.evolve
def moved(state: Session, event: SessionMoved) -> Session:
    """It takes place at other times. What was planned at first stays, so that its repeat is known."""
    return replace(state, times=_times(event))


@session.evolve
def held(state: Session, event: SessionHeld) -> Session:
    """It took place."""
    account = Account(
        duration=event.duration.ToNanoseconds(),
        ksb_codes=tuple(event.ksb_codes),
        techniques=tuple(event.techniques),
        prepared=False,
    )
    return replace(state, stage=Stage.HELD, account=account)


@session.evolve
def preparation_kept(state: Session, _event: PreparationKept) -> Session:
    """The mentor kept notes of their own; what they say stays sealed."""
    return state if state.account is None else replace(state, account=replace(state.account, prepared=True))


@session.evolve
def missed(state: Session, event: SessionMissed) -> Session:
    """It did not take place."""
    return replace(state, stage=Stage.MISSED, miss_reason=event.reason)


@session.evolve
def cancelled(state: Session, event: SessionCancelled) -> Session:
    """It will not take place."""
    return replace(state, stage=Stage.CANCELLED, cancelled_for=(event.reason, event.reason_owner))


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


def _asked_account(command: HoldSessionRequest) -> Account:
    return Account(
        duration=command.duration.ToNanoseconds(),
        ksb_codes=tuple(command.ksb_codes),
        techniques=tuple(command.techniques),
        prepared=bool(command.private_preparation),
    )


def _planned(
    state: Session,
    command: HoldSessionRequest | MissSessionRequest | MoveSessionRequest | CancelSessionRequest,
    context: Context,
) -> Plan:
    """The plan of the session that the command is about, where it is the learner's and the caller's."""
    if state.plan is None:
        raise Refusal(
            "SESSION_NOT_PLANNED",
            f"no session {command.session_id} was planned; plan it first, or check the id",
            field="session_id",
        )
    _refuse_another_learner(state, command.learner_id)
    _refuse_another_mentor(context, state.mentor_id, "session_id")
    return state.plan


def _refuse_another_learner(state: Session, learner_id: str) -> None:
    if state.learner_id != learner_id:
        raise Refusal(
            "SESSION_OF_ANOTHER_LEARNER",
            f"session {state.session_id} is not one of learner {learner_id}; check both ids",
            field="learner_id",
        )


def _refuse_another_mentor(context: Context, mentor_id: str, field: str) -> None:
    if context.principal.person_id != mentor_id:
        raise Refusal(
            "SESSION_OF_ANOTHER_MENTOR",
            "another mentor has this mentorship; only they plan and record its sessions",
            field=field,
        )


def _refuse_settled(state: Session) -> None:
    if state.stage is not Stage.PLANNED:
        raise Refusal(
            "SESSION_NOT_PLANNED",
            f"session {state.session_id} was {state.stage.name.lower()} already, and its record stays as it is; "
            "only a planned session is held, missed, moved or cancelled: plan a new one for what was left out",
            field="session_id",
        )


def _active(context: Context, mentorship_id: str, field: str) -> Mentorship:
    found = context.state(Mentorships).find_active(mentorship_id)
    if found is None:
        raise Refusal(
            "MENTORSHIP_NOT_ACTIVE",
            f"the learner has no active mentorship {mentorship_id}; sessions belong to one that is active: "
            "start one, or check the id",
            field=field,
        )
    return found


def _refuse_on_break(mentorship: Mentorship, field: str) -> None:
    """What was planned before may still be cancelled or recorded: it took place, or did not."""
    if mentorship.current_break is not None:
        raise Refusal(
            "LEARNER_ON_BREAK",
            f"the learner has been on a break since {mentorship.current_break.first_day}; "
            "plan or move the session when the break has ended",
            field=field,
        )


def _refuse_unknown(ksb_codes: Iterable[str], mentorship: Mentorship) -> None:
    unknown = [code for code in ksb_codes if code not in mentorship.ksb_codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {mentorship.terms.reference} {mentorship.terms.version}, "
            "the mentorship's standard; name KSBs of that",
            field="ksb_codes",
        )


def _standard(mentorship: Mentorship) -> StandardVersion:
    return StandardVersion(reference=mentorship.terms.reference, version=mentorship.terms.version)
