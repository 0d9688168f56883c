"""What files a provider takes with concerns: how large, how many of one person, of which media types, and how long an upload may take."""

from dataclasses import dataclass, replace
from datetime import timedelta

from eventkernel.aggregate import Aggregate, Context
from mentoring.safeguarding.v1.attachment_events_pb2 import AttachmentPolicySet
from mentoring.safeguarding.v1.attachments_pb2 import SetAttachmentPolicyRequest

from safeguarding.policy_defaults import ATTACHMENTS


@dataclass(frozen=True, slots=True)
class AttachmentPolicyState:
    """The policy in force. `part_bytes` is how the platform stores bytes, and no provider's choice."""

    most_bytes: int
    most_each: int
    media_types: tuple[str, ...]
    expires_after: timedelta
    part_bytes: int


attachment_policy = Aggregate(
    "attachment-policy",
    initial=AttachmentPolicyState(
        most_bytes=ATTACHMENTS["most_bytes"],
        most_each=ATTACHMENTS["most_each"],
        media_types=tuple(ATTACHMENTS["media_types"]),
        expires_after=timedelta(seconds=ATTACHMENTS["expires_after_seconds"]),
        part_bytes=ATTACHMENTS["part_bytes"],
    ),
)


@attachment_policy.decide
def set_policy(
    state: AttachmentPolicyState, command: SetAttachmentPolicyRequest, _context: Context
) -> list[AttachmentPolicySet]:
    """Sets all of it."""
    event = AttachmentPolicySet(policy=command.policy)
    return [] if policy_set(state, event) == state else [event]


@attachment_policy.evolve
def policy_set(state: AttachmentPolicyState, event: AttachmentPolicySet) -> AttachmentPolicyState:
    """The new one replaces the old."""
    return replace(
        state,
        most_bytes=event.policy.most_bytes,
        most_each=event.policy.most_each,
        media_types=tuple(event.policy.media_types),
        expires_after=event.policy.expires_after.ToTimedelta(),
    )
