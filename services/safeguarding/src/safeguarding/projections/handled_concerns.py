"""Which concerns are or were given to whom: one document a concern and handler. It finds them; the concern itself says what they are."""

import asyncio

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn
from mentoring.safeguarding.v1.safeguarding_pb2 import ListMyConcernsRequest, ListMyConcernsResponse
from pydantic import BaseModel

from safeguarding.concern_file import stream_of, summary, urgency
from safeguarding.domain.concern import concern


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


async def list_my_concerns(request: ListMyConcernsRequest, read: Reader) -> ListMyConcernsResponse:
    """The caller's concerns as they are now, the nearest time by which somebody is to act first."""
    me = read.principal.person_id
    found = await read.documents(handled_concerns, assignee_id=me)
    states = await asyncio.gather(*(read.state(concern, stream_of(item.concern_id)) for item in found))
    mine = (state for state in states if state.is_handler(me))
    shown, cursor = cut(mine, request.page, key=urgency, of=list_name("my concerns", me))
    return ListMyConcernsResponse(concerns=map(summary, shown), next_cursor=cursor)
