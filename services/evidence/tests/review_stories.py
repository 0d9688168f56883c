"""A mentorship and its reviews, as tests tell of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from eventkernel.messages import Principal
from eventkernel.testing.scenario import Given, Outcome, given, person
from evidence.domain.review_state import Reviews
from evidence.domain.reviews import reviews
from evidence.domain.support_policy import SupportPolicy
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    Party,
    StandardVersion,
)
from mentoring.evidence.v1.review_events_pb2 import (
    SIGNATORY_EMPLOYER,
    SIGNATORY_LEARNER,
    SIGNATORY_PROVIDER,
    ReviewedKsb,
    ReviewProgress,
    Signatory,
)
from mentoring.evidence.v1.review_pb2 import (
    HoldReviewRequest,
    NoteReviewedMentorshipRequest,
    ReviseReviewRequest,
    ScheduleReviewRequest,
    SignReviewRequest,
)
from mentoring.evidence.v1.review_views_pb2 import ReviewContent, ReviewGoal

LEARNER = person("learner-1", "learner")
MENTOR = person("mentor-1", "mentor")
MANAGER = person("manager-1", "provider_manager")
CONTACT = person("contact-1", "employer_contact")
ASSESSOR = person("assessor-1", "assessor")
OF: dict[str, Any] = {"learner_id": "learner-1", "mentorship_id": "mentorship-1"}
ONE: dict[str, Any] = {**OF, "review_id": "review-1"}
PARTIES = [
    Party(person_id="assessor-1", relationship=PARTY_RELATIONSHIP_ASSESSOR),
    Party(person_id="coach-1", relationship=PARTY_RELATIONSHIP_COACH),
    Party(person_id="contact-1", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
    Party(person_id="contact-2", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
]
STARTED = datetime(2026, 8, 1, 9, tzinfo=UTC)
STARTS = datetime(2026, 10, 20, 13, tzinfo=UTC)
# After the review.
AFTER = datetime(2026, 10, 20, 15, tzinfo=UTC)


def at(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


def notes(**fields: Any) -> NoteReviewedMentorshipRequest:
    standard = StandardVersion(reference="ST0148", version="1.0")
    told: dict[str, Any] = {"mentor_id": "mentor-1", "parties": PARTIES, "standard": standard, **OF, **fields}
    return NoteReviewedMentorshipRequest(**told)


def starts(**fields: Any) -> NoteReviewedMentorshipRequest:
    return notes(ksb_codes=["K1", "S1", "B5"], started_at=at(STARTED), **fields)


def schedules(moment: datetime = STARTS, **fields: Any) -> ScheduleReviewRequest:
    return ScheduleReviewRequest(**{**ONE, **fields}, starts_at=at(moment), duration=Duration(seconds=3600))


def content(**fields: Any) -> ReviewContent:
    progress = ReviewProgress(
        as_of=at(STARTS),
        session_minutes=90,
        off_the_job_minutes=600,
        minimum_off_the_job_minutes=11220,
        ksbs=[
            ReviewedKsb(ksb_code="K1", planned=2, practised=1, practised_minutes=90, evidenced=1),
            ReviewedKsb(ksb_code="S1"),
        ],
    )
    goal = ReviewGoal(goal_id="goal-1", text="Plan two lessons alone", ksb_codes=["S1"], due_on="2026-11-20")
    told: dict[str, Any] = {
        "progress": progress,
        "discussion": "What went well",
        "concerns": "Little time at work",
        "goals": [goal],
        "respectful_language": True,
    }
    return ReviewContent(**{**told, **fields})


def holds(**fields: Any) -> HoldReviewRequest:
    return HoldReviewRequest(**ONE, content=content(**fields))


def revises(**fields: Any) -> ReviseReviewRequest:
    return ReviseReviewRequest(**ONE, content=content(**fields))


def signs(content_hash: str, signatory: Signatory.ValueType, objection: str = "") -> SignReviewRequest:
    return SignReviewRequest(**ONE, content_hash=content_hash, signatory=signatory, objection=objection)


def ask(
    story: Given[Reviews], command: Message, by: Principal | None = None, moment: datetime = AFTER
) -> Outcome[Reviews]:
    """Decides beside the policy's defaults."""
    return story.beside(*(story.loaded or (SupportPolicy(),))).when(command, by=by, at=moment)


def told(*steps: tuple[Message, Principal | None, datetime] | Message) -> Given[Reviews]:
    """A story of what was asked for in turn: of the platform at the start, where a step says no more."""
    story = given(reviews)
    for step in steps:
        command, by, moment = step if isinstance(step, tuple) else (step, None, STARTED)
        story = ask(story, command, by, moment).after()
    return story


def started() -> Given[Reviews]:
    return told(starts())


def scheduled() -> Given[Reviews]:
    return told(starts(), (schedules(), MENTOR, STARTED))


def held() -> Given[Reviews]:
    return told(starts(), (schedules(), MENTOR, STARTED), (holds(), MENTOR, AFTER))


def hash_of(story: Given[Reviews]) -> str:
    """What is to be signed of the first review."""
    return story.state.reviews[0].content_hash


EVERY_SIGNER: Sequence[tuple[Principal, Signatory.ValueType]] = (
    (LEARNER, SIGNATORY_LEARNER),
    (MENTOR, SIGNATORY_PROVIDER),
    (CONTACT, SIGNATORY_EMPLOYER),
)


def signed_by(story: Given[Reviews], *signers: tuple[Principal, Signatory.ValueType]) -> Given[Reviews]:
    for by, signatory in signers:
        story = ask(story, signs(hash_of(story), signatory), by).after()
    return story
