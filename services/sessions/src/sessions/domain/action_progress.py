"""What becomes of an action. Its owner and the mentor move, complete and reopen it, contributors add to it, the mentor drops it.

It is told to be overdue once for a due day, by the clock, and only while it is open and due on that day.
"""

from eventkernel.aggregate import Context, NotYet, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ActionCompleted,
    ActionContributed,
    ActionDropped,
    ActionDueDayChanged,
    ActionOverdue,
    ActionReopened,
)
from mentoring.sessions.v1.action_plan_pb2 import (
    AnnounceOverdueActionRequest,
    ChangeActionDueDayRequest,
    CompleteActionRequest,
    ContributeToActionRequest,
    DropActionRequest,
    ReopenActionRequest,
)

from sessions.domain.action_agreement import overdue_at
from sessions.domain.action_state import Action, ActionStage, Agreed, known
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.support_team import active, active_of_mentor, belongs

# So that an action is read whole at once.
_MOST_CONTRIBUTIONS = 200


def change_due_day(state: Action, command: ChangeActionDueDayRequest, context: Context) -> list[ActionDueDayChanged]:
    """Gives an open action another due day. Whether it was overdue before is told already, and stays."""
    agreed = _of_owner_or_mentor(state, command.learner_id, context)
    _refuse_settled(state)
    if state.due_on == command.due_on:
        return []
    return [
        ActionDueDayChanged(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=agreed.mentorship_id,
            owner_id=state.owner_id,
            due_on=command.due_on,
            former_due_on=state.due_on,
            overdue_at=overdue_at(command.due_on, context),
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def contribute(state: Action, command: ContributeToActionRequest, context: Context) -> list[ActionContributed]:
    """A note by who has a part in it. A contribution, once noted, stays as it is."""
    agreed, person_id = known(state, command.learner_id), context.principal.person_id
    mentorship = active(context, agreed.mentorship_id)
    takes_part = state.has_part(person_id) and belongs(mentorship, command.learner_id, person_id)
    if not takes_part and person_id != mentorship.mentor_id:
        raise _not_yours("the owner, the mentor and contributors add to it")
    if command.contribution_id in state.contributions:
        if state.contributions[command.contribution_id] == person_id:
            return []
        raise Refusal(
            "CONTRIBUTION_EXISTS",
            f"contribution {command.contribution_id} is somebody else's; note this under a new id",
            field="contribution_id",
        )
    _refuse_settled(state)
    if len(state.contributions) >= _MOST_CONTRIBUTIONS:
        raise Refusal(
            "TOO_MANY_CONTRIBUTIONS",
            f"the action has {_MOST_CONTRIBUTIONS} contributions and takes no more; complete it and agree another",
            field="contribution_id",
        )
    return [
        ActionContributed(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=agreed.mentorship_id,
            contribution_id=command.contribution_id,
            contributor_id=person_id,
            note=Sealed(to_be_sealed=command.note),
        )
    ]


def complete(state: Action, command: CompleteActionRequest, context: Context) -> list[ActionCompleted]:
    """Says what came of it."""
    agreed = _of_owner_or_mentor(state, command.learner_id, context)
    if state.stage is ActionStage.COMPLETED and state.outcome == command.outcome:
        return []
    _refuse_settled(state)
    return [
        ActionCompleted(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=agreed.mentorship_id,
            owner_id=state.owner_id,
            outcome=command.outcome,
            account=Sealed(to_be_sealed=command.account) if command.account else None,
        )
    ]


def drop(state: Action, command: DropActionRequest, context: Context) -> list[ActionDropped]:
    """Takes it off the plan."""
    agreed = known(state, command.learner_id)
    active_of_mentor(context, agreed.mentorship_id)
    if state.stage is ActionStage.DROPPED:
        return []
    _refuse_settled(state)
    return [
        ActionDropped(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=agreed.mentorship_id,
            owner_id=state.owner_id,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def reopen(state: Action, command: ReopenActionRequest, context: Context) -> list[ActionReopened]:
    """Takes it up again, due on a day that is not over. What the mentor dropped only the mentor takes up."""
    agreed = _of_owner_or_mentor(state, command.learner_id, context)
    if state.stage is ActionStage.DROPPED:
        active_of_mentor(context, agreed.mentorship_id)
    if state.stage is ActionStage.OPEN:
        if state.due_on == command.due_on:
            return []
        raise Refusal("ACTION_OPEN", f"the action is open, due on {state.due_on}; change that", field="action_id")
    return [
        ActionReopened(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=agreed.mentorship_id,
            owner_id=state.owner_id,
            due_on=command.due_on,
            overdue_at=overdue_at(command.due_on, context),
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def announce_overdue(state: Action, command: AnnounceOverdueActionRequest, context: Context) -> list[ActionOverdue]:
    """Tells that it is overdue, where it is open and still due on that day, in a mentorship that goes on, and was not told before.

    Raises NotYet while the day is not over: a clock that was set back ends no alarm.
    """
    agreed = known(state, command.learner_id)
    if state.stage is not ActionStage.OPEN or state.due_on != command.due_on or command.due_on in state.announced:
        return []
    if context.state(Mentorships).find_active(agreed.mentorship_id) is None:
        return []
    over_at = timestamp(context.now)
    if over_at.ToNanoseconds() < state.overdue_at:
        raise NotYet("DUE_DAY_AHEAD", f"{command.due_on} is not over; it is told then")
    return [
        ActionOverdue(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=agreed.mentorship_id,
            owner_id=state.owner_id,
            contributor_ids=state.contributor_ids,
            due_on=state.due_on,
            shared_with_learner=agreed.shared,
        )
    ]


def _of_owner_or_mentor(state: Action, learner_id: str, context: Context) -> Agreed:
    agreed = known(state, learner_id)
    mentorship = active(context, agreed.mentorship_id)
    person_id = context.principal.person_id
    owns = person_id == state.owner_id and belongs(mentorship, learner_id, person_id)
    if not owns and person_id != mentorship.mentor_id:
        raise _not_yours("its owner and the mentor do that")
    return agreed


def _not_yours(who: str) -> Refusal:
    return Refusal("NOT_YOUR_ACTION", f"the action is somebody else's: {who}; ask them", field="action_id")


def _refuse_settled(state: Action) -> None:
    if state.stage is not ActionStage.OPEN:
        raise Refusal(
            "ACTION_NOT_OPEN",
            f"the action was {state.stage.name.lower()}; reopen it first, or agree another",
            field="action_id",
        )
