"""Contacts: no plaintext outlives the decision, and whoever replaces another's contact cannot turn an alert away from them."""

from datetime import timedelta

import pytest
from eventkernel.sealing import unsealed_fields
from eventkernel.testing.scenario import NOON, Given, assert_folds_in_pieces, given, person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as for_all
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.events_pb2 import ContactPolicySet, ContactRegistered, ContactReplaced
from mentoring.notifications.v1.notifications_pb2 import (
    RegisterContactRequest,
    RegisterMyContactRequest,
    SetContactPolicyRequest,
)
from notifications.domain.contact import Contact, contact
from notifications.domain.contact_policy import ContactPolicy, contact_policy
from pydantic import TypeAdapter

REGISTER = RegisterContactRequest(person_id="ada", name="Ada Lovelace", email="ada@example.org")
REGISTER_MYSELF = RegisterMyContactRequest(person_id="ada", name="Ada Lovelace", email="ada@example.org")
REGISTERED = ContactRegistered(
    person_id="ada", name=Sealed(to_be_sealed="Ada Lovelace"), email=Sealed(to_be_sealed="ada@example.org")
)
MANAGER, ADA = person("paula", "provider_manager"), person("ada", "provider_manager")
TWO_WEEKS, DAY = timedelta(days=14), timedelta(days=1)


def among(*past: Message) -> Given[Contact]:
    return given(contact, *past).beside(ContactPolicy())


def unproven(meanwhile: int, days: int = 14) -> ContactRegistered:
    until = Timestamp()
    until.FromDatetime(NOON + timedelta(days=days))
    return ContactRegistered(
        person_id="ada", name=REGISTERED.name, email=REGISTERED.email, meanwhile=meanwhile, stands_from=until
    )


def test_a_registered_contact_is_kept_for_the_kernel_to_seal() -> None:
    outcome = among().when(REGISTER, by=MANAGER)
    outcome.then(REGISTERED)
    assert unsealed_fields(outcome.events[0]) == ["name", "email"]


def test_a_second_registration_is_a_new_event_because_sealed_text_cannot_be_compared() -> None:
    among(REGISTERED).when(REGISTER, by=MANAGER).then(unproven(1), ContactReplaced(person_id="ada", replaced=1))


def test_what_another_replaces_again_and_again_never_takes_the_place_of_what_stood() -> None:
    past = among(REGISTERED).when(REGISTER, by=MANAGER).after().when(REGISTER, by=MANAGER, at=NOON + DAY).after()
    state = past.state
    assert state.standing(NOON + TWO_WEEKS) == 1
    assert state.unproven(NOON + TWO_WEEKS) == 3
    assert state.standing(NOON + DAY + TWO_WEEKS) == 3
    assert state.unproven(NOON + DAY + TWO_WEEKS) == 0


def test_what_has_stood_its_time_is_what_the_next_one_stands_beside() -> None:
    past = among(REGISTERED, unproven(1, days=1))
    past.when(REGISTER, by=MANAGER, at=NOON + DAY).then(
        unproven(2, days=15), ContactReplaced(person_id="ada", replaced=2)
    )


@pytest.mark.parametrize("request_", [REGISTER_MYSELF, REGISTER], ids=["my own", "a manager's own"])
def test_what_a_person_registers_themself_counts_at_once_and_the_address_before_is_told(request_: Message) -> None:
    past = among(REGISTERED, unproven(1)).when(request_, by=ADA).then(
        REGISTERED, ContactReplaced(person_id="ada", replaced=1)
    )  # fmt: skip
    assert (past.state.standing(NOON), past.state.unproven(NOON)) == (3, 0)


def test_the_first_registration_replaces_nothing() -> None:
    among().when(REGISTER_MYSELF, by=ADA).then(REGISTERED)


def test_both_are_told_for_as_long_as_the_provider_says() -> None:
    policy = ContactPolicy(both_for=timedelta(days=3))
    given(contact, REGISTERED).beside(policy).when(REGISTER, by=MANAGER).then(
        unproven(1, days=3), ContactReplaced(person_id="ada", replaced=1)
    )


def test_a_policy_is_set_once_and_the_newest_counts() -> None:
    three_days = SetContactPolicyRequest(both_for=Duration(seconds=3 * 86400))
    past = given(contact_policy).when(three_days).then(ContactPolicySet(both_for=three_days.both_for))
    assert past.state == ContactPolicy(timedelta(days=3))
    past.when(three_days).then_nothing()


def test_a_contacts_state_holds_nothing_of_the_person() -> None:
    dumped = TypeAdapter(Contact).dump_json(among(REGISTERED, unproven(1)).state)
    assert dumped == b'{"newest":2,"meanwhile":1,"stands_from":"2026-03-16T12:00:00Z"}'


@for_all(
    steps=st.lists(st.tuples(st.booleans(), st.integers(min_value=0, max_value=20)), max_size=12),
    later=st.integers(min_value=0, max_value=30),
)
def test_in_any_history_only_what_the_person_registered_or_nobody_undid_in_time_stands_alone(
    steps: list[tuple[bool, int]], later: int
) -> None:
    story, day = among(), 0
    # What stands, by the rule as a person would put it: number, and since when it is on trial if at all.
    stands, trial = 0, (0, 0)
    for number, (own, days) in enumerate(steps, start=1):
        day += days
        if trial[0] and day >= trial[1]:
            stands = trial[0]
        command: Message = REGISTER_MYSELF if own else REGISTER
        story = story.when(command, by=ADA if own else MANAGER, at=NOON + timedelta(days=day)).after()
        stands, trial = (number, (0, 0)) if own or number == 1 else (stands, (number, day + 14))
    day += later
    if trial[0] and day >= trial[1]:
        stands, trial = trial[0], (0, 0)
    state = story.state
    assert (state.standing(NOON + timedelta(days=day)), state.unproven(NOON + timedelta(days=day))) == (
        stands,
        trial[0],
    )
    assert_folds_in_pieces(contact, story.past)
