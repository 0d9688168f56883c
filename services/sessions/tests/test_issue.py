"""Issues: raised by the mentor or the learner, added to, closed with an outcome, taken up again; what of it is published says nothing of it."""

from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from eventkernel.timestamps import timestamp
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import ActionAgreed
from mentoring.sessions.v1.events_pb2 import SessionPlanned
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_PROGRESS,
    ISSUE_KIND_WELL_BEING,
    ISSUE_OUTCOME_NOT_RESOLVED,
    ISSUE_OUTCOME_RESOLVED,
    IssueAddedTo,
    IssueClosed,
    IssueDescribed,
    IssueNextStepAgreed,
    IssueNextStepExplained,
    IssueNoteKept,
    IssueOutcomeKept,
    IssueRaised,
    IssueReasonKept,
    IssueReopened,
)
from pydantic import TypeAdapter
from sessions.domain import issue_work as module
from sessions.domain.action import action
from sessions.domain.issue import issue
from sessions.domain.issue_state import Issue, IssueStage
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.session import session

from .issue_stories import (
    IDLE,
    OF,
    add,
    next_step,
    nothing,
    outcome,
    past,
    raise_it,
    refer,
    reopen,
    well_being,
    withdraw,
)
from .plan_stories import (
    ASSESSOR,
    CANCELLED,
    COACH,
    EMPLOYER,
    IDS,
    LEARNER,
    MANAGER,
    MENTOR,
    STRANGER,
    mentored,
    started,
)


@pytest.mark.parametrize("one", [MENTOR, LEARNER], ids=["the mentor", "the learner"])
@pytest.mark.parametrize("kind", [ISSUE_KIND_PROGRESS, ISSUE_KIND_WELL_BEING])
def test_mentor_and_learner_raise_an_issue_and_what_is_published_does_not_say_what_it_is(
    one: Principal, kind: Any
) -> None:
    command = raise_it(kind=kind, support_wanted="an hour a week", ksb_codes=["K1"])
    told = nothing().when(command, by=one)
    told.then(
        IssueRaised(
            **OF,
            mentorship_id="mentorship-1",
            mentor_id="mentor-1",
            raised_by_id=one.person_id,
            act=1,
            idle_at=timestamp(IDLE),
        ),
        IssueDescribed(
            **OF,
            kind=kind,
            ksb_codes=["K1"],
            text=Sealed(to_be_sealed="no time to read at work"),
            support_wanted=Sealed(to_be_sealed="an hour a week"),
        ),
    )
    told.after().when(command, by=one).then_nothing()


def test_nobody_else_raises_one() -> None:
    for one in (EMPLOYER, ASSESSOR, COACH, MANAGER, STRANGER):
        nothing().when(raise_it(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_an_id_that_is_taken_is_answered_alike_whoever_has_it() -> None:
    own = past().when(raise_it(kind=ISSUE_KIND_WELL_BEING), by=MENTOR).then_refused("ISSUE_EXISTS")
    anothers = IssueRaised(issue_id="issue-1", learner_id="learner-2", mentorship_id="mentorship-2", act=1)
    elsewhere = given(issue, anothers).beside(*nothing().loaded).when(raise_it(), by=MENTOR)
    assert elsewhere.then_refused("ISSUE_EXISTS").text == own.text
    past().when(raise_it(), by=LEARNER).then_refused("ISSUE_EXISTS")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"ksb_codes": ["S9"]}, "UNKNOWN_KSB", "ksb_codes"),
        ({"session_id": "session-1"}, "SESSION_UNKNOWN", "session_id"),
    ],
)
def test_what_is_not_of_the_mentorship_is_refused(changed: Any, code: str, field: str) -> None:
    assert nothing().when(raise_it(**changed), by=MENTOR).then_refused(code).field == field


def test_it_may_say_in_which_session_it_was_found() -> None:
    there = session.fold(session.initial, [SessionPlanned(session_id="session-1", **IDS)])
    (_, described) = nothing(beside=(there,)).when(raise_it(session_id="session-1"), by=MENTOR).events
    assert isinstance(described, IssueDescribed)
    assert described.session_id == "session-1"
    elsewhere = session.fold(
        session.initial, [SessionPlanned(session_id="session-1", **{**IDS, "learner_id": "learner-2"})]
    )
    nothing(beside=(elsewhere,)).when(raise_it(session_id="session-1"), by=MENTOR).then_refused("SESSION_UNKNOWN")


def test_those_who_see_it_add_notes() -> None:
    with_paula = past(refer())
    for one in (MENTOR, LEARNER, MANAGER):
        told = with_paula.when(add(), by=one)
        told.then(
            IssueAddedTo(**OF, mentorship_id="mentorship-1", note_id="note-1", act=3, idle_at=timestamp(IDLE)),
            IssueNoteKept(**OF, note_id="note-1", author_id=one.person_id, text=Sealed(to_be_sealed="I asked again")),
        )
        told.after().when(add(), by=one).then_nothing()
        told.after().when(add(private=True), by=one).then_refused("NOTE_EXISTS")
        other = LEARNER if one is MENTOR else MENTOR
        told.after().when(add(), by=other).then_refused("NOTE_EXISTS")
    for one in (EMPLOYER, ASSESSOR, COACH, STRANGER):
        with_paula.when(add(), by=one).then_refused("ISSUE_UNKNOWN")


def test_an_issue_takes_no_more_than_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_NOTES", 1)
    monkeypatch.setattr(module, "_MOST_STEPS", 1)
    past(add()).when(add("note-2"), by=MENTOR).then_refused("TOO_MANY_NOTES")
    past(next_step()).when(next_step("step-2"), by=MENTOR).then_refused("TOO_MANY_STEPS")


def test_a_next_step_is_agreed_in_words() -> None:
    told = past().when(next_step(), by=MENTOR)
    told.then(
        IssueNextStepAgreed(**OF, mentorship_id="mentorship-1", step_id="step-1", act=2, idle_at=timestamp(IDLE)),
        IssueNextStepExplained(**OF, step_id="step-1", text=Sealed(to_be_sealed="an hour on Fridays")),
    )
    told.after().when(next_step(), by=MENTOR).then_nothing()
    past().when(next_step(text=""), by=MENTOR).then_refused("STEP_SAYS_NOTHING")


def test_a_next_step_may_be_an_action_of_the_same_mentorship_which_is_not_told_of_the_issue() -> None:
    agreed = action.fold(
        action.initial, [ActionAgreed(action_id="action-1", **IDS, owner_id="emma", due_on="2026-03-06")]
    )
    (tells, explained) = nothing(beside=(agreed,)).when(raise_it(), by=MENTOR).after().when(
        next_step(text="", action_id="action-1"), by=MENTOR
    ).events  # fmt: skip
    assert "action-1" not in str(tells)
    assert explained == IssueNextStepExplained(**OF, step_id="step-1", action_id="action-1")
    for wrong in ({"learner_id": "learner-2"}, {"mentorship_id": "mentorship-2"}):
        event = ActionAgreed(action_id="action-1", **{**IDS, **wrong}, owner_id="emma", due_on="2026-03-06")
        elsewhere = nothing(beside=(action.fold(action.initial, [event]),)).when(raise_it(), by=MENTOR).after()
        elsewhere.when(next_step(action_id="action-1"), by=MENTOR).then_refused("ACTION_UNKNOWN")
    past().when(next_step(action_id="action-9"), by=MENTOR).then_refused("ACTION_UNKNOWN")


def test_the_mentor_records_the_outcome_and_those_who_have_it_are_named() -> None:
    told = past(refer()).when(outcome(), by=MENTOR)
    told.then(
        IssueClosed(**OF, mentorship_id="mentorship-1", mentor_id="mentor-1", referred_to_ids=["paula"], act=3),
        IssueOutcomeKept(**OF, outcome=ISSUE_OUTCOME_RESOLVED, account=Sealed(to_be_sealed="there is an hour now")),
    )
    told.after().when(outcome(), by=MENTOR).then_nothing()
    told.after().when(outcome(outcome=ISSUE_OUTCOME_NOT_RESOLVED), by=MENTOR).then_refused("ISSUE_CLOSED")


def test_nobody_but_the_mentor_refers_steps_or_closes() -> None:
    with_paula = past(refer())
    for one in (LEARNER, MANAGER, EMPLOYER, STRANGER):
        for command in (refer("referral-2"), next_step(), outcome()):
            with_paula.when(command, by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


@pytest.mark.parametrize("command", [refer(), add(), next_step()], ids=lambda one: type(one).__name__)
def test_what_is_closed_stays_until_it_is_reopened(command: Message) -> None:
    past(outcome()).when(command, by=MENTOR).then_refused("ISSUE_CLOSED")
    assert past(outcome(), reopen()).when(command, by=MENTOR).events


@pytest.mark.parametrize("one", [MENTOR, LEARNER], ids=["the mentor", "the learner"])
def test_mentor_and_learner_take_it_up_again(one: Principal) -> None:
    told = past(outcome()).when(reopen(), by=one)
    told.then(
        IssueReopened(
            **OF,
            mentorship_id="mentorship-1",
            mentor_id="mentor-1",
            reopened_by_id=one.person_id,
            act=3,
            idle_at=timestamp(IDLE),
        ),
        IssueReasonKept(**OF, reason=Sealed(to_be_sealed="the hour was taken back")),
    )
    assert (told.after().state.stage, told.after().state.outcome) == (IssueStage.OPEN, 0)
    told.after().when(reopen(), by=one).then_nothing()
    past(refer(), outcome()).when(reopen(), by=MANAGER).then_refused("MENTORSHIP_NOT_ACTIVE")


EVERY = (refer, withdraw, add, next_step, outcome, reopen)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_an_issue_of_another_learner_is_answered_as_one_that_does_not_exist(make: Any) -> None:
    anothers = past().when(make(learner_id="learner-2"), by=MENTOR).then_refused("ISSUE_UNKNOWN")
    assert anothers.text == nothing().when(make(), by=MENTOR).then_refused("ISSUE_UNKNOWN").text


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
@pytest.mark.parametrize("one", [MENTOR, LEARNER], ids=["the mentor", "the learner"])
def test_nothing_is_changed_once_the_mentorship_has_ended(make: Any, one: Principal) -> None:
    ended = past(outcome()) if make is reopen else past()
    loaded = (mentored(started(), CANCELLED), *(other for other in ended.loaded if other != mentored()))
    refused = ended.beside(*loaded).when(make(), by=one)
    assert refused.refusal is not None
    assert refused.refusal.code in ("MENTORSHIP_NOT_ACTIVE", "ISSUE_UNKNOWN")


def test_the_providers_own_deadlines_hold_where_it_set_them() -> None:
    pace = MentoringPolicy().issues
    assert (pace.answer_working_days, pace.chases, pace.idle_working_days) == (3, 3, 10)


def test_an_issue_folds_in_pieces_and_survives_a_snapshot() -> None:
    done = (
        past(refer(), withdraw(), refer("referral-2"), add(private=True), next_step())
        .when(add("note-2"), by=LEARNER)
        .after()
    )
    done = done.when(outcome(), by=MENTOR).after().when(reopen(), by=LEARNER).after()
    assert_folds_in_pieces(issue, done.past)
    adapter = TypeAdapter(Issue)
    assert adapter.validate_json(adapter.dump_json(done.state)) == done.state


def test_an_issue_of_progress_and_one_of_well_being_cannot_be_told_apart_by_what_is_published() -> None:
    """Each act of one has its like in the other, in the same fields."""
    acts = (refer(), withdraw(), add(), next_step(), outcome(), reopen())
    published = [
        [
            event
            for event in tale.past
            if not any(field.message_type is Sealed.DESCRIPTOR for field in event.DESCRIPTOR.fields)
        ]
        for tale in (past(*acts), well_being(*acts))
    ]
    assert published[0] == published[1]
    assert len(published[0]) == 1 + len(acts)
