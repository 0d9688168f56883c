"""Delivery policy: the provider's rules for sending, where they are not the person's own to make.

The default is data, as the need-to-know matrix is: the aggregate is made by `delivery_policy(default)` at the wiring.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from eventkernel.aggregate import Aggregate, Context, Refusal
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.preferences_events_pb2 import (
    AtOnce,
    CodePolicy,
    DeliveryPolicySet,
    Lateness,
    Worth,
)
from mentoring.notifications.v1.preferences_events_pb2 import DeliveryPolicy as Rules
from mentoring.notifications.v1.preferences_events_pb2 import Unsubscribing as UnsubscribingRules
from mentoring.notifications.v1.preferences_pb2 import SetDeliveryPolicyRequest

from notifications.domain.wishes import Wishes, holding, refuse_impossible, written

# Whatever a provider says: a concern, and what a person has a right to know of their own data.
NEVER_UNSUBSCRIBED = frozenset(
    {InformationKind.INFORMATION_KIND_CONCERN, InformationKind.INFORMATION_KIND_DATA_PROTECTION}
)


@dataclass(frozen=True, slots=True)
class Codes:
    """How long a code counts, how often a wrong one may be given, and how many are sent within 24 hours."""

    stands_for: timedelta
    tries: int
    a_day: int


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """Which kinds a person may leave out, and which occasions of those are told all the same."""

    kinds: frozenset[InformationKind.ValueType]
    kept: frozenset[Occasion.ValueType]


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What holds for a provider.

    `at_once` waits for nothing, `in_no_digest` for the end of quiet hours alone. `worth`: how long after it was asked for a notice of an occasion is worth sending.
    """

    codes: Codes
    wishes: Wishes
    unsubscribing: Unsubscribing
    at_once: frozenset[Occasion.ValueType]
    worth: Mapping[Occasion.ValueType, timedelta]
    in_no_digest: frozenset[Occasion.ValueType] = frozenset()

    @classmethod
    def of(cls, rules: Rules) -> "DeliveryPolicy":
        """What these rules say, which say all: the platform's own."""
        nothing = Wishes(language="", time_zone="")
        return cls(
            codes=_codes(rules.codes),
            wishes=holding(rules.preferences, nothing),
            unsubscribing=_unsubscribing(rules.unsubscribing),
            at_once=frozenset(rules.at_once.occasions),
            worth=_worth(rules.lateness),
            in_no_digest=frozenset(rules.at_once.in_no_digest),
        )

    def changed_by(self, rules: Rules) -> "DeliveryPolicy":
        """These rules, and this policy's where they say nothing."""
        found = DeliveryPolicy.of(rules)
        return replace(
            self,
            codes=found.codes if rules.HasField("codes") else self.codes,
            wishes=holding(rules.preferences, self.wishes),
            unsubscribing=found.unsubscribing if rules.HasField("unsubscribing") else self.unsubscribing,
            at_once=found.at_once if rules.HasField("at_once") else self.at_once,
            worth=found.worth if rules.HasField("lateness") else self.worth,
            in_no_digest=found.in_no_digest if rules.HasField("at_once") else self.in_no_digest,
        )

    def rules(self) -> Rules:
        """The policy as a message has it, each part given."""
        codes, unsubscribing = self.codes, self.unsubscribing
        return Rules(
            codes=CodePolicy(stands_for=_duration(codes.stands_for), tries=codes.tries, a_day=codes.a_day),
            preferences=written(self.wishes),
            unsubscribing=UnsubscribingRules(kinds=sorted(unsubscribing.kinds), kept=sorted(unsubscribing.kept)),
            at_once=AtOnce(occasions=sorted(self.at_once), in_no_digest=sorted(self.in_no_digest)),
            lateness=Lateness(
                worth=[Worth(occasion=one, lasts=_duration(self.worth[one])) for one in sorted(self.worth)]
            ),
        )


def delivery_policy(default: DeliveryPolicy) -> Aggregate[DeliveryPolicy]:
    """The aggregate, whose state before anything happened is this default."""
    # Shape 2: states of shape 1 did not say what is in no digest.
    aggregate = Aggregate("delivery-policy", initial=default, shape=2)

    @aggregate.decide
    def set_delivery_policy(
        state: DeliveryPolicy, command: SetDeliveryPolicyRequest, _context: Context
    ) -> list[DeliveryPolicySet]:
        """Counts for what is sent from now on; the same rules give nothing.

        Raises Refusal NEVER_UNSUBSCRIBED, WORTH_TWICE, and what `refuse_impossible` does.
        """
        _refuse(command.policy)
        return [] if default.changed_by(command.policy) == state else [DeliveryPolicySet(policy=command.policy)]

    @aggregate.evolve
    def delivery_policy_set(_state: DeliveryPolicy, event: DeliveryPolicySet) -> DeliveryPolicy:
        """The newest rules, and the platform's where they say nothing."""
        return default.changed_by(event.policy)

    return aggregate


def _refuse(rules: Rules) -> None:
    refuse_impossible(rules.preferences)
    never = NEVER_UNSUBSCRIBED & set(rules.unsubscribing.kinds)
    if never:
        raise Refusal(
            "NEVER_UNSUBSCRIBED",
            f"{', '.join(InformationKind.Name(kind) for kind in sorted(never))}: nobody can choose not to be told of this. Leave it out.",
            field="policy.unsubscribing.kinds",
        )
    if len(_worth(rules.lateness)) < len(rules.lateness.worth):
        raise Refusal("WORTH_TWICE", "An occasion is given twice: give one time for it.", field="policy.lateness.worth")


def _codes(rules: CodePolicy) -> Codes:
    return Codes(rules.stands_for.ToTimedelta(), rules.tries, rules.a_day)


def _unsubscribing(rules: UnsubscribingRules) -> Unsubscribing:
    return Unsubscribing(frozenset(rules.kinds), frozenset(rules.kept))


def _worth(rules: Lateness) -> dict[Occasion.ValueType, timedelta]:
    return {one.occasion: one.lasts.ToTimedelta() for one in rules.worth}


def _duration(length: timedelta) -> Duration:
    found = Duration()
    found.FromTimedelta(length)
    return found
