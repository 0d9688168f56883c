"""The service is complete, and knows who has a legitimate need."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.reading import Ask
from eventkernel.testing.scenario import person
from evidence.projections.support_team import SupportTeam, support_team
from evidence.service import TOLD_IN_FULL, assessor_of_learner, build, in_support_team, self_or_mentor
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_GUARDIAN,
    Party,
    StandardVersion,
)
from mentoring.evidence.v1.artefacts_pb2 import BeginUploadRequest, DownloadArtefactRequest
from mentoring.evidence.v1.events_pb2 import EvidenceSubmitted
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest, GetKsbProgressRequest, JudgeEvidenceRequest
from mentoring.evidence.v1.judging_pb2 import (
    ChangeClaimsRequest,
    JudgeClaimsRequest,
    ResubmitEvidenceRequest,
    SupersedeDecisionRequest,
    WithdrawEvidenceRequest,
)
from mentoring.evidence.v1.learner_record_pb2 import GetLearnerRecordRequest
from mentoring.evidence.v1.progress_pb2 import GetGatewayReadinessRequest, GetKsbGapsRequest, GetPaceRequest
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipCompleted, MentorshipStarted
from mentoring.sessions.v1.mentorship_events_pb2 import (
    EmployerChanged,
    MentorChanged,
    PartyAttached,
    PartyDetached,
    StandardChanged,
)

META = Metadata("event-1", "type", "provider-1", "mentorships-learner-1", 1, datetime(2026, 3, 2, tzinfo=UTC))
STARTED = MentorshipStarted(
    learner_id="learner-1",
    mentorship_id="mentorship-1",
    mentor_id="mentor-1",
    standard=StandardVersion(reference="ST0148", version="1.0"),
    parties=[
        Party(person_id="assessor-1", relationship=PARTY_RELATIONSHIP_ASSESSOR),
        Party(person_id="contact-1", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        Party(person_id="coach-1", relationship=PARTY_RELATIONSHIP_COACH),
        Party(person_id="guardian-1", relationship=PARTY_RELATIONSHIP_GUARDIAN),
    ],
)
PROGRESS = GetKsbProgressRequest(learner_id="learner-1", standard=StandardVersion(reference="ST0148", version="1.1"))
ALSO_OF_PROGRESS = [
    request(learner_id="learner-1", standard=PROGRESS.standard)
    for request in (GetKsbGapsRequest, GetGatewayReadinessRequest, GetPaceRequest)
]
RECORD = GetLearnerRecordRequest(learner_id="learner-1", standard=PROGRESS.standard)
ELSEWHERE = MentorshipStarted(
    learner_id="learner-1",
    mentorship_id="mentorship-2",
    mentor_id="mentor-2",
    standard=StandardVersion(reference="ST0070", version="1.0"),
    parties=[
        Party(person_id="contact-2", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        Party(person_id="mentor-2", relationship=PARTY_RELATIONSHIP_ASSESSOR),
    ],
)
EVERY_ROLE = ("learner", "mentor", "assessor", "employer_contact")
EVIDENCE = GetEvidenceRequest(learner_id="learner-1", evidence_id="evidence-1")
# Mentors and assesses the learner, on the other standard.
OF_ANOTHER_STANDARD = person("mentor-2", *EVERY_ROLE)
PIECE = EvidenceSubmitted(
    evidence_id="evidence-1", learner_id="learner-1", author_id="mentor-1", standard=STARTED.standard
)


def team(*events: Message) -> SupportTeam:
    document = support_team.new("learner-1")
    for event in events:
        support_team.folds[type(event)](document, event, META)
    return SupportTeam.model_validate_json(document.model_dump_json())


def test_nothing_of_the_contract_is_left_undone() -> None:
    build().check()


def test_every_query_that_needs_the_support_team_says_who_is_told() -> None:
    needing = {call.request for call in build().contract.calls.values() if call.needs == "support_team"}
    assert needing == set(TOLD_IN_FULL)


@pytest.mark.parametrize(
    "ended",
    [
        MentorshipCancelled(learner_id="learner-1", mentorship_id="mentorship-1"),
        MentorshipCompleted(learner_id="learner-1", mentorship_id="mentorship-1"),
    ],
)
def test_nobody_is_attached_by_a_mentorship_that_ended(ended: Message) -> None:
    assert team(STARTED).is_mentored_by("mentor-1")
    assert team(STARTED).has_party("assessor-1", {PARTY_RELATIONSHIP_ASSESSOR})
    assert not team(STARTED, ended).is_mentored_by("mentor-1")
    assert not team(STARTED, ended).has_party("assessor-1", {PARTY_RELATIONSHIP_ASSESSOR})


AROUND: dict[str, Any] = {
    "learner_id": "learner-1",
    "mentorship_id": "mentorship-1",
    "standard": StandardVersion(reference="ST0148", version="1.0"),
}
WITHOUT_CONTACT = [one for one in STARTED.parties if one.person_id != "contact-1"]


@pytest.mark.parametrize(
    ("event", "gone", "stays"),
    [
        (MentorChanged(**AROUND, mentor_id="mentor-9", parties=STARTED.parties), "mentor-1", "contact-1"),
        (PartyDetached(**AROUND, mentor_id="mentor-1", parties=WITHOUT_CONTACT), "contact-1", "mentor-1"),
        (EmployerChanged(**AROUND, mentor_id="mentor-1", parties=WITHOUT_CONTACT), "contact-1", "assessor-1"),
    ],
)
async def test_whoever_is_replaced_or_detached_reads_nothing_any_more(
    reader: Callable[..., Any], event: Message, gone: str, stays: str
) -> None:
    async def reads(person_id: str, *events: Message) -> list[bool]:
        caller = person(person_id, *EVERY_ROLE)
        read = reader(caller, documents=[team(*events)], streams={"evidence-evidence-1": [PIECE]})
        return [await in_support_team(Ask(caller, request, read)) for request in (PROGRESS, EVIDENCE)]

    assert any(await reads(gone, STARTED))
    assert not any(await reads(gone, STARTED, event))
    assert any(await reads(stays, STARTED, event))


async def test_whoever_takes_over_or_is_attached_reads_what_the_need_gives(reader: Callable[..., Any]) -> None:
    assessor = Party(person_id="assessor-9", relationship=PARTY_RELATIONSHIP_ASSESSOR)
    there = team(
        STARTED,
        MentorChanged(**AROUND, mentor_id="mentor-9", parties=STARTED.parties),
        PartyAttached(**AROUND, mentor_id="mentor-9", parties=[*STARTED.parties, assessor]),
    )
    assert there.is_mentored_by("mentor-9", "ST0148")
    assert there.has_party("assessor-9", {PARTY_RELATIONSHIP_ASSESSOR}, "ST0148")


def test_whoever_goes_along_to_another_standard_still_sees_what_was_done_by_the_one_before() -> None:
    moved = StandardChanged(
        learner_id="learner-1",
        mentorship_id="mentorship-1",
        mentor_id="mentor-1",
        standard=StandardVersion(reference="ST9001", version="1.0"),
        parties=STARTED.parties,
        former_standard=STARTED.standard,
    )
    around = AROUND | {"standard": moved.standard}
    there = team(STARTED, moved, MentorChanged(**around, mentor_id="mentor-9", parties=STARTED.parties))
    assert there.is_mentored_by("mentor-9", "ST9001")
    assert there.is_mentored_by("mentor-9", "ST0148")
    assert not there.is_mentored_by("mentor-9", "ST0070")
    assert not there.is_mentored_by("mentor-1", "ST0148")


def test_another_mentorship_goes_on_when_one_ends() -> None:
    second = MentorshipStarted(learner_id="learner-1", mentorship_id="mentorship-2", mentor_id="mentor-2")
    document = team(STARTED, second, MentorshipCancelled(learner_id="learner-1", mentorship_id="mentorship-1"))
    assert document.is_mentored_by("mentor-2")
    assert not document.is_mentored_by("mentor-1")


@pytest.mark.parametrize(
    ("person_id", "progress", "evidence"),
    [
        ("learner-1", True, True),
        ("mentor-1", True, True),
        ("assessor-1", True, True),
        ("contact-1", True, False),
        ("coach-1", False, False),
        ("guardian-1", False, False),
        ("learner-2", False, False),
        ("contact-2", False, False),
    ],
)
async def test_the_support_team_is_told_what_it_needs_to_know(
    reader: Callable[..., Any], person_id: str, progress: bool, evidence: bool
) -> None:
    caller = person(person_id, *EVERY_ROLE)
    read = reader(caller, documents=[team(STARTED, ELSEWHERE)], streams={"evidence-evidence-1": [PIECE]})
    for asked in (PROGRESS, *ALSO_OF_PROGRESS):
        assert await in_support_team(Ask(caller, asked, read)) is progress
    assert await in_support_team(Ask(caller, EVIDENCE, read)) is evidence
    # A record tells of evidence, and of one standard.
    assert await in_support_team(Ask(caller, RECORD, read)) is (progress and evidence)


async def test_a_provider_manager_is_told_of_progress_and_not_of_evidence(reader: Callable[..., Any]) -> None:
    manager = person("manager-1", "provider_manager", "mentor")
    read = reader(manager, documents=[team(STARTED)])
    assert await in_support_team(Ask(manager, PROGRESS, read))
    assert not await in_support_team(Ask(manager, EVIDENCE, read))
    assert not await in_support_team(Ask(manager, RECORD, reader(manager)))


@pytest.mark.parametrize(
    ("person_id", "reads", "judges"),
    [
        ("learner-1", True, False),
        ("mentor-1", True, False),
        ("assessor-1", False, True),
        ("contact-1", False, False),
        ("assessor-2", False, False),
    ],
)
async def test_who_submits_and_who_judges(
    reader: Callable[..., Any], person_id: str, reads: bool, judges: bool
) -> None:
    caller = person(person_id, *EVERY_ROLE)
    ask = Ask(
        caller,
        JudgeEvidenceRequest(learner_id="learner-1", evidence_id="evidence-1"),
        reader(caller, documents=[team(STARTED)], streams={"evidence-evidence-1": [PIECE]}),
    )
    assert await self_or_mentor(ask) is reads
    assert await assessor_of_learner(ask) is judges


ABOUT_A_PIECE: list[tuple[Callable[[Ask], Any], type[Message]]] = [
    (in_support_team, GetEvidenceRequest),
    (in_support_team, DownloadArtefactRequest),
    (assessor_of_learner, JudgeEvidenceRequest),
    (assessor_of_learner, JudgeClaimsRequest),
    (assessor_of_learner, SupersedeDecisionRequest),
    (self_or_mentor, ResubmitEvidenceRequest),
    (self_or_mentor, ChangeClaimsRequest),
    (self_or_mentor, WithdrawEvidenceRequest),
    (self_or_mentor, BeginUploadRequest),
]


@pytest.mark.parametrize(("relation", "kind"), ABOUT_A_PIECE, ids=lambda part: getattr(part, "__name__", None))
async def test_a_piece_of_another_standard_is_answered_as_one_that_is_not_there(
    reader: Callable[..., Any], relation: Callable[[Ask], Any], kind: Any
) -> None:
    documents, request = [team(STARTED, ELSEWHERE)], kind(learner_id="learner-1", evidence_id="evidence-1")
    answers = []
    for stream in ([PIECE], []):
        read = reader(OF_ANOTHER_STANDARD, documents=documents, streams={"evidence-evidence-1": stream})
        with pytest.raises(Refusal) as caught:
            await relation(Ask(OF_ANOTHER_STANDARD, request, read))
        answers.append((caught.value.code, caught.value.text, caught.value.field))
    assert answers[0] == answers[1]
    assert answers[0][0] == "EVIDENCE_UNKNOWN"
    own = person("assessor-1" if relation is assessor_of_learner else "mentor-1", *EVERY_ROLE)
    assert await relation(Ask(own, request, reader(own, documents=documents, streams={"evidence-evidence-1": [PIECE]})))


async def test_of_a_learner_nobody_has_heard_of_only_they_themselves_may_ask(reader: Callable[..., Any]) -> None:
    learner, mentor = person("learner-1", "learner"), person("mentor-1", "mentor")
    assert await self_or_mentor(Ask(learner, PROGRESS, reader(learner)))
    assert not await self_or_mentor(Ask(mentor, PROGRESS, reader(mentor)))
    assert not await assessor_of_learner(Ask(mentor, PROGRESS, reader(mentor)))
