"""What is due in a mentorship follows its start, its breaks, its reviews and its end; and what is late is told once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from evidence.domain.review_state import Reviews
from evidence.domain.reviews import reviews
from evidence.domain.support_policy import SupportPolicy
from mentoring.evidence.v1.review_events_pb2 import (
    REVIEW_STANDING_DUE,
    REVIEW_STANDING_ENDED,
    REVIEW_STANDING_ON_BREAK,
    ReviewDueSet,
    ReviewedMentorshipNoted,
    ReviewLate,
)
from mentoring.evidence.v1.review_pb2 import (
    MarkReviewLateRequest,
    NoteLearningBreakRequest,
    NoteMentorshipEndRequest,
)
from pydantic import TypeAdapter

from .review_stories import (
    AFTER,
    EVERY_SIGNER,
    MENTOR,
    OF,
    PARTIES,
    STARTED,
    ask,
    at,
    held,
    holds,
    notes,
    schedules,
    signed_by,
    started,
    starts,
)

ENDS = NoteMentorshipEndRequest(**OF)
# The first second of the day after 1 November in London.
OVER = datetime(2026, 11, 2, tzinfo=UTC)
MARKS = MarkReviewLateRequest(**OF, due_on="2026-11-01")
LATE = ReviewLate(**OF, mentor_id="mentor-1", due_on="2026-11-01")


def breaks(first_day: str = "", returned_on: str = "") -> NoteLearningBreakRequest:
    return NoteLearningBreakRequest(**OF, first_day=first_day, returned_on=returned_on)


def test_the_start_makes_the_first_review_due() -> None:
    noted, due = ask(given(reviews), starts(), moment=STARTED).events
    assert isinstance(noted, ReviewedMentorshipNoted)
    assert (noted.started_on, list(noted.ksb_codes)) == ("2026-08-01", ["K1", "S1", "B5"])
    assert due == ReviewDueSet(
        **OF,
        mentor_id="mentor-1",
        standing=REVIEW_STANDING_DUE,
        due_on="2026-11-01",
        first_by="2026-08-29",
        late_at=at(OVER),
        first_late_at=at(datetime(2026, 8, 29, 23, tzinfo=UTC)),
    )
    ask(started(), starts()).then_nothing()


def test_the_day_of_the_start_is_the_providers() -> None:
    late_evening = starts()
    late_evening.started_at.CopyFrom(at(datetime(2026, 7, 31, 23, 30, tzinfo=UTC)))
    assert ask(given(reviews), late_evening).after().state.due == started().state.due


def test_a_break_stops_what_is_due_and_its_end_moves_it() -> None:
    away = ask(started(), breaks("2026-09-07")).after()
    assert away.state.due is not None
    assert (away.state.due.standing, away.state.due.due_on) == (REVIEW_STANDING_ON_BREAK, None)
    ask(away, breaks("2026-09-07")).then_nothing()
    back = ask(away, breaks(returned_on="2026-09-21")).after()
    assert back.state.due is not None
    assert (back.state.due.standing, back.state.due.due_on) == (REVIEW_STANDING_DUE, date(2026, 11, 15))
    # The four weeks of good practice were over before it.
    assert back.state.due.first_by == date(2026, 8, 29)
    ask(back, breaks(returned_on="2026-09-21")).then_nothing()
    again = ask(back, breaks("2026-12-01")).after()
    assert again.state.due == back.state.due
    assert again.state.mentored is not None
    assert [one.returned_on for one in again.state.mentored.breaks] == [date(2026, 9, 21), None]


def test_a_review_that_was_late_before_the_break_stays_so() -> None:
    late = ask(started(), MARKS, moment=OVER).after()
    away = ask(late, breaks("2026-11-02")).after()
    assert away.state.due == late.state.due
    ask(away, MARKS, moment=OVER + timedelta(days=1)).then_nothing()


def test_who_surrounds_the_learner_may_change_and_the_rest_stays() -> None:
    other = ask(started(), notes(mentor_id="mentor-2", parties=PARTIES[:1])).after()
    before, now = started().state.mentored, other.state.mentored
    assert before is not None
    assert now is not None
    assert (now.mentor_id, len(now.parties), now.started_on, now.ksb_codes) == (
        "mentor-2", 1, before.started_on, before.ksb_codes,
    )  # fmt: skip
    assert other.state.due is not None
    assert (other.state.due.mentor_id, other.state.due.due_on) == ("mentor-2", date(2026, 11, 1))
    ask(other, notes(mentor_id="mentor-2", parties=PARTIES[:1])).then_nothing()


@pytest.mark.parametrize("early", [notes(), breaks("2026-09-07"), ENDS])
def test_what_comes_before_the_start_waits_for_it(early: NoteMentorshipEndRequest) -> None:
    ask(given(reviews), early).then_refused("MENTORSHIP_UNKNOWN")


def test_the_end_leaves_nothing_due() -> None:
    over = ask(started(), ENDS).after()
    assert over.state.due is not None
    assert (over.state.due.standing, over.state.due.late_at) == (REVIEW_STANDING_ENDED, None)
    ask(over, ENDS).then_nothing()
    ask(over, MARKS, moment=OVER).then_nothing()
    ask(over, schedules(), MENTOR, STARTED).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_late_is_told_once_the_day_is_over_and_never_again() -> None:
    ask(started(), MARKS, moment=OVER - timedelta(microseconds=1)).then_refused("DEADLINE_AHEAD")
    ask(started(), MARKS, moment=OVER).then(LATE)
    late = ask(started(), MARKS, moment=OVER).after()
    ask(late, MARKS, moment=OVER + timedelta(days=1)).then_nothing()
    # Nor when another mentor takes over and the alarm is set anew.
    other = ask(late, notes(mentor_id="mentor-2")).after()
    ask(other, MARKS, moment=OVER + timedelta(days=1)).then_nothing()


def test_the_alarm_of_a_day_that_was_moved_is_nothing() -> None:
    ask(held(), MARKS, moment=OVER).then_nothing()
    away = ask(started(), breaks("2026-09-07")).after()
    ask(away, MARKS, moment=OVER).then_nothing()
    back = ask(away, breaks(returned_on="2026-09-21")).after()
    ask(back, MARKS, moment=OVER).then_nothing()
    ask(given(reviews), MARKS, moment=OVER).then_nothing()


def test_the_next_is_due_three_months_after_the_last_was_held() -> None:
    found = held().state.due
    assert found is not None
    assert (found.due_on, found.first_by) == (date(2027, 1, 20), None)
    again = held()
    again = ask(again, schedules(datetime(2026, 11, 30, 10, tzinfo=UTC), review_id="review-2"), MENTOR).after()
    second = holds()
    second.review_id = "review-2"
    second.content.goals[0].due_on = "2026-12-24"
    again = ask(again, second, MENTOR, datetime(2026, 12, 1, tzinfo=UTC)).after()
    assert again.state.due is not None
    assert again.state.due.due_on == date(2027, 2, 28)


def test_a_review_held_late_counts_from_its_day() -> None:
    late = ask(started(), MARKS, moment=OVER).after()
    late = ask(late, schedules(OVER + timedelta(days=3)), MENTOR, OVER).after()
    late = ask(late, holds(goals=[goal_after(OVER)]), MENTOR, OVER + timedelta(days=4)).after()
    assert late.state.due is not None
    assert late.state.due.due_on == date(2027, 2, 5)


def goal_after(moment: datetime) -> object:
    goal = holds().content.goals[0]
    goal.due_on = (moment + timedelta(days=30)).date().isoformat()
    return goal


def test_numbers_that_were_changed_hold_from_the_next_day_that_is_set() -> None:
    policy = SupportPolicy(numbers={**SupportPolicy().numbers, "review_months": 1})
    story = ask(started().beside(policy), schedules(), MENTOR, STARTED).after()
    assert story.state.due == started().state.due
    story = ask(story, holds(), MENTOR).after()
    assert story.state.due is not None
    assert story.state.due.due_on == date(2026, 11, 20)


def test_a_story_folds_in_pieces_and_survives_its_snapshot() -> None:
    story = signed_by(held(), *EVERY_SIGNER)
    story = ask(story, breaks("2026-12-01")).after()
    story = ask(story, breaks(returned_on="2026-12-11")).after()
    story = ask(story, MarkReviewLateRequest(**OF, due_on="2027-01-30"), moment=AFTER + timedelta(days=200)).after()
    assert story.state.late_told == date(2027, 1, 30)
    assert_folds_in_pieces(reviews, story.past)
    adapter = TypeAdapter(Reviews)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
