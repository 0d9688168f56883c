"""What is told of action plans and learning plans.

An action goes to its owner, and to the learner where it is shared with them; the matrix tells the others. What is done towards an action,
and an hour reported, is told to nobody: it waits for nobody.
"""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import Part, TellCircleRequest
from mentoring.sessions.v1.action_plan_events_pb2 import ActionAgreed, ActionOverdue, ActionReassigned, ActionReopened
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    LearningPlanAgreed,
    LearningPlanObjectedTo,
    LearningPlanProposed,
)

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def action_agreed(event: ActionAgreed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without its text and its day."""
    yield _about_action(event, Occasion.OCCASION_ACTION_ASSIGNED, meta, shared=event.shared_with_learner)


@telling.on
def action_reassigned(event: ActionReassigned, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whose it is now. Of a former owner it asks nothing any more."""
    yield _about_action(event, Occasion.OCCASION_ACTION_ASSIGNED, meta)


@telling.on
def action_reopened(event: ActionReopened, meta: Metadata) -> Iterator[TellCircleRequest]:
    """It is its owner's to do again."""
    yield _about_action(event, Occasion.OCCASION_ACTION_ASSIGNED, meta)


@telling.on
def action_overdue(event: ActionOverdue, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Nobody did it: the day came."""
    yield _about_action(event, Occasion.OCCASION_ACTION_OVERDUE, meta, shared=event.shared_with_learner)


@telling.on
def plan_proposed(event: LearningPlanProposed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to those who are to agree to it."""
    yield _about_plan(event, Occasion.OCCASION_LEARNING_PLAN_PROPOSED, meta)


@telling.on
def plan_objected_to(event: LearningPlanObjectedTo, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the mentor, who can propose another; by whom and why is not told."""
    yield _about_plan(event, Occasion.OCCASION_LEARNING_PLAN_OBJECTED_TO, meta, actor_id=event.person_id)


@telling.on
def plan_agreed(event: LearningPlanAgreed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to learner and mentor, who work by it."""
    yield _about_plan(event, Occasion.OCCASION_LEARNING_PLAN_AGREED, meta)


def _about_action(
    event: ActionAgreed | ActionReassigned | ActionReopened | ActionOverdue,
    occasion: Occasion.ValueType,
    meta: Metadata,
    *,
    shared: bool = False,
) -> TellCircleRequest:
    parts = [Part(person_id=event.owner_id, because=Because.BECAUSE_OWNS_THE_ACTION)]
    if shared:
        parts.append(Part(person_id=event.learner_id, because=Because.BECAUSE_ACTION_IS_SHARED))
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_ACTION,
        occasion=occasion,
        about_id=event.action_id,
        mentorship_id=event.mentorship_id,
        parts=parts,
    )


def _about_plan(
    event: LearningPlanProposed | LearningPlanObjectedTo | LearningPlanAgreed,
    occasion: Occasion.ValueType,
    meta: Metadata,
    *,
    actor_id: str = "",
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=occasion,
        about_id=event.mentorship_id,
        actor_id=actor_id,
        mentorship_id=event.mentorship_id,
    )
