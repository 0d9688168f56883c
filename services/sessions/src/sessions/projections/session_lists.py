"""Lists of sessions, without their texts, the latest start first."""

import asyncio
from collections.abc import Mapping

from eventkernel.paging import InSight
from eventkernel.reading import Reader
from mentoring.sessions.v1.mentorship_pb2 import MENTORSHIP_STATUS_ACTIVE
from mentoring.sessions.v1.session_lists_pb2 import ListMySessionsRequest, ListMySessionsResponse
from mentoring.sessions.v1.sessions_pb2 import ListSessionsRequest, ListSessionsResponse

from sessions.domain.mentorship import mentorships
from sessions.projections.learner_sessions import LearnerSession, learner_sessions, summary
from sessions.projections.mentorship_register import mentorship_register


async def list_sessions(request: ListSessionsRequest, read: Reader) -> ListSessionsResponse:
    """The learner's sessions that the request selects."""
    found, cursor = await _page(request, read, {"learner_id": request.learner_id, "mentor_id": request.mentor_id})
    return ListSessionsResponse(sessions=[summary(document) for document in found], next_cursor=cursor)


async def list_my_sessions(request: ListMySessionsRequest, read: Reader) -> ListMySessionsResponse:
    """The sessions of the mentor's mentorships that the request selects.

    Which mentorships those are is read from the register, and of each that shows the mentorship itself is asked: a mentor who was
    replaced a moment ago sees nothing of it any more, so a page may have fewer than its size.
    """
    mine = await read.documents(mentorship_register, mentor_id=request.mentor_id, status=MENTORSHIP_STATUS_ACTIVE)
    if not mine:
        return ListMySessionsResponse()
    wanted = {
        "learner_id": InSight(one.learner_id for one in mine),
        "mentorship_id": InSight(one.mentorship_id for one in mine),
    }
    found, cursor = await _page(request, read, wanted)
    pairs = {(one.learner_id, one.mentorship_id) for one in found}
    still = dict(
        zip(pairs, await asyncio.gather(*(is_mentor_in(request.mentor_id, *pair, read) for pair in pairs)), strict=True)
    )
    shown = [summary(one) for one in found if still[one.learner_id, one.mentorship_id]]
    return ListMySessionsResponse(sessions=shown, next_cursor=cursor)


async def is_mentor_in(mentor_id: str, learner_id: str, mentorship_id: str, read: Reader) -> bool:
    """Whether this person mentors in this mentorship now, as the mentorship itself says."""
    state = await read.state(mentorships, f"mentorships-{learner_id}")
    found = state.find_active(mentorship_id)
    return found is not None and found.mentor_id == mentor_id


async def _page(
    request: ListSessionsRequest | ListMySessionsRequest, read: Reader, equal: Mapping[str, object]
) -> tuple[list[LearnerSession], str]:
    wanted = {**equal, "status": request.status, "kind": request.kind}
    return await read.page(
        learner_sessions,
        request.page,
        order="starts_at_ms",
        descending=True,
        since=request.since.ToMilliseconds() if request.HasField("since") else None,
        before=request.before.ToMilliseconds() if request.HasField("before") else None,
        **{field: value for field, value in wanted.items() if value},
    )
