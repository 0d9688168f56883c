"""What the provider's support policy is now."""

from eventkernel.reading import Reader
from mentoring.evidence.v1.support_policy_events_pb2 import SupportNumbers
from mentoring.evidence.v1.support_policy_pb2 import GetSupportPolicyRequest, GetSupportPolicyResponse

from evidence.domain.support_policy import support_policy


async def get_support_policy(_request: GetSupportPolicyRequest, read: Reader) -> GetSupportPolicyResponse:
    """All of it, defaults where nothing was set."""
    policy = await read.state(support_policy, "support-policy")
    return GetSupportPolicyResponse(time_zone=policy.time_zone, numbers=SupportNumbers(**policy.numbers))
