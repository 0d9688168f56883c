"""Actions of action plans, one document an action: a learner's plan as far as somebody may see it, and anybody's own open actions.

Whether an action is overdue is said for the day that the caller gives. No text is in a document.
"""

import asyncio
from collections.abc import Iterable

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ActionAgreed,
    ActionCompleted,
    ActionDropped,
    ActionDueDayChanged,
    ActionOutcome,
    ActionReassigned,
    ActionReopened,
)
from mentoring.sessions.v1.action_plan_pb2 import (
    ACTION_STATUS_COMPLETED,
    ACTION_STATUS_DROPPED,
    ACTION_STATUS_OPEN,
    ACTION_STATUS_UNSPECIFIED,
    Action,
    ActionStatus,
    ListActionPlanRequest,
    ListActionPlanResponse,
    ListMyActionsRequest,
    ListMyActionsResponse,
)
from pydantic import BaseModel

from sessions.domain.action_sight import Sight, sight_of
from sessions.domain.days import day
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.support_team import belongs


class PlannedAction(BaseModel):
    """One action without its texts."""

    action_id: str
    learner_id: str = ""
    mentorship_id: str = ""
    owner_id: str = ""
    contributor_ids: list[str] = []
    due_on: str = ""
    status: ActionStatus.ValueType = ACTION_STATUS_UNSPECIFIED
    outcome: ActionOutcome.ValueType = ActionOutcome.ACTION_OUTCOME_UNSPECIFIED
    shared: bool = False
    session_id: str = ""
    place: int = 0
    review_id: str = ""


actions = Projection(
    "actions",
    version=1,
    document=PlannedAction,
    key="action_id",
    indexes=("learner_id", "owner_id", "status", "due_on"),
)


@actions.on
def agreed(document: PlannedAction, event: ActionAgreed, _meta: Metadata) -> None:
    """It is to be done."""
    document.learner_id = event.learner_id
    document.mentorship_id = event.mentorship_id
    document.owner_id = event.owner_id
    document.contributor_ids = list(event.contributor_ids)
    document.due_on = event.due_on
    document.status = ACTION_STATUS_OPEN
    document.shared = event.shared_with_learner
    document.session_id = event.session_id
    document.place = event.place
    document.review_id = event.review_id


@actions.on
def reassigned(document: PlannedAction, event: ActionReassigned, _meta: Metadata) -> None:
    """Others do it."""
    document.owner_id = event.owner_id
    document.contributor_ids = list(event.contributor_ids)


@actions.on
def moved(document: PlannedAction, event: ActionDueDayChanged, _meta: Metadata) -> None:
    """It is due on another day."""
    document.due_on = event.due_on


@actions.on
def completed(document: PlannedAction, event: ActionCompleted, _meta: Metadata) -> None:
    """It is done with."""
    document.status = ACTION_STATUS_COMPLETED
    document.outcome = event.outcome


@actions.on
def dropped(document: PlannedAction, _event: ActionDropped, _meta: Metadata) -> None:
    """It is on the plan no more."""
    document.status = ACTION_STATUS_DROPPED


@actions.on
def reopened(document: PlannedAction, event: ActionReopened, _meta: Metadata) -> None:
    """It is to be done again."""
    document.status = ACTION_STATUS_OPEN
    document.outcome = ActionOutcome.ACTION_OUTCOME_UNSPECIFIED
    document.due_on = event.due_on


async def list_action_plan(request: ListActionPlanRequest, read: Reader) -> ListActionPlanResponse:
    """The learner's actions that the caller may see, those in outline too, the earliest due day first."""
    day(request.on, "on")
    people = await _people(request.learner_id, read)
    found = [
        document
        for document in await read.documents(actions, learner_id=request.learner_id)
        if sight_of(document, people, read.principal) is not Sight.NOTHING
        and request.status in (ACTION_STATUS_UNSPECIFIED, document.status)
        and request.owner_id in ("", document.owner_id)
        and request.mentorship_id in ("", document.mentorship_id)
        and (not request.overdue or is_overdue(document, request.on))
    ]
    shown, cursor = cut(
        found,
        request.page,
        key=lambda document: (document.due_on, document.action_id),
        of=list_name(
            "actions", request.learner_id, request.on, request.status, request.overdue, request.owner_id, request.mentorship_id
        ),
    )  # fmt: skip
    return ListActionPlanResponse(actions=[summary(document, request.on) for document in shown], next_cursor=cursor)


async def list_my_actions(request: ListMyActionsRequest, read: Reader) -> ListMyActionsResponse:
    """The caller's own open actions, but for those of mentorships in which they have no part any more."""
    day(request.on, "on")
    me = read.principal.person_id
    documents = await read.documents(actions, owner_id=me, status=ACTION_STATUS_OPEN)
    learner_ids = sorted({document.learner_id for document in documents})
    people = dict(zip(learner_ids, await asyncio.gather(*(_people(one, read) for one in learner_ids)), strict=True))
    # Before the pages are cut: neither a page's length nor a cursor tells of what is not the caller's affair any more.
    shown, cursor = cut(
        (one for one in _still_mine(documents, people, me) if not request.overdue or is_overdue(one, request.on)),
        request.page,
        key=lambda document: (document.due_on, document.action_id),
        of=list_name("my actions", me, request.overdue, request.on if request.overdue else ""),
    )
    return ListMyActionsResponse(actions=[summary(one, request.on) for one in shown], next_cursor=cursor)


def summary(document: PlannedAction, on: str) -> Action:
    """What a list shows of an action."""
    return Action(
        action_id=document.action_id,
        learner_id=document.learner_id,
        mentorship_id=document.mentorship_id,
        owner_id=document.owner_id,
        contributor_ids=document.contributor_ids,
        due_on=document.due_on,
        status=document.status,
        outcome=document.outcome,
        overdue=is_overdue(document, on),
        shared_with_learner=document.shared,
        session_id=document.session_id,
        place=document.place,
        review_id=document.review_id,
    )


def is_overdue(document: PlannedAction, on: str) -> bool:
    """Whether it is open on that day, and was to be done before."""
    return document.status == ACTION_STATUS_OPEN and document.due_on < on


def _still_mine(
    documents: Iterable[PlannedAction], people: dict[str, Mentorships], person_id: str
) -> list[PlannedAction]:
    found = []
    for document in documents:
        mentorship = people[document.learner_id].find_active(document.mentorship_id)
        if person_id == document.learner_id or (
            mentorship is not None and belongs(mentorship, document.learner_id, person_id)
        ):
            found.append(document)
    return found


async def _people(learner_id: str, read: Reader) -> Mentorships:
    return await read.state(mentorships, f"mentorships-{learner_id}")
