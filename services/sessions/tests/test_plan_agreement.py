"""Who agrees to a plan: each who is needed, to one and the same content."""

from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Principal
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given
from google.protobuf.message import Message
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ACTIVITY_SETTING_PROVIDER,
    JOB_TIME_ON_THE_JOB,
    PLAN_SIGNER_ASSESSOR,
    PLAN_SIGNER_EMPLOYER_CONTACT,
    PLAN_SIGNER_LEARNER,
    PLAN_SIGNER_PROVIDER_MANAGER,
    LearningPlanAgreed,
    LearningPlanAgreedTo,
    LearningPlanObjectedTo,
    LearningPlanProposed,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    AgreeToLearningPlanRequest,
    ObjectToLearningPlanRequest,
    ProposeLearningPlanRequest,
    WithdrawActivityRequest,
)
from mentoring.sessions.v1.policy_pb2 import SetMinimumHoursRequest
from sessions.domain.learning_plan import learning_plans
from sessions.domain.learning_plan_state import LearningPlans
from sessions.domain.mentoring_policy import MentoringPolicy, mentoring_policy

from .plan_stories import (
    ASSESSOR,
    CANCELLED,
    COACH,
    EMPLOYER,
    IDS,
    LEARNER,
    MANAGER,
    MENTOR,
    STANDARD,
    STRANGER,
    a_plan,
    hours,
    mentored,
    plan,
    started,
)

PROPOSE = ProposeLearningPlanRequest(**IDS)
ALL = (LEARNER, EMPLOYER, ASSESSOR, MANAGER)
SIGNERS = {
    "learner-1": PLAN_SIGNER_LEARNER,
    "emma": PLAN_SIGNER_EMPLOYER_CONTACT,
    "ada": PLAN_SIGNER_ASSESSOR,
    "paula": PLAN_SIGNER_PROVIDER_MANAGER,
}


def proposed(*people: str) -> Given[LearningPlans]:
    return a_plan(plan(), PROPOSE, beside=(mentored(started(*people)), MentoringPolicy()))


def newest(past: Given[LearningPlans]) -> Any:
    return past.state.plan("mentorship-1").newest


def named(past: Given[LearningPlans]) -> dict[str, Any]:
    return {**IDS, "plan_version": newest(past).number, "content_hash": newest(past).content_hash}


def agree(past: Given[LearningPlans]) -> AgreeToLearningPlanRequest:
    return AgreeToLearningPlanRequest(**named(past))


def object_to(past: Given[LearningPlans]) -> ObjectToLearningPlanRequest:
    return ObjectToLearningPlanRequest(**named(past), reason="too few hours")


def agreed_by(past: Given[LearningPlans], *people: Principal) -> Given[LearningPlans]:
    for one in people:
        past = past.when(agree(past), by=one).after()
    return past


def is_agreed(past: Given[LearningPlans]) -> bool:
    return any(isinstance(one, LearningPlanAgreed) for one in past.past)


def test_a_version_says_what_it_holds_and_who_is_needed() -> None:
    past = a_plan(plan(), plan("cake", job_time=JOB_TIME_ON_THE_JOB, planned=hours(3)))
    (event,) = past.when(PROPOSE, by=MENTOR).events
    assert event == LearningPlanProposed(
        **IDS,
        plan_version=1,
        content_hash=past.state.plan("mentorship-1").content_hash("mentorship-1"),
        needed=SIGNERS.values(),
        planned_off_the_job=hours(10),
        planned_on_the_job=hours(3),
        minimum_off_the_job=hours(187),
    )


def test_a_version_keeps_the_figure_it_was_held_against() -> None:
    figure = SetMinimumHoursRequest(standard=STANDARD, minimum=hours(300), source="DfE")
    policy = given(mentoring_policy).when(figure).after().state
    (event,) = a_plan(plan(), beside=(mentored(), policy)).when(PROPOSE, by=MENTOR).events
    assert isinstance(event, LearningPlanProposed)
    assert (event.minimum_off_the_job, event.minimum_figure) == (hours(300), 1)


def test_proposed_again_it_is_the_same_version() -> None:
    proposed().when(PROPOSE, by=MENTOR).then_nothing()


def test_a_plan_without_activities_and_one_without_an_employer_contact_are_not_proposed() -> None:
    a_plan().when(PROPOSE, by=MENTOR).then_refused("NOTHING_PLANNED")
    withdrawn = a_plan(plan(), WithdrawActivityRequest(**IDS, activity_id="bread", reason="no oven"))
    withdrawn.when(PROPOSE, by=MENTOR).then_refused("NOTHING_PLANNED")
    alone = a_plan(plan(), beside=(mentored(started("ada", "carl")), MentoringPolicy()))
    alone.when(PROPOSE, by=MENTOR).then_refused("EMPLOYER_CONTACT_MISSING")


def test_only_the_mentor_proposes() -> None:
    for one in (LEARNER, EMPLOYER, STRANGER):
        a_plan(plan()).when(PROPOSE, by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_the_last_who_is_needed_makes_it_agreed_in_the_same_commit() -> None:
    past = agreed_by(proposed(), LEARNER, EMPLOYER, ASSESSOR)
    assert not is_agreed(past)
    past.when(agree(past), by=MANAGER).then(
        LearningPlanAgreedTo(**named(past), person_id="paula", signs_as=[PLAN_SIGNER_PROVIDER_MANAGER]),
        LearningPlanAgreed(**named(past)),
    )


def test_learner_and_employer_are_enough_where_nobody_else_is_there() -> None:
    assert is_agreed(agreed_by(proposed("emma"), EMPLOYER, LEARNER))


@having(st.permutations(ALL), st.integers(0, 3))
def test_whoever_is_missing_it_is_not_agreed_and_in_any_order_it_is(order: list[Principal], count: int) -> None:
    past = agreed_by(proposed(), *order[:count])
    assert not is_agreed(past)
    assert set(newest(past).missing) == {SIGNERS[one.person_id] for one in order[count:]}
    assert is_agreed(agreed_by(past, *order[count:]))


def test_who_agreed_already_does_nothing_by_agreeing_again() -> None:
    past = agreed_by(proposed(), LEARNER)
    past.when(agree(past), by=LEARNER).then_nothing()
    done = agreed_by(proposed(), *ALL)
    done.when(agree(done), by=EMPLOYER).then_nothing()


def test_an_objection_is_sealed_and_holds_until_that_person_agrees() -> None:
    past = proposed("emma")
    outcome = past.when(object_to(past), by=EMPLOYER)
    outcome.then(
        LearningPlanObjectedTo(
            **named(past),
            person_id="emma",
            signs_as=[PLAN_SIGNER_EMPLOYER_CONTACT],
            reason=Sealed(to_be_sealed="too few hours"),
        )
    )
    outcome.after().when(object_to(past), by=EMPLOYER).then_nothing()
    objected = agreed_by(outcome.after(), LEARNER)
    assert not is_agreed(objected)
    assert is_agreed(agreed_by(objected, EMPLOYER))


def test_while_one_of_two_employer_contacts_objects_it_is_not_agreed() -> None:
    eve = Principal("provider-1", "eve", frozenset({"employer_contact"}))
    mentorship = started("emma")
    mentorship.parties.add(person_id="eve", relationship=mentorship.parties[0].relationship)
    past = a_plan(plan(), PROPOSE, beside=(mentored(mentorship), MentoringPolicy()))
    past = past.when(object_to(past), by=eve).after()
    past = agreed_by(past, LEARNER, EMPLOYER)
    assert not is_agreed(past)
    assert is_agreed(agreed_by(past, eve))


def test_to_what_was_agreed_nobody_objects() -> None:
    past = agreed_by(proposed("emma"), EMPLOYER, LEARNER)
    past.when(object_to(past), by=LEARNER).then_refused("PLAN_AGREED")


def test_a_changed_plan_is_a_new_version_that_nobody_has_agreed_to() -> None:
    past = agreed_by(proposed(), *ALL)
    changed = past.when(plan("cake"), by=MENTOR).after().when(PROPOSE, by=MENTOR).after()
    assert (newest(changed).number, newest(changed).agreed) == (2, False)
    assert set(newest(changed).missing) == set(SIGNERS.values())
    assert [one.agreed for one in changed.state.plan("mentorship-1").versions] == [True, False]
    changed.when(agree(past), by=LEARNER).then_refused("NOT_THE_NEWEST_VERSION")
    assert is_agreed(agreed_by(changed, *ALL))


def test_agreeing_names_exactly_the_content_that_was_read() -> None:
    past = proposed()
    other = AgreeToLearningPlanRequest(**{**named(past), "content_hash": "0" * 64})
    past.when(other, by=LEARNER).then_refused("OTHER_CONTENT")
    later = AgreeToLearningPlanRequest(**{**named(past), "plan_version": 2})
    past.when(later, by=LEARNER).then_refused("NOT_THE_NEWEST_VERSION")
    a_plan(plan()).when(agree(past), by=LEARNER).then_refused("NOTHING_PROPOSED")


def test_a_changed_plan_that_is_not_proposed_leaves_the_version_there_to_be_agreed_to() -> None:
    past = proposed("emma").when(plan("cake"), by=MENTOR).after()
    assert is_agreed(agreed_by(past, LEARNER, EMPLOYER))


@pytest.mark.parametrize("one", [COACH, MENTOR, STRANGER], ids=lambda one: one.person_id)
def test_who_is_not_needed_agrees_to_nothing(one: Principal) -> None:
    past = proposed()
    past.when(agree(past), by=one).then_refused("NOT_ASKED_TO_AGREE")
    past.when(object_to(past), by=one).then_refused("NOT_ASKED_TO_AGREE")


def test_an_assessor_who_came_later_is_asked_by_a_new_version_of_the_same_content() -> None:
    past = proposed("emma").beside(mentored(started("emma", "ada")), MentoringPolicy())
    past.when(agree(past), by=ASSESSOR).then_refused("NOT_ASKED_TO_AGREE")
    again = past.when(PROPOSE, by=MENTOR).after()
    assert newest(again).number == 2
    assert agreed_by(again, ASSESSOR)


def test_what_somebody_objects_to_may_be_proposed_again_as_it_is() -> None:
    past = proposed("emma")
    past = past.when(object_to(past), by=EMPLOYER).after().when(PROPOSE, by=MENTOR).after()
    assert (newest(past).number, newest(past).signatures) == (2, ())


def test_who_is_attached_no_more_signs_no_more_and_nobody_does_when_it_has_ended() -> None:
    past = proposed()
    left = past.beside(mentored(started("ada")), MentoringPolicy())
    left.when(agree(past), by=EMPLOYER).then_refused("NOT_ASKED_TO_AGREE")
    ended = past.beside(mentored(started(), CANCELLED), MentoringPolicy())
    for one in ALL:
        ended.when(agree(past), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_one_person_may_sign_as_two() -> None:
    mentorship = started("emma", "ada")
    mentorship.parties.add(person_id="emma", relationship=mentorship.parties[1].relationship)
    past = a_plan(plan(), PROPOSE, beside=(mentored(mentorship), MentoringPolicy()))
    assert is_agreed(agreed_by(past, EMPLOYER, LEARNER))


@having(st.lists(st.tuples(st.sampled_from("aopc"), st.sampled_from(ALL)), max_size=12))
def test_whatever_happens_an_agreed_version_was_agreed_to_by_all_with_its_own_content(steps: list[Any]) -> None:
    past = proposed()
    for number, (kind, one) in enumerate(steps):
        command: Message = PROPOSE
        if kind == "a":
            command = agree(past)
        elif kind == "o":
            command = object_to(past)
        elif kind == "c":
            command = plan(f"activity-{number}")
        outcome = past.when(command, by=MENTOR if kind in "pc" else one)
        past = past if isinstance(outcome.refusal, Refusal) else outcome.after()
    for version in past.state.plan("mentorship-1").versions:
        said = {
            one.person_id: isinstance(one, LearningPlanAgreedTo)
            for one in past.past
            if isinstance(one, LearningPlanAgreedTo | LearningPlanObjectedTo) and one.plan_version == version.number
        }
        assert version.agreed == (said == dict.fromkeys(SIGNERS, True))
    agreed = [one for one in past.past if isinstance(one, LearningPlanAgreed)]
    assert len({one.plan_version for one in agreed}) == len(agreed)
    assert_folds_in_pieces(learning_plans, past.past)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Rolls"},
        {"context": "at night"},
        {"ksb_codes": ["K1", "K2"]},
        {"site_id": "site-2"},
        {"setting": ACTIVITY_SETTING_PROVIDER, "site_id": ""},
        {"job_time": JOB_TIME_ON_THE_JOB},
        {"planned": hours(11)},
        {"from_day": "2026-03-02"},
        {"to_day": "2026-03-30"},
        {"activity_id": "loaf"},
    ],
    ids="-".join,
)
def test_whatever_is_otherwise_is_other_content(changed: Any) -> None:
    one, other = (a_plan(command).state.plan("mentorship-1") for command in (plan(), plan(**changed)))
    assert one.content_hash("mentorship-1") != other.content_hash("mentorship-1")
