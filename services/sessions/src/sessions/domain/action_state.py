"""What is known of an action of an action plan, who has a part in it, and what each event means for it. No text is in the state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from eventkernel.aggregate import Refusal
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ActionAgreed,
    ActionCompleted,
    ActionContributed,
    ActionDropped,
    ActionDueDayChanged,
    ActionOverdue,
    ActionReassigned,
    ActionReopened,
)
from mentoring.sessions.v1.action_plan_pb2 import AgreeActionRequest, AgreeSessionActionRequest


class ActionStage(IntEnum):
    """How far an action has come."""

    NOTHING = 0
    OPEN = 1
    COMPLETED = 2
    DROPPED = 3


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed at first, so that its repeat is known. `place` counts a session's agreed actions from 1; 0: it is none of them."""

    learner_id: str
    mentorship_id: str
    owner_id: str
    contributor_ids: tuple[str, ...]
    due_on: str
    shared: bool
    session_id: str
    place: int
    review_id: str


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `overdue_at` is when its due day is over, in nanoseconds since 1970; `announced` are the due days it was told overdue for.

    `contributions` are the contributors by contribution. `outcome` is an ActionOutcome, 0 unless it is completed.
    """

    stage: ActionStage = ActionStage.NOTHING
    action_id: str = ""
    agreed: Agreed | None = None
    owner_id: str = ""
    contributor_ids: tuple[str, ...] = ()
    due_on: str = ""
    overdue_at: int = 0
    outcome: int = 0
    contributions: Mapping[str, str] = field(default_factory=dict)
    announced: tuple[str, ...] = ()

    @property
    def learner_id(self) -> str:
        """For whom it is done; empty before it was agreed."""
        return "" if self.agreed is None else self.agreed.learner_id

    @property
    def mentorship_id(self) -> str:
        """In which mentorship; empty before it was agreed."""
        return "" if self.agreed is None else self.agreed.mentorship_id

    @property
    def shared(self) -> bool:
        """Whether the learner sees it, whoever does it."""
        return self.agreed is not None and self.agreed.shared

    def has_part(self, person_id: str) -> bool:
        """Whether this person does it or contributes."""
        return person_id == self.owner_id or person_id in self.contributor_ids


def known(state: Action, learner_id: str) -> Agreed:
    """What was agreed with this learner. Raises Refusal ACTION_UNKNOWN: of another learner it is answered as one that does not exist."""
    if state.agreed is None or state.agreed.learner_id != learner_id:
        raise Refusal("ACTION_UNKNOWN", "the learner has no such action; check both ids", field="action_id")
    return state.agreed


def agreed(_state: Action, event: ActionAgreed) -> Action:
    """It is to be done."""
    return Action(
        ActionStage.OPEN, event.action_id, agreed_of(event), event.owner_id, tuple(event.contributor_ids), event.due_on,
        event.overdue_at.ToNanoseconds(),
    )  # fmt: skip


def reassigned(state: Action, event: ActionReassigned) -> Action:
    """Others do it."""
    return replace(state, owner_id=event.owner_id, contributor_ids=tuple(event.contributor_ids))


def moved(state: Action, event: ActionDueDayChanged) -> Action:
    """It is due on another day."""
    return replace(state, due_on=event.due_on, overdue_at=event.overdue_at.ToNanoseconds())


def contributed(state: Action, event: ActionContributed) -> Action:
    """A note more."""
    return replace(state, contributions={**state.contributions, event.contribution_id: event.contributor_id})


def completed(state: Action, event: ActionCompleted) -> Action:
    """It is done with."""
    return replace(state, stage=ActionStage.COMPLETED, outcome=event.outcome)


def dropped(state: Action, _event: ActionDropped) -> Action:
    """It is on the plan no more."""
    return replace(state, stage=ActionStage.DROPPED)


def reopened(state: Action, event: ActionReopened) -> Action:
    """It is to be done again."""
    return replace(
        state,
        stage=ActionStage.OPEN,
        outcome=0,
        due_on=event.due_on,
        overdue_at=event.overdue_at.ToNanoseconds(),
    )


def told_overdue(state: Action, event: ActionOverdue) -> Action:
    """It was told for this due day, and is not told for it again."""
    return replace(state, announced=(*state.announced, event.due_on))


def agreed_of(of: AgreeActionRequest | AgreeSessionActionRequest | ActionAgreed) -> Agreed:
    """What a request or an event says of an action, but for its text. What a session's record agreed, the learner sees."""
    if isinstance(of, AgreeSessionActionRequest):
        return Agreed(
            of.learner_id, of.mentorship_id, of.owner_id, (), of.due_on, shared=True, session_id=of.session_id,
            place=of.place, review_id="",
        )  # fmt: skip
    return Agreed(
        of.learner_id, of.mentorship_id, of.owner_id, tuple(of.contributor_ids), of.due_on, of.shared_with_learner, of.session_id,
        of.place if isinstance(of, ActionAgreed) else 0, of.review_id,
    )  # fmt: skip
