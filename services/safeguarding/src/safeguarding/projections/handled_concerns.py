"""Which concerns are or were given to whom: one document a concern and handler. It finds them; the concern itself says what they are."""

import asyncio
from collections.abc import Iterable

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn
from mentoring.safeguarding.v1.safeguarding_pb2 import ListMyConcernsRequest, ListMyConcernsResponse
from pydantic import BaseModel

from safeguarding.concern_file import summary, urgency
from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.concern_state import Concern
from safeguarding.one_matter import handles, leads
from safeguarding.projections.every import every


class HandledConcern(BaseModel):
    """That a concern is or was given to a person."""

    handling_id: str
    concern_id: str = ""
    assignee_id: str = ""


handled_concerns = Projection(
    "handled_concerns", version=1, document=HandledConcern, key="handling_id", indexes=("assignee_id",)
)


@handled_concerns.on
def given(document: HandledConcern, event: ConcernAssigned, _meta: Metadata) -> None:
    """Once given, it stays in the person's list."""
    document.concern_id = event.concern_id
    document.assignee_id = event.assignee_id


@handled_concerns.on
def passed_on(document: HandledConcern, event: ConcernPassedOn, _meta: Metadata) -> None:
    """As one that is given: whether they read it is asked of the concern."""
    document.concern_id = event.concern_id
    document.assignee_id = event.receiver_id


async def handled_now(read: Reader) -> list[Concern]:
    """The concerns that the caller handles, as they are now and by their ids; those that are merged into one of them too."""
    found = await every(handled_concerns, read, assignee_id=read.principal.person_id)
    given_to_me = await _states([item.concern_id for item in found], read)
    merged = await _states([one.concern_id for state in given_to_me for one in state.merged], read)
    states = {state.concern_id: state for state in (*given_to_me, *merged)}
    return [one for _, one in sorted(states.items()) if await handles(read.principal.person_id, one, read)]


async def list_my_concerns(request: ListMyConcernsRequest, read: Reader) -> ListMyConcernsResponse:
    """The caller's concerns as they are now, the nearest time by which somebody is to act first. What is merged is shown by its leading one."""
    me = read.principal.person_id
    mine = [state for state in await handled_now(read) if not await leads(me, state, read)]
    shown, cursor = cut(mine, request.page, key=urgency, of=list_name("my concerns", me))
    return ListMyConcernsResponse(concerns=map(summary, shown), next_cursor=cursor)


async def _states(concern_ids: Iterable[str], read: Reader) -> list[Concern]:
    return list(await asyncio.gather(*(read.state(concern, stream_of(one)) for one in concern_ids)))
