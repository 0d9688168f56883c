"""What is planned: activities aimed at KSBs of the mentorship's standard, in a real work setting or with the provider."""

from typing import Any

import pytest
from eventkernel.aggregate import AlreadyDone, Context
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ACTIVITY_SETTING_PROVIDER,
    JOB_TIME_ON_THE_JOB,
    ActivityPlanned,
    ActivityWithdrawn,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    ChangeActivityRequest,
    PlanActivityRequest,
    WithdrawActivityRequest,
)
from pydantic import TypeAdapter
from sessions.domain import plan_activities as module
from sessions.domain.learning_plan import learning_plans
from sessions.domain.learning_plan_state import LearningPlans

from .plan_stories import CANCELLED, IDS, LEARNER, MENTOR, STANDARD, STRANGER, a_plan, activity, mentored, plan, started


def change(activity_id: str = "bread", reason: str = "the oven broke", **changed: Any) -> ChangeActivityRequest:
    texts = {name: changed.pop(name) for name in ("title", "context") if name in changed}
    return ChangeActivityRequest(
        **IDS, activity_id=activity_id, activity=activity(**changed), reason=reason, **{"title": "Bread", **texts}
    )


def withdraw(activity_id: str = "bread") -> WithdrawActivityRequest:
    return WithdrawActivityRequest(**IDS, activity_id=activity_id, reason="no oven")


def test_an_activity_is_planned_with_its_texts_sealed() -> None:
    (event,) = a_plan().when(plan(context="with the head baker"), by=MENTOR).events
    assert isinstance(event, ActivityPlanned)
    assert event == ActivityPlanned(
        **IDS,
        activity_id="bread",
        standard=STANDARD,
        activity=activity(),
        title=Sealed(to_be_sealed="Bread"),
        context=Sealed(to_be_sealed="with the head baker"),
        text_digest=event.text_digest,
    )
    assert len(event.text_digest) == 64


def test_a_context_that_was_not_given_is_not_sealed() -> None:
    (event,) = a_plan().when(plan(), by=MENTOR).events
    assert not event.HasField("context")


def test_the_same_again_is_a_repeat_and_other_texts_are_not() -> None:
    past = a_plan(plan())
    repeat = past.when(plan(), by=MENTOR)
    repeat.then_nothing()
    assert isinstance(
        learning_plans.decisions[PlanActivityRequest](past.state, plan(), _context(past.loaded)), AlreadyDone
    )
    for other in (plan(title="Cake"), plan(context="at night"), plan(from_day="2026-03-02"), plan(ksb_codes=["K2"])):
        past.when(other, by=MENTOR).then_refused("ACTIVITY_EXISTS")


def test_title_and_context_are_told_apart() -> None:
    one, other = (
        a_plan().when(request, by=MENTOR).events[0].text_digest  # type: ignore[attr-defined]
        for request in (plan(title="Bread", context="s"), plan(title="Breads", context=""))
    )
    assert one != other


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"ksb_codes": ["K1", "K9", "S9"]}, "UNKNOWN_KSB", "activity.ksb_codes"),
        ({"to_day": "2026-02-28"}, "ENDS_BEFORE_IT_BEGINS", "activity.to_day"),
        ({"to_day": "2026-02-30"}, "NO_SUCH_DAY", "activity.to_day"),
        ({"from_day": "2026-02-30"}, "NO_SUCH_DAY", "activity.from_day"),
        ({"site_id": ""}, "SITE_AND_SETTING", "activity.site_id"),
        ({"setting": ACTIVITY_SETTING_PROVIDER}, "SITE_AND_SETTING", "activity.site_id"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_plan_and_in_a_change(changed: Any, code: str, field: str) -> None:
    assert a_plan().when(plan(**changed), by=MENTOR).then_refused(code).field == field
    assert a_plan(plan()).when(change(**changed), by=MENTOR).then_refused(code).field == field


def test_an_activity_of_one_day_with_the_provider_is_planned() -> None:
    one_day = plan(setting=ACTIVITY_SETTING_PROVIDER, site_id="", to_day="2026-03-01")
    (event,) = a_plan().when(one_day, by=MENTOR).events
    assert isinstance(event, ActivityPlanned)
    assert event.activity == one_day.activity


def test_an_activity_is_changed_whole_with_a_reason_that_is_sealed() -> None:
    outcome = a_plan(plan()).when(change(job_time=JOB_TIME_ON_THE_JOB, title="Rolls"), by=MENTOR)
    (event,) = outcome.events
    assert (event.title.to_be_sealed, event.reason.to_be_sealed) == ("Rolls", "the oven broke")  # type: ignore[attr-defined]
    assert outcome.after().state.plan("mentorship-1").activities["bread"].job_time == JOB_TIME_ON_THE_JOB


def test_a_change_of_the_text_alone_is_a_change_and_of_nothing_is_none() -> None:
    past = a_plan(plan())
    assert past.when(change(title="Rolls"), by=MENTOR).events
    past.when(change(), by=MENTOR).then_nothing()


def test_a_withdrawn_activity_stays_withdrawn() -> None:
    past = a_plan(plan()).when(withdraw(), by=MENTOR)
    past.then(ActivityWithdrawn(**IDS, activity_id="bread", reason=Sealed(to_be_sealed="no oven")))
    past.after().when(withdraw(), by=MENTOR).then_nothing()
    past.after().when(change(title="Rolls"), by=MENTOR).then_refused("ACTIVITY_WITHDRAWN")
    past.after().when(plan(), by=MENTOR).then_refused("ACTIVITY_EXISTS")
    assert past.after().state.plan("mentorship-1").standing == {}


@pytest.mark.parametrize("command", [change("cake"), withdraw("cake")])
def test_what_was_not_planned_is_neither_changed_nor_withdrawn(command: Any) -> None:
    a_plan(plan()).when(command, by=MENTOR).then_refused("ACTIVITY_UNKNOWN")


@pytest.mark.parametrize("command", [plan("cake"), change(title="Rolls"), withdraw()])
def test_a_mentor_of_another_mentorship_is_told_what_is_told_of_none(command: Any) -> None:
    past = a_plan(plan())
    another = past.when(command, by=STRANGER).then_refused("MENTORSHIP_NOT_ACTIVE")
    past.when(command, by=LEARNER).then_refused("MENTORSHIP_NOT_ACTIVE")
    none = past.beside(mentored(started(mentorship_id="another"))).when(command, by=MENTOR)
    ended = past.beside(mentored(started(), CANCELLED)).when(command, by=MENTOR)
    assert {one.then_refused("MENTORSHIP_NOT_ACTIVE").text for one in (none, ended)} == {another.text}


def test_a_plan_takes_no_more_than_can_be_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ACTIVITIES", 2)
    a_plan(plan("a"), plan("b")).when(plan("c"), by=MENTOR).then_refused("TOO_MANY_ACTIVITIES")


def test_a_learners_plans_are_apart() -> None:
    both = mentored(started(), started(mentorship_id="mentorship-2"))
    other = PlanActivityRequest(
        learner_id="learner-1", mentorship_id="mentorship-2", activity_id="bread", activity=activity(), title="Bread"
    )
    past = a_plan(plan(), other, beside=(both,))
    assert list(past.state.plans) == ["mentorship-1", "mentorship-2"]
    one, two = (past.state.plan(each) for each in past.state.plans)
    assert one.content_hash("mentorship-1") != two.content_hash("mentorship-2")


def test_a_plan_folds_in_pieces_and_survives_a_snapshot() -> None:
    past = a_plan(plan(), plan("cake"), change(title="Rolls"), withdraw("cake"))
    assert_folds_in_pieces(learning_plans, past.past)
    adapter = TypeAdapter(LearningPlans)
    assert adapter.validate_json(adapter.dump_json(past.state)) == past.state


def _context(loaded: tuple[object, ...]) -> Context:
    return Context(MENTOR, NOON, "command-1", {type(one): one for one in loaded})
