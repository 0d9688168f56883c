"""What is known of a session, and what every decision about one asks first: is it planned, the learner's, the caller's, still open."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.sessions.v1.action_plan_pb2 import AgreeActionRequest
from mentoring.sessions.v1.issue_pb2 import RaiseIssueRequest
from mentoring.sessions.v1.session_record_pb2 import (
    CorrectSessionRequest,
    KeepPreparationRequest,
    SetSessionAgendaRequest,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CancelSessionRequest,
    HoldSessionRequest,
    MissSessionRequest,
    MoveSessionRequest,
)

from sessions.domain.mentorship_state import Mentorship, Mentorships
from sessions.domain.session_account import Absence, Account


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
class Session:
    """One session.

    `mentor_id` planned it, until somebody moved, held, missed or cancelled it.
    `recorded` is how it was held or why it was missed, as it was told first, and `stands` as it was last corrected.
    `cancelled_for` is a SessionCancelReason and its ReasonOwner, None unless it was cancelled. `agenda`, `learner_view` and `preparations`
    are digests of the texts that stand, empty where there is none; of preparations of mentors' own from before digests were told too.
    `agreed` are the actions agreed in it, each with its owner and its due day.
    `refused` are digests of what was decided for its group and could not be done with it.
    """

    stage: Stage = Stage.NOTHING
    session_id: str = ""
    learner_id: str = ""
    mentor_id: str = ""
    plan: Plan | None = None
    times: Times = Times(0, 0)
    recorded: Account | Absence | None = None
    stands: Account | Absence | None = None
    corrections: int = 0
    agreed: tuple[tuple[str, str], ...] = ()
    cancelled_for: tuple[int, int] | None = None
    agenda: str = ""
    preparations: tuple[str, ...] = ()
    learner_view: str = ""
    refused: tuple[str, ...] = ()


def plan_of(
    state: Session,
    command: HoldSessionRequest
    | MissSessionRequest
    | MoveSessionRequest
    | CancelSessionRequest
    | CorrectSessionRequest
    | SetSessionAgendaRequest
    | KeepPreparationRequest,
    context: Context,
) -> Plan:
    """The plan of the session that the command is about, where it is the learner's and the caller's.

    Another learner's is answered as one that does not exist, and so is each to whoever does not mentor the learner now.
    """
    if state.plan is not None and state.learner_id == command.learner_id:
        # Who mentors now: a session passes to a new mentor with the mentorship.
        mentorship = context.state(Mentorships).find(state.plan.mentorship_id)
        caller = context.principal.person_id
        if caller == (mentorship.mentor_id if mentorship else state.mentor_id):
            return state.plan
        if context.state(Mentorships).is_mentored_by(caller):
            raise Refusal(
                "SESSION_OF_ANOTHER_MENTOR",
                "another mentor has this session's mentorship; only they record and change its sessions",
                field="session_id",
            )
    raise Refusal(
        "SESSION_NOT_PLANNED",
        f"the learner has no session {command.session_id}; plan it first, or check both ids",
        field="session_id",
    )


def unknown(session_id: str) -> Refusal:
    """What is said of a session that is not there, and of one that is not the learner's."""
    return Refusal("SESSION_UNKNOWN", f"the learner has no session {session_id}; check both ids", field="session_id")


def refuse_session_elsewhere(session: Session, command: AgreeActionRequest | RaiseIssueRequest) -> None:
    """Raises Refusal SESSION_UNKNOWN, unless this session is of the mentorship that the command names."""
    if session.plan is None or (session.learner_id, session.plan.mentorship_id) != (
        command.learner_id, command.mentorship_id,
    ):  # fmt: skip
        raise Refusal(
            "SESSION_UNKNOWN",
            f"the mentorship has no session {command.session_id}; check the id, or leave it out",
            field="session_id",
        )


def refuse_settled(state: Session) -> None:
    """Raises Refusal SESSION_NOT_PLANNED for one that was held, missed or cancelled already."""
    if state.stage is not Stage.PLANNED:
        raise Refusal(
            "SESSION_NOT_PLANNED",
            f"session {state.session_id} was {state.stage.name.lower()} already; "
            "only a planned session is held, missed, moved or cancelled: correct the record of one that was held or missed, "
            "or plan a new one for what was left out",
            field="session_id",
        )


def own_mentorship(context: Context, mentorship_id: str) -> Mentorship:
    """The learner's active mentorship with this id, where the caller mentors in it.

    Raises Refusal MENTORSHIP_NOT_ACTIVE: that another mentor has it is not told apart from that nobody has.
    """
    found = context.state(Mentorships).find_active(mentorship_id)
    if found is None or found.mentor_id != context.principal.person_id:
        raise _not_active(mentorship_id, "mentorship_id")
    return found


def active_mentorship(context: Context, mentorship_id: str) -> Mentorship:
    """The mentorship of the caller's own session. Raises Refusal MENTORSHIP_NOT_ACTIVE where it has ended."""
    found = context.state(Mentorships).find_active(mentorship_id)
    if found is None:
        raise _not_active(mentorship_id, "session_id")
    return found


def refuse_on_break(mentorship: Mentorship, field: str) -> None:
    """What was planned before may still be cancelled or recorded: it took place, or did not."""
    if mentorship.current_break is not None:
        raise Refusal(
            "LEARNER_ON_BREAK",
            f"the learner has been on a break since {mentorship.current_break.first_day}; "
            "plan or move the session when the break has ended",
            field=field,
        )


def refuse_unknown_ksbs(ksb_codes: Iterable[str], mentorship: Mentorship, field: str = "ksb_codes") -> None:
    """Raises Refusal UNKNOWN_KSB, which names those that the mentorship's standard does not have."""
    unknown = [code for code in ksb_codes if code not in mentorship.ksb_codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {mentorship.reference} {mentorship.version}, "
            "the mentorship's standard; name KSBs of that",
            field=field,
        )


def standard_of(mentorship: Mentorship) -> StandardVersion:
    """The mentorship's standard, as events tell it."""
    return StandardVersion(reference=mentorship.reference, version=mentorship.version)


def _not_active(mentorship_id: str, field: str) -> Refusal:
    return Refusal(
        "MENTORSHIP_NOT_ACTIVE",
        f"the learner has no active mentorship {mentorship_id} in which you mentor; sessions belong to one that is active: "
        "start one, or check the id",
        field=field,
    )
