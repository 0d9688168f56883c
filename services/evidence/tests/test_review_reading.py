"""Reviews as they are read: one, all of a mentorship, and what is due or late."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.reading import Ask
from eventkernel.testing.scenario import Given, person
from evidence.domain.review_content import progress_hash
from evidence.domain.review_state import Reviews
from evidence.projections.progress_facts import CONTRACT, ProgressFacts, keep, progress_as_known
from evidence.projections.review_record import get_review, get_review_progress, list_reviews
from evidence.projections.reviews_due import (
    ReviewsOfMentorship,
    list_my_reviews_due,
    list_reviews_due,
    reviews_due,
)
from evidence.projections.support_team import Attached, Mentorship, SupportTeam
from evidence.service import in_support_team
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_GUARDIAN, Page, StandardVersion
from mentoring.evidence.v1.review_events_pb2 import (
    REVIEW_CANCEL_REASON_OTHER,
    REVIEW_STANDING_ENDED,
    SIGNATORY_EMPLOYER,
    SIGNATORY_LEARNER,
    ReviewedKsb,
    ReviewProgress,
)
from mentoring.evidence.v1.review_pb2 import (
    CancelReviewRequest,
    HoldReviewRequest,
    NoteLearningBreakRequest,
    NoteMentorshipEndRequest,
    ReviseReviewRequest,
    ScheduleReviewRequest,
    SignReviewRequest,
)
from mentoring.evidence.v1.review_views_pb2 import (
    DUE_STATE_FIRST_OVERDUE,
    DUE_STATE_IN_TIME,
    DUE_STATE_LATE,
    DUE_STATE_NOTHING,
    REVIEW_STATUS_COMPLETE,
    REVIEW_STATUS_HELD,
    REVIEW_STATUS_SCHEDULED,
    REVIEWS_DUE_FIRST_OVERDUE,
    REVIEWS_DUE_LATE,
    REVIEWS_DUE_SIGNATURES_LATE,
    DueState,
    GetReviewProgressRequest,
    GetReviewRequest,
    ListMyReviewsDueRequest,
    ListReviewsDueRequest,
    ListReviewsRequest,
)
from mentoring.sessions.v1.events_pb2 import SessionHeld, SessionPlanned

from .review_stories import (
    AFTER,
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
    notes,
    revises,
    scheduled,
    schedules,
    signed_by,
    signs,
    started,
)

STREAM = "reviews-learner-1.mentorship-1"
GETS = GetReviewRequest(**ONE)
LISTS = ListReviewsRequest(**OF)


def document(story: Given[Reviews], stream: str = STREAM) -> ReviewsOfMentorship:
    found = reviews_due.new(stream)
    for number, event in enumerate(story.past, start=1):
        if fold := reviews_due.folds.get(type(event)):
            fold(found, event, Metadata("event-1", "type", "provider-1", stream, number, STARTED))
    return ReviewsOfMentorship.model_validate_json(found.model_dump_json())


async def test_a_review_shows_its_texts_and_the_hash_that_is_signed(reader: Callable[..., Any]) -> None:
    read = reader(CONTACT, streams={STREAM: held().past}, now=AFTER)
    answer = await get_review(GETS, read)
    assert answer.content == content()
    assert (answer.review.status, answer.review.content_hash) == (REVIEW_STATUS_HELD, hash_of(held()))
    assert answer.progress_hash == progress_hash(content().progress)
    assert (answer.review.held_on, answer.review.revision, list(answer.review.signed)) == ("2026-10-20", 1, [])
    assert read.opened == ["content.discussion", "content.concerns", "content.goals[0].text"]


async def test_a_review_that_is_to_come_has_no_content(reader: Callable[..., Any]) -> None:
    answer = await get_review(GETS, reader(MENTOR, streams={STREAM: scheduled().past}))
    assert (answer.review.status, answer.review.starts_at) == (REVIEW_STATUS_SCHEDULED, at(STARTS))
    assert not answer.HasField("content")


async def test_signatures_of_a_former_content_stay_in_the_history(reader: Callable[..., Any]) -> None:
    story = ask(held(), signs(hash_of(held()), SIGNATORY_EMPLOYER, "Not so"), CONTACT).after()
    story = ask(story, revises(discussion="Otherwise"), MENTOR).after()
    story = signed_by(story, EVERY_SIGNER[0])
    answer = await get_review(GETS, reader(MENTOR, streams={STREAM: story.past}))
    assert answer.content.discussion == "Otherwise"
    assert list(answer.review.signed) == [SIGNATORY_LEARNER]
    assert [(one.signatory, one.signed_by, one.revision, one.objection) for one in answer.signatures] == [
        (SIGNATORY_EMPLOYER, "contact-1", 1, "Not so"),
        (SIGNATORY_LEARNER, "learner-1", 2, ""),
    ]
    assert answer.signatures[0].content_hash == hash_of(held())


async def test_an_unknown_review_is_told_as_such(reader: Callable[..., Any]) -> None:
    for streams in ({}, {STREAM: started().past}):
        with pytest.raises(Refusal) as caught:
            await get_review(GETS, reader(MENTOR, streams=streams))
        assert caught.value.code == "REVIEW_UNKNOWN"


async def test_late_signatures_show_while_they_are_waited_for(reader: Callable[..., Any]) -> None:
    async def late(story: Given[Reviews], now: datetime) -> bool:
        answer = await get_review(GETS, reader(MENTOR, streams={STREAM: story.past}, now=now))
        return answer.review.signatures_late

    sign_by = datetime(2026, 11, 3, 16, tzinfo=UTC)
    assert not await late(held(), sign_by - timedelta(seconds=1))
    assert await late(held(), sign_by)
    assert not await late(signed_by(held(), *EVERY_SIGNER), sign_by)
    assert not await late(ask(held(), NoteMentorshipEndRequest(**OF)).after(), sign_by)


async def test_a_mentorships_reviews_come_newest_first_filtered_and_in_pages(reader: Callable[..., Any]) -> None:
    story = signed_by(held(), *EVERY_SIGNER)
    story = ask(story, schedules(AFTER + timedelta(days=80), review_id="review-2"), MENTOR).after()
    read = reader(LEARNER, streams={STREAM: story.past}, now=AFTER)
    answer = await list_reviews(LISTS, read)
    assert [one.review_id for one in answer.reviews] == ["review-2", "review-1"]
    assert (answer.next.due_on, answer.next.state) == ("2027-01-20", DUE_STATE_IN_TIME)
    assert answer.next.scheduled_at == at(AFTER + timedelta(days=80))
    assert read.opened == []
    first = await list_reviews(ListReviewsRequest(**OF, page=Page(size=1)), read)
    second = await list_reviews(ListReviewsRequest(**OF, page=Page(size=1, cursor=first.next_cursor)), read)
    assert [one.review_id for one in (*first.reviews, *second.reviews)] == ["review-2", "review-1"]
    assert second.next_cursor == ""
    complete = await list_reviews(ListReviewsRequest(**OF, status=REVIEW_STATUS_COMPLETE), read)
    assert [one.review_id for one in complete.reviews] == ["review-1"]
    nothing = await list_reviews(LISTS, reader(LEARNER))
    assert (list(nothing.reviews), nothing.HasField("next")) == ([], False)


def practised(at_ms: int) -> ProgressFacts:
    """That the learner was in a session on K1, as it was recorded at that time."""
    stream, found = "session-session-1", ProgressFacts(stream="session-session-1")
    standard = StandardVersion(reference="ST0148", version="1.0")
    told: dict[str, Any] = {"session_id": "session-1", "learner_id": "learner-1", "standard": standard}
    for number, event in enumerate(
        (
            SessionPlanned(**told, ksb_codes=["K1"], starts_at=at(STARTED)),
            SessionHeld(**told, ksb_codes=["K1"], duration=Duration(seconds=5430)),
        ),
        start=1,
    ):
        moment = datetime.fromtimestamp(at_ms / 1000, UTC)
        keep(found, event, Metadata("event-1", CONTRACT.of(event).type, "provider-1", stream, number, moment))
    return found


async def test_the_figures_of_a_review_are_those_of_progress_now(reader: Callable[..., Any]) -> None:
    facts = practised(int(STARTED.timestamp() * 1000))
    known = await progress_as_known("learner-1", AFTER, reader(MENTOR, documents=[facts]))
    read = reader(MENTOR, streams={STREAM: started().past}, documents=[known], now=AFTER)
    answer = await get_review_progress(GetReviewProgressRequest(**OF), read)
    assert answer.progress == ReviewProgress(
        as_of=at(AFTER),
        session_minutes=90,
        minimum_off_the_job_minutes=187 * 60,
        ksbs=[
            ReviewedKsb(ksb_code="K1", planned=1, practised=1, practised_minutes=90),
            ReviewedKsb(ksb_code="S1"),
            ReviewedKsb(ksb_code="B5"),
        ],
    )
    assert answer.progress_hash == progress_hash(answer.progress)
    with pytest.raises(Refusal) as caught:
        await get_review_progress(GetReviewProgressRequest(**OF), reader(MENTOR))
    assert caught.value.code == "MENTORSHIP_UNKNOWN"


async def test_figures_as_they_were_given_are_confirmed_and_others_are_not(reader: Callable[..., Any]) -> None:
    facts = practised(int(STARTED.timestamp() * 1000))
    known = await progress_as_known("learner-1", AFTER, reader(MENTOR, documents=[facts]))
    read = reader(MENTOR, streams={STREAM: started().past}, documents=[known], now=AFTER)
    given = (await get_review_progress(GetReviewProgressRequest(**OF), read)).progress

    async def confirmed(progress: ReviewProgress, facts: ProgressFacts = facts) -> bool:
        story = ask(scheduled(), HoldReviewRequest(**ONE, content=content(progress=progress)), MENTOR).after()
        read = reader(MENTOR, streams={STREAM: story.past}, documents=[facts])
        return (await get_review(GETS, read)).progress_confirmed

    assert await confirmed(given)
    # What is counted was recorded only afterwards.
    assert not await confirmed(given, practised(int(AFTER.timestamp() * 1000) + 1))
    better = ReviewProgress.FromString(given.SerializeToString())
    better.ksbs[1].practised = 1
    assert not await confirmed(better)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 8, 29, 22, 59, tzinfo=UTC), DUE_STATE_IN_TIME),
        (datetime(2026, 8, 29, 23, 0, tzinfo=UTC), DUE_STATE_FIRST_OVERDUE),
        (datetime(2026, 11, 1, 23, 59, tzinfo=UTC), DUE_STATE_FIRST_OVERDUE),
        (datetime(2026, 11, 2, 0, 0, tzinfo=UTC), DUE_STATE_LATE),
    ],
)
async def test_no_first_review_in_four_weeks_is_a_warning_and_three_months_late(
    reader: Callable[..., Any], now: datetime, state: DueState.ValueType
) -> None:
    read = reader(MENTOR, documents=[document(started())], now=now)
    answer = await list_my_reviews_due(ListMyReviewsDueRequest(), read)
    assert [one.state for one in answer.reviews] == [state]


def test_what_is_due_follows_the_appointment_and_signatures() -> None:
    assert document(scheduled()).scheduled_ms == int(STARTS.timestamp() * 1000)
    cancels = CancelReviewRequest(**ONE, reason=REVIEW_CANCEL_REASON_OTHER)
    assert document(ask(scheduled(), cancels, MENTOR).after()).scheduled_ms == 0
    assert document(held()).scheduled_ms == 0
    waits = document(held())
    assert waits.unsigned == {"review-1": waits.sign_by_ms}
    revised = document(ask(held(), revises(discussion="Otherwise"), MENTOR, AFTER + timedelta(days=1)).after())
    assert revised.sign_by_ms == waits.sign_by_ms + 24 * 3600 * 1000
    done = document(signed_by(held(), *EVERY_SIGNER))
    assert (done.unsigned, done.sign_by_ms) == ({}, 0)


async def test_lists_of_what_is_late_leave_out_what_is_not(reader: Callable[..., Any]) -> None:
    away = ask(started(), NoteLearningBreakRequest(**OF, first_day="2026-09-07")).after()
    over = ask(held(), NoteMentorshipEndRequest(**OF)).after()
    held_away = ask(held(), NoteLearningBreakRequest(**OF, first_day="2026-10-25")).after()
    told = {"late": started(), "held": held(), "away": away, "over": over, "held-away": held_away}
    documents = [document(story, name) for name, story in told.items()]
    now = datetime(2026, 11, 5, tzinfo=UTC)

    async def listed(which: Any, at: datetime = now) -> list[str]:
        read = reader(MANAGER, documents=documents, now=at)
        answer = await list_reviews_due(ListReviewsDueRequest(which=which), read)
        return sorted(one.due_on or "none" for one in answer.reviews)

    assert await listed(0) == ["2026-11-01", "2027-01-20"]
    assert await listed(REVIEWS_DUE_LATE) == ["2026-11-01"]
    assert await listed(REVIEWS_DUE_LATE, STARTED) == []
    assert await listed(REVIEWS_DUE_FIRST_OVERDUE) == ["2026-11-01"]
    assert await listed(REVIEWS_DUE_SIGNATURES_LATE) == ["2027-01-20", "none"]
    assert await listed(REVIEWS_DUE_SIGNATURES_LATE, AFTER) == []


def test_nothing_is_due_of_what_ended() -> None:
    over = document(ask(started(), NoteMentorshipEndRequest(**OF)).after())
    assert (over.standing, over.due_on, over.late_ms) == (REVIEW_STANDING_ENDED, "", 0)


async def test_a_mentor_sees_their_own_and_a_manager_anybodys_in_pages(reader: Callable[..., Any]) -> None:
    theirs = ask(started(), notes(mentor_id="mentor-2")).after()
    documents = [*(document(started(), f"stream-{number}") for number in range(5)), document(theirs, "stream-9")]
    now = datetime(2026, 11, 5, tzinfo=UTC)
    read = reader(MENTOR, documents=documents, now=now)
    assert len((await list_my_reviews_due(ListMyReviewsDueRequest(), read)).reviews) == 5

    async def pages(read: Any, **fields: Any) -> list[int]:
        sizes, cursor = [], ""
        while True:
            page = Page(size=2, cursor=cursor)
            # The clock goes on between two pages.
            read.at += timedelta(seconds=1)
            answer = await list_reviews_due(ListReviewsDueRequest(page=page, **fields), read)
            sizes.append(len(answer.reviews))
            cursor = answer.next_cursor
            if not cursor:
                return sizes

    assert await pages(reader(MANAGER, documents=documents, now=now), which=REVIEWS_DUE_LATE) == [2, 2, 2]
    assert await pages(reader(MANAGER, documents=documents, now=now), which=REVIEWS_DUE_LATE, mentor_id="mentor-2") == [
        1
    ]


async def test_a_review_that_was_held_after_the_end_of_its_state_is_nothing_due(reader: Callable[..., Any]) -> None:
    away = ask(started(), NoteLearningBreakRequest(**OF, first_day="2026-09-07")).after()
    answer = await list_reviews(LISTS, reader(LEARNER, streams={STREAM: away.past}))
    assert answer.next.state == DUE_STATE_NOTHING


# Who may call what: the need-to-know matrix for progress, and whoever has a part in a review.
TEAM = SupportTeam(
    learner_id="learner-1",
    mentorships={
        "mentorship-1": Mentorship(
            mentor_id="mentor-1",
            standard_reference="ST0148",
            parties=[
                *(Attached(person_id=one.person_id, relationship=one.relationship) for one in PARTIES),
                Attached(person_id="guardian-1", relationship=PARTY_RELATIONSHIP_GUARDIAN),
            ],
        ),
        "mentorship-2": Mentorship(mentor_id="mentor-2", standard_reference="ST0070", parties=[]),
    },
)
KEEPING = (
    GetReviewProgressRequest(**OF),
    ScheduleReviewRequest(**ONE),
    CancelReviewRequest(**ONE),
    HoldReviewRequest(**ONE),
    ReviseReviewRequest(**ONE),
)
SIGNING = (SignReviewRequest(**ONE),)


@pytest.mark.parametrize(
    ("person_id", "role", "requests"),
    [
        ("learner-1", "learner", (GETS, LISTS, *SIGNING)),
        ("mentor-1", "mentor", (GETS, LISTS, *SIGNING, *KEEPING)),
        ("assessor-1", "assessor", (GETS, LISTS)),
        ("contact-1", "employer_contact", (GETS, LISTS, *SIGNING)),
        # Whether the learner is under 18 is not known here, so a guardian reads nothing.
        ("guardian-1", "guardian", ()),
        ("coach-1", "coach", ()),
        ("manager-1", "provider_manager", (GETS, LISTS, *SIGNING, *KEEPING)),
        ("mentor-2", "mentor", ()),
        ("assessor-9", "assessor", ()),
    ],
)
async def test_who_is_told_of_reviews_and_who_has_a_part_in_them(
    reader: Callable[..., Any], person_id: str, role: str, requests: Sequence[Message]
) -> None:
    caller = person(person_id, role)
    read = reader(caller, documents=[TEAM])
    for request in (GETS, LISTS, *SIGNING, *KEEPING):
        allowed = await in_support_team(Ask(caller, request, read))
        # The learner is let in to all that is about them: the decisions refuse what is not theirs to do.
        assert allowed is (request in requests or role == "learner"), type(request).__name__
