"""Referrals: made to those whose relationship gives a need of an issue of that kind, accepted or declined by them, and chased."""

from datetime import timedelta
from typing import Any

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata, Principal
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, person
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_GUARDIAN, PARTY_RELATIONSHIP_TEACHER, Sealed
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_PROGRESS,
    ISSUE_KIND_WELL_BEING,
    REFERRED_AS_ASSESSOR,
    REFERRED_AS_COACH,
    REFERRED_AS_DSL,
    REFERRED_AS_EMPLOYER_CONTACT,
    REFERRED_AS_PROVIDER_MANAGER,
    REFERRED_AS_TEACHER,
    IssueReasonKept,
    IssueReferralAccepted,
    IssueReferralChased,
    IssueReferralDeclined,
    IssueReferralExplained,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReminderPutOff,
)
from sessions.domain import issue_referral as module
from sessions.domain.issue import issue
from sessions.domain.issue_state import ReferralStage
from sessions.domain.mentoring_policy import IssuePace, MentoringPolicy
from sessions.reactions.issue_alarms import issue_alarms

from .issue_stories import (
    IDLE,
    LATE,
    OF,
    accept,
    add,
    chase,
    decline,
    nothing,
    outcome,
    past,
    raise_it,
    refer,
    reopen,
    well_being,
    withdraw,
)
from .plan_stories import ASSESSOR, CANCELLED, EMPLOYER, LEARNER, MANAGER, MENTOR, STRANGER, mentored, started

IN: dict[str, Any] = {**OF, "mentorship_id": "mentorship-1", "mentor_id": "mentor-1"}
META = Metadata("event-1", "type", "provider-1", "issue-issue-1", 1, NOON)
COLLEAGUES = {
    REFERRED_AS_ASSESSOR: "ada",
    REFERRED_AS_TEACHER: "tom",
    REFERRED_AS_COACH: "carl",
    REFERRED_AS_EMPLOYER_CONTACT: "emma",
    REFERRED_AS_PROVIDER_MANAGER: "paula",
    REFERRED_AS_DSL: "dana",
}


def with_teacher() -> Any:
    event = started()
    event.parties.add(person_id="tom", relationship=PARTY_RELATIONSHIP_TEACHER)
    event.parties.add(person_id="greta", relationship=PARTY_RELATIONSHIP_GUARDIAN)
    return mentored(event)


@pytest.mark.parametrize("referred_as", COLLEAGUES, ids=COLLEAGUES.get)
@pytest.mark.parametrize(
    ("kind", "to"),
    [
        (ISSUE_KIND_PROGRESS, {"ada", "tom", "carl", "emma", "paula"}),
        (ISSUE_KIND_WELL_BEING, {"paula", "dana"}),
    ],
    ids=["progress", "well-being"],
)
def test_it_is_referred_to_those_whom_the_matrix_tells(kind: Any, to: set[str], referred_as: Any) -> None:
    colleague = COLLEAGUES[referred_as]
    tale = nothing(with_teacher()).when(raise_it(kind=kind), by=MENTOR).after()
    told = tale.when(refer(referred_to_id=colleague, referred_as=referred_as), by=MENTOR)
    if colleague in to:
        told.then(
            IssueReferred(
                **IN,
                referral_id="referral-1",
                referred_to_id=colleague,
                answer_by=timestamp(LATE),
                act=2,
                idle_at=timestamp(IDLE),
            ),
            IssueReferralExplained(
                **OF, referral_id="referral-1", referred_as=referred_as, ask=Sealed(to_be_sealed="speak to the site")
            ),
        )
    else:
        asked_first = colleague == "emma"
        refused = told.then_refused("LEARNER_HAS_NOT_AGREED" if asked_first else "NO_NEED_TO_KNOW")
        assert refused.field == ("learner_agreed" if asked_first else "referred_as")


def test_one_of_well_being_goes_to_the_employer_with_the_learners_agreement_which_is_kept() -> None:
    to_emma: dict[str, Any] = {"referred_to_id": "emma", "referred_as": REFERRED_AS_EMPLOYER_CONTACT}
    told = well_being().when(refer(**to_emma, learner_agreed=True), by=MENTOR)
    (tells, explained) = told.events
    assert isinstance(explained, IssueReferralExplained)
    assert explained.learner_agreed
    assert "agreed" not in str(tells)
    assert told.after().state.referrals["referral-1"].learner_agreed


@pytest.mark.parametrize(
    ("person_id", "referred_as", "code"),
    [
        ("emma", REFERRED_AS_ASSESSOR, "NOT_STANDING_SO"),
        ("eve", REFERRED_AS_COACH, "NOT_STANDING_SO"),
        ("greta", REFERRED_AS_EMPLOYER_CONTACT, "NOT_STANDING_SO"),
        ("mentor-2", REFERRED_AS_PROVIDER_MANAGER, "NOT_STANDING_SO"),
        ("learner-1", REFERRED_AS_COACH, "CONCERNED_ALREADY"),
        ("mentor-1", REFERRED_AS_COACH, "CONCERNED_ALREADY"),
    ],
)
def test_who_does_not_stand_so_to_the_mentorship_is_not_asked(person_id: str, referred_as: Any, code: str) -> None:
    tale = nothing(with_teacher()).when(raise_it(), by=MENTOR).after()
    command = refer(referred_to_id=person_id, referred_as=referred_as)
    assert tale.when(command, by=MENTOR).then_refused(code).field == "referred_to_id"


@pytest.mark.parametrize("person_id", ["emma", "ada", "greta", "carl"])
def test_no_party_of_the_mentorship_is_passed_off_as_a_dsl(person_id: str) -> None:
    tale = nothing(with_teacher()).when(raise_it(kind=ISSUE_KIND_WELL_BEING), by=MENTOR).after()
    command = refer(referred_to_id=person_id, referred_as=REFERRED_AS_DSL, learner_agreed=True)
    tale.when(command, by=MENTOR).then_refused("NOT_STANDING_SO")


def test_a_repeat_changes_nothing_and_an_id_that_is_taken_is_refused() -> None:
    tale = past(refer())
    tale.when(refer(), by=MENTOR).then_nothing()
    for changed in ({"referred_to_id": "ada"}, {"referred_as": REFERRED_AS_COACH}, {"learner_agreed": True}):
        tale.when(refer(**changed), by=MENTOR).then_refused("REFERRAL_EXISTS")
    tale.when(refer("referral-2"), by=MENTOR).then_refused("CONCERNED_ALREADY")


def test_an_issue_is_with_so_many_and_was_referred_so_often_at_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    to_ada = refer("referral-2", referred_to_id="ada", referred_as=REFERRED_AS_ASSESSOR)
    monkeypatch.setattr(module, "_MOST_AT_ONCE", 1)
    past(refer()).when(to_ada, by=MENTOR).then_refused("TOO_MANY_REFERRALS")
    declined = past(refer()).when(decline(), by=MANAGER).after()
    assert declined.when(to_ada, by=MENTOR).events
    monkeypatch.setattr(module, "_MOST", 1)
    declined.when(to_ada, by=MENTOR).then_refused("TOO_MANY_REFERRALS")


def test_whoever_is_asked_takes_it_on() -> None:
    told = past(refer()).when(accept(), by=MANAGER)
    told.then(
        IssueReferralAccepted(**IN, referral_id="referral-1", referred_to_id="paula", act=3, idle_at=timestamp(IDLE))
    )
    told.after().when(accept(), by=MANAGER).then_nothing()
    past(refer(), outcome()).when(accept(), by=MANAGER).then_refused("ISSUE_CLOSED")


def test_whoever_is_asked_declines_or_gives_it_back_for_good() -> None:
    for tale in (past(refer()), past(refer()).when(accept(), by=MANAGER).after()):
        told = tale.when(decline(), by=MANAGER)
        told.then(
            IssueReferralDeclined(
                **IN, referral_id="referral-1", referred_to_id="paula", act=tale.state.act + 1, idle_at=timestamp(IDLE)
            ),
            IssueReasonKept(**OF, reason=Sealed(to_be_sealed="I am away")),
        )
        told.after().when(decline(), by=MANAGER).then_nothing()
        told.after().when(accept(), by=MANAGER).then_refused("REFERRAL_DECLINED")
        told.after().when(add(), by=MANAGER).then_refused("ISSUE_UNKNOWN")
        again = told.after().when(refer("referral-2"), by=MENTOR).after()
        assert again.when(accept("referral-2"), by=MANAGER).events


TO_EMMA: dict[str, Any] = {
    "referred_to_id": "emma",
    "referred_as": REFERRED_AS_EMPLOYER_CONTACT,
    "learner_agreed": True,
}


def test_the_mentor_takes_back_what_they_referred_and_the_learner_what_they_agreed_to() -> None:
    for tale, one, colleague in (
        (past(refer()), MENTOR, "paula"),
        (past(refer()).when(accept(), by=MANAGER).after(), MENTOR, "paula"),
        (well_being(refer(**TO_EMMA)), MENTOR, "emma"),
        (well_being(refer(**TO_EMMA)), LEARNER, "emma"),
    ):
        told = tale.when(withdraw(), by=one)
        told.then(
            IssueReferralWithdrawn(
                **IN,
                referral_id="referral-1",
                referred_to_id=colleague,
                act=tale.state.act + 1,
                idle_at=timestamp(IDLE),
            ),
            IssueReasonKept(**OF, reason=Sealed(to_be_sealed="not them after all")),
        )
        told.after().when(withdraw(), by=one).then_nothing()


def test_after_a_withdrawal_whoever_was_asked_knows_of_no_issue_and_is_not_reminded() -> None:
    tale = past(refer()).when(withdraw(), by=MENTOR).after()
    for command in (accept(), decline(), add()):
        tale.when(command, by=MANAGER).then_refused("ISSUE_UNKNOWN")
    tale.when(chase(), at=LATE).then_nothing()
    assert tale.state.concerned_ids == []
    again = tale.when(refer("referral-2"), by=MENTOR).after()
    assert again.when(accept("referral-2"), by=MANAGER).events


@pytest.mark.parametrize("one", [MENTOR, LEARNER], ids=lambda one: one.person_id)
def test_an_agreement_is_withdrawn_once_the_issue_has_its_outcome_too_and_nothing_is_waited_for(one: Principal) -> None:
    closed = well_being(refer(**TO_EMMA), outcome())
    told = closed.when(withdraw(), by=one)
    event = told.events[0]
    assert isinstance(event, IssueReferralWithdrawn)
    assert list(issue_alarms.policies[IssueReferralWithdrawn](event, META)) == []
    after = told.after()
    assert (after.state.stage.name, after.state.idle_at, after.state.concerned_ids) == ("CLOSED", None, [])
    after.when(add(), by=EMPLOYER).then_refused("ISSUE_UNKNOWN")


def test_a_learner_withdraws_no_referral_that_did_not_need_them() -> None:
    refused = past(refer()).when(withdraw(), by=LEARNER).then_refused("NOT_BY_AGREEMENT")
    assert refused.field == "referral_id"


@pytest.mark.parametrize("one", [MENTOR, LEARNER], ids=lambda one: one.person_id)
def test_what_cannot_be_withdrawn_is_said(one: Principal) -> None:
    of_emma = past(refer(**TO_EMMA))
    of_emma.when(withdraw("referral-9"), by=one).then_refused("REFERRAL_UNKNOWN")
    of_emma.when(decline(), by=EMPLOYER).after().when(withdraw(), by=one).then_nothing()


@pytest.mark.parametrize("one", [MANAGER, EMPLOYER, STRANGER], ids=lambda one: one.person_id)
def test_nobody_else_withdraws(one: Principal) -> None:
    past(refer()).when(withdraw(), by=one).then_refused("MENTORSHIP_NOT_ACTIVE")


@pytest.mark.parametrize("one", [MENTOR, LEARNER, EMPLOYER, ASSESSOR, STRANGER], ids=lambda one: one.person_id)
@pytest.mark.parametrize("command", [accept(), decline(), accept("referral-9")], ids=["accept", "decline", "unknown"])
def test_nobody_else_answers(one: Principal, command: Any) -> None:
    past(refer()).when(command, by=one).then_refused("ISSUE_UNKNOWN")


def test_who_was_detached_answers_no_more() -> None:
    left = past(refer()).beside(mentored(started("ada")), *nothing().loaded[1:])
    for command in (accept(), decline()):
        left.when(command, by=MANAGER).then_refused("ISSUE_UNKNOWN")
    ended = past(refer()).beside(mentored(started(), CANCELLED), *nothing().loaded[1:])
    ended.when(accept(), by=MANAGER).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_an_answer_that_is_late_is_chased_so_often_and_no_more() -> None:
    told = past(refer()).when(chase(), at=LATE)
    # Friday the 6th begins: three working days later Wednesday the 11th ends.
    next_at = LATE + timedelta(days=6)
    told.then(
        IssueReferralChased(
            **IN, referral_id="referral-1", referred_to_id="paula", number=1, next_at=timestamp(next_at)
        )
    )
    told.after().when(chase(), at=next_at).then_nothing()
    early = told.after().when(chase(2), at=next_at - timedelta(microseconds=1))
    assert isinstance(early.then_refused("ANSWER_NOT_LATE"), NotYet)
    twice = told.after().when(chase(2), at=next_at).after()
    (last,) = twice.when(chase(3), at=IDLE + timedelta(days=1)).events
    assert isinstance(last, IssueReferralChased)
    assert not last.HasField("next_at")
    thrice = twice.when(chase(3), at=IDLE + timedelta(days=1)).after()
    thrice.when(chase(4), at=IDLE + timedelta(days=90)).then_nothing()
    assert_folds_in_pieces(issue, thrice.past)


@pytest.mark.parametrize("chases", [0, 1])
def test_the_provider_says_how_often(chases: int) -> None:
    people, _, *rest = nothing().loaded
    policy = MentoringPolicy(issues=IssuePace(3, chases, 10))
    told = past(refer()).beside(people, policy, *rest).when(chase(), at=LATE)
    assert len(told.events) == chases


def test_what_was_answered_or_closed_is_not_chased() -> None:
    answered = [past(refer()).when(command, by=MANAGER).after() for command in (accept(), decline())]
    ended = past(refer()).beside(mentored(started(), CANCELLED), *nothing().loaded[1:])
    for tale in (*answered, past(refer(), outcome()), past(refer(), outcome(), reopen()), ended):
        tale.when(chase(), at=LATE).then_nothing()
    past(refer()).when(chase(referral_id="referral-9"), at=LATE).then_nothing()


def test_who_left_is_not_reminded_and_is_once_they_are_back() -> None:
    there, *rest = nothing().loaded
    left = past(refer()).beside(mentored(started("ada")), *rest)
    next_at = LATE + timedelta(days=6)
    of = {**OF, "mentorship_id": "mentorship-1", "referral_id": "referral-1"}
    put_off = left.when(chase(), at=LATE).then(IssueReminderPutOff(**of, number=1, next_at=timestamp(next_at)))
    assert isinstance(put_off.when(chase(), at=next_at - timedelta(seconds=1)).then_refused("ANSWER_NOT_LATE"), NotYet)
    back = put_off.beside(there, *rest)
    (told,) = back.when(chase(), at=next_at).events
    assert isinstance(told, IssueReferralChased)
    assert told.number == 1
    assert_folds_in_pieces(issue, put_off.past)


def test_after_reopening_whoever_had_not_answered_may() -> None:
    assert past(refer(), outcome(), reopen()).when(accept(), by=MANAGER).events


def test_what_is_asked_of_a_dsl_is_chased_too() -> None:
    to_dana = refer(referred_to_id="dana", referred_as=REFERRED_AS_DSL)
    told = well_being(to_dana).when(chase(), at=LATE)
    assert [event.referred_to_id for event in told.events if isinstance(event, IssueReferralChased)] == ["dana"]
    accepted = well_being(to_dana).when(accept(), by=person("dana", "dsl")).after()
    assert accepted.state.referrals["referral-1"].stage is ReferralStage.ACCEPTED
