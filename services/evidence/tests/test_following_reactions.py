"""What follows by itself in reviews and assessments: notes of the mentorship, and alarms."""

from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from evidence.reactions.assessments import chasing
from evidence.reactions.reviews import reviewing
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.assessment_events_pb2 import (
    AssessmentAccepted,
    AssessmentChased,
    AssessmentRedirected,
    AssessmentRequested,
    AssessmentScheduled,
)
from mentoring.evidence.v1.assessment_pb2 import ChaseAssessmentRequest
from mentoring.evidence.v1.review_events_pb2 import ReviewDueSet, ReviewHeld, ReviewRevised
from mentoring.evidence.v1.review_pb2 import (
    MarkReviewLateRequest,
    MarkSignaturesLateRequest,
    NoteLearningBreakRequest,
    NoteMentorshipEndRequest,
)
from mentoring.sessions.v1.events_pb2 import (
    BreakInLearningEnded,
    BreakInLearningStarted,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, MentorChanged, PartyAttached, PartyDetached

from .review_stories import OF, ONE, PARTIES, STARTED, at, notes, starts

DUE = datetime(2026, 11, 2, tzinfo=UTC)
ASKED: dict[str, Any] = {"assessment_id": "assessment-1", **OF}


def follows(reaction: Reaction, event: Message) -> list[Message | Later]:
    meta = Metadata("event-1", "type", "provider-1", "stream", 1, STARTED)
    return list(reaction.policies[type(event)](event, meta))


def around(kind: type[Message], **fields: Any) -> Message:
    standard = StandardVersion(reference="ST0148", version="1.0")
    return kind(**OF, mentor_id="mentor-1", standard=standard, parties=PARTIES, **fields)


def test_a_start_is_noted_with_its_time() -> None:
    assert follows(reviewing, around(MentorshipStarted, ksb_codes=["K1", "S1", "B5"])) == [starts()]


@pytest.mark.parametrize("kind", [MentorChanged, EmployerChanged, PartyAttached, PartyDetached])
def test_who_surrounds_the_learner_is_noted_without_a_start(kind: type[Message]) -> None:
    assert follows(reviewing, around(kind)) == [notes()]


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (
            BreakInLearningStarted(**OF, first_day="2026-09-07", expected_return="2026-09-14"),
            NoteLearningBreakRequest(**OF, first_day="2026-09-07"),
        ),
        (
            BreakInLearningEnded(**OF, returned_on="2026-09-21"),
            NoteLearningBreakRequest(**OF, returned_on="2026-09-21"),
        ),
        (MentorshipCancelled(**OF), NoteMentorshipEndRequest(**OF)),
        (MentorshipCompleted(**OF), NoteMentorshipEndRequest(**OF)),
    ],
)
def test_breaks_and_the_end_are_noted(event: Message, command: Message) -> None:
    assert follows(reviewing, event) == [command]


def test_a_last_day_is_looked_at_when_it_is_over_and_none_where_nothing_is_due() -> None:
    event = ReviewDueSet(**OF, due_on="2026-11-01", late_at=at(DUE))
    assert follows(reviewing, event) == [Later(DUE, MarkReviewLateRequest(**OF, due_on="2026-11-01"))]
    assert follows(reviewing, ReviewDueSet(**OF)) == []


@pytest.mark.parametrize("kind", [ReviewHeld, ReviewRevised])
def test_signatures_are_looked_at_when_they_are_to_be_there(kind: type[Message]) -> None:
    event = kind(**ONE, content_hash="hash-1", sign_by=at(DUE))
    assert follows(reviewing, event) == [Later(DUE, MarkSignaturesLateRequest(**ONE, content_hash="hash-1"))]


@pytest.mark.parametrize("kind", [AssessmentRequested, AssessmentRedirected, AssessmentAccepted, AssessmentScheduled])
def test_every_wait_has_its_alarm(kind: type[Message]) -> None:
    event = kind(**ASKED, wait=2, late_at=at(DUE))
    assert follows(chasing, event) == [Later(DUE, ChaseAssessmentRequest(**ASKED, wait=2, number=1))]


def test_every_reminder_but_the_last_sets_the_next() -> None:
    event = AssessmentChased(**ASKED, wait=2, number=1, next_at=at(DUE))
    assert follows(chasing, event) == [Later(DUE, ChaseAssessmentRequest(**ASKED, wait=2, number=2))]
    assert follows(chasing, AssessmentChased(**ASKED, wait=2, number=5)) == []
