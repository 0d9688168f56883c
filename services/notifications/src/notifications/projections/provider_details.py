"""The provider's numbers, as anyone known may read them."""

from eventkernel.reading import Reader
from mentoring.notifications.v1.provider_details_pb2 import GetProviderDetailsRequest, GetProviderDetailsResponse

from notifications.domain.provider_details import provider_details


async def get_provider_details(_request: GetProviderDetailsRequest, read: Reader) -> GetProviderDetailsResponse:
    """What the provider set, else the platform's default."""
    found = await read.state(provider_details, "provider-details")
    return GetProviderDetailsResponse(
        provider_name=found.provider_name, dsl_line=found.dsl_line, emergency_line=found.emergency_line
    )
