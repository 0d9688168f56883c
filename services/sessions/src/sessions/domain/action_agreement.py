"""What is agreed to be done, by whom and by when: noted by the mentor, or following from what a session's record says was agreed."""

from collections.abc import Sequence
from datetime import datetime

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import ActionAgreed, ActionReassigned
from mentoring.sessions.v1.action_plan_pb2 import AgreeActionRequest, AgreeSessionActionRequest, ReassignActionRequest

from sessions.domain.action_state import Action, agreed_of, known
from sessions.domain.days import day, end_of
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.mentorship_state import Mentorship
from sessions.domain.session_state import Session, refuse_session_elsewhere
from sessions.domain.support_team import active_of_mentor, belongs


def agree(state: Action, command: AgreeActionRequest, context: Context) -> list[ActionAgreed]:
    """Notes an action, once its people belong to the mentorship and its day is still to come to an end."""
    mentorship = active_of_mentor(context, command.mentorship_id)
    asked = agreed_of(command)
    if state.agreed == asked:
        return []
    if state.agreed is not None:
        raise Refusal(
            "ACTION_EXISTS", "this id is taken by an action that says otherwise; choose a new id", field="action_id"
        )
    _refuse_strangers_among(command, mentorship)
    if command.session_id:
        refuse_session_elsewhere(context.state(Session), command)
    return [
        ActionAgreed(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            owner_id=command.owner_id,
            contributor_ids=command.contributor_ids,
            due_on=command.due_on,
            overdue_at=overdue_at(command.due_on, context),
            text=Sealed(to_be_sealed=command.text),
            shared_with_learner=command.shared_with_learner,
            session_id=command.session_id,
            review_id=command.review_id,
        )
    ]


def agree_in_session(state: Action, command: AgreeSessionActionRequest, context: Context) -> list[ActionAgreed]:
    """What was agreed in a session is an action, also where its day is over by now or its people have left: it was agreed."""
    if state.agreed is not None:
        return []
    return [
        ActionAgreed(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            owner_id=command.owner_id,
            due_on=command.due_on,
            overdue_at=timestamp(_over_at(command.due_on, context)),
            shared_with_learner=True,
            session_id=command.session_id,
            place=command.place,
        )
    ]


def reassign(state: Action, command: ReassignActionRequest, context: Context) -> list[ActionReassigned]:
    """Says anew who does it and who contributes."""
    mentorship_id = known(state, command.learner_id).mentorship_id
    mentorship = active_of_mentor(context, mentorship_id)
    if (state.owner_id, state.contributor_ids) == (command.owner_id, tuple(command.contributor_ids)):
        return []
    _refuse_strangers_among(command, mentorship)
    return [
        ActionReassigned(
            action_id=command.action_id,
            learner_id=command.learner_id,
            mentorship_id=mentorship_id,
            owner_id=command.owner_id,
            contributor_ids=command.contributor_ids,
            former_owner_id=state.owner_id,
            due_on=state.due_on,
        )
    ]


def refuse_strangers(mentorship: Mentorship, learner_id: str, people: Sequence[str], field: str) -> None:
    """Raises Refusal where one of these is neither the learner, the mentor, nor a party of the mentorship."""
    strangers = [one for one in people if not belongs(mentorship, learner_id, one)]
    if strangers:
        raise Refusal(
            "NOT_OF_THE_MENTORSHIP",
            f"{', '.join(strangers)}: neither the learner, the mentor, nor a party of the mentorship; name somebody who is, "
            "or attach them first",
            field=field,
        )


def overdue_at(due_on: str, context: Context) -> Timestamp:
    """When the due day is over where the provider is. Raises Refusal where that has passed, or where the calendar ends before."""
    at = _over_at(due_on, context)
    if at <= context.now:
        raise Refusal("DUE_DAY_OVER", f"{due_on} is over; give a day that is not", field="due_on")
    return timestamp(at)


def _refuse_strangers_among(command: AgreeActionRequest | ReassignActionRequest, mentorship: Mentorship) -> None:
    refuse_strangers(mentorship, command.learner_id, [command.owner_id], "owner_id")
    refuse_strangers(mentorship, command.learner_id, command.contributor_ids, "contributor_ids")


def _over_at(due_on: str, context: Context) -> datetime:
    at = end_of(day(due_on, "due_on"), context.state(MentoringPolicy).time_zone)
    if at is None:
        raise Refusal("DUE_TOO_LATE", f"the calendar ends with {due_on}; give an earlier day", field="due_on")
    return at
