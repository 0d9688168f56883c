"""Contact: how a person is reached. No state holds any of it: name and address exist sealed alone, and registrations are known by number.

Who replaces another's contact cannot turn an alert about a concern away from them: the address before is told of it, and for a time
alerts go to both.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from eventkernel.aggregate import Aggregate, Context
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.events_pb2 import ContactRegistered, ContactReplaced
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest, RegisterMyContactRequest

from notifications.domain.contact_policy import ContactPolicy


@dataclass(frozen=True, slots=True)
class Contact:
    """Which registration counts, by its number from 1; 0: none.

    Before `stands_from` the newest one, by somebody else, stands beside `meanwhile`.
    """

    newest: int = 0
    meanwhile: int = 0
    stands_from: datetime | None = None

    def standing(self, now: datetime) -> int:
        """The one that alerts about concerns must reach: registered by the person, or first, or long enough ago."""
        return self.newest if self.stands_from is None or now >= self.stands_from else self.meanwhile

    def unproven(self, now: datetime) -> int:
        """The one that alerts go to as well, so that a change that was meant well loses none; 0: there is none."""
        return self.newest if self.standing(now) != self.newest else 0


# Shape 2: states of shape 1 held no numbers.
contact = Aggregate("contact", initial=Contact(), shape=2)


@contact.decide
def register_contact(
    state: Contact, command: RegisterContactRequest, context: Context
) -> list[ContactRegistered | ContactReplaced]:
    """Registers again even what is registered already: sealed text cannot be compared, and the command's key makes a repeat harmless."""
    registered = _registered(command)
    if state.newest and context.principal.person_id != command.person_id:
        registered.meanwhile = state.standing(context.now)
        registered.stands_from.CopyFrom(_timestamp(context.now + context.state(ContactPolicy).both_for))
    return [registered, *_replaced(state, command.person_id, context.now)]


@contact.decide
def register_my_contact(
    state: Contact, command: RegisterMyContactRequest, context: Context
) -> list[ContactRegistered | ContactReplaced]:
    """By the person themself: it counts at once, and ends what somebody else began."""
    return [_registered(command), *_replaced(state, command.person_id, context.now)]


@contact.evolve
def contact_registered(state: Contact, event: ContactRegistered) -> Contact:
    """The newest counts, alone unless the event says otherwise."""
    stands_from = event.stands_from.ToDatetime(UTC) if event.HasField("stands_from") else None
    return Contact(state.newest + 1, event.meanwhile, stands_from)


@contact.evolve
def contact_replaced(state: Contact, _event: ContactReplaced) -> Contact:
    """For those who tell the person; the registration before it has said the rest."""
    return state


def _registered(command: RegisterContactRequest | RegisterMyContactRequest) -> ContactRegistered:
    return ContactRegistered(
        person_id=command.person_id, name=Sealed(to_be_sealed=command.name), email=Sealed(to_be_sealed=command.email)
    )


def _replaced(state: Contact, person_id: str, now: datetime) -> list[ContactReplaced]:
    return [ContactReplaced(person_id=person_id, replaced=state.standing(now))] if state.newest else []


def _timestamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found
