"""Preferences: what a person said of how they want to be told, and of what not. Their state holds what was said, whatever the provider has."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from google.protobuf.json_format import MessageToJson, Parse
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.preferences_events_pb2 import Preferences as Said
from mentoring.notifications.v1.preferences_events_pb2 import PreferencesSet
from mentoring.notifications.v1.preferences_pb2 import LeaveOutRequest, SetMyPreferencesRequest

from notifications.domain.delivery_policy import DeliveryPolicy
from notifications.domain.wishes import Wishes, holding, refuse_impossible


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was said last: as JSON, since a state is data. `unsubscribed` counts as far as the provider allows it today."""

    said: str = "{}"
    unsubscribed: frozenset[InformationKind.ValueType] = frozenset()

    @property
    def own(self) -> Said:
        """What was said, as a message has it."""
        return Parse(self.said, Said())

    def wishes(self, policy: DeliveryPolicy) -> Wishes:
        """What holds."""
        return holding(self.own, policy.wishes)


preferences = Aggregate("preferences", initial=Preferences())


@preferences.decide
def set_my_preferences(state: Preferences, command: SetMyPreferencesRequest, context: Context) -> list[PreferencesSet]:
    """Replaces all of them; the same give nothing.

    Raises Refusal MAY_NOT_BE_UNSUBSCRIBED, and what `refuse_impossible` does.
    """
    refuse_impossible(command.preferences)
    _refuse_kinds(command, context.state(DeliveryPolicy))
    event = PreferencesSet(
        person_id=command.person_id, preferences=command.preferences, unsubscribed=command.unsubscribed
    )
    return [] if preferences_set(state, event) == state else [event]


@preferences.decide
def leave_out(state: Preferences, command: LeaveOutRequest, context: Context) -> list[PreferencesSet]:
    """These kinds as well, as far as the provider leaves a choice; what is left out already gives nothing."""
    also = state.unsubscribed | (set(command.kinds) & context.state(DeliveryPolicy).unsubscribing.kinds)
    event = PreferencesSet(person_id=command.person_id, preferences=state.own, unsubscribed=sorted(also))
    return [] if also == state.unsubscribed else [event]


@preferences.evolve
def preferences_set(_state: Preferences, event: PreferencesSet) -> Preferences:
    """As said last."""
    return Preferences(MessageToJson(event.preferences, indent=None), frozenset(event.unsubscribed))


def _refuse_kinds(command: SetMyPreferencesRequest, policy: DeliveryPolicy) -> None:
    if set(command.unsubscribed) <= policy.unsubscribing.kinds:
        return
    may_be = ", ".join(InformationKind.Name(kind) for kind in sorted(policy.unsubscribing.kinds)) or "nothing"
    raise Refusal(
        "MAY_NOT_BE_UNSUBSCRIBED",
        f"Of this the provider leaves no choice: what may be left out is {may_be}.",
        field="unsubscribed",
    )
