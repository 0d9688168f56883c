"""Which tasks of concerns were given to whom: one document a task. It finds them; the concern itself says what they are."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from eventkernel.messages import Metadata, Recorded
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import ConcernTaskExplained, ConcernTaskGiven
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import (
    ListMyConcernTasksRequest,
    ListMyConcernTasksResponse,
    MyConcernTask,
)
from pydantic import BaseModel

from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.tasks import due_id_of
from safeguarding.one_matter import is_kept_away
from safeguarding.projections.every import every


class GivenTask(BaseModel):
    """That a task was given to a person."""

    task_key: str
    concern_id: str = ""
    task_id: str = ""
    assignee_id: str = ""


concern_tasks = Projection("concern_tasks", version=1, document=GivenTask, key="task_key", indexes=("assignee_id",))
_Mine = tuple[GivenTask, datetime]


@concern_tasks.on
def given(document: GivenTask, event: ConcernTaskGiven, _meta: Metadata) -> None:
    """It is the person's from here on; whether it is to be done still is asked of the concern."""
    document.concern_id = event.concern_id
    document.task_id = event.task_id
    document.assignee_id = event.assignee_id


async def list_my_concern_tasks(request: ListMyConcernTasksRequest, read: Reader) -> ListMyConcernTasksResponse:
    """What the caller is to do still, the nearest time first. Of each concern that one text alone is opened."""
    me = read.principal.person_id
    found = await every(concern_tasks, read, assignee_id=me)
    mine = [one for one in await asyncio.gather(*(_to_do(task, read) for task in found)) if one is not None]
    shown, cursor = cut(mine, request.page, key=_place, of=list_name("my concern tasks", me))
    streams = sorted({stream_of(task.concern_id) for task, _ in shown})
    histories = dict(zip(streams, await asyncio.gather(*map(read.history, streams)), strict=True))
    said = [_explained(task, histories[stream_of(task.concern_id)]) for task, _ in shown]
    texts = await read.open([(item, "text") for item, _ in said])
    return ListMyConcernTasksResponse(
        tasks=[
            MyConcernTask(
                concern_id=task.concern_id, task_id=task.task_id, kind=event.kind, text=text, due_at=timestamp(due_at)
            )
            for (task, due_at), (_, event), text in zip(shown, said, texts, strict=True)
        ],
        next_cursor=cursor,
    )


def _place(mine: _Mine) -> tuple[str, str]:
    task, due_at = mine
    return due_at.isoformat(timespec="microseconds"), task.task_key


async def _to_do(task: GivenTask, read: Reader) -> _Mine | None:
    state = await read.state(concern, stream_of(task.concern_id))
    given_now, due = state.find_task(task.task_id), state.find_due(due_id_of(task.task_id))
    me = read.principal.person_id
    is_mine = given_now is not None and given_now.assignee_id == me and state.has_task(me)
    if is_mine and await is_kept_away(me, state, read):
        return None
    return (task, due.at) if is_mine and due is not None else None


def _explained(task: GivenTask, history: Sequence[Recorded]) -> tuple[Recorded, ConcernTaskExplained]:
    for item in history:
        if isinstance(item.event, ConcernTaskExplained) and item.event.task_id == task.task_id:
            return item, item.event
    raise LookupError(f"{task.task_key} was given and never explained")
