"""What is recorded of a review, and who signs it."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from eventkernel.aggregate import AlreadyDone, Context
from eventkernel.messages import Principal
from eventkernel.testing.scenario import given, person
from evidence.domain.review_content import progress_hash
from evidence.domain.reviews import reviews
from evidence.domain.support_policy import SupportPolicy
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_EMPLOYER_CONTACT, Party, Sealed
from mentoring.evidence.v1.review_events_pb2 import (
    REVIEW_CANCEL_REASON_OTHER,
    SIGNATORY_EMPLOYER,
    SIGNATORY_LEARNER,
    SIGNATORY_PROVIDER,
    ReviewCancelled,
    ReviewCompleted,
    ReviewedKsb,
    ReviewHeld,
    ReviewProgress,
    ReviewRevised,
    ReviewScheduled,
    ReviewSigned,
    Signatory,
    SignaturesLate,
)
from mentoring.evidence.v1.review_pb2 import (
    CancelReviewRequest,
    MarkSignaturesLateRequest,
    NoteMentorshipEndRequest,
)
from mentoring.evidence.v1.review_views_pb2 import (
    REVIEW_STATUS_COMPLETE,
    REVIEW_STATUS_HELD,
    REVIEW_STATUS_SCHEDULED,
    ReviewGoal,
)

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
    STARTS,
    ask,
    at,
    content,
    hash_of,
    held,
    holds,
    notes,
    revises,
    scheduled,
    schedules,
    signed_by,
    signs,
    started,
    starts,
    told,
)

CANCELS = CancelReviewRequest(**ONE, reason=REVIEW_CANCEL_REASON_OTHER)


def progress(*codes: str, as_of: datetime = STARTS) -> ReviewProgress:
    return ReviewProgress(as_of=at(as_of), ksbs=[ReviewedKsb(ksb_code=code) for code in codes])


def goal(**fields: Any) -> ReviewGoal:
    told: dict[str, Any] = {"goal_id": "goal-1", "text": "Teach", "ksb_codes": ["K1"], "due_on": "2026-11-01"}
    return ReviewGoal(**{**told, **fields})


def test_a_review_is_scheduled_and_moved() -> None:
    (event,) = ask(started(), schedules(), MENTOR, STARTED).events
    assert isinstance(event, ReviewScheduled)
    assert not event.HasField("former_starts_at")
    ask(scheduled(), schedules(), MENTOR, STARTED).then_nothing()
    (moved,) = ask(scheduled(), schedules(STARTS + timedelta(days=1)), MENTOR, STARTED).events
    assert isinstance(moved, ReviewScheduled)
    assert moved.former_starts_at == at(STARTS)
    ask(started(), schedules(STARTED), MENTOR, STARTED).then_refused("NOT_TO_COME")


def test_one_review_at_a_time_is_scheduled() -> None:
    other = schedules(review_id="review-2")
    assert "review-1" in ask(scheduled(), other, MENTOR, STARTED).then_refused("REVIEW_SCHEDULED_ALREADY").text
    gone = ask(scheduled(), CANCELS, MENTOR).then(
        ReviewCancelled(**ONE, mentor_id="mentor-1", reason=REVIEW_CANCEL_REASON_OTHER)
    )
    ask(gone, other, MENTOR, STARTED).after()
    ask(gone, CANCELS, MENTOR).then_nothing()
    ask(gone, holds(), MENTOR).then_refused("REVIEW_CANCELLED")
    ask(gone, schedules(STARTS + timedelta(days=1)), MENTOR, STARTED).then_refused("REVIEW_CANCELLED")
    ask(held(), other, MENTOR, STARTED).after()
    ask(held(), CANCELS, MENTOR).then_refused("REVIEW_HELD_ALREADY")


@pytest.mark.parametrize("command", [schedules(), CANCELS, holds(), revises()])
@pytest.mark.parametrize(
    "by",
    [
        person("learner-1", "learner", "mentor", "provider_manager"),
        person("mentor-2", "mentor"),
        person("contact-1", "employer_contact", "mentor"),
    ],
)
def test_reviews_are_kept_by_the_mentor_or_a_manager(command: Message, by: Principal) -> None:
    ask(scheduled(), command, by).then_refused("NOT_YOURS_TO_KEEP")


def test_a_manager_may_keep_a_review_in_the_mentors_place() -> None:
    story = ask(started(), schedules(), MANAGER, STARTED).after()
    event = ask(story, holds(), MANAGER).events[0]
    assert isinstance(event, ReviewHeld)
    assert (event.recorded_by, event.mentor_id) == ("manager-1", "mentor-1")


def test_what_was_held_is_recorded_with_texts_to_be_sealed_and_digests() -> None:
    event = ask(scheduled(), holds(), MENTOR).events[0]
    assert isinstance(event, ReviewHeld)
    assert (event.held_on, event.revision) == ("2026-10-20", 1)
    assert event.content.discussion == Sealed(to_be_sealed="What went well")
    assert event.content.goals[0].text == Sealed(to_be_sealed="Plan two lessons alone")
    assert event.content.progress_hash == progress_hash(content().progress)
    digests = {event.content.discussion_digest, event.content.concerns_digest, event.content.goals[0].text_digest}
    assert {len(digest) for digest in digests} == {64}
    assert len(digests) == 3
    # Ten working days, and the clocks go back in between.
    assert event.sign_by == at(datetime(2026, 11, 3, 16, tzinfo=UTC))
    without = ask(scheduled(), holds(concerns=""), MENTOR).events[0]
    assert isinstance(without, ReviewHeld)
    assert not without.content.HasField("concerns")


def test_nothing_is_recorded_before_it_begins_or_of_what_was_not_scheduled() -> None:
    ask(scheduled(), holds(), MENTOR, STARTS - timedelta(seconds=1)).then_refused("REVIEW_AHEAD")
    ask(started(), holds(), MENTOR).then_refused("REVIEW_UNKNOWN")
    ask(scheduled(), revises(), MENTOR).then_refused("REVIEW_NOT_HELD")
    ask(scheduled(), signs("0" * 64, SIGNATORY_LEARNER), LEARNER).then_refused("REVIEW_NOT_HELD")
    ask(started(), signs("0" * 64, SIGNATORY_LEARNER), LEARNER).then_refused("REVIEW_UNKNOWN")
    ask(given(reviews), holds(), MENTOR).then_refused("MENTORSHIP_UNKNOWN")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        (
            {"respectful_language": False},
            "RESPECTFUL_LANGUAGE_NOT_CONFIRMED",
            "content.respectful_language",
        ),
        ({"progress": progress("K1", "K9")}, "UNKNOWN_KSB", "content.progress.ksbs"),
        ({"progress": progress("K1", "K1")}, "DUPLICATE_KSB", "content.progress.ksbs"),
        ({"progress": progress(as_of=AFTER + timedelta(seconds=1))}, "PROGRESS_AHEAD", "content.progress.as_of"),
        ({"goals": [goal(), goal(text="Learn")]}, "DUPLICATE_GOAL", "content.goals[1].goal_id"),
        ({"goals": [goal(ksb_codes=["S9"])]}, "UNKNOWN_KSB", "content.goals[0].ksb_codes"),
        ({"goals": [goal(due_on="2026-10-20")]}, "GOAL_DUE_BEFORE_REVIEW", "content.goals[0].due_on"),
        ({"goals": [goal(due_on="2026-02-30")]}, "NO_SUCH_DAY", "content.goals[0].due_on"),
    ],
)
def test_a_content_that_could_not_be_signed_is_refused(changed: dict[str, Any], code: str, field: str) -> None:
    assert ask(scheduled(), holds(**changed), MENTOR).then_refused(code).field == field
    assert ask(held(), revises(**changed), MENTOR).then_refused(code).field == field


def test_recording_the_same_again_is_done_and_something_else_is_refused() -> None:
    again = ask(held(), holds(), MENTOR)
    again.then_nothing()
    ask(held(), holds(discussion="What went better"), MENTOR).then_refused("REVIEW_HELD_ALREADY")
    ask(held(), revises(), MENTOR).then_nothing()


def test_a_repeat_is_known_by_its_texts_too() -> None:
    """So that the kernel need not take other text for lost."""
    story = held()
    decide = reviews.decisions[type(holds())]
    context = Context(MENTOR, AFTER, "command-2", {SupportPolicy: SupportPolicy()})
    assert isinstance(decide(story.state, holds(), context), AlreadyDone)


@pytest.mark.parametrize(
    "changed",
    [
        {"discussion": "What went well."},
        {"concerns": ""},
        {"concerns": "Little time"},
        {"goals": [goal()]},
        {"goals": [goal(text="Plan two lessons alone", ksb_codes=["S1"], due_on="2026-11-21")]},
        {"progress": progress("K1", "S1")},
    ],
)
def test_any_change_gives_another_hash(changed: dict[str, Any]) -> None:
    one = ask(scheduled(), holds(), MENTOR).after()
    other = ask(scheduled(), holds(**changed), MENTOR).after()
    assert hash_of(one) != hash_of(other)


def test_the_same_content_gives_the_same_hash_in_whatever_order_it_is_sent() -> None:
    first, second = goal(), goal(goal_id="goal-2", ksb_codes=["K1", "S1"])
    turned = goal(goal_id="goal-2", ksb_codes=["S1", "K1"])
    one = ask(scheduled(), holds(goals=[first, second]), MENTOR).after()
    other = ask(scheduled(), holds(goals=[turned, first]), MANAGER, AFTER + timedelta(days=1)).after()
    assert hash_of(one) == hash_of(other)


def test_the_hash_is_the_one_that_was_always_made_of_this_content() -> None:
    """Reckoned apart: a change of the form would take old signatures' meaning away."""
    event = ask(scheduled(), holds(), MENTOR).events[0]
    assert isinstance(event, ReviewHeld)
    figures = "\n".join(
        [
            f"as-of {int(STARTS.timestamp())} 0",
            "session-minutes 90",
            "off-the-job 600 11220",
            "ksb K1 2 1 90 1 0 0",
            "ksb S1 0 0 0 0 0 0",
        ]
    )
    lines = [
        "review learner-1 mentorship-1 review-1 1 2026-10-20",
        f"progress {hashlib.sha256(figures.encode()).hexdigest()}",
        f"discussion {event.content.discussion_digest}",
        f"concerns {event.content.concerns_digest}",
        f"goal goal-1 2026-11-20 S1 {event.content.goals[0].text_digest}",
        "respectful-language 1",
    ]
    assert event.content_hash == hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_three_signatures_under_one_content_complete_it() -> None:
    story = signed_by(held(), *EVERY_SIGNER[:2])
    assert story.state.reviews[0].status == REVIEW_STATUS_HELD
    signed, completed = ask(story, signs(hash_of(story), SIGNATORY_EMPLOYER), CONTACT).events
    assert signed == ReviewSigned(
        **ONE,
        mentor_id="mentor-1",
        signatory=SIGNATORY_EMPLOYER,
        signed_by="contact-1",
        content_hash=hash_of(story),
        revision=1,
    )
    assert completed == ReviewCompleted(**ONE, mentor_id="mentor-1", content_hash=hash_of(story))
    done = signed_by(story, EVERY_SIGNER[2])
    assert done.state.reviews[0].status == REVIEW_STATUS_COMPLETE
    ask(done, signs(hash_of(story), SIGNATORY_EMPLOYER), CONTACT).then_nothing()
    ask(done, revises(discussion="Otherwise"), MENTOR).then_refused("REVIEW_COMPLETE")


def test_the_signatures_may_come_in_any_order() -> None:
    story = signed_by(held(), *reversed(EVERY_SIGNER))
    assert story.state.reviews[0].status == REVIEW_STATUS_COMPLETE


def test_a_hash_that_is_not_the_present_content_is_not_signed() -> None:
    first = hash_of(held())
    story = ask(signed_by(held(), *EVERY_SIGNER[:2]), revises(discussion="Otherwise"), MENTOR).after()
    refusal = ask(story, signs(first, SIGNATORY_EMPLOYER), CONTACT).then_refused("CONTENT_CHANGED")
    assert "read it again" in refusal.text
    assert refusal.field == "content_hash"


def test_a_change_asks_for_all_signatures_anew() -> None:
    story = ask(signed_by(held(), *EVERY_SIGNER[:2]), revises(discussion="Otherwise"), MENTOR).after()
    event = story.past[-1]
    assert isinstance(event, ReviewRevised)
    assert (event.revision, event.held_on) == (2, "2026-10-20")
    assert story.state.reviews[0].signatures == ()
    assert len(story.state.reviews[0].missing) == 3
    assert signed_by(story, EVERY_SIGNER[2]).state.reviews[0].status == REVIEW_STATUS_HELD
    assert signed_by(story, *EVERY_SIGNER).state.reviews[0].status == REVIEW_STATUS_COMPLETE


def test_going_back_to_what_was_signed_before_does_not_bring_signatures_back() -> None:
    signed = signed_by(held(), *EVERY_SIGNER[:2])
    other = ask(signed, revises(discussion="Otherwise"), MENTOR).after()
    back = ask(other, revises(), MENTOR).after()
    assert hash_of(back) != hash_of(signed)
    assert back.state.reviews[0].signatures == ()


@pytest.mark.parametrize(
    ("by", "signatory"),
    [
        (LEARNER, SIGNATORY_PROVIDER),
        (LEARNER, SIGNATORY_EMPLOYER),
        (MENTOR, SIGNATORY_LEARNER),
        (MENTOR, SIGNATORY_EMPLOYER),
        (CONTACT, SIGNATORY_LEARNER),
        (CONTACT, SIGNATORY_PROVIDER),
        (MANAGER, SIGNATORY_EMPLOYER),
        (MANAGER, SIGNATORY_LEARNER),
        (ASSESSOR, SIGNATORY_EMPLOYER),
        (person("mentor-2", "mentor"), SIGNATORY_PROVIDER),
        (person("contact-9", "employer_contact"), SIGNATORY_EMPLOYER),
        (person("learner-1", "learner", "provider_manager"), SIGNATORY_PROVIDER),
    ],
)
def test_nobody_signs_for_somebody_else(by: Principal, signatory: Signatory.ValueType) -> None:
    ask(held(), signs(hash_of(held()), signatory), by).then_refused("SIGNATORY_NOT_YOURS")


def test_three_people_sign_and_each_once() -> None:
    both = notes(mentor_id="contact-1")
    story = ask(held(), both).after()
    twice = person("contact-1", "mentor", "employer_contact")
    story = signed_by(story, (twice, SIGNATORY_PROVIDER))
    ask(story, signs(hash_of(story), SIGNATORY_EMPLOYER), twice).then_refused("SIGNED_FOR_ANOTHER")
    story = signed_by(story, (person("contact-2", "employer_contact"), SIGNATORY_EMPLOYER))
    ask(story, signs(hash_of(story), SIGNATORY_PROVIDER), MANAGER).then_refused("SIGNED_ALREADY")


def test_a_manager_signs_for_the_provider_where_the_mentor_does_not() -> None:
    story = signed_by(held(), (LEARNER, SIGNATORY_LEARNER), (MANAGER, SIGNATORY_PROVIDER), EVERY_SIGNER[2])
    assert story.state.reviews[0].status == REVIEW_STATUS_COMPLETE


def test_who_refuses_signs_with_an_objection() -> None:
    story = signed_by(held(), *EVERY_SIGNER[:2])
    objects = signs(hash_of(story), SIGNATORY_EMPLOYER, "The hours are not right")
    signed, completed = ask(story, objects, CONTACT).events
    assert isinstance(signed, ReviewSigned)
    assert signed.objection == Sealed(to_be_sealed="The hours are not right")
    assert completed == ReviewCompleted(
        **ONE, mentor_id="mentor-1", content_hash=hash_of(story), objecting=[SIGNATORY_EMPLOYER]
    )
    ask(ask(story, objects, CONTACT).after(), signs(hash_of(story), SIGNATORY_EMPLOYER), CONTACT).then_refused(
        "SIGNED_ALREADY"
    )
    ask(held(), signs(hash_of(held()), SIGNATORY_PROVIDER, "No"), MENTOR).then_refused("OBJECTION_OF_PROVIDER")


def test_whoever_came_after_the_review_signs_and_who_left_does_not() -> None:
    contact = Party(person_id="contact-9", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
    story = ask(held(), notes(parties=[*PARTIES[:2], contact])).after()
    ask(story, signs(hash_of(story), SIGNATORY_EMPLOYER), CONTACT).then_refused("SIGNATORY_NOT_YOURS")
    ask(story, signs(hash_of(story), SIGNATORY_EMPLOYER), person("contact-9", "employer_contact")).after()


def test_signatures_are_late_once_of_a_content() -> None:
    story = signed_by(held(), EVERY_SIGNER[0])
    sign_by = datetime(2026, 11, 3, 16, tzinfo=UTC)
    marks = MarkSignaturesLateRequest(**ONE, content_hash=hash_of(story))
    ask(story, marks, moment=sign_by - timedelta(seconds=1)).then_refused("DEADLINE_AHEAD")
    late = ask(story, marks, moment=sign_by).then(
        SignaturesLate(
            **ONE,
            mentor_id="mentor-1",
            content_hash=hash_of(story),
            sign_by=at(sign_by),
            missing=[SIGNATORY_PROVIDER, SIGNATORY_EMPLOYER],
        )
    )
    ask(late, marks, moment=sign_by).then_nothing()
    revised = ask(late, revises(discussion="Otherwise"), MENTOR, sign_by).after()
    ask(revised, marks, moment=sign_by).then_nothing()
    new = MarkSignaturesLateRequest(**ONE, content_hash=hash_of(revised))
    (again,) = ask(revised, new, moment=sign_by + timedelta(days=30)).events
    assert isinstance(again, SignaturesLate)
    assert len(again.missing) == 3


def test_signatures_are_not_late_of_what_is_complete_ended_or_unknown() -> None:
    moment = AFTER + timedelta(days=30)
    marks = MarkSignaturesLateRequest(**ONE, content_hash=hash_of(held()))
    ask(signed_by(held(), *EVERY_SIGNER), marks, moment=moment).then_nothing()
    over = ask(held(), NoteMentorshipEndRequest(**OF)).after()
    ask(over, marks, moment=moment).then_nothing()
    ask(over, signs(hash_of(over), SIGNATORY_LEARNER), LEARNER).then_refused("MENTORSHIP_NOT_ACTIVE")
    ask(scheduled(), marks, moment=moment).then_nothing()


def test_the_day_of_a_review_is_the_providers() -> None:
    evening = datetime(2026, 7, 31, 23, 30, tzinfo=UTC)
    early = starts()
    early.started_at.CopyFrom(at(datetime(2026, 7, 1, tzinfo=UTC)))
    story = told(early, (schedules(evening), MENTOR, datetime(2026, 7, 2, tzinfo=UTC)), (holds(), MENTOR, AFTER))
    assert story.state.reviews[0].held_on == date(2026, 8, 1)
    assert scheduled().state.reviews[0].status == REVIEW_STATUS_SCHEDULED
