"""Reactions: what follows from an event, as commands that the contract takes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import protovalidate
import pytest
from eventkernel.messages import Metadata, derived_id
from eventkernel.reaction import Later, Reaction
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship, Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted, EvidenceReferred
from mentoring.notifications.v1.addresses_events_pb2 import AddressVerificationAsked
from mentoring.notifications.v1.addresses_pb2 import SendCodeRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Because, ContactReplaced, Detail, NoticeRequested, Occasion
from mentoring.notifications.v1.notifications_pb2 import (
    RecordCircleRequest,
    StartNoticeRequest,
    TellCircleRequest,
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
from mentoring.sessions.v1.events_pb2 import (
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
    MissReason,
    MoveReason,
    ReasonOwner,
    SessionCancelled,
    SessionCancelReason,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, MentorChanged, PartyAttached, PartyDetached
from notifications.reactions.circles import circles
from notifications.reactions.sending import sending
from notifications.reactions.telling import telling
from notifications.reactions.verifying import verifying

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TELLING_ID = derived_id("telling", "event-1")
ST0148 = StandardVersion(reference="ST0148", version="1.0")
AROUND: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1"}
JUDGE = Party(person_id="judge", relationship=PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR)
BOSS = Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)


def follows(reaction: Reaction, event: Message) -> list[Message | Later]:
    meta = Metadata(event_id="event-1", type="", tenant="provider-1", stream="", version=1, at=AT)
    found = list(reaction.policies[type(event)](event, meta))
    assert found == list(reaction.policies[type(event)](event, meta))
    for one in found:
        protovalidate.validate(one.request if isinstance(one, Later) else one)
    return found


def tell(
    kind: InformationKind.ValueType,
    occasion: Occasion.ValueType,
    about_id: str,
    mentorship_id: str = "",
    *,
    actor_id: str = "mia",
    standard_reference: str = "",
    mentor_id: str = "",
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=TELLING_ID,
        learner_id="ada",
        kind=kind,
        occasion=occasion,
        about_id=about_id,
        actor_id=actor_id,
        mentorship_id=mentorship_id,
        standard_reference=standard_reference,
        mentor_id=mentor_id or ("mia" if about_id == "s-1" else ""),
    )


@pytest.mark.parametrize(
    ("event", "request_"),
    [
        (
            MentorshipStarted(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[BOSS], standard=ST0148),
            RecordCircleRequest(
                learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[BOSS], standard_reference="ST0148"
            ),
        ),
        *(
            (event, RecordCircleRequest(**AROUND, mentor_id="max", parties=[BOSS], standard_reference="ST0148"))
            for event in (
                MentorChanged(**AROUND, mentor_id="max", former_mentor_id="mia", parties=[BOSS], standard=ST0148),
                EmployerChanged(**AROUND, mentor_id="max", employer_id="works", parties=[BOSS], standard=ST0148),
                PartyAttached(**AROUND, mentor_id="max", party=BOSS, parties=[BOSS], standard=ST0148),
                PartyDetached(**AROUND, mentor_id="max", party=JUDGE, parties=[BOSS], standard=ST0148),
            )
        ),
        (
            MentorshipCancelled(learner_id="ada", mentorship_id="m-1"),
            RecordCircleRequest(learner_id="ada", mentorship_id="m-1", ended=True),
        ),
        (
            MentorshipCompleted(learner_id="ada", mentorship_id="m-1"),
            RecordCircleRequest(learner_id="ada", mentorship_id="m-1", ended=True),
        ),
    ],
)
def test_circles_follow_mentorships(event: Message, request_: Message) -> None:
    assert follows(circles, event) == [request_]


@pytest.mark.parametrize(
    ("event", "request_"),
    [
        (
            MentorshipStarted(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[BOSS]),
            tell(
                InformationKind.INFORMATION_KIND_PROGRESS,
                Occasion.OCCASION_MENTORSHIP_STARTED,
                "m-1",
                "m-1",
                actor_id="",
            ),
        ),
        (
            MentorChanged(learner_id="ada", mentorship_id="m-1", mentor_id="max", former_mentor_id="mia"),
            tell(
                InformationKind.INFORMATION_KIND_PROGRESS,
                Occasion.OCCASION_MENTOR_CHANGED,
                "m-1",
                "m-1",
                actor_id="",
                mentor_id="max",
            ),
        ),
        (
            SessionPlanned(session_id="s-1", learner_id="ada", mentorship_id="m-1", mentor_id="mia"),
            tell(InformationKind.INFORMATION_KIND_SESSION, Occasion.OCCASION_SESSION_PLANNED, "s-1", "m-1"),
        ),
        (
            SessionMoved(
                session_id="s-1",
                learner_id="ada",
                mentor_id="mia",
                reason=MoveReason.MOVE_REASON_LEARNER_ASKED,
                mentorship_id="m-1",
            ),
            tell(InformationKind.INFORMATION_KIND_SESSION, Occasion.OCCASION_SESSION_MOVED, "s-1", "m-1"),
        ),
        (
            SessionCancelled(
                session_id="s-1",
                learner_id="ada",
                mentor_id="mia",
                reason=SessionCancelReason.SESSION_CANCEL_REASON_UNAVAILABLE,
                reason_owner=ReasonOwner.REASON_OWNER_LEARNER,
                mentorship_id="m-1",
            ),
            tell(InformationKind.INFORMATION_KIND_SESSION, Occasion.OCCASION_SESSION_CANCELLED, "s-1", "m-1"),
        ),
        (
            SessionMissed(
                session_id="s-1",
                learner_id="ada",
                mentor_id="mia",
                reason=MissReason.MISS_REASON_LEARNER_ILL,
                mentorship_id="m-1",
            ),
            tell(InformationKind.INFORMATION_KIND_SESSION, Occasion.OCCASION_SESSION_MISSED, "s-1", "m-1"),
        ),
        (
            SessionHeld(
                session_id="s-1",
                learner_id="ada",
                mentor_id="mia",
                shared_record=Sealed(ciphertext=b"x"),
                mentorship_id="m-1",
            ),
            tell(
                InformationKind.INFORMATION_KIND_SESSION_RECORD, Occasion.OCCASION_SESSION_RECORD_SHARED, "s-1", "m-1"
            ),
        ),
        (
            EvidenceAccepted(
                evidence_id="e-1",
                learner_id="ada",
                assessor_id="judge",
                feedback=Sealed(ciphertext=b"x"),
                standard=ST0148,
            ),
            tell(
                InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
                Occasion.OCCASION_EVIDENCE_ACCEPTED,
                "e-1",
                actor_id="judge",
                standard_reference="ST0148",
            ),
        ),
        (
            EvidenceReferred(
                evidence_id="e-1",
                learner_id="ada",
                assessor_id="judge",
                feedback=Sealed(ciphertext=b"x"),
                standard=ST0148,
            ),
            tell(
                InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
                Occasion.OCCASION_EVIDENCE_REFERRED,
                "e-1",
                actor_id="judge",
                standard_reference="ST0148",
            ),
        ),
    ],
)
def test_what_happened_to_a_learner_is_told_to_the_circle_with_its_actor(event: Message, request_: Message) -> None:
    assert follows(telling, event) == [request_]


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


def test_a_replaced_contact_is_told_to_its_owner_where_it_was() -> None:
    assert follows(telling, ContactReplaced(person_id="dora", replaced=2)) == [
        TellPersonRequest(
            telling_id=TELLING_ID,
            person_id="dora",
            occasion=Occasion.OCCASION_CONTACT_REPLACED,
            about_id="dora",
            because=Because.BECAUSE_OWN_CONTACT,
            registration=2,
        )
    ]


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


@pytest.mark.parametrize(
    ("occasion", "safeguarding"),
    [
        (Occasion.OCCASION_SESSION_PLANNED, False),
        (Occasion.OCCASION_EVIDENCE_REFERRED, False),
        (Occasion.OCCASION_CONTACT_REPLACED, False),
        (Occasion.OCCASION_DUTY_GAP, False),
        (Occasion.OCCASION_CONCERN_RECEIVED, True),
        (Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER, True),
        (Occasion.OCCASION_CONCERN_ASSIGNED, True),
        (Occasion.OCCASION_CONCERN_ADDED_TO, True),
        (Occasion.OCCASION_CONCERN_CHASED, True),
        (Occasion.OCCASION_CONCERN_LAPSED, True),
        (Occasion.OCCASION_FILE_RECEIPT_CHASED, True),
    ],
)
def test_a_requested_notice_is_sent_at_once_and_carries_all_its_message_needs(
    occasion: Occasion.ValueType, safeguarding: bool
) -> None:
    event = NoticeRequested(
        telling_id="t-1",
        notice_id="n-1",
        recipient_id="dora",
        occasion=occasion,
        because=Because.BECAUSE_DSL_ON_DUTY,
        detail=Detail.DETAIL_FULL,
        about_id="c-1",
        raiser_role="mentor",
        category="physical",
        registration=2,
        second_copy=True,
    )
    request = StartNoticeRequest(
        notice_id="n-1",
        attempt=1,
        recipient_id="dora",
        safeguarding=safeguarding,
        telling_id="t-1",
        occasion=occasion,
        because=Because.BECAUSE_DSL_ON_DUTY,
        detail=Detail.DETAIL_FULL,
        about_id="c-1",
        raiser_role="mentor",
        category="physical",
        registration=2,
        second_copy=True,
    )
    request.requested_at.FromDatetime(AT)
    assert follows(sending, event) == [Later(at=AT, request=request, urgent=safeguarding)]


def heard(reactions: Iterable[Reaction]) -> set[str]:
    return {event.DESCRIPTOR.name for reaction in reactions for event in reaction.policies}


def test_nothing_is_told_that_nobody_decided_to_tell() -> None:
    assert heard([telling]) == {
        "MentorshipStarted", "MentorChanged", "SessionPlanned", "SessionMoved", "SessionMissed", "SessionCancelled", "SessionHeld",
        "EvidenceAccepted", "EvidenceReferred", "ConcernReceived", "ConcernAssigned", "DutyGapFound", "ContactReplaced",
            "AddressSuppressed",
        "ConcernChased", "ConcernAcknowledgementLapsed", "ConcernPassedOn", "ConcernTaskGiven", "ConcernTaskOverdue",
        "FileTransferChased",
        "SessionCorrected", "ActionAgreed", "ActionReassigned", "ActionReopened", "ActionOverdue", "LearningPlanProposed",
        "LearningPlanObjectedTo", "LearningPlanAgreed", "SkillLapsing", "SkillLapsed", "EvidenceDecisionSuperseded", "EvidenceResubmitted",
        "EvidenceWithdrawn", "PlannedEndSet", "SampleActionRequired", "SampleActionOverdue", "SampleActionClosed", "ReviewDueSet",
        "ReviewScheduled", "ReviewCancelled", "ReviewHeld", "ReviewRevised", "ReviewCompleted", "ReviewLate", "SignaturesLate",
        "AssessmentRequested", "AssessmentRedirected", "AssessmentWithdrawn", "AssessmentAccepted", "AssessmentDeclined",
        "AssessmentScheduled", "AssessmentChased", "AssessmentDecided", "IssueRaised", "IssueReferred", "IssueReferralAccepted",
        "IssueReferralDeclined", "IssueReferralWithdrawn", "IssueReferralChased", "IssueClosed", "IssueReopened", "IssueIdle",
    }  # fmt: skip


def test_a_code_that_was_asked_for_is_made_when_it_is_sent_and_at_once() -> None:
    event = AddressVerificationAsked(person_id="ada", channel=Channel.CHANNEL_APPRISE, registration=2, asked=3)
    request = SendCodeRequest(person_id="ada", channel=Channel.CHANNEL_APPRISE, registration=2, asked=3)
    assert follows(verifying, event) == [Later(at=AT, request=request)]
