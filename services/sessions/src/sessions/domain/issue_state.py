"""What is known of an issue, and what each event means for it. No text is in the state.

Each act has its number: the alarm that nothing happens names the act after which nothing has, so that any other act ends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypeAlias

from eventkernel.aggregate import Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueAddedTo,
    IssueClosed,
    IssueDescribed,
    IssueIdle,
    IssueNextStepAgreed,
    IssueNextStepExplained,
    IssueNoteKept,
    IssueOutcomeKept,
    IssueRaised,
    IssueReasonKept,
    IssueReferralAccepted,
    IssueReferralChased,
    IssueReferralDeclined,
    IssueReferralExplained,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReminderPutOff,
    IssueReopened,
)

_Act: TypeAlias = (
    IssueReferred
    | IssueReferralAccepted
    | IssueReferralDeclined
    | IssueReferralWithdrawn
    | IssueAddedTo
    | IssueNextStepAgreed
    | IssueReopened
    | IssueRaised
)


class IssueStage(IntEnum):
    """How far an issue has come: as an IssueStatus numbers it."""

    NOTHING = 0
    OPEN = 1
    CLOSED = 2


class ReferralStage(IntEnum):
    """How far a referral has come: as a ReferralStatus numbers it."""

    WAITING = 1
    ACCEPTED = 2
    DECLINED = 3
    WITHDRAWN = 4

    @property
    def is_over(self) -> bool:
        """Whether whoever was asked has it no more."""
        return self in (ReferralStage.DECLINED, ReferralStage.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Referral:
    """That somebody is asked to do something. `referred_as` is a ReferredAs.

    `chase_at` is None once nobody is reminded any more: it was answered, so often that it is enough, or the issue has its outcome.
    """

    referral_id: str
    referred_to_id: str
    answer_by: datetime
    chase_at: datetime | None
    referred_as: int = 0
    learner_agreed: bool = False
    stage: ReferralStage = ReferralStage.WAITING
    chased: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """Whose a note is, and whether it is for them and the mentor alone."""

    author_id: str
    private: bool


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. `kind` is an IssueKind, `outcome` an IssueOutcome, 0 unless it is closed; `steps` has the action of each, or nothing.

    `act` counts what was done, `idle_at` is when it is told that nothing was since, None unless it is open, and `told_idle` how often it has
    been.
    """

    issue_id: str = ""
    learner_id: str = ""
    mentorship_id: str = ""
    raised_by_id: str = ""
    kind: int = 0
    session_id: str = ""
    ksb_codes: tuple[str, ...] = ()
    stage: IssueStage = IssueStage.NOTHING
    outcome: int = 0
    referrals: Mapping[str, Referral] = field(default_factory=dict)
    notes: Mapping[str, Note] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    act: int = 0
    idle_at: datetime | None = None
    told_idle: int = 0

    def referral_to(self, person_id: str) -> Referral | None:
        """The one that this person has: at most one, for one that was declined or withdrawn is over."""
        return next(
            (one for one in self.referrals.values() if one.referred_to_id == person_id and not one.stage.is_over),
            None,
        )

    @property
    def concerned_ids(self) -> list[str]:
        """To whom it is referred, but for those who declined, and from whom it was withdrawn."""
        return [one.referred_to_id for one in self.referrals.values() if not one.stage.is_over]


def known(state: Issue, learner_id: str) -> Issue:
    """The issue, where it is this learner's. Raises Refusal ISSUE_UNKNOWN: another's is answered as one that does not exist."""
    if state.stage is IssueStage.NOTHING or state.learner_id != learner_id:
        raise unknown()
    return state


def unknown() -> Refusal:
    """What is said of an issue that is not there, and of one that the caller may not see."""
    return Refusal("ISSUE_UNKNOWN", "the learner has no such issue; check both ids", field="issue_id")


def refuse_closed(state: Issue) -> None:
    """Raises Refusal ISSUE_CLOSED for one that has its outcome."""
    if state.stage is IssueStage.CLOSED:
        raise Refusal("ISSUE_CLOSED", "the issue has its outcome; reopen it first, or raise another", field="issue_id")


def raised(_state: Issue, event: IssueRaised) -> Issue:
    """It is open."""
    return _after(
        Issue(
            issue_id=event.issue_id,
            learner_id=event.learner_id,
            mentorship_id=event.mentorship_id,
            raised_by_id=event.raised_by_id,
            stage=IssueStage.OPEN,
        ),
        event,
    )


def described(state: Issue, event: IssueDescribed) -> Issue:
    """That is what it is."""
    return replace(state, kind=event.kind, session_id=event.session_id, ksb_codes=tuple(event.ksb_codes))


def referred(state: Issue, event: IssueReferred) -> Issue:
    """An answer is waited for."""
    answer_by = _at(event.answer_by)
    new = Referral(event.referral_id, event.referred_to_id, answer_by, answer_by)
    return _after(_with(state, new), event)


def referral_explained(state: Issue, event: IssueReferralExplained) -> Issue:
    """That is as whom."""
    of = state.referrals[event.referral_id]
    return _with(state, replace(of, referred_as=event.referred_as, learner_agreed=event.learner_agreed))


def accepted(state: Issue, event: IssueReferralAccepted) -> Issue:
    """They do it."""
    return _answered(state, event, ReferralStage.ACCEPTED)


def declined(state: Issue, event: IssueReferralDeclined) -> Issue:
    """They do not."""
    return _answered(state, event, ReferralStage.DECLINED)


def withdrawn(state: Issue, event: IssueReferralWithdrawn) -> Issue:
    """It is not asked of them any more. One that has its outcome waits for nothing."""
    after = replace(state.referrals[event.referral_id], stage=ReferralStage.WITHDRAWN, chase_at=None)
    if not event.HasField("idle_at"):
        return replace(_with(state, after), act=event.act)
    return _after(_with(state, after), event)


def chased(state: Issue, event: IssueReferralChased) -> Issue:
    """One reminder more."""
    next_at = _at(event.next_at) if event.HasField("next_at") else None
    return _with(state, replace(state.referrals[event.referral_id], chased=event.number, chase_at=next_at))


def reminder_put_off(state: Issue, event: IssueReminderPutOff) -> Issue:
    """The same reminder, later."""
    return _with(state, replace(state.referrals[event.referral_id], chase_at=_at(event.next_at)))


def added_to(state: Issue, event: IssueAddedTo) -> Issue:
    """Something happened to it; the note follows."""
    return _after(state, event)


def note_kept(state: Issue, event: IssueNoteKept) -> Issue:
    """A note more."""
    return replace(state, notes={**state.notes, event.note_id: Note(event.author_id, event.private)})


def step_agreed(state: Issue, event: IssueNextStepAgreed) -> Issue:
    """A step more."""
    return _after(replace(state, steps={**state.steps, event.step_id: ""}), event)


def step_explained(state: Issue, event: IssueNextStepExplained) -> Issue:
    """That is its action."""
    return replace(state, steps={**state.steps, event.step_id: event.action_id})


def closed(state: Issue, event: IssueClosed) -> Issue:
    """It waits for nobody."""
    over = {name: replace(one, chase_at=None) for name, one in state.referrals.items()}
    return replace(state, stage=IssueStage.CLOSED, referrals=over, act=event.act, idle_at=None, told_idle=0)


def outcome_kept(state: Issue, event: IssueOutcomeKept) -> Issue:
    """That came of it."""
    return replace(state, outcome=event.outcome)


def reopened(state: Issue, event: IssueReopened) -> Issue:
    """It is open again. Whoever had not answered may, and is not reminded."""
    return _after(replace(state, stage=IssueStage.OPEN, outcome=0), event)


def reason_kept(state: Issue, _event: IssueReasonKept) -> Issue:
    """A text: the state keeps none."""
    return state


def told_idle(state: Issue, event: IssueIdle) -> Issue:
    """The mentor knows that nothing happens to it."""
    return replace(state, told_idle=event.number, idle_at=_at(event.next_at))


def _answered(state: Issue, event: IssueReferralAccepted | IssueReferralDeclined, stage: ReferralStage) -> Issue:
    return _after(_with(state, replace(state.referrals[event.referral_id], stage=stage, chase_at=None)), event)


def _with(state: Issue, referral: Referral) -> Issue:
    return replace(state, referrals={**state.referrals, referral.referral_id: referral})


def _after(state: Issue, event: _Act) -> Issue:
    return replace(state, act=event.act, idle_at=_at(event.idle_at), told_idle=0)


def _at(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
