"""Telling: each person with a legitimate need once, nobody else."""

import re
from collections import Counter
from datetime import date, timedelta

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import derived_id
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, given
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.events_pb2 import (
    Because,
    CircleMeant,
    CircleRecorded,
    Detail,
    NeedToKnowRule,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest, TellCircleRequest, TellPersonRequest
from notifications.default_matrix import default_matrix
from notifications.domain.circle import Circle, circle
from notifications.domain.conditions import Conditions
from notifications.domain.contact import Contact
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS, NeedToKnow
from notifications.domain.occasions import PARTS_TOLD, TOLD_TO_A_CIRCLE, is_safeguarding
from notifications.domain.telling import Telling, telling
from pydantic import TypeAdapter

BECAUSE_OF_PARTY = {
    PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT: Because.BECAUSE_EMPLOYER_CONTACT,
    PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR: Because.BECAUSE_ASSESSOR,
    PartyRelationship.PARTY_RELATIONSHIP_PROVIDER_MANAGER: Because.BECAUSE_PROVIDER_MANAGER,
    PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN: Because.BECAUSE_GUARDIAN,
}

UNDER_18 = Conditions(comes_of_age=date(2030, 1, 1))


def party(person_id: str, relationship: PartyRelationship.ValueType) -> Party:
    return Party(person_id=person_id, relationship=relationship)


CIRCLE = CircleRecorded(
    learner_id="ada",
    mentorship_id="m-1",
    mentor_id="mia",
    parties=[
        party("boss", PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        party("judge", PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR),
        party("mum", PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN),
        party("coach", PartyRelationship.PARTY_RELATIONSHIP_COACH),
    ],
    standard_reference="ST0148",
)
PLANNED = TellCircleRequest(
    telling_id="t-1",
    learner_id="ada",
    kind=InformationKind.INFORMATION_KIND_SESSION,
    occasion=Occasion.OCCASION_SESSION_PLANNED,
    about_id="s-1",
    mentorship_id="m-1",
)
ASSIGNED = TellPersonRequest(
    telling_id="t-2",
    person_id="dora",
    occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
    about_id="c-1",
    because=Because.BECAUSE_DSL_ON_DUTY,
    raiser_role="mentor",
    category="child_on_child",
)
REPLACED = TellPersonRequest(
    telling_id="t-3",
    person_id="dora",
    occasion=Occasion.OCCASION_CONTACT_REPLACED,
    about_id="dora",
    because=Because.BECAUSE_OWN_CONTACT,
    registration=1,
)


def surrounded(*events: CircleRecorded) -> Circle:
    return given(circle, *events).state


def changed(request: TellCircleRequest, **fields: object) -> TellCircleRequest:
    found = TellCircleRequest()
    found.CopyFrom(request)
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def told(events: tuple[Message, ...]) -> dict[str, tuple[Because.ValueType, Detail.ValueType]]:
    notices = [event for event in events if isinstance(event, NoticeRequested)]
    about_a_circle = [event for event in events if isinstance(event, CircleMeant)]
    assert len({event.recipient_id for event in notices}) == len(notices) == len(events) - len(about_a_circle)
    return {event.recipient_id: (event.because, event.detail) for event in notices}


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


ANOTHER_BOSS = party("boss-2", PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
ANOTHER = CircleRecorded(
    learner_id="ada", mentorship_id="m-2", mentor_id="max", parties=[ANOTHER_BOSS], standard_reference="ST0001"
)
JUDGED = TellCircleRequest(
    telling_id="t-5",
    learner_id="ada",
    kind=InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
    occasion=Occasion.OCCASION_EVIDENCE_ACCEPTED,
    about_id="e-1",
    actor_id="judge",
    standard_reference="ST0148",
)


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


def test_an_assigned_concern_is_told_to_its_assignee_alone_with_role_and_category() -> None:
    given(telling).beside(Contact()).when(ASSIGNED, command_id="command-9").then(
        NoticeRequested(
            telling_id="t-2",
            notice_id=derived_id("command-9", "notice", "dora"),
            recipient_id="dora",
            occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
            because=Because.BECAUSE_DSL_ON_DUTY,
            detail=Detail.DETAIL_FULL,
            about_id="c-1",
            raiser_role="mentor",
            category="child_on_child",
            rule="part/dsl-on-duty",
        )
    ).when(ASSIGNED).then_nothing()


@pytest.mark.parametrize("narrative", ["He said that she hits him", "Ada", "mentor\nAda", "a" * 41, "mentor of ada"])
def test_what_is_longer_than_a_code_does_not_ride_along_and_the_alert_goes_out_all_the_same(narrative: str) -> None:
    request = TellPersonRequest()
    request.CopyFrom(ASSIGNED)
    request.raiser_role = narrative
    request.category = narrative
    (event,) = given(telling).beside(Contact()).when(request).events
    assert isinstance(event, NoticeRequested)
    assert (event.raiser_role, event.category) == ("", "")


ON_TRIAL = Contact(newest=3, proven=1, meanwhile=1, stands_from=NOON + timedelta(days=1))


def test_an_alert_goes_to_the_contact_that_stands_and_to_the_one_that_another_put_in_its_place() -> None:
    one, other = given(telling).beside(ON_TRIAL).when(ASSIGNED, at=NOON).events
    assert isinstance(one, NoticeRequested)
    assert isinstance(other, NoticeRequested)
    assert (one.registration, one.second_copy) == (1, False)
    assert (other.registration, other.second_copy) == (1, True)
    assert one.notice_id != other.notice_id
    assert one.recipient_id == other.recipient_id == "dora"
    assert (other.occasion, other.because, other.about_id) == (one.occasion, one.because, one.about_id)


def test_that_a_concern_was_added_to_goes_to_both_as_well() -> None:
    added_to = TellPersonRequest(
        telling_id="t-6",
        person_id="dora",
        occasion=Occasion.OCCASION_CONCERN_ADDED_TO,
        about_id="c-1",
        because=Because.BECAUSE_HANDLES_THE_CONCERN,
    )
    events = given(telling).beside(ON_TRIAL).when(added_to, at=NOON).events
    assert [event.second_copy for event in events if isinstance(event, NoticeRequested)] == [False, True]


def test_a_copy_for_a_contact_on_trial_says_neither_what_it_is_about_nor_who_raised_it() -> None:
    """Whoever put it there may be whom the concern is about."""
    one, other = given(telling).beside(ON_TRIAL).when(ASSIGNED, at=NOON).events
    assert isinstance(one, NoticeRequested)
    assert isinstance(other, NoticeRequested)
    assert (one.raiser_role, one.category) == ("mentor", "child_on_child")
    assert (other.raiser_role, other.category) == ("", "")


def test_a_contact_that_has_stood_long_enough_is_told_alone() -> None:
    (event,) = given(telling).beside(ON_TRIAL).when(ASSIGNED, at=NOON + timedelta(days=1)).events
    assert isinstance(event, NoticeRequested)
    assert (event.registration, event.second_copy) == (3, False)


@pytest.mark.parametrize(
    "occasion", [Occasion.OCCASION_CONCERN_RECEIVED, Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER]
)
def test_that_a_concern_was_received_is_told_to_the_contact_that_stands_alone(occasion: Occasion.ValueType) -> None:
    received = TellPersonRequest(
        telling_id="t-4", person_id="mia", occasion=occasion, about_id="c-1", because=Because.BECAUSE_RAISED_THE_CONCERN
    )
    (event,) = given(telling).beside(ON_TRIAL).when(received, at=NOON).events
    assert isinstance(event, NoticeRequested)
    assert (event.registration, event.second_copy) == (1, False)


def test_a_replaced_contact_is_told_where_it_was_and_nowhere_else() -> None:
    (event,) = given(telling).beside(ON_TRIAL).when(REPLACED, at=NOON).events
    assert isinstance(event, NoticeRequested)
    assert (event.registration, event.recipient_id, event.second_copy) == (1, "dora", False)


def test_every_occasion_is_told_to_a_circle_or_to_one_person() -> None:
    assert not TOLD_TO_A_CIRCLE & set(PARTS_TOLD)
    assert TOLD_TO_A_CIRCLE | set(PARTS_TOLD) == set(Occasion.values()) - {Occasion.OCCASION_UNSPECIFIED}


@pytest.mark.parametrize("occasion", [Occasion.OCCASION_UNSPECIFIED, 99])
def test_an_occasion_that_is_not_known_is_taken_for_a_concerns(occasion: Occasion.ValueType) -> None:
    """So that it is tried without end, greets nobody by name and shows in no manager's list."""
    assert is_safeguarding(occasion)


@pytest.mark.parametrize("occasion", sorted(PARTS_TOLD))
def test_what_is_for_one_person_is_never_told_to_a_circle(occasion: Occasion.ValueType) -> None:
    everything = NeedToKnow.of(
        NeedToKnowRule(kind=kind, because=because, detail=Detail.DETAIL_FULL)
        for kind in InformationKind.values()
        for because in Because.values()
    )
    beside = given(telling).beside(surrounded(CIRCLE), everything, UNDER_18)
    beside.when(changed(PLANNED, occasion=occasion)).then_refused("NOT_FOR_A_CIRCLE")
    beside.when(changed(PLANNED, kind=InformationKind.INFORMATION_KIND_CONCERN)).then_refused("NOT_FOR_A_CIRCLE")


@pytest.mark.parametrize("occasion", sorted(set(Occasion.values()) - {Occasion.OCCASION_UNSPECIFIED}))
@pytest.mark.parametrize("because", sorted(set(Because.values()) - {Because.BECAUSE_UNSPECIFIED}))
def test_one_person_is_told_of_a_concern_by_the_part_in_it_and_of_their_own_contact(
    occasion: Occasion.ValueType, because: Because.ValueType
) -> None:
    received = {Occasion.OCCASION_CONCERN_RECEIVED, Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER}
    handlers = {
        Because.BECAUSE_DSL_ON_DUTY,
        Because.BECAUSE_DEPUTY_DSL_NEXT_ON_THE_LADDER,
        Because.BECAUSE_SENIOR_LEAD_LAST_RESORT,
        Because.BECAUSE_ASKED_FIRST_BY_A_RULE,
        Because.BECAUSE_PASSED_ON_TO,
    }
    request = TellPersonRequest(telling_id="t-3", person_id="dora", occasion=occasion, about_id="c-1", because=because)
    outcome = given(telling).beside(Contact()).when(request)
    own = occasion in {Occasion.OCCASION_CONTACT_REPLACED, Occasion.OCCASION_ADDRESS_SUPPRESSED}
    assigned = occasion == Occasion.OCCASION_CONCERN_ASSIGNED
    added_to = occasion in {
        Occasion.OCCASION_CONCERN_ADDED_TO,
        Occasion.OCCASION_CONCERN_CHASED,
        Occasion.OCCASION_CONCERN_LAPSED,
    }
    gap = occasion == Occasion.OCCASION_DUTY_GAP
    task = occasion in {Occasion.OCCASION_CONCERN_TASK_GIVEN, Occasion.OCCASION_CONCERN_TASK_OVERDUE}
    skill = occasion in {Occasion.OCCASION_SKILL_LAPSING, Occasion.OCCASION_SKILL_LAPSED}
    file = occasion in {Occasion.OCCASION_FILE_TRANSFER_CHASED, Occasion.OCCASION_FILE_RECEIPT_CHASED}
    if (
        (occasion in received and because == Because.BECAUSE_RAISED_THE_CONCERN)
        or (assigned and because in handlers)
        or (added_to and because == Because.BECAUSE_HANDLES_THE_CONCERN)
        or (own and because == Because.BECAUSE_OWN_CONTACT)
        or (gap and because == Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE)
        or (skill and because == Because.BECAUSE_OWN_SKILL)
        or (task and because == Because.BECAUSE_HAS_A_TASK_OF_THE_CONCERN)
        or (file and because == Because.BECAUSE_SEES_TO_THE_FILE)
    ):
        assert set(told(outcome.events)) == {"dora"}
    elif occasion in received or assigned or added_to or own or gap or skill or task or file:
        outcome.then_refused("PART_NOT_TOLD")
    else:
        outcome.then_refused("NOT_FOR_ONE_PERSON")


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


STANDARDS = {"m-1": "ST0148", "m-2": "ST0001"}
PEOPLE = st.sampled_from(["ada", "p1", "p2", "p3", "p4", "p5"])
PARTIES = st.lists(
    st.builds(
        party, PEOPLE, st.sampled_from([value for value in PartyRelationship.values() if value])
    ),
    max_size=6,
)  # fmt: skip
RECORDS = st.lists(
    st.builds(
        lambda mentorship_id, mentor_id, parties, ended: CircleRecorded(
            learner_id="ada",
            mentorship_id=mentorship_id,
            mentor_id="" if ended else mentor_id,
            parties=[] if ended else parties,
            ended=ended,
            standard_reference="" if ended else STANDARDS[mentorship_id],
        ),
        st.sampled_from(["m-1", "m-2"]),
        PEOPLE,
        PARTIES,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
KINDS = st.sampled_from(
    [
        kind
        for kind in InformationKind.values()
        if kind not in (InformationKind.INFORMATION_KIND_UNSPECIFIED, InformationKind.INFORMATION_KIND_CONCERN)
    ]
)
MATRIX = st.dictionaries(
    st.tuples(KINDS, st.sampled_from(CIRCLE_RELATIONSHIPS)), st.sampled_from(Detail.values()), max_size=40
)


def _people(of: CircleRecorded) -> set[tuple[str, Because.ValueType]]:
    if of.ended:
        return set()
    parties = [one for one in of.parties if one.relationship in BECAUSE_OF_PARTY]
    return {(of.mentor_id, Because.BECAUSE_MENTOR)} | {
        (one.person_id, BECAUSE_OF_PARTY[one.relationship]) for one in parties
    }


@settings(deadline=None)
@for_all(
    records=RECORDS,
    cells=MATRIX,
    kind=KINDS,
    actor_id=st.one_of(st.just(""), PEOPLE),
    belongs=st.sampled_from([("", ""), ("m-1", ""), ("m-2", ""), ("", "ST0148"), ("", "ST0001"), ("", "ST0002")]),
)
def test_the_people_told_are_exactly_those_whom_the_matrix_tells_each_once(
    records: list[CircleRecorded],
    cells: dict[tuple[InformationKind.ValueType, Because.ValueType], Detail.ValueType],
    kind: InformationKind.ValueType,
    actor_id: str,
    belongs: tuple[str, str],
) -> None:
    mentorship_id, standard = belongs
    matrix = NeedToKnow.of(NeedToKnowRule(kind=k, because=b, detail=d) for (k, b), d in cells.items())
    request = changed(PLANNED, kind=kind, actor_id=actor_id, mentorship_id=mentorship_id, standard_reference=standard)
    outcome = given(telling).beside(surrounded(*records), matrix, UNDER_18).when(request)

    newest = {record.mentorship_id: record for record in records}
    if mentorship_id and mentorship_id not in newest:
        outcome.then_refused("CIRCLE_UNKNOWN")
        return
    if mentorship_id:
        meant = [newest[mentorship_id]]
    elif standard:
        meant = [one for one in newest.values() if one.standard_reference == standard]
    else:
        meant = [one for one in newest.values() if one.ended or one.mentor_id == actor_id]
    people = [_people(one) for one in meant]
    related = {("ada", Because.BECAUSE_LEARNER), *(set.intersection(*people) if people else set())}
    expected: dict[str, int] = {}
    for person_id, because in related:
        detail = cells.get((kind, because), Detail.DETAIL_UNSPECIFIED)
        if detail and person_id != actor_id:
            expected[person_id] = max(detail, expected.get(person_id, 0))

    notices = [event for event in outcome.events if isinstance(event, NoticeRequested)]
    assert Counter(event.recipient_id for event in notices) == Counter(expected.keys())
    assert len({event.notice_id for event in notices}) == len(notices)
    for event in notices:
        assert event.detail == expected[event.recipient_id]
        assert (event.recipient_id, event.because) in related
        assert cells[kind, event.because] == event.detail
        assert "ada" not in event.about_id
    outcome.after().when(request).then(*(() if notices else outcome.events))


@settings(deadline=None)
@for_all(records=RECORDS)
def test_any_circle_folds_in_pieces_and_survives_its_snapshot(records: list[CircleRecorded]) -> None:
    assert_folds_in_pieces(circle, records)
    adapter = TypeAdapter(Circle)
    state = surrounded(*records)
    assert adapter.validate_json(adapter.dump_json(state)) == state


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
