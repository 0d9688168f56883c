"""A condition decides when it is told, and again before it is sent."""

from datetime import date, timedelta

import pytest
from eventkernel.testing.scenario import NOON, given
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import (
    Because,
    CircleRecorded,
    Detail,
    NeedToKnowRule,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import Part, StartNoticeRequest, TellCircleRequest
from notifications.default_matrix import default_matrix
from notifications.domain.circle import circle
from notifications.domain.conditions import Conditions
from notifications.domain.need_to_know import NeedToKnow
from notifications.domain.telling import telling

EMPLOYER, GUARDIAN = Because.BECAUSE_EMPLOYER_CONTACT, Because.BECAUSE_GUARDIAN
WELL_BEING, PROGRESS = InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING, InformationKind.INFORMATION_KIND_PROGRESS
AROUND = given(
    circle,
    CircleRecorded(
        learner_id="ada",
        mentorship_id="m-1",
        mentor_id="mia",
        parties=[
            Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
            Party(person_id="mum", relationship=PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN),
        ],
    ),
).state
AGREED = Conditions(agreed=((WELL_BEING, EMPLOYER),))
COMES_OF_AGE_TOMORROW = Conditions(comes_of_age=date(2026, 3, 4))
SILENT = Conditions()


def happened(kind: InformationKind.ValueType, *parts: Part) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id="t-1",
        learner_id="ada",
        kind=kind,
        occasion=Occasion.OCCASION_ACTION_ASSIGNED,
        about_id="a-1",
        mentorship_id="m-1",
        parts=parts,
    )


def told(request: TellCircleRequest, conditions: Conditions) -> dict[str, tuple[str, int]]:
    events = given(telling).beside(AROUND, default_matrix(), conditions).when(request).events
    return {one.recipient_id: (one.rule, one.policy_version) for one in events if isinstance(one, NoticeRequested)}


def test_every_notice_has_the_rule_that_allowed_it() -> None:
    assert told(happened(PROGRESS), COMES_OF_AGE_TOMORROW) == {
        "ada": ("progress/learner", 1),
        "mia": ("progress/mentor", 1),
        "boss": ("progress/employer-contact", 1),
        "mum": ("progress/guardian/under-18", 1),
    }
    owner = Part(person_id="boss", because=Because.BECAUSE_OWNS_THE_ACTION)
    assert told(happened(InformationKind.INFORMATION_KIND_ACTION, owner), SILENT) == {
        "boss": ("part/owns-the-action", 0),
        "mia": ("action/mentor", 1),
    }


def test_a_rule_has_the_version_of_the_policy_that_it_is_of() -> None:
    rules = [NeedToKnowRule(kind=PROGRESS, because=EMPLOYER, detail=Detail.DETAIL_FULL)]
    outcome = given(telling).beside(AROUND, NeedToKnow.of(rules, version=7), SILENT).when(happened(PROGRESS))
    (notice, _) = outcome.events
    assert isinstance(notice, NoticeRequested)
    assert (notice.recipient_id, notice.rule, notice.policy_version) == ("boss", "progress/employer-contact", 7)


def test_an_employer_contact_is_told_of_well_being_only_while_the_learner_agrees() -> None:
    assert "boss" not in told(happened(WELL_BEING), SILENT)
    assert told(happened(WELL_BEING), AGREED)["boss"] == ("issue-well-being/employer-contact/learner-agrees", 1)


@pytest.mark.parametrize("conditions", [SILENT, Conditions(comes_of_age=date(2026, 3, 2))])
def test_a_guardian_is_told_nothing_of_an_adult_and_nothing_where_the_age_is_not_known(conditions: Conditions) -> None:
    assert "mum" not in told(happened(PROGRESS), conditions)


def waiting(recipient_id: str, because: Because.ValueType, detail: Detail.ValueType) -> StartNoticeRequest:
    return StartNoticeRequest(recipient_id=recipient_id, because=because, detail=detail)


def test_an_agreement_that_is_withdrawn_before_it_is_sent_stops_it() -> None:
    asked = given(telling).beside(AROUND, default_matrix(), AGREED).when(happened(WELL_BEING)).after().state
    notice = waiting("boss", EMPLOYER, Detail.DETAIL_OUTLINE)
    assert asked.is_still_needed(notice, AROUND, default_matrix(), AGREED, NOON)
    assert not asked.is_still_needed(notice, AROUND, default_matrix(), SILENT, NOON)


def test_a_birthday_that_passes_before_it_is_sent_stops_it() -> None:
    asked = given(telling).beside(AROUND, default_matrix(), COMES_OF_AGE_TOMORROW).when(happened(PROGRESS)).after()
    notice = waiting("mum", GUARDIAN, Detail.DETAIL_OUTLINE)
    for later, needed in ((timedelta(0), True), (timedelta(days=2), False)):
        assert (
            asked.state.is_still_needed(notice, AROUND, default_matrix(), COMES_OF_AGE_TOMORROW, NOON + later) is needed
        )


def test_what_another_rule_allows_in_the_same_detail_is_still_sent_and_what_it_tells_less_of_is_not() -> None:
    asked = given(telling).beside(AROUND, default_matrix(), AGREED).when(happened(WELL_BEING)).after().state
    notice = waiting("boss", EMPLOYER, Detail.DETAIL_OUTLINE)
    always = NeedToKnow.of([NeedToKnowRule(kind=WELL_BEING, because=EMPLOYER, detail=Detail.DETAIL_OUTLINE)])
    assert asked.is_still_needed(notice, AROUND, always, SILENT, NOON)
    notice.detail = Detail.DETAIL_FULL
    assert not asked.is_still_needed(notice, AROUND, always, SILENT, NOON)


def test_a_part_depends_on_no_condition() -> None:
    owner = Part(person_id="mum", because=Because.BECAUSE_OWNS_THE_ACTION)
    request = happened(InformationKind.INFORMATION_KIND_ACTION, owner)
    asked = given(telling).beside(AROUND, default_matrix(), SILENT).when(request).after().state
    notice = waiting("mum", Because.BECAUSE_OWNS_THE_ACTION, Detail.DETAIL_FULL)
    assert asked.is_still_needed(notice, AROUND, default_matrix(), SILENT, NOON)


def test_a_condition_that_this_release_does_not_know_is_not_met() -> None:
    later = NeedToKnowRule(kind=PROGRESS, because=EMPLOYER, detail=Detail.DETAIL_FULL)
    later.conditions.append(Condition.ValueType(99))
    everything = Conditions(agreed=((PROGRESS, EMPLOYER),), comes_of_age=date(2030, 1, 1))
    assert NeedToKnow.of([later]).allowing(PROGRESS, EMPLOYER, everything, NOON) is None
