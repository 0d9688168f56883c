"""Contacts: no plaintext outlives the decision, and whoever replaces another's contact cannot turn an alert away from them."""

from datetime import datetime, timedelta

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
    assert state.on_trial(NOON + TWO_WEEKS)
    assert state.standing(NOON + DAY + TWO_WEEKS) == 3
    assert not state.on_trial(NOON + DAY + TWO_WEEKS)


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
    assert past.state.standing(NOON) == 3
    assert not past.state.on_trial(NOON)


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
    assert dumped == b'{"newest":2,"proven":1,"meanwhile":1,"stands_from":"2026-03-16T12:00:00Z"}'


def test_where_an_alert_goes_is_not_changed_by_time_nor_by_what_others_put_there_meanwhile() -> None:
    state = among(REGISTERED, unproven(1)).state
    for now in (NOON, NOON + TWO_WEEKS, NOON + 10 * TWO_WEEKS):
        assert (state.first_copy(1, now), state.second_copy(1, now)) == (1, 2)


def test_what_the_person_registers_themself_takes_both_copies() -> None:
    state = among(REGISTERED, unproven(1), REGISTERED).state
    assert (state.first_copy(1, NOON), state.second_copy(1, NOON)) == (3, 0)


def test_an_alert_asked_for_before_any_contact_goes_to_the_one_that_stands_when_it_is_sent() -> None:
    assert among().state.first_copy(0, NOON) == 0
    assert among(REGISTERED, unproven(1)).state.first_copy(0, NOON) == 1


STEPS = st.lists(st.tuples(st.booleans(), st.integers(min_value=0, max_value=20)), max_size=12)


class Story:
    """Registrations by the person and by others, and what stands, by the rule as a person would put it."""

    def __init__(self) -> None:
        self.given, self.day = among(), 0
        self.own: set[int] = set()
        # What stands: its number; and what is on trial: its number, and until which day.
        self.stands, self.trial = 0, (0, 0)

    def register(self, own: bool, days: int) -> None:
        self.wait(days)
        number = self.given.state.newest + 1
        command: Message = REGISTER_MYSELF if own else REGISTER
        self.given = self.given.when(command, by=ADA if own else MANAGER, at=self.now).after()
        if own or number == 1:
            self.own.add(number)
            self.stands, self.trial = number, (0, 0)
        else:
            self.trial = (number, self.day + 14)

    def wait(self, days: int) -> None:
        self.day += days
        if self.trial[0] and self.day >= self.trial[1]:
            self.stands, self.trial = self.trial[0], (0, 0)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(days=self.day)


@for_all(steps=STEPS, later=st.integers(min_value=0, max_value=30))
def test_in_any_history_only_what_the_person_registered_or_nobody_undid_in_time_stands_alone(
    steps: list[tuple[bool, int]], later: int
) -> None:
    story = Story()
    for own, days in steps:
        story.register(own, days)
    story.wait(later)
    state = story.given.state
    assert state.standing(story.now) == story.stands
    assert state.on_trial(story.now) == bool(story.trial[0])
    assert_folds_in_pieces(contact, story.given.past)


@for_all(before=STEPS.filter(bool), after=STEPS, later=st.integers(min_value=0, max_value=30))
def test_in_any_history_one_copy_of_an_alert_goes_to_what_the_person_registered_or_to_what_stood_when_it_was_asked_for(
    before: list[tuple[bool, int]], after: list[tuple[bool, int]], later: int
) -> None:
    story = Story()
    for own, days in before:
        story.register(own, days)
    stood = story.given.state.standing(story.now)
    for own, days in after:
        story.register(own, days)
    story.wait(later)
    state = story.given.state
    own_since = [number for number in story.own if number > stood]
    first, second = state.first_copy(stood, story.now), state.second_copy(stood, story.now)
    assert first == (max(own_since) if own_since else stood)
    # Both are needed wherever somebody else has the last word, and no second where the first goes to the newest.
    assert second == (0 if first == state.newest else state.newest)
