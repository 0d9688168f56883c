"""Contact: how a person is reached. The newest registration counts, and no state holds any of it: name and address exist sealed alone."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.events_pb2 import ContactRegistered
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest


@dataclass(frozen=True, slots=True)
class Contact:
    """Nothing: a state is kept in snapshots and caches, and what it would hold is confidential."""


contact = Aggregate("contact", initial=Contact())


@contact.decide
def register_contact(_state: Contact, command: RegisterContactRequest, _context: Context) -> list[ContactRegistered]:
    """Registers again even what is registered already: sealed text cannot be compared, and the command's key makes a repeat harmless."""
    return [
        ContactRegistered(
            person_id=command.person_id,
            name=Sealed(to_be_sealed=command.name),
            email=Sealed(to_be_sealed=command.email),
        )
    ]


@contact.evolve
def contact_registered(state: Contact, _event: ContactRegistered) -> Contact:
    """The effect that sends reads the newest event itself."""
    return state
