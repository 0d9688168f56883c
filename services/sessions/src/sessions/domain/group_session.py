"""A small group's session: what its mentor decided, for each of its learners. What becomes of it is each learner's own session's to say.

No event tells of two learners, and no text is sealed for more than one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, AlreadyDone, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.group_session_events_pb2 import (
    GroupPlaceCancelled,
    GroupPlaceHeld,
    GroupPlaceMissed,
    GroupPlaceMoved,
    GroupPlacePlanned,
    GroupRecordKept,
    GroupSessionClosed,
)
from mentoring.sessions.v1.group_session_pb2 import (
    CancelGroupSessionRequest,
    HoldGroupSessionRequest,
    MoveGroupSessionRequest,
    PlanGroupSessionRequest,
)

from sessions.domain.session_account import refuse_anothers_reason, refuse_wrong_minutes
from sessions.domain.session_state import Stage, Times

_NO_TIMES = Times(0, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """One learner in the group, with the mentorship that the session belongs to and the session's id."""

    learner_id: str
    mentorship_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Aim:
    """What was planned at first: a SessionKind, times, and the KSBs aimed at."""

    kind: int
    times: Times
    ksb_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One group's session as its mentor decided it. `held` is a digest of how it was held; `cancelled_for` as in a session."""

    stage: Stage = Stage.NOTHING
    group_id: str = ""
    mentor_id: str = ""
    aim: Aim | None = None
    times: Times = _NO_TIMES
    places: tuple[Place, ...] = ()
    cancelled_for: tuple[int, int] | None = None
    held: str = ""


group = Aggregate("group", initial=Group())


@group.decide
def plan(state: Group, command: PlanGroupSessionRequest, context: Context) -> list[GroupPlacePlanned]:
    """A place for each learner. Whether one can have it is not known here: it is asked of their own mentorships."""
    asked = [(one.learner_id, one.mentorship_id) for one in command.learners]
    if state.places:
        if (
            state.mentor_id == context.principal.person_id
            and state.aim == _aim(command)
            and sorted((one.learner_id, one.mentorship_id) for one in state.places) == sorted(asked)
        ):
            return []
        raise Refusal(
            "GROUP_EXISTS",
            f"a session of group {command.group_id} was planned otherwise; plan this one under a new id",
            field="group_id",
        )
    if len({learner_id for learner_id, _ in asked}) < len(asked):
        raise Refusal("LEARNER_TWICE", "a learner is in the group twice; name each once", field="learners")
    return [
        GroupPlacePlanned(
            group_id=command.group_id,
            session_id=context.derive_id("session", learner_id),
            learner_id=learner_id,
            mentorship_id=mentorship_id,
            mentor_id=context.principal.person_id,
            kind=command.kind,
            starts_at=command.starts_at,
            duration=command.duration,
            ksb_codes=command.ksb_codes,
        )
        for learner_id, mentorship_id in asked
    ]


@group.decide
def move(state: Group, command: MoveGroupSessionRequest, context: Context) -> list[GroupPlaceMoved]:
    """Other times for all of them."""
    _refuse_settled(state, command.group_id)
    if state.times == _times(command):
        return []
    return [
        GroupPlaceMoved(
            group_id=state.group_id,
            session_id=place.session_id,
            learner_id=place.learner_id,
            mentor_id=context.principal.person_id,
            starts_at=command.starts_at,
            duration=command.duration,
            reason=command.reason,
        )
        for place in state.places
    ]


@group.decide
def cancel(state: Group, command: CancelGroupSessionRequest, context: Context) -> list[GroupPlaceCancelled]:
    """Called off for all of them."""
    if state.cancelled_for == (command.reason, command.reason_owner):
        return []
    _refuse_settled(state, command.group_id)
    return [
        GroupPlaceCancelled(
            group_id=state.group_id,
            session_id=place.session_id,
            learner_id=place.learner_id,
            mentor_id=context.principal.person_id,
            reason=command.reason,
            reason_owner=command.reason_owner,
        )
        for place in state.places
    ]


@group.decide
def hold(
    state: Group, command: HoldGroupSessionRequest, context: Context
) -> list[GroupPlaceHeld | GroupPlaceMissed | GroupRecordKept | GroupSessionClosed]:
    """Held with those who were there, each with a record sealed for them alone; missed by the others."""
    digest = context.digest(command.SerializeToString(deterministic=True))
    if state.held == digest:
        return AlreadyDone()
    _refuse_settled(state, command.group_id)
    refuse_wrong_minutes(command)
    absent = {one.learner_id: one for one in command.absences}
    own = {one.learner_id: one.shared_record for one in command.own_records}
    there = [place for place in state.places if place.learner_id not in absent]
    _refuse_strangers([one.learner_id for one in command.absences], state.places, "absences")
    _refuse_strangers([one.learner_id for one in command.own_records], there, "own_records")
    for index, absence in enumerate(command.absences):
        refuse_anothers_reason(absence, f"absences[{index}].")
    if not there:
        raise Refusal(
            "NOBODY_WAS_THERE",
            "a session that nobody came to was not held; miss each learner's session, or cancel the group's",
            field="absences",
        )
    events: list[GroupPlaceHeld | GroupPlaceMissed | GroupRecordKept | GroupSessionClosed] = []
    for number, place in enumerate(there, start=1):
        events.append(
            GroupPlaceHeld(
                group_id=state.group_id,
                session_id=place.session_id,
                learner_id=place.learner_id,
                mentor_id=context.principal.person_id,
                duration=command.duration,
                ksb_codes=command.ksb_codes,
                techniques=command.techniques,
                ksb_minutes=command.ksb_minutes,
                record=number,
            )
        )
        events.append(
            GroupRecordKept(
                group_id=state.group_id,
                session_id=place.session_id,
                learner_id=place.learner_id,
                shared_record=Sealed(to_be_sealed=own.get(place.learner_id, command.shared_record)),
            )
        )
    events.extend(
        GroupPlaceMissed(
            group_id=state.group_id,
            session_id=place.session_id,
            learner_id=place.learner_id,
            mentor_id=context.principal.person_id,
            reason=absent[place.learner_id].reason,
            reason_owner=absent[place.learner_id].reason_owner,
        )
        for place in state.places
        if place.learner_id in absent
    )
    return [*events, GroupSessionClosed(group_id=state.group_id, content_digest=digest)]


@group.evolve
def planned(state: Group, event: GroupPlacePlanned) -> Group:
    """One place more."""
    place = Place(event.learner_id, event.mentorship_id, event.session_id)
    aim = _aim(event)
    return Group(Stage.PLANNED, event.group_id, event.mentor_id, aim, aim.times, (*state.places, place))


@group.evolve
def moved(state: Group, event: GroupPlaceMoved) -> Group:
    """Other times, the same for each place."""
    return replace(state, times=_times(event))


@group.evolve
def cancelled(state: Group, event: GroupPlaceCancelled) -> Group:
    """Called off, for the same reason at each place."""
    return replace(state, stage=Stage.CANCELLED, cancelled_for=(event.reason, event.reason_owner))


@group.evolve
def held(state: Group, _event: GroupPlaceHeld) -> Group:
    """Held with some of them."""
    return replace(state, stage=Stage.HELD)


@group.evolve
def missed(state: Group, _event: GroupPlaceMissed) -> Group:
    """That one was missing is their own session's to keep."""
    return state


@group.evolve
def record_kept(state: Group, _event: GroupRecordKept) -> Group:
    """The text stays sealed."""
    return state


@group.evolve
def closed(state: Group, event: GroupSessionClosed) -> Group:
    """How it was held is known again."""
    return replace(state, held=event.content_digest)


def _aim(of: PlanGroupSessionRequest | GroupPlacePlanned) -> Aim:
    return Aim(of.kind, _times(of), tuple(of.ksb_codes))


def _times(
    of: PlanGroupSessionRequest | GroupPlacePlanned | MoveGroupSessionRequest | GroupPlaceMoved,
) -> Times:
    return Times(starts_at=of.starts_at.ToNanoseconds(), duration=of.duration.ToNanoseconds())


def _refuse_settled(state: Group, group_id: str) -> None:
    if state.stage is not Stage.PLANNED:
        word = "never planned" if state.stage is Stage.NOTHING else f"{state.stage.name.lower()} already"
        raise Refusal(
            "GROUP_NOT_PLANNED",
            f"the session of group {group_id} was {word}; only a planned one is held, moved or cancelled: "
            "plan one under a new id, or see to a learner's own session",
            field="group_id",
        )


def _refuse_strangers(learner_ids: list[str], places: Iterable[Place], field: str) -> None:
    there = {place.learner_id for place in places}
    for index, learner_id in _strange(learner_ids, there):
        raise Refusal(
            "LEARNER_NOT_THERE",
            f"{learner_id} is none of the group's learners who can be meant here, or is named twice; name each once",
            field=f"{field}[{index}].learner_id",
        )


def _strange(learner_ids: list[str], there: set[str]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for index, learner_id in enumerate(learner_ids):
        if learner_id not in there or learner_id in seen:
            yield index, learner_id
        seen.add(learner_id)
