"""What is told of a concern, and of a contact: to one person by their part in it, with no word of what it is about."""

from datetime import timedelta

import pytest
from eventkernel.messages import derived_id
from eventkernel.testing.scenario import NOON, given
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import (
    Because,
    Detail,
    NeedToKnowRule,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import TellPersonRequest
from notifications.domain.contact import Contact
from notifications.domain.need_to_know import NeedToKnow
from notifications.domain.occasions import PARTS_TOLD
from notifications.domain.telling import telling

from .circles import ASSIGNED, CIRCLE, PLANNED, REPLACED, UNDER_18, changed, surrounded, told


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
