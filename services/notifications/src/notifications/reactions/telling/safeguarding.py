"""What is told of concerns: to each the part that they have in it, and nothing of what was written."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import TellPersonRequest
from mentoring.safeguarding.v1.duty_events_pb2 import DutyGapFound
from mentoring.safeguarding.v1.events_pb2 import (
    AssigneeRole,
    ConcernAssigned,
    ConcernCategory,
    ConcernReceived,
    Severity,
)
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernAcknowledgementLapsed, ConcernChased
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import ConcernTaskGiven, ConcernTaskOverdue
from mentoring.safeguarding.v1.transfer_events_pb2 import FileTransferChased

from notifications.reactions.telling.reaction import telling, telling_id

_ASSIGNED_BECAUSE = {
    AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY: Because.BECAUSE_DSL_ON_DUTY,
    AssigneeRole.ASSIGNEE_ROLE_DEPUTY_DSL: Because.BECAUSE_DEPUTY_DSL_NEXT_ON_THE_LADDER,
    AssigneeRole.ASSIGNEE_ROLE_SENIOR_LEAD: Because.BECAUSE_SENIOR_LEAD_LAST_RESORT,
    AssigneeRole.ASSIGNEE_ROLE_SPECIALIST: Because.BECAUSE_ASKED_FIRST_BY_A_RULE,
    AssigneeRole.ASSIGNEE_ROLE_HANDLER: Because.BECAUSE_HANDLES_THE_CONCERN,
}


@telling.on
def concern_received(event: ConcernReceived, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the raiser, unless the raiser is to stay unknown. In immediate danger the message says what to do now."""
    if not event.raiser_id:
        return
    danger = event.severity == Severity.SEVERITY_IMMEDIATE_DANGER
    yield TellPersonRequest(
        telling_id=telling_id(meta),
        person_id=event.raiser_id,
        occasion=(
            Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER if danger else Occasion.OCCASION_CONCERN_RECEIVED
        ),
        about_id=event.concern_id,
        about_version=meta.version,
        because=Because.BECAUSE_RAISED_THE_CONCERN,
    )


@telling.on
def concern_assigned(event: ConcernAssigned, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the assignee, with the raiser's role and the category and nothing else; also that it was added to, and not by whom."""
    if not event.assignee_id:
        return
    added_to = event.assignee_role == AssigneeRole.ASSIGNEE_ROLE_HANDLER
    yield TellPersonRequest(
        telling_id=telling_id(meta),
        person_id=event.assignee_id,
        occasion=Occasion.OCCASION_CONCERN_ADDED_TO if added_to else Occasion.OCCASION_CONCERN_ASSIGNED,
        about_id=event.concern_id,
        about_version=meta.version,
        # A role that this version does not know is still asked to act: the last rung is the one that always holds.
        because=_ASSIGNED_BECAUSE.get(event.assignee_role, Because.BECAUSE_SENIOR_LEAD_LAST_RESORT),
        raiser_role=event.raiser_role,
        category=_category(event.category),
    )


@telling.on
def concern_passed_on(event: ConcernPassedOn, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whoever is to take it, as what is assigned: neither by whom nor why."""
    yield TellPersonRequest(
        telling_id=telling_id(meta),
        person_id=event.receiver_id,
        occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
        about_id=event.concern_id,
        about_version=meta.version,
        because=Because.BECAUSE_PASSED_ON_TO,
        raiser_role=event.raiser_role,
        category=_category(event.category),
    )


@telling.on
def concern_chased(event: ConcernChased, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whoever has it, and not what is overdue."""
    yield from _to_handler(event.handler_id, event.concern_id, Occasion.OCCASION_CONCERN_CHASED, meta)


@telling.on
def concern_lapsed(event: ConcernAcknowledgementLapsed, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to who had it until now."""
    yield from _to_handler(event.handler_id, event.concern_id, Occasion.OCCASION_CONCERN_LAPSED, meta)


@telling.on
def concern_task_given(event: ConcernTaskGiven, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whoever is to do it, and not what it is."""
    yield from _to_assignee(event.assignee_id, event.concern_id, Occasion.OCCASION_CONCERN_TASK_GIVEN, meta)


@telling.on
def concern_task_overdue(event: ConcernTaskOverdue, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whoever was to do it, and to whoever has the concern; where that is one person, as their own task."""
    yield from _to_assignee(event.assignee_id, event.concern_id, Occasion.OCCASION_CONCERN_TASK_OVERDUE, meta)
    if event.handler_id != event.assignee_id:
        yield from _to_handler(event.handler_id, event.concern_id, Occasion.OCCASION_CONCERN_CHASED, meta)


@telling.on
def file_transfer_chased(event: FileTransferChased, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whoever is to see to it, where somebody may, and not whose file it is."""
    if event.responsible_id:
        yield TellPersonRequest(
            telling_id=telling_id(meta),
            person_id=event.responsible_id,
            occasion=Occasion.OCCASION_FILE_RECEIPT_CHASED if event.sent else Occasion.OCCASION_FILE_TRANSFER_CHASED,
            about_id=event.transfer_id,
            because=Because.BECAUSE_SEES_TO_THE_FILE,
        )


@telling.on
def duty_gap_found(event: DutyGapFound, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the senior lead of the site, where its rota names one."""
    if event.senior_lead_id:
        yield TellPersonRequest(
            telling_id=telling_id(meta),
            person_id=event.senior_lead_id,
            occasion=Occasion.OCCASION_DUTY_GAP,
            about_id=event.site_id,
            because=Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE,
        )


def _to_handler(
    handler_id: str, concern_id: str, occasion: Occasion.ValueType, meta: Metadata
) -> Iterator[TellPersonRequest]:
    if handler_id:
        yield TellPersonRequest(
            telling_id=telling_id(meta),
            person_id=handler_id,
            occasion=occasion,
            about_id=concern_id,
            about_version=meta.version,
            because=Because.BECAUSE_HANDLES_THE_CONCERN,
        )


def _to_assignee(
    assignee_id: str, concern_id: str, occasion: Occasion.ValueType, meta: Metadata
) -> Iterator[TellPersonRequest]:
    if assignee_id:
        yield TellPersonRequest(
            telling_id=telling_id(meta, "assignee"),
            person_id=assignee_id,
            occasion=occasion,
            about_id=concern_id,
            about_version=meta.version,
            because=Because.BECAUSE_HAS_A_TASK_OF_THE_CONCERN,
        )


def _category(category: ConcernCategory.ValueType) -> str:
    if not category or category not in ConcernCategory.values():
        return ""
    return ConcernCategory.Name(category).removeprefix("CONCERN_CATEGORY_").lower()
