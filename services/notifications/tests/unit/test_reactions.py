"""Reactions: what follows from an event, as commands that the contract takes."""

from collections.abc import Iterable

import pytest
from eventkernel.reaction import Later, Reaction
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind, Sealed
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted, EvidenceReferred
from mentoring.notifications.v1.addresses_events_pb2 import AddressVerificationAsked
from mentoring.notifications.v1.addresses_pb2 import SendCodeRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Because, ContactReplaced, Detail, NoticeRequested, Occasion
from mentoring.notifications.v1.notifications_pb2 import (
    RecordCircleRequest,
    StartNoticeRequest,
    TellPersonRequest,
)
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

from .following import AROUND, AT, BOSS, JUDGE, ST0148, TELLING_ID, follows, tell


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
