"""Provider details: the numbers that whoever raises a concern in immediate danger is told to call. They are no secret."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context
from mentoring.notifications.v1.provider_details_events_pb2 import ProviderDetailsSet
from mentoring.notifications.v1.provider_details_pb2 import SetProviderDetailsRequest


@dataclass(frozen=True, slots=True)
class ProviderDetails:
    """As the provider set them. 999 is the emergency number of the United Kingdom (General Conditions of Entitlement, Ofcom)."""

    provider_name: str = ""
    dsl_line: str = ""
    emergency_line: str = "999"


provider_details = Aggregate("provider-details", initial=ProviderDetails())


@provider_details.decide
def set_provider_details(
    state: ProviderDetails, command: SetProviderDetailsRequest, _context: Context
) -> list[ProviderDetailsSet]:
    """Sets all of it, for messages from now on; the same details give nothing."""
    event = ProviderDetailsSet(
        provider_name=command.provider_name, dsl_line=command.dsl_line, emergency_line=command.emergency_line
    )
    return [] if provider_details_set(state, event) == state else [event]


@provider_details.evolve
def provider_details_set(_state: ProviderDetails, event: ProviderDetailsSet) -> ProviderDetails:
    """The newest ones hold."""
    return ProviderDetails(
        event.provider_name, event.dsl_line, event.emergency_line or provider_details.initial.emergency_line
    )
