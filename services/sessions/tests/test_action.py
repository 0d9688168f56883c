"""Actions: agreed with an owner and a day, moved, contributed to, completed, dropped, reopened, each by whose it is."""

from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import (
    ACTION_OUTCOME_ACHIEVED,
    ACTION_OUTCOME_NOT_ACHIEVED,
    ActionCompleted,
    ActionContributed,
    ActionDropped,
    ActionDueDayChanged,
    ActionReassigned,
    ActionReopened,
)
from mentoring.sessions.v1.action_plan_pb2 import AgreeSessionActionRequest
from mentoring.sessions.v1.events_pb2 import SessionPlanned
from pydantic import TypeAdapter
from sessions.domain import action_progress as module
from sessions.domain.action import action
from sessions.domain.action_state import Action, ActionStage
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.session import session
from sessions.domain.session_state import Session

from .action_stories import (
    COMPLETED,
    DROPPED,
    DUE,
    OF,
    agree,
    agreed,
    change_day,
    complete,
    contribute,
    drop,
    past,
    reassign,
    reopen,
)
from .plan_stories import (
    CANCELLED,
    COACH,
    EMPLOYER,
    IDS,
    LEARNER,
    MENTOR,
    STRANGER,
    mentored,
    started,
)

NOTHING = given(action).beside(mentored(), MentoringPolicy(), Session())


def at(text: str) -> Timestamp:
    found = Timestamp()
    found.FromJsonString(text)
    return found


def test_an_action_is_agreed_with_the_end_of_its_day_where_the_provider_is() -> None:
    outcome = NOTHING.when(agree(), by=MENTOR)
    outcome.then(agreed())
    outcome.after().when(agree(), by=MENTOR).then_nothing()
    elsewhere = NOTHING.beside(mentored(), MentoringPolicy(time_zone="Pacific/Auckland"), Session())
    elsewhere.when(agree(), by=MENTOR).then(agreed(overdue_at=at("2026-03-06T11:00:00Z")))
    summer = NOTHING.when(agree(due_on="2026-07-01"), by=MENTOR)
    summer.then(agreed(due_on="2026-07-01", overdue_at=at("2026-07-01T23:00:00Z")))


def test_an_id_that_is_taken_is_answered_alike_whoever_has_it() -> None:
    own = past().when(agree(due_on="2026-03-07"), by=MENTOR).then_refused("ACTION_EXISTS")
    anothers = given(action, agreed(learner_id="learner-2")).beside(mentored(), MentoringPolicy(), Session())
    assert anothers.when(agree(), by=MENTOR).then_refused("ACTION_EXISTS").text == own.text


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"owner_id": "eve"}, "NOT_OF_THE_MENTORSHIP", "owner_id"),
        ({"contributor_ids": ["carl", "eve"]}, "NOT_OF_THE_MENTORSHIP", "contributor_ids"),
        ({"due_on": "2026-03-01"}, "DUE_DAY_OVER", "due_on"),
        ({"due_on": "2026-02-30"}, "NO_SUCH_DAY", "due_on"),
        ({"due_on": "9999-12-31"}, "DUE_TOO_LATE", "due_on"),
        ({"session_id": "session-1"}, "SESSION_UNKNOWN", "session_id"),
    ],
)
def test_what_cannot_be_agreed_is_refused(changed: Any, code: str, field: str) -> None:
    assert NOTHING.when(agree(**changed), by=MENTOR).then_refused(code).field == field


@pytest.mark.parametrize("owner_id", ["learner-1", "mentor-1", "emma", "carl"])
def test_the_learner_the_mentor_and_any_party_may_own_an_action_that_is_due_today(owner_id: str) -> None:
    assert NOTHING.when(agree(owner_id=owner_id, due_on="2026-03-02"), by=MENTOR).events


def test_an_action_may_say_in_which_session_of_the_mentorship_it_was_agreed() -> None:
    planned = SessionPlanned(session_id="session-1", **IDS)
    there = session.fold(session.initial, [planned])
    beside = NOTHING.beside(mentored(), MentoringPolicy(), there)
    beside.when(agree(session_id="session-1"), by=MENTOR).then(agreed(session_id="session-1"))
    for changed in ({"learner_id": "learner-2"}, {"mentorship_id": "mentorship-2"}):
        elsewhere = session.fold(session.initial, [SessionPlanned(session_id="session-1", **{**IDS, **changed})])
        refused = NOTHING.beside(mentored(), MentoringPolicy(), elsewhere).when(
            agree(session_id="session-1"), by=MENTOR
        )
        refused.then_refused("SESSION_UNKNOWN")


def test_only_the_mentor_agrees_reassigns_and_drops() -> None:
    for one in (LEARNER, EMPLOYER, COACH, STRANGER):
        NOTHING.when(agree(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")
        for command in (reassign(), drop()):
            past().when(command, by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_an_action_is_reassigned_whole() -> None:
    outcome = past().when(reassign(), by=MENTOR)
    outcome.then(
        ActionReassigned(
            **OF,
            mentorship_id="mentorship-1",
            owner_id="ada",
            contributor_ids=["emma"],
            former_owner_id="emma",
            due_on=DUE,
        )
    )
    outcome.after().when(reassign(), by=MENTOR).then_nothing()
    past().when(reassign(owner_id="eve"), by=MENTOR).then_refused("NOT_OF_THE_MENTORSHIP")
    past().when(reassign(contributor_ids=["eve"]), by=MENTOR).then_refused("NOT_OF_THE_MENTORSHIP")
    outcome.after().when(complete(), by=EMPLOYER).then_refused("NOT_YOUR_ACTION")


@pytest.mark.parametrize("one", [MENTOR, EMPLOYER], ids=["the mentor", "the owner"])
class TestOwnerAndMentor:
    def test_give_it_another_day(self, one: Principal) -> None:
        outcome = past().when(change_day(), by=one)
        outcome.then(
            ActionDueDayChanged(
                **OF,
                mentorship_id="mentorship-1",
                owner_id="emma",
                due_on="2026-03-09",
                former_due_on=DUE,
                overdue_at=at("2026-03-10T00:00:00Z"),
                reason=Sealed(to_be_sealed="no mixer to be had"),
            )
        )
        outcome.after().when(change_day(), by=one).then_nothing()
        past().when(change_day("2026-03-01"), by=one).then_refused("DUE_DAY_OVER")

    def test_complete_it_with_an_outcome(self, one: Principal) -> None:
        outcome = past().when(complete(), by=one)
        outcome.then(
            ActionCompleted(
                **OF,
                mentorship_id="mentorship-1",
                owner_id="emma",
                outcome=ACTION_OUTCOME_ACHIEVED,
                account=Sealed(to_be_sealed="it stands there"),
            )
        )
        outcome.after().when(complete(), by=one).then_nothing()
        outcome.after().when(complete(outcome=ACTION_OUTCOME_NOT_ACHIEVED), by=one).then_refused("ACTION_NOT_OPEN")
        (event,) = past().when(complete(account=""), by=one).events
        assert isinstance(event, ActionCompleted)
        assert not event.HasField("account")

    def test_take_it_up_again(self, one: Principal) -> None:
        outcome = past(COMPLETED).when(reopen(), by=one)
        outcome.then(
            ActionReopened(
                **OF,
                mentorship_id="mentorship-1",
                owner_id="emma",
                due_on="2026-03-09",
                overdue_at=at("2026-03-10T00:00:00Z"),
                reason=Sealed(to_be_sealed="it broke"),
            )
        )
        again = outcome.after()
        assert (again.state.stage, again.state.outcome) == (ActionStage.OPEN, 0)
        again.when(reopen(), by=one).then_nothing()
        again.when(reopen("2026-03-10"), by=one).then_refused("ACTION_OPEN")
        past(COMPLETED).when(reopen("2026-03-01"), by=one).then_refused("DUE_DAY_OVER")


@pytest.mark.parametrize("one", [LEARNER, COACH, STRANGER], ids=["the learner", "a contributor", "a stranger"])
@pytest.mark.parametrize("command", [change_day(), complete(), reopen()])
def test_nobody_else_does_what_is_the_owners(one: Principal, command: Message) -> None:
    (past(COMPLETED) if command == reopen() else past()).when(command, by=one).then_refused("NOT_YOUR_ACTION")


@pytest.mark.parametrize("one", [MENTOR, EMPLOYER, COACH], ids=["the mentor", "the owner", "a contributor"])
def test_who_has_a_part_in_it_contributes(one: Principal) -> None:
    outcome = past().when(contribute(), by=one)
    outcome.then(
        ActionContributed(
            **OF,
            mentorship_id="mentorship-1",
            contribution_id="note-1",
            contributor_id=one.person_id,
            note=Sealed(to_be_sealed="I asked around"),
        )
    )
    outcome.after().when(contribute(), by=one).then_nothing()
    other = EMPLOYER if one is MENTOR else MENTOR
    outcome.after().when(contribute(), by=other).then_refused("CONTRIBUTION_EXISTS")


@pytest.mark.parametrize("one", [LEARNER, STRANGER])
def test_who_has_no_part_in_it_contributes_nothing(one: Principal) -> None:
    past().when(contribute(), by=one).then_refused("NOT_YOUR_ACTION")


def test_an_action_takes_no_more_contributions_than_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CONTRIBUTIONS", 1)
    one = past().when(contribute(), by=COACH).after()
    one.when(contribute("note-2"), by=COACH).then_refused("TOO_MANY_CONTRIBUTIONS")


def test_the_mentor_drops_it_and_alone_takes_up_what_was_dropped() -> None:
    outcome = past().when(drop(), by=MENTOR)
    outcome.then(
        ActionDropped(**OF, mentorship_id="mentorship-1", owner_id="emma", reason=Sealed(to_be_sealed="not needed"))
    )
    outcome.after().when(drop(), by=MENTOR).then_nothing()
    outcome.after().when(reopen(), by=EMPLOYER).then_refused("MENTORSHIP_NOT_ACTIVE")
    assert outcome.after().when(reopen(), by=MENTOR).events


@pytest.mark.parametrize("settled", [COMPLETED, DROPPED], ids=["completed", "dropped"])
def test_what_is_settled_stays_until_it_is_reopened(settled: Message) -> None:
    commands: list[Message] = [change_day(), contribute(), drop() if settled is COMPLETED else complete()]
    for command in commands:
        past(settled).when(command, by=MENTOR).then_refused("ACTION_NOT_OPEN")


EVERY = (reassign, change_day, contribute, complete, drop, reopen)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_an_action_of_another_learner_is_answered_as_one_that_does_not_exist(make: Any) -> None:
    anothers = past().when(make(learner_id="learner-2"), by=MENTOR).then_refused("ACTION_UNKNOWN")
    assert anothers.text == NOTHING.when(make(), by=MENTOR).then_refused("ACTION_UNKNOWN").text


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_nothing_is_changed_once_the_mentorship_has_ended(make: Any) -> None:
    ended = past().beside(mentored(started(), CANCELLED), MentoringPolicy(), Session())
    for one in (MENTOR, EMPLOYER):
        ended.when(make(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_an_owner_who_has_left_does_nothing_more() -> None:
    left = past().beside(mentored(started("ada")), MentoringPolicy(), Session())
    for command in (complete(), change_day(), contribute()):
        left.when(command, by=EMPLOYER).then_refused("NOT_YOUR_ACTION")
    assert left.when(reassign(contributor_ids=[]), by=MENTOR).events


def test_what_a_session_agreed_is_an_action_that_the_learner_sees_late_or_not() -> None:
    command = AgreeSessionActionRequest(
        action_id="session-1.2", **IDS, owner_id="emma", due_on="2026-02-27", session_id="session-1", place=2
    )
    outcome = NOTHING.when(command)
    event = agreed(
        action_id="session-1.2", contributor_ids=[], due_on="2026-02-27", overdue_at=at("2026-02-28T00:00:00Z"),
        shared_with_learner=True, session_id="session-1", place=2,
    )  # fmt: skip
    event.ClearField("text")
    outcome.then(event)
    outcome.after().when(command).then_nothing()


def test_an_action_folds_in_pieces_and_survives_a_snapshot() -> None:
    done = past().when(contribute(), by=COACH).after().when(change_day(), by=EMPLOYER).after()
    done = done.when(complete(), by=EMPLOYER).after().when(reopen("2026-03-11"), by=MENTOR).after()
    done = done.when(reassign(), by=MENTOR).after()
    assert_folds_in_pieces(action, done.past)
    adapter = TypeAdapter(Action)
    assert adapter.validate_json(adapter.dump_json(done.state)) == done.state
