"""A group's session, read from the streams of the group and of each learner's session: what became of it for whom."""

from collections.abc import Mapping

from eventkernel.reading import Reader
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.group_session_events_pb2 import GroupPlaceRefused
from mentoring.sessions.v1.group_session_pb2 import (
    GetGroupSessionRequest,
    GetGroupSessionResponse,
    GroupPlace,
    GroupRefusal,
)
from mentoring.sessions.v1.sessions_pb2 import SessionStatus

from sessions.domain.group_session import Place, group
from sessions.domain.mentorship import mentorships
from sessions.domain.session import session
from sessions.domain.session_state import Stage

_STATUS: Mapping[Stage, SessionStatus.ValueType] = {
    Stage.NOTHING: SessionStatus.SESSION_STATUS_UNSPECIFIED,
    Stage.PLANNED: SessionStatus.SESSION_STATUS_PLANNED,
    Stage.HELD: SessionStatus.SESSION_STATUS_HELD,
    Stage.MISSED: SessionStatus.SESSION_STATUS_MISSED,
    Stage.CANCELLED: SessionStatus.SESSION_STATUS_CANCELLED,
}
# What refusals of old told of another mentor's mentorship.
_CODES: Mapping[str, str] = {"SESSION_OF_ANOTHER_MENTOR": "MENTORSHIP_NOT_ACTIVE"}


async def get_group_session(request: GetGroupSessionRequest, read: Reader) -> GetGroupSessionResponse:
    """The group's session, with each place as it is now. It opens no text."""
    found = await read.state(group, f"group-{request.group_id}")
    answer = GetGroupSessionResponse(
        group_id=request.group_id,
        status=_STATUS[found.stage],
        starts_at=_at(found.times.starts_at),
        places=[await _place(place, read) for place in found.places],
    )
    answer.duration.FromNanoseconds(found.times.duration)
    if found.aim is not None:
        answer.kind = found.aim.kind  # type: ignore[assignment]
        answer.ksb_codes.extend(found.aim.ksb_codes)
    return answer


async def _place(place: Place, read: Reader) -> GroupPlace:
    shown = GroupPlace(learner_id=place.learner_id, mentorship_id=place.mentorship_id, session_id=place.session_id)
    stream = f"session-{place.session_id}"
    now = await read.state(session, stream)
    # Of a mentorship in which no session was planned for them, the mentor learns nothing: not even that it is another's.
    if now.plan is not None:
        mentorship = (await read.state(mentorships, f"mentorships-{place.learner_id}")).find(place.mentorship_id)
        if mentorship is not None and mentorship.mentor_id != read.principal.person_id:
            shown.passed_on = True
            return shown
    shown.status = _STATUS[now.stage]
    if now.plan is not None:
        shown.starts_at.CopyFrom(_at(now.times.starts_at))
    shown.refusals.extend(
        GroupRefusal(act=item.event.act, code=_CODES.get(item.event.code, item.event.code))
        for item in await read.history(stream)
        if isinstance(item.event, GroupPlaceRefused)
    )
    return shown


def _at(nanoseconds: int) -> Timestamp:
    found = Timestamp()
    found.FromNanoseconds(nanoseconds)
    return found
