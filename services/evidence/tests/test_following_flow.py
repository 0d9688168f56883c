"""Reviews and assessments through the whole service: heard, decided, sealed, published, read, and told late by the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import person
from mentoring.evidence.v1.assessment_events_pb2 import AssessmentChased, AssessmentLapsed
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_SCHEDULED,
    GetAssessmentRequest,
    ListMyAssessmentsRequest,
)
from mentoring.evidence.v1.review_events_pb2 import ReviewHeld, ReviewLate, SignaturesLate
from mentoring.evidence.v1.review_pb2 import HoldReviewRequest
from mentoring.evidence.v1.review_views_pb2 import (
    DUE_STATE_LATE,
    REVIEW_STATUS_COMPLETE,
    REVIEWS_DUE_LATE,
    GetReviewProgressRequest,
    GetReviewRequest,
    ListReviewsDueRequest,
    ListReviewsRequest,
)
from mentoring.sessions.v1.events_pb2 import (
    BreakInLearningEnded,
    BreakInLearningStarted,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged

from . import assessment_stories as assessments
from .review_stories import (
    AFTER,
    ASSESSOR,
    CONTACT,
    EVERY_SIGNER,
    LEARNER,
    MANAGER,
    MENTOR,
    OF,
    ONE,
    PARTIES,
    STARTED,
    content,
    holds,
    revises,
    schedules,
    signs,
)
from .running import Running
from .test_following_reactions import around

STREAM = "mentorships-learner-1"
OVER = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
async def running(tmp_path: Path) -> Running:
    """A mentorship was heard of."""
    made = Running(tmp_path, STARTED)
    await made.hear(STREAM, around(MentorshipStarted, ksb_codes=["K1", "S1", "B5"]))
    return made


async def read(running: Running, query: Any, by: Any = MENTOR) -> Any:
    return await running.ask(query, by)


async def test_a_review_is_held_sealed_read_and_signed_by_all_three(running: Running) -> None:
    await running.give(schedules(), MENTOR)
    running.now = AFTER
    figures = (await read(running, GetReviewProgressRequest(**OF))).progress
    await running.give(HoldReviewRequest(**ONE, content=content(progress=figures)), MENTOR)
    (event,) = running.told_of(ReviewHeld)
    assert isinstance(event, ReviewHeld)
    assert event.content.goals[0].text.ciphertext
    assert not event.content.discussion.to_be_sealed
    shown = await read(running, GetReviewRequest(**ONE), CONTACT)
    assert shown.content == content(progress=figures)
    assert shown.progress_confirmed
    running.restart()
    for by, signatory in EVERY_SIGNER:
        await running.give(signs(shown.review.content_hash, signatory, "Too few hours" if by is CONTACT else ""), by)
    signed = await read(running, GetReviewRequest(**ONE), LEARNER)
    assert signed.review.status == REVIEW_STATUS_COMPLETE
    assert [one.objection for one in signed.signatures] == ["", "", "Too few hours"]
    await running.fall_due(AFTER + timedelta(days=30))
    assert running.told_of(SignaturesLate) == []
    assert await running.parked() == []


async def test_the_same_texts_again_are_done_and_others_are_refused(running: Running) -> None:
    await running.give(schedules(), MENTOR)
    running.now = AFTER
    await running.give(holds(), MENTOR)
    running.restart()
    assert list((await running.give(holds(), MENTOR)).event_types) == []
    assert list((await running.give(revises(), MENTOR)).event_types) == []
    with pytest.raises(Refusal) as caught:
        await running.give(holds(discussion="Otherwise"), MENTOR)
    assert caught.value.code == "REVIEW_HELD_ALREADY"


async def test_a_stranger_is_denied_and_told_nothing(running: Running) -> None:
    with pytest.raises(Denied):
        await running.give(schedules(), person("mentor-9", "mentor"))
    with pytest.raises(PermissionError):
        await read(running, GetReviewRequest(**ONE), person("contact-9", "employer_contact"))


async def test_a_late_review_is_told_once_whatever_comes_again(running: Running) -> None:
    await running.fall_due(OVER - timedelta(seconds=1))
    assert running.told_of(ReviewLate) == []
    await running.fall_due(OVER)
    assert len(running.told_of(ReviewLate)) == 1
    late = await read(running, ListReviewsDueRequest(which=REVIEWS_DUE_LATE), MANAGER)
    assert [one.state for one in late.reviews] == [DUE_STATE_LATE]
    running.restart()
    await running.hear(STREAM, MentorChanged(**OF, mentor_id="mentor-2", parties=PARTIES))
    await running.fall_due(OVER + timedelta(days=9))
    assert len(running.told_of(ReviewLate)) == 1
    assert await running.parked() == []


async def test_a_break_moves_the_alarm_with_the_day(running: Running) -> None:
    await running.hear(STREAM, BreakInLearningStarted(**OF, first_day="2026-09-07"))
    await running.fall_due(OVER)
    assert running.told_of(ReviewLate) == []
    await running.hear(STREAM, BreakInLearningEnded(**OF, returned_on="2026-11-02"))
    # 56 days were away: from 1 November to 27 December.
    assert (await read(running, ListReviewsRequest(**OF))).next.due_on == "2026-12-27"
    await running.fall_due(datetime(2026, 12, 28, tzinfo=UTC))
    assert [getattr(one, "due_on", "") for one in running.told_of(ReviewLate)] == ["2026-12-27"]


async def test_late_signatures_are_told_of_the_present_content(running: Running) -> None:
    await running.give(schedules(), MENTOR)
    running.now = AFTER
    await running.give(holds(), MENTOR)
    running.now = AFTER + timedelta(days=7)
    await running.give(revises(discussion="Otherwise"), MENTOR)
    await running.fall_due(AFTER + timedelta(days=15))
    assert running.told_of(SignaturesLate) == []
    await running.fall_due(AFTER + timedelta(days=22))
    assert len(running.told_of(SignaturesLate)) == 1


async def test_who_is_late_is_chased_to_the_limit_and_no_further(running: Running) -> None:
    running.now = assessments.NOW
    await running.give(assessments.requests(), MENTOR)
    await running.give(assessments.ACCEPTS, ASSESSOR)
    await running.give(assessments.schedules(), ASSESSOR)
    for day in range(60):
        await running.fall_due(assessments.LATE_DECISION + timedelta(days=day))
    chased = running.told_of(AssessmentChased)
    assert [getattr(one, "number", 0) for one in chased] == [1, 2, 3, 4, 5]
    mine = await read(running, ListMyAssessmentsRequest(), ASSESSOR)
    assert [(one.status, one.late, one.chased) for one in mine.assessments] == [(ASSESSMENT_STATUS_SCHEDULED, True, 5)]
    await running.give(assessments.DECIDES, ASSESSOR)
    shown = await read(running, GetAssessmentRequest(**assessments.ONE), LEARNER)
    assert (shown.feedback, shown.note) == ("Words", "")
    assert await running.parked() == []


async def test_nobody_is_chased_once_it_is_settled_and_what_ended_lapses(running: Running) -> None:
    running.now = assessments.NOW
    await running.give(assessments.requests(), MENTOR)
    other = assessments.requests(assessment_id="assessment-2")
    await running.give(other, MENTOR)
    await running.give(assessments.WITHDRAWS, MENTOR)
    await running.hear(STREAM, MentorshipCompleted(**OF))
    await running.fall_due(assessments.LATE_ANSWER)
    assert running.told_of(AssessmentChased) == []
    assert [getattr(one, "assessment_id", "") for one in running.told_of(AssessmentLapsed)] == ["assessment-2"]
    await running.fall_due(assessments.LATE_ANSWER + timedelta(days=400))
    assert (running.told_of(AssessmentChased), running.told_of(ReviewLate)) == ([], [])
