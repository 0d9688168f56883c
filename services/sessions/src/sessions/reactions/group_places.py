"""What a mentor decided for a group becomes a command to each learner's own session."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.sessions.v1.group_session_events_pb2 import (
    GroupPlaceCancelled,
    GroupPlaceHeld,
    GroupPlaceMissed,
    GroupPlaceMoved,
    GroupPlacePlanned,
)
from mentoring.sessions.v1.group_session_pb2 import (
    CancelGroupPlaceRequest,
    HoldGroupPlaceRequest,
    MissGroupPlaceRequest,
    MoveGroupPlaceRequest,
    PlanGroupPlaceRequest,
)

group_places = Reaction("group_places")


@group_places.on
def planned(event: GroupPlacePlanned, _meta: Metadata) -> Iterator[PlanGroupPlaceRequest]:
    """The learner's session is planned."""
    yield PlanGroupPlaceRequest(
        session_id=event.session_id,
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
        group_id=event.group_id,
        kind=event.kind,
        starts_at=event.starts_at,
        duration=event.duration,
        ksb_codes=event.ksb_codes,
    )


@group_places.on
def moved(event: GroupPlaceMoved, _meta: Metadata) -> Iterator[MoveGroupPlaceRequest]:
    """The learner's session is moved."""
    yield MoveGroupPlaceRequest(
        session_id=event.session_id,
        learner_id=event.learner_id,
        mentor_id=event.mentor_id,
        group_id=event.group_id,
        starts_at=event.starts_at,
        duration=event.duration,
        reason=event.reason,
    )


@group_places.on
def cancelled(event: GroupPlaceCancelled, _meta: Metadata) -> Iterator[CancelGroupPlaceRequest]:
    """The learner's session is called off."""
    yield CancelGroupPlaceRequest(
        session_id=event.session_id,
        learner_id=event.learner_id,
        mentor_id=event.mentor_id,
        group_id=event.group_id,
        reason=event.reason,
        reason_owner=event.reason_owner,
    )


@group_places.on
def held(event: GroupPlaceHeld, meta: Metadata) -> Iterator[Later]:
    """The learner's session was held. The record is sealed with the group, so an effect opens it and gives the command."""
    yield Later(
        at=meta.at,
        request=HoldGroupPlaceRequest(
            session_id=event.session_id,
            learner_id=event.learner_id,
            mentor_id=event.mentor_id,
            group_id=event.group_id,
            duration=event.duration,
            ksb_codes=event.ksb_codes,
            techniques=event.techniques,
            ksb_minutes=event.ksb_minutes,
            record=event.record,
        ),
    )


@group_places.on
def missed(event: GroupPlaceMissed, _meta: Metadata) -> Iterator[MissGroupPlaceRequest]:
    """The learner missed it."""
    yield MissGroupPlaceRequest(
        session_id=event.session_id,
        learner_id=event.learner_id,
        mentor_id=event.mentor_id,
        group_id=event.group_id,
        reason=event.reason,
        reason_owner=event.reason_owner,
    )
