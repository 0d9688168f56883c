"""What becomes of a request for an assessment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given, person
from evidence.domain.assessment import assessment
from evidence.domain.assessment_state import SETTLED, WAITED_FOR, Assessment
from evidence.domain.conflicts import Conflicts
from evidence.domain.review_state import Reviews
from evidence.domain.support_policy import SupportPolicy
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_TEACHER, StandardVersion
from mentoring.evidence.v1.assessment_events_pb2 import (
    ASSESSMENT_OUTCOME_MET,
    ASSESSMENT_PURPOSE_FORMATIVE,
    ASSESSMENT_PURPOSE_SUMMATIVE,
    LATE_ASSESSMENT_PART_ANSWER,
    LATE_ASSESSMENT_PART_APPOINTMENT,
    LATE_ASSESSMENT_PART_DECISION,
    AssessmentChased,
    AssessmentDecided,
    AssessmentDeclined,
    AssessmentLapsed,
    AssessmentRedirected,
    AssessmentRequested,
    AssessmentScheduled,
    KsbOutcome,
)
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_ACCEPTED,
    ASSESSMENT_STATUS_DECLINED,
    ASSESSMENT_STATUS_REQUESTED,
    AssessmentStatus,
    DecideAssessmentRequest,
    RequestAssessmentRequest,
)
from pydantic import TypeAdapter

from .assessment_stories import (
    ACCEPTS,
    APPOINTMENT,
    ASSESSOR,
    DECIDES,
    DECLINES,
    LATE_ANSWER,
    LATE_DECISION,
    MET,
    NOW,
    ONE,
    OVER,
    TEXT,
    WITHDRAWS,
    accepted,
    ask,
    chases,
    decided,
    party,
    redirects,
    requested,
    requests,
    scheduled,
    schedules,
    two_assessors,
)
from .review_stories import MENTOR, PARTIES, at, notes, started
from .review_stories import ask as ask_reviews

WITH_TEACHER = (
    ask_reviews(started(), notes(parties=[*PARTIES, party("teacher-1", PARTY_RELATIONSHIP_TEACHER)])).after().state
)


def test_a_request_says_what_of_whom_and_until_when() -> None:
    (event,) = ask(given(assessment), requests(), MENTOR).events
    assert event == AssessmentRequested(
        **ONE,
        mentor_id="mentor-1",
        asked_id="assessor-1",
        standard=StandardVersion(reference="ST0148", version="1.0"),
        purpose=ASSESSMENT_PURPOSE_SUMMATIVE,
        ksb_codes=["K1", "S1"],
        wished_by="2026-09-30",
        note=TEXT,
        wait=1,
        late_at=at(datetime(2026, 9, 14, 10, tzinfo=UTC)),
    )
    ask(requested(), requests(), MENTOR).then_nothing()
    ask(requested(), requests(ksb_codes=["K1"]), MENTOR).then_refused("ASSESSMENT_EXISTS")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"asked_id": "learner-1"}, "OWN_ASSESSMENT", "asked_id"),
        ({"asked_id": "Learner-1"}, "OWN_ASSESSMENT", "asked_id"),
        ({"asked_id": "mentor-1"}, "OWN_ASSESSMENT", "asked_id"),
        ({"asked_id": "stranger-1"}, "NOT_A_PARTY", "asked_id"),
        ({"asked_id": "contact-1"}, "NOT_A_PARTY", "asked_id"),
        ({"asked_id": "coach-1"}, "SUMMATIVE_BY_ASSESSOR", "asked_id"),
        ({"ksb_codes": ["K1", "K9"]}, "UNKNOWN_KSB", "ksb_codes"),
        ({"wished_by": "2026-09-06"}, "WISHED_IN_PAST", "wished_by"),
        ({"wished_by": "2026-09-31"}, "NO_SUCH_DAY", "wished_by"),
    ],
)
def test_a_request_that_nobody_could_meet_is_refused(changed: dict[str, Any], code: str, field: str) -> None:
    assert ask(given(assessment), requests(**changed), MENTOR).then_refused(code).field == field


def test_a_coach_or_teacher_may_be_asked_for_a_formative_one() -> None:
    for asked_id in ("coach-1", "teacher-1"):
        request = requests(asked_id=asked_id, purpose=ASSESSMENT_PURPOSE_FORMATIVE)
        (event,) = ask(given(assessment), request, MENTOR, reviews=WITH_TEACHER).events
        assert isinstance(event, AssessmentRequested)
        assert (event.asked_id, event.purpose) == (asked_id, ASSESSMENT_PURPOSE_FORMATIVE)


def test_it_may_be_wished_for_today() -> None:
    assert requested(wished_by="2026-09-07").state.wished_by == "2026-09-07"


@pytest.mark.parametrize("command", [requests(), redirects("assessor-1"), WITHDRAWS])
def test_only_the_mentorships_own_mentor_asks_while_it_goes_on(command: Message) -> None:
    story = given(assessment) if isinstance(command, RequestAssessmentRequest) else requested()
    for by in (person("mentor-2", "mentor"), person("learner-1", "learner", "mentor")):
        ask(story, command, by).then_refused("NOT_YOUR_MENTORSHIP")
    ask(story, command, MENTOR, reviews=OVER).then_refused("MENTORSHIP_NOT_ACTIVE")
    ask(story, command, MENTOR, reviews=Reviews()).then_refused("MENTORSHIP_UNKNOWN")
    taken_over = ask_reviews(started(), notes(mentor_id="mentor-2")).after().state
    ask(story, command, MENTOR, reviews=taken_over).then_refused("NOT_YOUR_MENTORSHIP")


def test_a_conflict_of_interest_bars_from_being_asked_and_from_deciding() -> None:
    conflicts = Conflicts(frozenset({"assessor-1"}))
    ask(given(assessment), requests(), MENTOR, conflicts=conflicts).then_refused("CONFLICT_OF_INTEREST")
    ask(scheduled(), DECIDES, ASSESSOR, APPOINTMENT, conflicts=conflicts).then_refused("CONFLICT_OF_INTEREST")


@pytest.mark.parametrize("command", [ACCEPTS, DECLINES, schedules(), DECIDES])
def test_to_all_but_who_is_asked_a_request_is_as_unknown_as_none(command: Message) -> None:
    stranger = person("assessor-2", "assessor")
    theirs = ask(scheduled(), command, stranger, APPOINTMENT).then_refused("ASSESSMENT_UNKNOWN")
    none = ask(given(assessment), command, ASSESSOR).then_refused("ASSESSMENT_UNKNOWN")
    assert theirs.text == none.text
    ask(scheduled(), command, ASSESSOR, APPOINTMENT, reviews=OVER).then_refused("MENTORSHIP_NOT_ACTIVE")


@pytest.mark.parametrize("field", ["learner_id", "mentorship_id"])
@pytest.mark.parametrize("command", [ACCEPTS, DECLINES, schedules(), DECIDES])
def test_a_request_is_found_under_its_own_learner_alone(command: Message, field: str) -> None:
    other = type(command).FromString(command.SerializeToString())
    setattr(other, field, "other-1")
    ask(scheduled(), other, ASSESSOR, APPOINTMENT).then_refused("ASSESSMENT_UNKNOWN")


def test_it_is_accepted_and_an_appointment_waited_for() -> None:
    story = accepted()
    assert (story.state.status, story.state.wait) == (ASSESSMENT_STATUS_ACCEPTED, 2)
    assert story.state.late_at == datetime(2026, 9, 14, 10, tzinfo=UTC)
    ask(story, ACCEPTS, ASSESSOR).then_nothing()
    ask(scheduled(), ACCEPTS, ASSESSOR).then_nothing()


def test_it_is_declined_with_a_reason_and_may_be_given_back() -> None:
    for story in (requested(), accepted(), scheduled()):
        ask(story, DECLINES, ASSESSOR).then(AssessmentDeclined(**ONE, asked_id="assessor-1", reason=TEXT))
    declined = ask(scheduled(), DECLINES, ASSESSOR).after()
    assert (declined.state.late_at, declined.state.starts_at) == (None, None)
    ask(declined, DECLINES, ASSESSOR).then_nothing()
    ask(declined, schedules(), ASSESSOR).then_refused("NOT_ACCEPTED")
    assert ask(declined, ACCEPTS, ASSESSOR).after().state.status == ASSESSMENT_STATUS_ACCEPTED


def test_the_appointment_is_made_after_accepting_and_may_be_moved() -> None:
    ask(requested(), schedules(), ASSESSOR).then_refused("NOT_ACCEPTED")
    ask(accepted(), schedules(NOW), ASSESSOR).then_refused("NOT_TO_COME")
    (event,) = ask(accepted(), schedules(), ASSESSOR).events
    assert isinstance(event, AssessmentScheduled)
    assert not event.HasField("former_starts_at")
    # Five working days after the hour and a half that it takes: Friday to Friday.
    assert event.late_at == at(datetime(2026, 9, 25, 10, 30, tzinfo=UTC))
    ask(scheduled(), schedules(), ASSESSOR).then_nothing()
    (moved,) = ask(scheduled(), schedules(APPOINTMENT + timedelta(days=3)), ASSESSOR).events
    assert isinstance(moved, AssessmentScheduled)
    assert (moved.former_starts_at, moved.wait) == (at(APPOINTMENT), 4)


def test_each_ksb_is_decided_on_with_feedback() -> None:
    ask(scheduled(), DECIDES, ASSESSOR, APPOINTMENT).then(
        AssessmentDecided(
            **ONE,
            assessor_id="assessor-1",
            standard=StandardVersion(reference="ST0148", version="1.0"),
            purpose=ASSESSMENT_PURPOSE_SUMMATIVE,
            outcomes=MET,
            feedback=TEXT,
        )
    )
    ask(decided(), DECIDES, ASSESSOR, APPOINTMENT).then_nothing()
    turned = DecideAssessmentRequest(**ONE, outcomes=MET[::-1], feedback="Words")
    ask(decided(), turned, ASSESSOR, APPOINTMENT).then_nothing()
    other = [MET[0], KsbOutcome(ksb_code="S1", outcome=ASSESSMENT_OUTCOME_MET)]
    again = DecideAssessmentRequest(**ONE, outcomes=other, feedback="Words")
    ask(decided(), again, ASSESSOR, APPOINTMENT).then_refused("ASSESSMENT_SETTLED")


@pytest.mark.parametrize(
    "outcomes",
    [MET[:1], [*MET, KsbOutcome(ksb_code="B5", outcome=ASSESSMENT_OUTCOME_MET)], [MET[0], MET[0]], [*MET, MET[0]]],
)
def test_what_was_not_asked_for_or_left_out_is_not_decided(outcomes: list[KsbOutcome]) -> None:
    command = DecideAssessmentRequest(**ONE, outcomes=outcomes, feedback="Words")
    assert ask(scheduled(), command, ASSESSOR, APPOINTMENT).then_refused("OUTCOMES_INCOMPLETE").field == "outcomes"


def test_nothing_is_decided_without_or_before_the_appointment() -> None:
    ask(accepted(), DECIDES, ASSESSOR, APPOINTMENT).then_refused("NO_APPOINTMENT")
    ask(scheduled(), DECIDES, ASSESSOR, APPOINTMENT - timedelta(seconds=1)).then_refused("APPOINTMENT_AHEAD")


def test_a_summative_decision_is_an_assessors_of_this_mentorship_in_that_role() -> None:
    coach_only = ask_reviews(started(), notes(parties=[*PARTIES[1:], party("assessor-1", PARTIES[1].relationship)]))
    ask(scheduled(), DECIDES, ASSESSOR, APPOINTMENT, reviews=coach_only.after().state).then_refused(
        "SUMMATIVE_BY_ASSESSOR"
    )
    ask(scheduled(), DECIDES, person("assessor-1", "coach"), APPOINTMENT).then_refused("SUMMATIVE_BY_ASSESSOR")
    formative = scheduled(purpose=ASSESSMENT_PURPOSE_FORMATIVE)
    ask(formative, DECIDES, person("assessor-1", "coach"), APPOINTMENT).after()
    detached = ask_reviews(started(), notes(parties=PARTIES[1:])).after().state
    ask(formative, DECIDES, ASSESSOR, APPOINTMENT, reviews=detached).then_refused("NOT_A_PARTY")


def test_whoever_became_the_learners_mentor_decides_no_more() -> None:
    mentor = ask_reviews(started(), notes(mentor_id="assessor-1")).after().state
    ask(scheduled(), DECIDES, ASSESSOR, APPOINTMENT, reviews=mentor).then_refused("OWN_ASSESSMENT")


def test_it_is_redirected_to_somebody_else_who_begins_anew() -> None:
    for story in (requested(), accepted(), scheduled(), ask(requested(), DECLINES, ASSESSOR).after()):
        (event,) = ask(story, redirects("assessor-2"), MENTOR, reviews=two_assessors()).events
        assert isinstance(event, AssessmentRedirected)
        assert (event.asked_id, event.former_asked_id) == ("assessor-2", "assessor-1")
        assert event.wait == story.state.wait + 1
    turned = ask(scheduled(), redirects("assessor-2"), MENTOR, reviews=two_assessors()).after()
    assert (turned.state.status, turned.state.starts_at) == (ASSESSMENT_STATUS_REQUESTED, None)
    ask(turned, redirects("assessor-2"), MENTOR, reviews=two_assessors()).then_nothing()
    ask(turned, ACCEPTS, ASSESSOR, reviews=two_assessors()).then_refused("ASSESSMENT_UNKNOWN")
    ask(turned, ACCEPTS, person("assessor-2", "assessor"), reviews=two_assessors()).after()
    ask(requested(), redirects("coach-1"), MENTOR).then_refused("SUMMATIVE_BY_ASSESSOR")
    ask(requested(), redirects("assessor-1", "2026-09-01"), MENTOR).then_refused("WISHED_IN_PAST")


def test_who_declined_may_be_asked_once_more() -> None:
    declined = ask(requested(), DECLINES, ASSESSOR).after()
    again = ask(declined, redirects("assessor-1", "2026-09-30"), MENTOR).after()
    assert again.state.status == ASSESSMENT_STATUS_REQUESTED


def test_what_is_settled_stays() -> None:
    withdrawn = ask(scheduled(), WITHDRAWS, MENTOR).after()
    ask(withdrawn, WITHDRAWS, MENTOR).then_nothing()
    lapsed = ask(requested(), chases(1), moment=NOW + timedelta(days=8), reviews=OVER).after()
    for story in (withdrawn, decided(), lapsed):
        assert story.state.status in SETTLED
        for command, by in (
            (redirects("assessor-1"), MENTOR),
            (ACCEPTS, ASSESSOR),
            (DECLINES, ASSESSOR),
            (schedules(APPOINTMENT + timedelta(days=9)), ASSESSOR),
        ):
            ask(story, command, by).then_refused("ASSESSMENT_SETTLED")
    for story in (decided(), lapsed):
        ask(story, WITHDRAWS, MENTOR).then_refused("ASSESSMENT_SETTLED")


@pytest.mark.parametrize(
    ("story", "wait", "late_at", "late"),
    [
        (requested(), 1, LATE_ANSWER, LATE_ASSESSMENT_PART_ANSWER),
        (accepted(), 2, LATE_ANSWER, LATE_ASSESSMENT_PART_APPOINTMENT),
        (scheduled(), 3, LATE_DECISION, LATE_ASSESSMENT_PART_DECISION),
    ],
)
def test_whoever_is_late_is_chased_for_what_is(
    story: Given[Assessment], wait: int, late_at: datetime, late: Any
) -> None:
    ask(story, chases(wait), moment=late_at - timedelta(seconds=1)).then_refused("DEADLINE_AHEAD")
    (event,) = ask(story, chases(wait), moment=late_at).events
    assert isinstance(event, AssessmentChased)
    assert (event.late, event.late_since, event.asked_id, event.number) == (late, at(late_at), "assessor-1", 1)


def test_it_is_chased_again_and_again_and_then_no_more() -> None:
    policy = SupportPolicy(numbers={**SupportPolicy().numbers, "chases": 3, "chase_working_days": 2})
    story, moment = requested(), LATE_ANSWER
    for number in (1, 2, 3):
        ask(story, chases(1, number), moment=moment - timedelta(seconds=1), policy=policy).then_refused(
            "DEADLINE_AHEAD"
        )
        outcome = ask(story, chases(1, number), moment=moment, policy=policy)
        (event,) = outcome.events
        assert isinstance(event, AssessmentChased)
        assert (event.number, event.HasField("next_at")) == (number, number < 3)
        story = outcome.after()
        ask(story, chases(1, number), moment=moment, policy=policy).then_nothing()
        moment += timedelta(days=2)
    ask(story, chases(1, 4), moment=moment + timedelta(days=9), policy=policy).then_nothing()


def test_none_is_chased_where_the_provider_wants_none() -> None:
    policy = SupportPolicy(numbers={**SupportPolicy().numbers, "chases": 0})
    ask(requested(), chases(1), moment=LATE_ANSWER, policy=policy).then_nothing()


def test_what_was_answered_moved_or_settled_is_not_chased_for() -> None:
    later = LATE_DECISION + timedelta(days=30)
    for story, wait in (
        (accepted(), 1),
        (scheduled(), 2),
        (ask(scheduled(), schedules(APPOINTMENT + timedelta(days=1)), ASSESSOR).after(), 3),
        (ask(requested(), redirects("assessor-1"), MENTOR).after(), 1),
        (ask(requested(), DECLINES, ASSESSOR).after(), 1),
        (ask(requested(), WITHDRAWS, MENTOR).after(), 1),
        (decided(), 3),
        (given(assessment), 1),
    ):
        ask(story, chases(wait), moment=later).then_nothing()


def test_where_the_mentorship_has_ended_the_request_lapses() -> None:
    ask(scheduled(), chases(3), moment=LATE_DECISION, reviews=OVER).then(AssessmentLapsed(**ONE, asked_id="assessor-1"))


def test_every_state_is_waited_for_settled_or_the_mentors() -> None:
    every = {value for value in AssessmentStatus.values() if value}
    assert every == {*WAITED_FOR, *SETTLED, ASSESSMENT_STATUS_DECLINED}


def test_a_story_folds_in_pieces_and_survives_its_snapshot() -> None:
    story = ask(scheduled(), chases(3), moment=LATE_DECISION).after()
    story = ask(story, redirects("assessor-1"), MENTOR).after()
    story = ask(story, DECLINES, ASSESSOR).after()
    assert_folds_in_pieces(assessment, story.past)
    adapter = TypeAdapter(Assessment)
    for one in (story, decided(), ask(requested(), WITHDRAWS, MENTOR).after()):
        assert adapter.validate_json(adapter.dump_json(one.state)) == one.state
