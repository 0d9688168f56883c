"""Telling: each person with a legitimate need once, nobody else."""

import re

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import derived_id
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, given
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import (
    Because,
    CircleRecorded,
    Detail,
    NeedToKnowRule,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest, TellPersonRequest
from notifications.default_matrix import default_matrix
from notifications.domain.circle import Circle
from notifications.domain.need_to_know import NeedToKnow
from notifications.domain.occasions import PARTS_TOLD, TOLD_TO_A_CIRCLE, is_safeguarding
from notifications.domain.telling import Telling, telling
from pydantic import TypeAdapter

from .circles import (
    ANOTHER,
    ANOTHER_BOSS,
    BECAUSE_OF_PARTY,
    CIRCLE,
    JUDGED,
    PLANNED,
    UNDER_18,
    changed,
    party,
    surrounded,
    told,
)


@pytest.mark.parametrize(
    "occasion",
    [
        Occasion.OCCASION_SESSION_PLANNED,
        Occasion.OCCASION_SESSION_MOVED,
        Occasion.OCCASION_SESSION_MISSED,
        Occasion.OCCASION_SESSION_CANCELLED,
    ],
)
def test_what_becomes_of_a_planned_session_is_told_by_the_default_matrix(occasion: Occasion.ValueType) -> None:
    outcome = (
        given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(changed(PLANNED, occasion=occasion))
    )
    assert told(outcome.events) == {
        "ada": (Because.BECAUSE_LEARNER, Detail.DETAIL_FULL),
        "mia": (Because.BECAUSE_MENTOR, Detail.DETAIL_FULL),
        "boss": (Because.BECAUSE_EMPLOYER_CONTACT, Detail.DETAIL_OUTLINE),
        "mum": (Because.BECAUSE_GUARDIAN, Detail.DETAIL_OUTLINE),
    }


def test_a_notice_says_what_happened_and_never_about_whom() -> None:
    outcome = (
        given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(PLANNED, command_id="command-7")
    )
    assert outcome.events[1] == NoticeRequested(
        telling_id="t-1",
        notice_id=derived_id("command-7", "notice", "mia"),
        recipient_id="mia",
        occasion=Occasion.OCCASION_SESSION_PLANNED,
        because=Because.BECAUSE_MENTOR,
        detail=Detail.DETAIL_FULL,
        about_id="s-1",
        rule="session/mentor",
        policy_version=1,
    )


def test_what_is_told_is_not_told_again_even_to_those_who_came_later() -> None:
    story = given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(PLANNED).after()
    story.when(PLANNED).then_nothing()
    grown = CircleRecorded(
        learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[*CIRCLE.parties, ANOTHER_BOSS]
    )
    story.beside(surrounded(CIRCLE, grown), default_matrix(), UNDER_18).when(PLANNED).then_nothing()


def test_nobody_is_told_of_their_own_act() -> None:
    outcome = (
        given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(changed(PLANNED, actor_id="mia"))
    )
    assert set(told(outcome.events)) == {"ada", "boss", "mum"}


def test_a_person_in_several_relationships_is_told_once_in_the_highest_detail() -> None:
    twice = CircleRecorded(
        learner_id="ada",
        mentorship_id="m-1",
        mentor_id="mia",
        parties=[party("judge", relationship) for relationship in sorted(BECAUSE_OF_PARTY)],
    )
    judged = changed(
        PLANNED,
        kind=InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
        occasion=Occasion.OCCASION_EVIDENCE_ACCEPTED,
    )
    outcome = given(telling).beside(surrounded(twice), default_matrix(), UNDER_18).when(judged)
    assert told(outcome.events)["judge"] == (Because.BECAUSE_ASSESSOR, Detail.DETAIL_FULL)


def test_a_circle_not_heard_of_yet_is_to_be_asked_again() -> None:
    beside = given(telling).beside(Circle(), default_matrix(), UNDER_18)
    assert isinstance(beside.when(PLANNED).then_refused("CIRCLE_UNKNOWN"), NotYet)
    assert isinstance(beside.when(changed(PLANNED, mentorship_id="")).then_refused("CIRCLE_UNKNOWN"), NotYet)


def test_a_mentorship_not_heard_of_yet_is_waited_for_though_the_learner_is_known() -> None:
    beside = given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18)
    assert isinstance(beside.when(changed(PLANNED, mentorship_id="m-2")).then_refused("CIRCLE_UNKNOWN"), NotYet)


def test_what_belongs_to_one_mentorship_is_not_told_to_the_people_of_another() -> None:
    beside = given(telling).beside(surrounded(CIRCLE, ANOTHER), default_matrix(), UNDER_18)
    assert set(told(beside.when(changed(PLANNED, mentorship_id="m-2")).events)) == {"ada", "max", "boss-2"}


def test_evidence_is_told_to_the_people_of_the_mentorship_on_its_standard() -> None:
    beside = given(telling).beside(surrounded(CIRCLE, ANOTHER), default_matrix(), UNDER_18)
    assert set(told(beside.when(JUDGED).events)) == {"ada", "mia", "boss"}
    other = changed(JUDGED, standard_reference="ST0001")
    assert set(told(beside.when(other).events)) == {"ada", "max", "boss-2"}


def test_evidence_on_a_standard_that_nobody_mentors_is_told_to_the_learner_alone() -> None:
    beside = given(telling).beside(surrounded(CIRCLE, ANOTHER), default_matrix(), UNDER_18)
    assert set(told(beside.when(changed(JUDGED, standard_reference="ST0002")).events)) == {"ada"}


def test_evidence_waits_while_the_standard_of_a_mentorship_has_not_been_heard() -> None:
    before = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="mia")
    beside = given(telling).beside(surrounded(before, ANOTHER), default_matrix(), UNDER_18)
    assert isinstance(beside.when(JUDGED).then_refused("CIRCLE_UNKNOWN"), NotYet)


def test_a_session_that_does_not_say_its_mentorship_is_told_to_those_of_each_that_it_may_belong_to() -> None:
    beside = given(telling).beside(surrounded(CIRCLE, ANOTHER), default_matrix(), UNDER_18)
    unsaid = changed(PLANNED, mentorship_id="", actor_id="mia")
    assert set(told(beside.when(unsaid).events)) == {"ada", "boss", "mum"}
    same_mentor = CircleRecorded(
        learner_id="ada", mentorship_id="m-2", mentor_id="mia", parties=[ANOTHER_BOSS], standard_reference="ST0001"
    )
    beside = given(telling).beside(surrounded(CIRCLE, same_mentor), default_matrix(), UNDER_18)
    assert set(told(beside.when(unsaid).events)) == {"ada"}


@pytest.mark.parametrize("mentorship_id", ["", "m-1"])
def test_of_an_ended_mentorship_only_the_learner_is_told(mentorship_id: str) -> None:
    ended = CircleRecorded(learner_id="ada", mentorship_id="m-1", ended=True)
    beside = given(telling).beside(surrounded(CIRCLE, ended), default_matrix(), UNDER_18)
    assert set(told(beside.when(changed(PLANNED, mentorship_id=mentorship_id, actor_id="mia")).events)) == {"ada"}
    assert set(told(beside.when(JUDGED).events)) == {"ada"}


def test_every_occasion_is_told_to_a_circle_or_to_one_person() -> None:
    assert not TOLD_TO_A_CIRCLE & set(PARTS_TOLD)
    assert TOLD_TO_A_CIRCLE | set(PARTS_TOLD) == set(Occasion.values()) - {Occasion.OCCASION_UNSPECIFIED}


@pytest.mark.parametrize("occasion", [Occasion.OCCASION_UNSPECIFIED, 99])
def test_an_occasion_that_is_not_known_is_taken_for_a_concerns(occasion: Occasion.ValueType) -> None:
    """So that it is tried without end, greets nobody by name and shows in no manager's list."""
    assert is_safeguarding(occasion)


def test_every_refusal_has_a_stable_code_and_says_what_to_do() -> None:
    for outcome in (
        given(telling).beside(Circle(), default_matrix(), UNDER_18).when(PLANNED),
        given(telling).when(TellPersonRequest(occasion=Occasion.OCCASION_SESSION_PLANNED)),
        given(telling).when(
            TellPersonRequest(occasion=Occasion.OCCASION_CONCERN_ASSIGNED, because=Because.BECAUSE_MENTOR)
        ),
    ):
        assert outcome.refusal is not None
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", outcome.refusal.code)
        assert ":" in outcome.refusal.text


def test_a_telling_folds_in_pieces_and_its_snapshot_says_which_circle_and_none_of_its_people() -> None:
    events = given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(PLANNED).events
    assert_folds_in_pieces(telling, events)
    state = given(telling, *events).state
    kept = TypeAdapter(Telling).dump_json(state)
    assert b'"told":true,"learner_id":"ada"' in kept
    assert not any(name in kept for name in (b"mia", b"boss", b"mum", b"judge"))
    assert TypeAdapter(Telling).validate_json(kept) == state
    assert TypeAdapter(Telling).validate_json(b'{"told":true}') == Telling(told=True)


def sent(recipient_id: str, because: Because.ValueType, detail: Detail.ValueType) -> StartNoticeRequest:
    return StartNoticeRequest(recipient_id=recipient_id, because=because, detail=detail)


def test_before_it_is_sent_the_need_is_asked_again() -> None:
    told_then = given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(PLANNED).after().state
    mentor = sent("mia", Because.BECAUSE_MENTOR, Detail.DETAIL_FULL)
    boss = sent("boss", Because.BECAUSE_EMPLOYER_CONTACT, Detail.DETAIL_OUTLINE)
    learner = sent("ada", Because.BECAUSE_LEARNER, Detail.DETAIL_FULL)
    same = surrounded(CIRCLE)
    assert all(
        told_then.is_still_needed(one, same, default_matrix(), UNDER_18, NOON) for one in (mentor, boss, learner)
    )
    left = CircleRecorded(
        learner_id="ada", mentorship_id="m-1", mentor_id="max", parties=CIRCLE.parties[1:], standard_reference="ST0148"
    )
    after = surrounded(CIRCLE, left)
    assert [told_then.is_still_needed(one, after, default_matrix(), UNDER_18, NOON) for one in (mentor, boss, learner)] == [
        False, False, True,
    ]  # fmt: skip
    ended = surrounded(CIRCLE, CircleRecorded(learner_id="ada", mentorship_id="m-1", ended=True))
    assert [told_then.is_still_needed(one, ended, default_matrix(), UNDER_18, NOON) for one in (mentor, learner)] == [
        False,
        True,
    ]


def test_before_it_is_sent_the_matrix_is_asked_again() -> None:
    told_then = given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(PLANNED).after().state
    mentor = sent("mia", Because.BECAUSE_MENTOR, Detail.DETAIL_FULL)
    for detail, is_needed in ((Detail.DETAIL_OUTLINE, False), (Detail.DETAIL_FULL, True)):
        rule = NeedToKnowRule(
            kind=InformationKind.INFORMATION_KIND_SESSION, because=Because.BECAUSE_MENTOR, detail=detail
        )
        assert told_then.is_still_needed(mentor, surrounded(CIRCLE), NeedToKnow.of([rule]), UNDER_18, NOON) is is_needed


def test_what_was_told_before_the_circle_was_kept_and_what_goes_to_one_person_is_asked_no_more() -> None:
    before = sent("mia", Because.BECAUSE_MENTOR, Detail.DETAIL_FULL)
    assert Telling(told=True).is_still_needed(before, Circle(), NeedToKnow(()), UNDER_18, NOON)


def test_a_telling_waits_until_the_mentor_that_it_names_has_been_heard_of() -> None:
    """Or it would go to the mentor before, who is to be told nothing any more."""
    taken_over = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="max", standard_reference="ST0148")
    by_max, by_mia = (changed(PLANNED, mentor_id=name, actor_id=name) for name in ("max", "mia"))
    early = given(telling).beside(surrounded(CIRCLE), default_matrix(), UNDER_18).when(by_max)
    assert isinstance(early.then_refused("MENTOR_NOT_HEARD_OF"), NotYet)
    heard = given(telling).beside(surrounded(CIRCLE, taken_over), default_matrix(), UNDER_18)
    assert set(told(heard.when(by_max).events)) == {"ada"}
    # What the former mentor did is told late to those who are there now, and waits for nothing.
    assert set(told(heard.when(by_mia).events)) == {"ada", "max"}
    ended = CircleRecorded(learner_id="ada", mentorship_id="m-1", ended=True)
    assert set(told(given(telling).beside(surrounded(ended), default_matrix(), UNDER_18).when(by_max).events)) == {
        "ada"
    }
