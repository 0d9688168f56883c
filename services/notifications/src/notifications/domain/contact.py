"""Contact: how a person is reached. No state holds any of it: name and address exist sealed alone, and registrations are known by number.

Who replaces another's contact cannot turn an alert about a concern away from them: the address before is told of it, and for a time
alerts go to both.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from eventkernel.aggregate import Aggregate, Context
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.events_pb2 import ContactRegistered, ContactReplaced
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest, RegisterMyContactRequest

from notifications.domain.contact_policy import ContactPolicy


@dataclass(frozen=True, slots=True)
class Contact:
    """Which registration counts, by its number from 1; 0: none.

    `proven` is the newest that the person registered, or the first. Before `stands_from` the newest of all, by somebody else, stands
    beside `meanwhile`.
    """

    newest: int = 0
    proven: int = 0
    meanwhile: int = 0
    stands_from: datetime | None = None

    def standing(self, now: datetime) -> int:
        """The one that what is told about concerns must reach: registered by the person, or first, or long enough ago."""
        return self.newest if self.stands_from is None or now >= self.stands_from else self.meanwhile

    def on_trial(self, now: datetime) -> bool:
        """Whether the newest does not stand yet: alerts go to both, so that a change that was meant well loses none."""
        return self.standing(now) != self.newest

    def first_copy(self, stood: int, now: datetime) -> int:
        """Where to send what was asked for while registration `stood` stood: there, unless the person registered their own since.

        0: none stood then, and it goes to the one that stands now. Time alone never turns it away to what somebody else put there.
        """
        return max(stood, self.proven) if stood else self.standing(now)

    def second_copy(self, stood: int, now: datetime) -> int:
        """Where the other copy goes: to the newest; 0: the first goes there, and no other is needed."""
        return self.newest if self.newest != self.first_copy(stood, now) else 0


# Shape 2: states of shape 1 held no numbers. Shape 3: those of shape 2 did not say which one is proven.
contact = Aggregate("contact", initial=Contact(), shape=3)


@contact.decide
def register_contact(
    state: Contact, command: RegisterContactRequest, context: Context
) -> list[ContactRegistered | ContactReplaced]:
    """Registers again even what is registered already: sealed text cannot be compared, and the command's key makes a repeat harmless."""
    registered = _registered(command)
    if state.newest and context.principal.person_id != command.person_id:
        registered.meanwhile = state.standing(context.now)
        registered.stands_from.CopyFrom(timestamp(context.now + context.state(ContactPolicy).both_for))
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
    number = state.newest + 1
    if not event.HasField("stands_from"):
        return Contact(newest=number, proven=number)
    return Contact(number, state.proven, event.meanwhile, event.stands_from.ToDatetime(UTC))


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
