"""Actions of the mentorship of `plan_stories`, as tests tell of them."""

from typing import Any

from eventkernel.testing.scenario import Given, given
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ACTION_OUTCOME_ACHIEVED,
    ActionAgreed,
    ActionCompleted,
    ActionDropped,
    ActionReopened,
)
from mentoring.sessions.v1.action_plan_pb2 import (
    AgreeActionRequest,
    AnnounceOverdueActionRequest,
    ChangeActionDueDayRequest,
    CompleteActionRequest,
    ContributeToActionRequest,
    DropActionRequest,
    ReassignActionRequest,
    ReopenActionRequest,
)
from sessions.domain.action import action
from sessions.domain.action_state import Action
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.session_state import Session

from .plan_stories import IDS, mentored

OF: dict[str, Any] = {"action_id": "action-1", "learner_id": "learner-1"}
# The 6th of March 2026 ends in London at midnight UTC.
DUE, OVER_AT = "2026-03-06", "2026-03-07T00:00:00Z"


def agree(**changed: Any) -> AgreeActionRequest:
    fields = {"owner_id": "emma", "contributor_ids": ["carl"], "due_on": DUE, "text": "Find a mixer"}
    return AgreeActionRequest(**{"action_id": "action-1", **IDS, **fields, **changed})


def agreed(**changed: Any) -> ActionAgreed:
    """The event that `agree` gives."""
    fields = {"owner_id": "emma", "contributor_ids": ["carl"], "due_on": DUE}
    event = ActionAgreed(
        **{"action_id": "action-1", **IDS, **fields, "text": Sealed(to_be_sealed="Find a mixer"), **changed}
    )
    if not event.HasField("overdue_at"):
        event.overdue_at.FromJsonString(OVER_AT)
    return event


def past(*events: Any) -> Given[Action]:
    """An action in which these events have happened after it was agreed."""
    return given(action, agreed(), *events).beside(mentored(), MentoringPolicy(), Session())


def reassign(**changed: Any) -> ReassignActionRequest:
    return ReassignActionRequest(**{**OF, "owner_id": "ada", "contributor_ids": ["emma"], **changed})


def change_day(due_on: str = "2026-03-09", **changed: Any) -> ChangeActionDueDayRequest:
    return ChangeActionDueDayRequest(**{**OF, "due_on": due_on, "reason": "no mixer to be had", **changed})


def contribute(contribution_id: str = "note-1", **changed: Any) -> ContributeToActionRequest:
    return ContributeToActionRequest(**{**OF, "contribution_id": contribution_id, "note": "I asked around", **changed})


def complete(**changed: Any) -> CompleteActionRequest:
    fields = {"outcome": ACTION_OUTCOME_ACHIEVED, "account": "it stands there"}
    return CompleteActionRequest(**{**OF, **fields, **changed})


def drop(**changed: Any) -> DropActionRequest:
    return DropActionRequest(**{**OF, "reason": "not needed", **changed})


def reopen(due_on: str = "2026-03-09", **changed: Any) -> ReopenActionRequest:
    return ReopenActionRequest(**{**OF, "due_on": due_on, "reason": "it broke", **changed})


def announce(due_on: str = DUE, **changed: Any) -> AnnounceOverdueActionRequest:
    return AnnounceOverdueActionRequest(**{**OF, "due_on": due_on, **changed})


COMPLETED = ActionCompleted(**OF, owner_id="emma", outcome=ACTION_OUTCOME_ACHIEVED)
DROPPED = ActionDropped(**OF, owner_id="emma")


def reopened(due_on: str, over_at: str) -> ActionReopened:
    event = ActionReopened(**OF, owner_id="emma", due_on=due_on)
    event.overdue_at.FromJsonString(over_at)
    return event
