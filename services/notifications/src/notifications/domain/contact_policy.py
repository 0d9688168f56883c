"""Contact policy: how long a contact that somebody else replaced goes on being told about concerns. Local policy by convention."""

from dataclasses import dataclass
from datetime import timedelta

from eventkernel.aggregate import Aggregate, Context
from mentoring.notifications.v1.events_pb2 import ContactPolicySet
from mentoring.notifications.v1.notifications_pb2 import SetContactPolicyRequest


@dataclass(frozen=True, slots=True)
class ContactPolicy:
    """Two weeks unless a provider sets another time: as long as a holiday that somebody may come back from."""

    both_for: timedelta = timedelta(days=14)


# Not `contact-policy`: that is the stream of a person whose id is `policy`.
contact_policy = Aggregate("contacts-policy", initial=ContactPolicy())


@contact_policy.decide
def set_contact_policy(
    state: ContactPolicy, command: SetContactPolicyRequest, _context: Context
) -> list[ContactPolicySet]:
    """Counts for replacements from now on; the same policy gives nothing."""
    if command.both_for.ToTimedelta() == state.both_for:
        return []
    return [ContactPolicySet(both_for=command.both_for)]


@contact_policy.evolve
def contact_policy_set(_state: ContactPolicy, event: ContactPolicySet) -> ContactPolicy:
    """The policy is the newest one."""
    return ContactPolicy(event.both_for.ToTimedelta())
