"""Lists of sessions, without their texts, the latest start first."""

from collections.abc import Mapping

from eventkernel.reading import Reader
from mentoring.sessions.v1.sessions_pb2 import ListSessionsRequest, ListSessionsResponse

from sessions.projections.learner_sessions import LearnerSession, learner_sessions, summary


async def list_sessions(request: ListSessionsRequest, read: Reader) -> ListSessionsResponse:
    """The learner's sessions that the request selects."""
    found, cursor = await _page(request, read, {"learner_id": request.learner_id, "mentor_id": request.mentor_id})
    return ListSessionsResponse(sessions=[summary(document) for document in found], next_cursor=cursor)


async def _page(
    request: ListSessionsRequest, read: Reader, equal: Mapping[str, object]
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
