"""Contacts: the newest registration counts, and no plaintext outlives the decision."""

from eventkernel.sealing import unsealed_fields
from eventkernel.testing.scenario import given
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.events_pb2 import ContactRegistered
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest
from notifications.domain.contact import Contact, contact
from pydantic import TypeAdapter

REGISTER = RegisterContactRequest(person_id="ada", name="Ada Lovelace", email="ada@example.org")
REGISTERED = ContactRegistered(
    person_id="ada", name=Sealed(to_be_sealed="Ada Lovelace"), email=Sealed(to_be_sealed="ada@example.org")
)


def test_a_registered_contact_is_kept_for_the_kernel_to_seal() -> None:
    outcome = given(contact).when(REGISTER)
    outcome.then(REGISTERED)
    assert unsealed_fields(outcome.events[0]) == ["name", "email"]


def test_a_second_registration_is_a_new_event_because_sealed_text_cannot_be_compared() -> None:
    given(contact, REGISTERED).when(REGISTER).then(REGISTERED)


def test_a_contacts_state_holds_nothing_of_the_person() -> None:
    state = given(contact, REGISTERED, REGISTERED).state
    assert state == Contact()
    assert TypeAdapter(Contact).dump_json(state) == b"{}"
