"""How long a person has to acknowledge a concern. Every severity has a deadline at all times, whether or not the provider set one."""

from dataclasses import dataclass
from datetime import timedelta

from eventkernel.aggregate import Aggregate, Context
from mentoring.safeguarding.v1.events_pb2 import (
    SEVERITY_IMMEDIATE_DANGER,
    SEVERITY_OTHER,
    SEVERITY_SERIOUS,
    RoutingPolicySet,
    Severity,
)
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRoutingPolicyRequest

from safeguarding.policy_defaults import ACKNOWLEDGE_WITHIN


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """A provider's deadlines for acknowledgement, and its last resort. DOMAIN.md, Rules that carry numbers."""

    immediate_danger: timedelta
    serious: timedelta
    other: timedelta
    # Whom to ask where a site's rota has nobody who may be asked; empty: nobody.
    last_resort_id: str = ""

    def acknowledge_within(self, severity: Severity.ValueType) -> timedelta:
        """How long each person who is asked has."""
        return {
            SEVERITY_IMMEDIATE_DANGER: self.immediate_danger,
            SEVERITY_SERIOUS: self.serious,
            SEVERITY_OTHER: self.other,
        }[severity]


_DEFAULT = RoutingPolicy(
    immediate_danger=ACKNOWLEDGE_WITHIN["immediate_danger"],
    serious=ACKNOWLEDGE_WITHIN["serious"],
    other=ACKNOWLEDGE_WITHIN["other"],
)
policy = Aggregate("routing-policy", initial=_DEFAULT)


@policy.decide
def set_policy(state: RoutingPolicy, command: SetRoutingPolicyRequest, _context: Context) -> list[RoutingPolicySet]:
    """Sets all of it. A deadline that runs keeps its time; the next one follows the new policy."""
    event = RoutingPolicySet(
        immediate_danger=command.immediate_danger,
        serious=command.serious,
        other=command.other,
        last_resort_id=command.last_resort_id,
    )
    return [] if policy_set(state, event) == state else [event]


@policy.evolve
def policy_set(_state: RoutingPolicy, event: RoutingPolicySet) -> RoutingPolicy:
    """The new deadlines replace the old ones."""
    return RoutingPolicy(
        immediate_danger=event.immediate_danger.ToTimedelta(),
        serious=event.serious.ToTimedelta(),
        other=event.other.ToTimedelta(),
        last_resort_id=event.last_resort_id,
    )
