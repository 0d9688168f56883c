"""A concern as its handlers read it. Every text is opened through the reader, so each reading is in the access log first."""

from datetime import UTC, datetime

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from google.protobuf import json_format
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned, ConcernRaised
from mentoring.safeguarding.v1.export_events_pb2 import ConcernExported
from mentoring.safeguarding.v1.handling_events_pb2 import PART_IN_CONCERN_AT_RISK, PartInConcern
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    BodyMap,
    ChronologyEntry,
    ConcernSummary,
    ConcernTask,
    GetConcernRequest,
    GetConcernResponse,
    LinkedPerson,
)

from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.tasks import due_id_of
from safeguarding.merged_chronology import tell_of_others
from safeguarding.one_matter import leads

_BODY_MAP = "body_map"
_NO_DEADLINE = datetime.max.replace(tzinfo=UTC)


async def get_concern(request: GetConcernRequest, read: Reader) -> GetConcernResponse:
    """The narrative and the chronology. Handlers see who raised it, even where the raiser is anonymous to all others.

    DOMAIN.md, Safeguarding: "anonymous to all but the DSL"; whoever handles it stands in the DSL's place.
    """
    history = await read.history(stream_of(request.concern_id))
    sealed = [] if request.without_texts else [(item, name) for item in history for name in sealed_fields(item.event)]
    opened = await read.open(sealed)
    marks = [text for (_, name), text in zip(sealed, opened, strict=True) if name == _BODY_MAP]
    texts = {item.meta.event_id: text for (item, name), text in zip(sealed, opened, strict=True) if name != _BODY_MAP}
    state = concern.fold(concern.initial, [item.event for item in history])
    if request.without_texts and history:
        # It says all the same that there is a concern, about whom, and who is in it.
        await read.note(history[0], "chronology", state.person_at_risk_id)
    response = GetConcernResponse(concern=summary(state), people=_people(state), due=_due(state))
    response.concern.merged_into_id = await leads(read.principal.person_id, state, read)
    for body_map in filter(None, marks):
        response.body_marks.extend(json_format.Parse(body_map, BodyMap()).marks)
    for item in history:
        text = texts.get(item.meta.event_id, "")
        if isinstance(item.event, ConcernRaised):
            response.person_at_risk_id = item.event.person_at_risk_id
            response.named_person_ids[:] = item.event.named_person_ids
            response.raiser_id, response.raiser_anonymous = item.event.raiser_id, item.event.anonymous
            response.from_issue_id = item.event.from_issue_id
            response.narrative = text
            text = ""
        entry = ChronologyEntry(actor_id=actor_of(item), what=item.meta.type, text=text)
        if isinstance(item.event, ConcernAssigned):
            entry.assignee_id, entry.assignee_role = item.event.assignee_id, item.event.assignee_role
            entry.policy_version = item.event.policy_version
        entry.at.FromDatetime(item.meta.at)
        response.chronology.append(entry)
    await tell_of_others(response.chronology, history, read, without_texts=request.without_texts)
    return response


def actor_of(item: Recorded) -> str:
    """Who did it. That somebody exports it the platform notes for them."""
    return item.event.exporter_id if isinstance(item.event, ConcernExported) else item.meta.actor


def summary(state: Concern) -> ConcernSummary:
    """What a list shows of a concern: no text, and nobody but the ones who have it or are asked."""
    shown = ConcernSummary(
        concern_id=state.concern_id,
        site_id=state.site_id,
        category=state.category,
        severity=state.severity,
        status=state.status,
        assignee_id=state.assignee_id,
        step=state.step,
        held_by_id=state.held_by_id,
        left_alone=state.left_alone,
        passed_on_to_id=state.offer.receiver_id if state.offer is not None else "",
        merged_ids=[one.concern_id for one in state.merged],
    )
    if state.acknowledge_by is not None:
        shown.acknowledge_by.FromDatetime(state.acknowledge_by)
    if state.added_to_at is not None:
        shown.added_to_at.FromDatetime(state.added_to_at)
    if state.worked_on_at is not None:
        shown.worked_on_at.FromDatetime(state.worked_on_at)
    if state.tasks:
        shown.due = state.tasks[0].kind
        shown.due_at.FromDatetime(state.tasks[0].at)
    return shown


def urgency(state: Concern) -> tuple[str, str]:
    """The nearest time by which somebody is to act, as a text that sorts as it does; whatever has none comes last."""
    times = [one.at for one in state.tasks] + ([] if state.acknowledge_by is None else [state.acknowledge_by])
    return min(times, default=_NO_DEADLINE).isoformat(timespec="microseconds"), state.concern_id


def _people(state: Concern) -> list[LinkedPerson]:
    parts = {state.person_at_risk_id: PART_IN_CONCERN_AT_RISK} | dict(state.parts)
    return [
        LinkedPerson(person_id=person_id, part=PartInConcern.ValueType(parts.get(person_id, 0)))
        for person_id in sorted(state.in_it_ids)
    ]


def _due(state: Concern) -> list[ConcernTask]:
    to_do_by = {due_id_of(task.task_id): task.assignee_id for task in state.given}
    return [
        ConcernTask(
            due_id=one.due_id, kind=one.kind, due_at=timestamp(one.at), assignee_id=to_do_by.get(one.due_id, "")
        )
        for one in state.tasks
    ]


def sealed_fields(event: Message) -> list[str]:
    """The fields of an event that may hold sealed text."""
    return [field.name for field in event.DESCRIPTOR.fields if field.message_type is Sealed.DESCRIPTOR]
