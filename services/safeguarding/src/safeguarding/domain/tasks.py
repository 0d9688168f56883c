"""One thing that somebody is to do about a concern that another has. It stays where it is; what is not done in time is chased, without end."""

from dataclasses import replace
from datetime import UTC, timedelta

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_ACTION, CONCERN_DUE_TASK, ConcernDueSet
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import (
    ConcernTaskDone,
    ConcernTaskExplained,
    ConcernTaskGiven,
    ConcernTaskOverdue,
)
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import FinishTaskRequest, GiveTaskRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    CONCERN_STATUS_IN_ACTION,
    CONCERN_STATUS_REFERRED,
)

from safeguarding.domain.concern_state import (
    Concern,
    Due,
    Task,
    due_set,
    handler,
    not_yours,
    refuse_another_site,
    refuse_unless_open,
    without_due,
    worked_on,
)
from safeguarding.domain.passing_on import possible_handlers
from safeguarding.domain.routing import is_among
from safeguarding.domain.working_days import after_working_days
from safeguarding.policy_defaults import TASK_CHASED_AFTER_WORKING_DAYS, TIME_ZONE

_LONGEST = timedelta(days=90)


def give_task(
    state: Concern, command: GiveTaskRequest, context: Context
) -> list[ConcernTaskExplained | ConcernTaskGiven | ConcernDueSet]:
    """A handler gives it to one who could be on the concern's ladder, on duty or not; in the same words to all others it is refused."""
    giver_id = handler(state, context)
    known = state.find_task(command.task_id)
    if known is not None and known.assignee_id == command.assignee_id:
        return []
    refuse_unless_open(state)
    refuse_another_site(state, command.site_id)
    if known is not None:
        raise Refusal(
            "TASK_EXISTS",
            f"task {command.task_id} was given to another; give this one an id of its own",
            field="task_id",
        )
    due_at = command.due_at.ToDatetime(tzinfo=UTC)
    if not context.now < due_at <= context.now + _LONGEST:
        raise Refusal(
            "DUE_NOT_POSSIBLE",
            f"due_at is over, or more than {_LONGEST.days} days ahead; give a time between",
            field="due_at",
        )
    if command.assignee_id not in possible_handlers(state, context):
        raise Refusal(
            "ASSIGNEE_NOT_POSSIBLE",
            "This task cannot be given to this person. Give another who stands on the rota of the concern's site.",
            field="assignee_id",
        )
    return [
        ConcernTaskExplained(
            concern_id=state.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            task_id=command.task_id,
            giver_id=giver_id,
            kind=command.kind,
            text=Sealed(to_be_sealed=command.text),
            at=timestamp(context.now),
        ),
        ConcernTaskGiven(
            concern_id=state.concern_id,
            task_id=command.task_id,
            assignee_id=command.assignee_id,
            due_at=command.due_at,
            task_key=f"{state.concern_id}.{command.task_id}",
        ),
        due_set(state, due_id_of(command.task_id), CONCERN_DUE_TASK, due_at),
    ]


def finish_task(state: Concern, command: FinishTaskRequest, context: Context) -> list[ConcernTaskDone]:
    """Whoever is to do it says what came of it, or a handler does."""
    person_id = context.principal.person_id
    task = state.find_task(command.task_id)
    is_theirs = task is not None and task.assignee_id == person_id and not is_among(person_id, state.excluded_ids)
    if not (is_theirs or state.is_handler(person_id)):
        raise not_yours()
    if task is None:
        raise Refusal("TASK_UNKNOWN", f"no task {command.task_id} was given; check the id", field="task_id")
    if not task.is_open:
        return []
    return [
        ConcernTaskDone(
            concern_id=state.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            task_id=command.task_id,
            done_by_id=person_id,
            text=Sealed(to_be_sealed=command.text),
            at=timestamp(context.now),
        )
    ]


def overdue(state: Concern, due: Due, context: Context) -> list[ConcernTaskOverdue | ConcernDueSet]:
    """It was not done in time. Whoever is in the concern by now is told nothing of it."""
    task = next(task for task in state.given if due_id_of(task.task_id) == due.due_id)
    again = after_working_days(context.now, TASK_CHASED_AFTER_WORKING_DAYS, TIME_ZONE)
    return [
        ConcernTaskOverdue(
            concern_id=state.concern_id,
            task_id=task.task_id,
            assignee_id="" if is_among(task.assignee_id, state.excluded_ids) else task.assignee_id,
            handler_id=state.held_by_id,
        ),
        due_set(state, due.due_id, due.kind, again),
    ]


def due_id_of(task_id: str) -> str:
    """What a task is due under."""
    return f"task-{task_id}"


def explained(state: Concern, event: ConcernTaskExplained) -> Concern:
    """What it is stands in a text: the state keeps none."""
    return worked_on(state, event.at)


def given(state: Concern, event: ConcernTaskGiven) -> Concern:
    """Somebody is to do it; its time follows in the same commit."""
    return replace(state, given=(*state.given, Task(event.task_id, event.assignee_id)))


def chased(state: Concern, _event: ConcernTaskOverdue) -> Concern:
    """The next time follows in the same commit."""
    return state


def done(state: Concern, event: ConcernTaskDone) -> Concern:
    """Done is something that was done about the concern."""
    taken_as = CONCERN_STATUS_REFERRED if state.taken_as == CONCERN_STATUS_REFERRED else CONCERN_STATUS_IN_ACTION
    awaits = state.status == CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
    return replace(
        worked_on(state, event.at),
        status=state.status if awaits else taken_as,
        taken_as=taken_as,
        given=tuple(replace(one, is_open=False) if one.task_id == event.task_id else one for one in state.given),
        due=without_due(state.due, CONCERN_DUE_ACTION, due_id=due_id_of(event.task_id)),
    )


def ended(state: Concern) -> Concern:
    """Nothing of it is to be done any more."""
    return replace(state, given=tuple(replace(one, is_open=False) for one in state.given))
