"""What follows from what happened to a concern: whom it is told, and by which part."""

import pytest
from eventkernel.messages import derived_id
from google.protobuf.message import Message
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import (
    TellPersonRequest,
)
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
from notifications.reactions.telling import telling

from .following import TELLING_ID, follows


@pytest.mark.parametrize(
    ("severity", "occasion"),
    [
        (Severity.SEVERITY_IMMEDIATE_DANGER, Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER),
        (Severity.SEVERITY_SERIOUS, Occasion.OCCASION_CONCERN_RECEIVED),
        (Severity.SEVERITY_OTHER, Occasion.OCCASION_CONCERN_RECEIVED),
    ],
)
def test_a_received_concern_is_told_to_its_raiser_who_did_raise_it(
    severity: Severity.ValueType, occasion: Occasion.ValueType
) -> None:
    event = ConcernReceived(concern_id="c-1", raiser_id="mia", severity=severity)
    assert follows(telling, event) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="mia",
            occasion=occasion,
            about_id="c-1",
            about_version=1,
            because=Because.BECAUSE_RAISED_THE_CONCERN,
        )
    ]


def test_a_raiser_who_is_to_stay_unknown_is_not_told() -> None:
    assert follows(telling, ConcernReceived(concern_id="c-1", severity=Severity.SEVERITY_IMMEDIATE_DANGER)) == []


@pytest.mark.parametrize(
    ("role", "because"),
    [
        (AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY, Because.BECAUSE_DSL_ON_DUTY),
        (AssigneeRole.ASSIGNEE_ROLE_DEPUTY_DSL, Because.BECAUSE_DEPUTY_DSL_NEXT_ON_THE_LADDER),
        (AssigneeRole.ASSIGNEE_ROLE_SPECIALIST, Because.BECAUSE_ASKED_FIRST_BY_A_RULE),
        (AssigneeRole.ASSIGNEE_ROLE_SENIOR_LEAD, Because.BECAUSE_SENIOR_LEAD_LAST_RESORT),
        (AssigneeRole.ASSIGNEE_ROLE_UNSPECIFIED, Because.BECAUSE_SENIOR_LEAD_LAST_RESORT),
    ],
)
def test_an_assigned_concern_is_told_to_its_assignee(role: AssigneeRole.ValueType, because: Because.ValueType) -> None:
    event = ConcernAssigned(
        concern_id="c-1",
        site_id="leeds",
        category=ConcernCategory.CONCERN_CATEGORY_CHILD_ON_CHILD,
        severity=Severity.SEVERITY_SERIOUS,
        raiser_role="mentor",
        assignee_id="dora",
        assignee_role=role,
    )
    assert follows(telling, event) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="dora",
            occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
            about_id="c-1",
            about_version=1,
            because=because,
            raiser_role="mentor",
            category="child_on_child",
        )
    ]


def test_a_concern_that_is_passed_on_is_told_to_whoever_is_to_take_it() -> None:
    event = ConcernPassedOn(
        concern_id="c-1", site_id="leeds", category=ConcernCategory.CONCERN_CATEGORY_ONLINE, receiver_id="dora", raiser_role="mentor"
    )  # fmt: skip
    assert follows(telling, event) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="dora",
            occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
            about_id="c-1",
            about_version=1,
            because=Because.BECAUSE_PASSED_ON_TO,
            raiser_role="mentor",
            category="online",
        )
    ]


def of_a_task(person_id: str, occasion: Occasion.ValueType) -> TellPersonRequest:
    return TellPersonRequest(
        telling_id=derived_id("telling", "event-1", "assignee"),
        person_id=person_id,
        occasion=occasion,
        about_id="c-1",
        about_version=1,
        because=Because.BECAUSE_HAS_A_TASK_OF_THE_CONCERN,
    )


def test_a_task_of_a_concern_is_told_to_whoever_is_to_do_it_and_when_it_is_overdue_to_the_handler_too() -> None:
    given_now = ConcernTaskGiven(concern_id="c-1", task_id="t-1", assignee_id="dora")
    assert follows(telling, given_now) == [of_a_task("dora", Occasion.OCCASION_CONCERN_TASK_GIVEN)]
    chased = TellPersonRequest(
        telling_id=TELLING_ID,
        person_id="hal",
        occasion=Occasion.OCCASION_CONCERN_CHASED,
        about_id="c-1",
        about_version=1,
        because=Because.BECAUSE_HANDLES_THE_CONCERN,
    )
    late = of_a_task("dora", Occasion.OCCASION_CONCERN_TASK_OVERDUE)
    both = ConcernTaskOverdue(concern_id="c-1", task_id="t-1", assignee_id="dora", handler_id="hal")
    assert follows(telling, both) == [late, chased]
    both.handler_id = "dora"
    assert follows(telling, both) == [late]
    both.ClearField("assignee_id")
    both.handler_id = "hal"
    assert follows(telling, both) == [chased]


def test_what_was_added_to_a_concern_is_told_to_its_handler_as_such() -> None:
    event = ConcernAssigned(
        concern_id="c-1",
        site_id="leeds",
        category=ConcernCategory.CONCERN_CATEGORY_CHILD_ON_CHILD,
        severity=Severity.SEVERITY_SERIOUS,
        raiser_role="anonymous",
        assignee_id="dora",
        assignee_role=AssigneeRole.ASSIGNEE_ROLE_HANDLER,
        step=1,
    )
    assert follows(telling, event) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="dora",
            occasion=Occasion.OCCASION_CONCERN_ADDED_TO,
            about_id="c-1",
            about_version=1,
            because=Because.BECAUSE_HANDLES_THE_CONCERN,
            raiser_role="anonymous",
            category="child_on_child",
        )
    ]


@pytest.mark.parametrize(
    ("event", "occasion"),
    [
        (ConcernChased(concern_id="c-1", handler_id="dora"), Occasion.OCCASION_CONCERN_CHASED),
        (ConcernAcknowledgementLapsed(concern_id="c-1", handler_id="dora"), Occasion.OCCASION_CONCERN_LAPSED),
    ],
)
def test_what_was_not_done_about_a_concern_is_told_to_whoever_had_it(
    event: Message, occasion: Occasion.ValueType
) -> None:
    assert follows(telling, event) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="dora",
            occasion=occasion,
            about_id="c-1",
            about_version=1,
            because=Because.BECAUSE_HANDLES_THE_CONCERN,
        )
    ]


@pytest.mark.parametrize(
    ("sent", "occasion"),
    [(False, Occasion.OCCASION_FILE_TRANSFER_CHASED), (True, Occasion.OCCASION_FILE_RECEIPT_CHASED)],
)
def test_a_file_that_is_not_acknowledged_is_told_to_whoever_sees_to_it(
    sent: bool, occasion: Occasion.ValueType
) -> None:
    assert follows(telling, FileTransferChased(transfer_id="t-1", sent=sent)) == []
    event = FileTransferChased(transfer_id="t-1", responsible_id="dora", sent=sent)
    assert follows(telling, event) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="dora",
            occasion=occasion,
            about_id="t-1",
            because=Because.BECAUSE_SEES_TO_THE_FILE,
        )
    ]


def test_what_is_overdue_on_a_concern_that_nobody_has_is_told_to_nobody() -> None:
    assert follows(telling, ConcernChased(concern_id="c-1")) == []


def test_a_gap_in_the_duty_is_told_to_the_senior_lead_where_there_is_one() -> None:
    assert follows(telling, DutyGapFound(site_id="site-1", senior_lead_id="lead")) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="lead",
            occasion=Occasion.OCCASION_DUTY_GAP,
            about_id="site-1",
            because=Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE,
        )
    ]
    assert follows(telling, DutyGapFound(site_id="site-1")) == []


def test_a_concern_that_nobody_can_be_named_for_is_told_to_nobody() -> None:
    event = ConcernAssigned(concern_id="c-1", assignee_role=AssigneeRole.ASSIGNEE_ROLE_NOBODY_ON_ROTA)
    assert follows(telling, event) == []


def test_a_category_of_a_later_contract_does_not_stop_the_alert() -> None:
    later = ConcernAssigned.FromString(
        ConcernAssigned(concern_id="c-1", assignee_id="dora").SerializeToString() + bytes([3 << 3, 99])
    )
    (request,) = follows(telling, later)
    assert isinstance(request, TellPersonRequest)
    assert (request.person_id, request.category) == ("dora", "")
