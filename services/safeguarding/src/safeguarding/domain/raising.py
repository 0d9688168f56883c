"""A concern is raised, added to, and those whom it names are kept out of it: by anyone known, and by whoever has it."""

from dataclasses import replace
from datetime import UTC

from eventkernel.aggregate import AlreadyDone, Context, Refusal
from eventkernel.timestamps import timestamp
from google.protobuf import json_format
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.options.v1.options_pb2 import Role
from mentoring.safeguarding.v1.events_pb2 import (
    SEVERITY_SERIOUS,
    ConcernAddedTo,
    ConcernAssigned,
    ConcernRaised,
    ConcernReceived,
)
from mentoring.safeguarding.v1.handling_events_pb2 import (
    PART_IN_CONCERN_UNSPECIFIED,
    ConcernDueSet,
    ConcernPersonLinked,
)
from mentoring.safeguarding.v1.handling_pb2 import LinkPersonRequest
from mentoring.safeguarding.v1.merging_events_pb2 import MergedConcernAddedTo
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    CONCERN_STATUS_UNSPECIFIED,
    AddToConcernRequest,
    BodyMap,
    RaiseConcernRequest,
)

from safeguarding.domain.concern_state import (
    Concern,
    asked,
    handler,
    looked_into,
    not_yours,
    refuse_merged,
    taken_away,
    told_of_addition,
    worked_on,
)
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import is_about_a_dsl, is_among

_ANONYMOUS = "anonymous"
_ROLES = frozenset(name.removeprefix("ROLE_").lower() for name, number in Role.items() if number)


def raise_concern(
    state: Concern, command: RaiseConcernRequest, context: Context
) -> list[ConcernRaised | ConcernReceived | ConcernAssigned]:
    """Takes a concern from anyone known, and asks the first person in the same commit. It is never refused for want of a rota."""
    digest = _digest(command, context)
    if state.status != CONCERN_STATUS_UNSPECIFIED:
        if state.content_digest == digest:
            return AlreadyDone()
        raise Refusal(
            "CONCERN_EXISTS",
            "This concern id is in use, so nothing of what was sent now is kept. Raise the concern again under a new id; "
            "to add to a concern that you raised before, use AddToConcern.",
            field="concern_id",
        )
    excluded = {command.person_at_risk_id, *command.named_person_ids}
    raised_now = ConcernRaised(
        concern_id=command.concern_id,
        site_id=command.site_id,
        category=command.category,
        severity=command.severity or SEVERITY_SERIOUS,
        person_at_risk_id=command.person_at_risk_id,
        named_person_ids=command.named_person_ids,
        raiser_id=context.principal.person_id,
        anonymous=command.anonymous,
        narrative=Sealed(to_be_sealed=command.narrative),
        past_every_dsl=is_about_a_dsl(context.state(Rota), command.category, excluded),
        content_digest=digest,
        body_map=Sealed(to_be_sealed=_body_map(command)) if command.body_marks else None,
        from_issue_id=command.from_issue_id,
    )
    role = _ANONYMOUS if command.anonymous else _one_role(context.principal.roles)
    return [raised_now, _received(raised_now), asked(replace(raised(state, raised_now), raiser_role=role), 0, context)]


def add_to(
    state: Concern, command: AddToConcernRequest, context: Context
) -> list[ConcernAddedTo | ConcernPersonLinked | ConcernAssigned | ConcernDueSet | MergedConcernAddedTo]:
    """Its raiser or a handler adds to it, at any time, and whoever has it is told: nothing that is said lies unread.

    Where it was merged, whoever has the leading concern is. Where it was acknowledged, or closed, it is to be acknowledged again, by a deadline that escalates like the first one.
    Where nobody has it, the next to be asked reads what was added with the rest. Where it names whoever has it, they lose it.
    """
    author_id = context.principal.person_id
    if not state.is_raiser_or_handler(author_id):
        raise not_yours()
    added = ConcernAddedTo(
        concern_id=command.concern_id,
        person_at_risk_id=state.person_at_risk_id,
        author_id=author_id,
        text=Sealed(to_be_sealed=command.text),
        at=timestamp(context.now),
    )
    named = [
        ConcernPersonLinked(concern_id=command.concern_id, person_id=person_id, linked_by_id=author_id)
        for person_id in command.named_person_ids
        if not is_among(person_id, state.in_it_ids)
    ]
    named_ids = [event.person_id for event in named]
    if lost := taken_away(state, named_ids, context):
        return [added, *named, *lost]
    return [added, *named, *looked_into(state, named_ids, context), *told_of_addition(state, author_id, context)]


def link(
    state: Concern, command: LinkPersonRequest, context: Context
) -> list[ConcernPersonLinked | ConcernAssigned | ConcernDueSet]:
    """A handler says which part somebody has in it. From then on that person is asked, told and shown nothing of it."""
    handler_id = handler(state, context)
    refuse_merged(state)
    if (command.person_id, command.part) in state.parts and not command.note:
        return []
    linked_now = ConcernPersonLinked(
        concern_id=command.concern_id,
        person_id=command.person_id,
        part=command.part,
        linked_by_id=handler_id,
        at=timestamp(context.now),
        note=Sealed(to_be_sealed=command.note) if command.note else None,
    )
    linked_ids = [command.person_id]
    if lost := taken_away(state, linked_ids, context):
        return [linked_now, *lost]
    return [linked_now, *looked_into(state, linked_ids, context)]


def raised(_state: Concern, event: ConcernRaised) -> Concern:
    """It awaits acknowledgement; its first assignment is in the same commit."""
    return Concern(
        concern_id=event.concern_id,
        site_id=event.site_id,
        category=event.category,
        severity=event.severity,
        status=CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
        person_at_risk_id=event.person_at_risk_id,
        in_it_ids=frozenset({event.person_at_risk_id, *event.named_person_ids}),
        past_every_dsl=event.past_every_dsl,
        raiser_id=event.raiser_id,
        content_digest=event.content_digest,
    )


def received(state: Concern, _event: ConcernReceived) -> Concern:
    """Tells the raiser; the concern stays what it is."""
    return state


def added_to(state: Concern, event: ConcernAddedTo) -> Concern:
    """What was added is a text: the state keeps none, and when it was added."""
    if state.is_handler(event.author_id):
        state = worked_on(state, event.at)
    if not event.HasField("at"):
        return state
    return replace(state, added_to_at=event.at.ToDatetime(tzinfo=UTC), additions=state.additions + 1)


def linked(state: Concern, event: ConcernPersonLinked) -> Concern:
    """In it from here on, for good. An addition that names somebody says itself whether a handler made it."""
    if event.HasField("at"):
        state = worked_on(state, event.at)
    parts = state.parts
    if event.part != PART_IN_CONCERN_UNSPECIFIED:
        parts = (*(one for one in parts if one[0] != event.person_id), (event.person_id, event.part))
    return replace(state, in_it_ids=state.in_it_ids | {event.person_id}, parts=parts)


def _digest(command: RaiseConcernRequest, context: Context) -> str:
    """What tells a repeat from another concern. The id in it keeps two concerns of the same words apart."""
    content = RaiseConcernRequest()
    content.CopyFrom(command)
    content.named_person_ids[:] = sorted(command.named_person_ids)
    raiser = context.principal.person_id.encode()
    return context.digest(raiser + b"\n" + content.SerializeToString(deterministic=True))


def _body_map(command: RaiseConcernRequest) -> str:
    return json_format.MessageToJson(BodyMap(marks=command.body_marks), indent=None)


def _one_role(roles: frozenset[str]) -> str:
    """One of the raiser's roles, always the same; of a token's roles, only those that the contract knows leave the service."""
    return min(roles & _ROLES, default="anyone_known")


def _received(event: ConcernRaised) -> ConcernReceived:
    involved = is_among(event.raiser_id, (event.person_at_risk_id, *event.named_person_ids))
    return ConcernReceived(
        concern_id=event.concern_id,
        raiser_id="" if event.anonymous or involved else event.raiser_id,
        severity=event.severity,
    )
