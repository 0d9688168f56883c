"""How somebody wants to be told, and the provider's rules for sending: read from the streams themselves, so never behind."""

from eventkernel.aggregate import Aggregate
from eventkernel.reading import Reader
from eventkernel.service import Query
from mentoring.notifications.v1.preferences_pb2 import (
    GetDeliveryPolicyRequest,
    GetDeliveryPolicyResponse,
    GetMyPreferencesRequest,
    GetMyPreferencesResponse,
)

from notifications.domain.delivery_policy import DeliveryPolicy
from notifications.domain.preferences import preferences
from notifications.domain.wishes import written


def delivery_queries(policy: Aggregate[DeliveryPolicy]) -> list[Query]:
    """The queries that read the policy, which is this aggregate's."""

    async def get_my_preferences(_request: GetMyPreferencesRequest, read: Reader) -> GetMyPreferencesResponse:
        rules = await read.state(policy, "delivery-policy")
        own = await read.state(preferences, f"preferences-{read.principal.person_id}")
        return GetMyPreferencesResponse(
            own=own.own,
            holding=written(own.wishes(rules)),
            unsubscribed=sorted(own.unsubscribed),
            may_be_unsubscribed=sorted(rules.unsubscribing.kinds),
        )

    async def get_delivery_policy(_request: GetDeliveryPolicyRequest, read: Reader) -> GetDeliveryPolicyResponse:
        return GetDeliveryPolicyResponse(policy=(await read.state(policy, "delivery-policy")).rules())

    return [get_my_preferences, get_delivery_policy]
