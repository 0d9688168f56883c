"""Requests for assessments as they are read."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata, Principal
from eventkernel.reading import Ask
from eventkernel.testing.scenario import Given, person
from evidence.domain.assessment_state import Assessment
from evidence.projections.assessment_record import get_assessment
from evidence.projections.assessment_requests import (
    AssessmentRequest,
    assessment_requests,
    list_assessments,
    list_my_assessments,
)
from evidence.projections.support_team import Attached, Mentorship, SupportTeam
from evidence.service import in_support_team, self_or_mentor
from mentoring.common.v1.common_pb2 import Page
from mentoring.evidence.v1.assessment_events_pb2 import ASSESSMENT_OUTCOME_MET, KsbOutcome
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_DECIDED,
    ASSESSMENT_STATUS_REQUESTED,
    ASSESSMENT_STATUS_SCHEDULED,
    MY_ASSESSMENTS_ACCEPTED,
    MY_ASSESSMENTS_LATE,
    MY_ASSESSMENTS_SCHEDULED,
    MY_ASSESSMENTS_WAITING,
    GetAssessmentRequest,
    ListAssessmentsRequest,
    ListMyAssessmentsRequest,
)

from .assessment_stories import (
    ACCEPTS,
    APPOINTMENT,
    ASSESSOR,
    DECLINES,
    LATE_ANSWER,
    LATE_DECISION,
    MET,
    NOW,
    ONE,
    OVER,
    WITHDRAWS,
    accepted,
    ask,
    chases,
    decided,
    redirects,
    requested,
    requests,
    scheduled,
    two_assessors,
)
from .review_stories import LEARNER, MENTOR, OF, PARTIES, at, notes, started
from .review_stories import ask as ask_reviews

GETS = GetAssessmentRequest(**ONE)
STREAMS = {"reviews-learner-1.mentorship-1": started().past}


def team(active: bool = True, mentor_id: str = "mentor-1") -> SupportTeam:
    parties = [Attached(person_id=one.person_id, relationship=one.relationship) for one in PARTIES]
    one = Mentorship(mentor_id=mentor_id, standard_reference="ST0148", parties=parties, active=active)
    return SupportTeam(learner_id="learner-1", mentorships={"mentorship-1": one})


def document(story: Given[Assessment], assessment_id: str = "assessment-1") -> AssessmentRequest:
    found = assessment_requests.new(assessment_id)
    for number, event in enumerate(story.past, start=1):
        meta = Metadata("event-1", "type", "provider-1", "stream", number, NOW)
        assessment_requests.folds[type(event)](found, event, meta)
    return AssessmentRequest.model_validate_json(found.model_dump_json())


@pytest.mark.parametrize(
    ("by", "note", "opened"),
    [
        (MENTOR, "Words", ["note", "feedback"]),
        (ASSESSOR, "Words", ["note", "feedback"]),
        (LEARNER, "", ["feedback"]),
    ],
)
async def test_the_learner_reads_the_feedback_and_the_others_the_note_too(
    reader: Callable[..., Any], by: Principal, note: str, opened: list[str]
) -> None:
    read = reader(by, streams={**STREAMS, "assessment-assessment-1": decided().past})
    answer = await get_assessment(GETS, read)
    assert (answer.note, answer.feedback) == (note, "Words")
    assert answer.assessment.status == ASSESSMENT_STATUS_DECIDED
    assert list(answer.assessment.outcomes) == MET
    assert read.opened == opened


async def test_why_it_was_declined_is_the_mentors_to_read(reader: Callable[..., Any]) -> None:
    past = ask(requested(), DECLINES, ASSESSOR).after().past
    streams = {**STREAMS, "assessment-assessment-1": past}
    assert (await get_assessment(GETS, reader(MENTOR, streams=streams))).reason == "Words"
    assert (await get_assessment(GETS, reader(LEARNER, streams=streams))).reason == ""


async def test_a_request_to_somebody_else_is_as_unknown_as_none(reader: Callable[..., Any]) -> None:
    redirected = ask(requested(), redirects("assessor-2"), MENTOR, reviews=two_assessors()).after().past
    texts = set()
    for by, past in (
        (person("coach-1", "coach"), requested().past),
        (ASSESSOR, redirected),
        (MENTOR, ()),
        (person("mentor-2", "mentor"), requested().past),
    ):
        with pytest.raises(Refusal) as caught:
            await get_assessment(GETS, reader(by, streams={**STREAMS, "assessment-assessment-1": past}))
        assert caught.value.code == "ASSESSMENT_UNKNOWN"
        texts.add(caught.value.text)
    assert len(texts) == 1


@pytest.mark.parametrize("field", ["learner_id", "mentorship_id"])
async def test_a_request_is_read_under_its_own_learner_and_mentorship_alone(
    reader: Callable[..., Any], field: str
) -> None:
    other = GetAssessmentRequest(**{**ONE, field: "other-1"})
    streams = {"reviews-learner-1.mentorship-1": started().past, "assessment-assessment-1": requested().past}
    with pytest.raises(Refusal) as caught:
        await get_assessment(other, reader(ASSESSOR, streams=streams))
    assert caught.value.code == "ASSESSMENT_UNKNOWN"


async def test_a_former_mentor_reads_nothing(reader: Callable[..., Any]) -> None:
    ended = {**STREAMS, "assessment-assessment-1": requested().past}
    ended["reviews-learner-1.mentorship-1"] = ask_reviews(started(), notes(mentor_id="mentor-2")).after().past
    with pytest.raises(Refusal):
        await get_assessment(GETS, reader(MENTOR, streams=ended))


def test_a_request_stands_as_what_happened_to_it_last() -> None:
    assert document(requested()).late_ms == int(LATE_ANSWER.timestamp() * 1000)
    chased = document(ask(requested(), chases(1), moment=LATE_ANSWER).after())
    assert (chased.chased, chased.status) == (1, ASSESSMENT_STATUS_REQUESTED)
    later = document(scheduled())
    assert (later.status, later.starts_ms, later.duration_seconds, later.chased) == (
        ASSESSMENT_STATUS_SCHEDULED,
        int(APPOINTMENT.timestamp() * 1000),
        5400,
        0,
    )
    assert later.late_ms == int(LATE_DECISION.timestamp() * 1000)
    turned = document(ask(scheduled(), redirects("assessor-2"), MENTOR, reviews=two_assessors()).after())
    assert (turned.asked_id, turned.wished_by, turned.starts_ms) == ("assessor-2", "2026-10-10", 0)
    for story in (
        decided(),
        ask(scheduled(), WITHDRAWS, MENTOR).after(),
        ask(scheduled(), DECLINES, ASSESSOR).after(),
        ask(scheduled(), chases(3), moment=LATE_DECISION, reviews=OVER).after(),
    ):
        assert document(story).late_ms == 0
    assert document(decided()).outcomes == {"K1": MET[0].outcome, "S1": MET[1].outcome}


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (0, ["a-requested", "b-accepted", "c-scheduled"]),
        (MY_ASSESSMENTS_WAITING, ["a-requested"]),
        (MY_ASSESSMENTS_ACCEPTED, ["b-accepted"]),
        (MY_ASSESSMENTS_SCHEDULED, ["c-scheduled"]),
        (MY_ASSESSMENTS_LATE, ["a-requested", "b-accepted"]),
    ],
)
async def test_what_somebody_is_asked_for_is_listed_by_what_is_to_do(
    reader: Callable[..., Any], which: Any, found: list[str]
) -> None:
    documents = [
        document(requested(), "a-requested"),
        document(accepted(), "b-accepted"),
        document(scheduled(), "c-scheduled"),
        document(decided(), "d-decided"),
        document(ask(requested(), DECLINES, ASSESSOR).after(), "e-declined"),
        document(ask(requested(), redirects("assessor-2"), MENTOR, reviews=two_assessors()).after(), "f-others"),
    ]
    read = reader(ASSESSOR, documents=[*documents, team()], now=LATE_ANSWER)
    answer = await list_my_assessments(ListMyAssessmentsRequest(which=which), read)
    assert [one.assessment_id for one in answer.assessments] == found
    assert [one.late for one in answer.assessments] == [name != "c-scheduled" for name in found]


async def test_late_ones_come_in_pages_while_the_clock_goes_on(reader: Callable[..., Any]) -> None:
    later = (document(scheduled(), f"b-{number}") for number in range(3))
    documents = [*(document(requested(), f"a-{number}") for number in range(3)), *later]
    read = reader(ASSESSOR, documents=[*documents, team()], now=LATE_ANSWER)
    found, cursor = [], ""
    for _ in range(2):
        request = ListMyAssessmentsRequest(which=MY_ASSESSMENTS_LATE, page=Page(size=2, cursor=cursor))
        answer = await list_my_assessments(request, read)
        found += [one.assessment_id for one in answer.assessments]
        cursor = answer.next_cursor
        read.at += timedelta(minutes=1)
    assert (found, cursor) == (["a-0", "a-1", "a-2"], "")


@pytest.mark.parametrize("beside", [[], [team(active=False)]])
async def test_of_a_mentorship_that_ended_nobody_is_told_what_they_were_asked(
    reader: Callable[..., Any], beside: list[Any]
) -> None:
    read = reader(ASSESSOR, documents=[document(requested()), *beside], now=NOW)
    assert list((await list_my_assessments(ListMyAssessmentsRequest(), read)).assessments) == []


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (LEARNER, 3),
        (MENTOR, 3),
        (ASSESSOR, 2),
        (person("coach-1", "coach"), 0),
        (person("assessor-2", "assessor"), 1),
        (person("mentor-2", "mentor"), 0),
    ],
)
async def test_a_learners_requests_are_listed_to_those_who_have_a_part_in_them(
    reader: Callable[..., Any], by: Principal, found: int
) -> None:
    documents = [
        document(requested(), "a"),
        document(decided(), "b"),
        document(ask(requested(), redirects("assessor-2"), MENTOR, reviews=two_assessors()).after(), "c"),
    ]
    read = reader(by, documents=[*documents, team()], now=NOW)
    assert len((await list_assessments(ListAssessmentsRequest(**OF), read)).assessments) == found
    elsewhere = ListAssessmentsRequest(learner_id="learner-1", mentorship_id="mentorship-2")
    assert list((await list_assessments(elsewhere, read)).assessments) == []


async def test_a_learners_requests_are_filtered_by_status(reader: Callable[..., Any]) -> None:
    read = reader(LEARNER, documents=[document(requested(), "a"), document(decided(), "b"), team()], now=NOW)
    request = ListAssessmentsRequest(**OF, status=ASSESSMENT_STATUS_DECIDED)
    (one,) = (await list_assessments(request, read)).assessments
    assert (one.assessment_id, one.starts_at) == ("b", at(APPOINTMENT))
    assert KsbOutcome(ksb_code="K1", outcome=ASSESSMENT_OUTCOME_MET) in one.outcomes


@pytest.mark.parametrize(
    ("person_id", "asks", "answers"),
    [("mentor-1", True, True), ("assessor-1", False, True), ("coach-1", False, True), ("contact-1", False, False),
     ("assessor-9", False, False)],
)  # fmt: skip
async def test_who_asks_and_who_answers(reader: Callable[..., Any], person_id: str, asks: bool, answers: bool) -> None:
    caller = person(person_id, "mentor", "assessor", "coach")
    read = reader(caller, documents=[team()])
    assert await self_or_mentor(Ask(caller, requests(), read)) is asks
    assert await in_support_team(Ask(caller, ACCEPTS, read)) is answers
    elsewhere = GetAssessmentRequest(assessment_id="assessment-1", learner_id="learner-1", mentorship_id="mentorship-2")
    assert not await in_support_team(Ask(caller, elsewhere, read))


async def test_whoever_is_attached_no_more_learns_from_no_cursor_what_they_were_asked(
    reader: Callable[..., Any],
) -> None:
    documents = [document(requested(), f"a-{number}") for number in range(3)]
    read = reader(ASSESSOR, documents=[*documents, team(active=False)], now=NOW)
    answer = await list_my_assessments(ListMyAssessmentsRequest(page=Page(size=1)), read)
    assert (list(answer.assessments), answer.next_cursor) == ([], "")
