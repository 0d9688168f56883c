"""Delivery policy: the provider's rules for sending, where they are not the person's own to make.

The default is data, as the need-to-know matrix is: the aggregate is made by `delivery_policy(default)` at the wiring.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from eventkernel.aggregate import Aggregate, Context
from mentoring.notifications.v1.preferences_events_pb2 import CodePolicy, DeliveryPolicySet
from mentoring.notifications.v1.preferences_events_pb2 import DeliveryPolicy as DeliveryRules
from mentoring.notifications.v1.preferences_pb2 import SetDeliveryPolicyRequest


@dataclass(frozen=True, slots=True)
class Codes:
    """How long a code counts, how often a wrong one may be given, and how many are sent within 24 hours."""

    stands_for: timedelta
    tries: int
    a_day: int

    @classmethod
    def of(cls, rules: CodePolicy) -> "Codes":
        """What these rules say."""
        return cls(rules.stands_for.ToTimedelta(), rules.tries, rules.a_day)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What holds for a provider."""

    codes: Codes

    @classmethod
    def of(cls, rules: DeliveryRules) -> "DeliveryPolicy":
        """What these rules say, where they say all."""
        return cls(codes=Codes.of(rules.codes))

    def changed_by(self, rules: DeliveryRules) -> "DeliveryPolicy":
        """These rules, and this policy's where they say nothing."""
        return replace(self, codes=Codes.of(rules.codes)) if rules.HasField("codes") else self


def delivery_policy(default: DeliveryPolicy) -> Aggregate[DeliveryPolicy]:
    """The aggregate, whose state before anything happened is this default."""
    aggregate = Aggregate("delivery-policy", initial=default)

    @aggregate.decide
    def set_delivery_policy(
        state: DeliveryPolicy, command: SetDeliveryPolicyRequest, _context: Context
    ) -> list[DeliveryPolicySet]:
        """Counts for what is sent from now on; the same rules give nothing."""
        return [] if default.changed_by(command.policy) == state else [DeliveryPolicySet(policy=command.policy)]

    @aggregate.evolve
    def delivery_policy_set(_state: DeliveryPolicy, event: DeliveryPolicySet) -> DeliveryPolicy:
        """The newest rules, and the platform's where they say nothing."""
        return default.changed_by(event.policy)

    return aggregate
