"""What files a provider takes: how large, how many, of which media types, and how long an upload may take."""

from dataclasses import dataclass, replace
from datetime import timedelta

from eventkernel.aggregate import Aggregate, Context
from mentoring.evidence.v1.artefact_events_pb2 import ArtefactPolicySet
from mentoring.evidence.v1.artefacts_pb2 import SetArtefactPolicyRequest

from evidence.policy_defaults import ARTEFACTS, MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class ArtefactPolicyState:
    """The policy in force. `part_bytes` is how the platform stores bytes, and no provider's choice."""

    most_bytes: int
    most_artefacts: int
    media_types: tuple[str, ...]
    expires_after: timedelta
    part_bytes: int


artefact_policy = Aggregate(
    "artefact-policy",
    initial=ArtefactPolicyState(
        most_bytes=ARTEFACTS["most_bytes"],
        most_artefacts=ARTEFACTS["most_artefacts"],
        media_types=MEDIA_TYPES,
        expires_after=timedelta(seconds=ARTEFACTS["expires_after_seconds"]),
        part_bytes=ARTEFACTS["part_bytes"],
    ),
)


@artefact_policy.decide
def set_policy(
    state: ArtefactPolicyState, command: SetArtefactPolicyRequest, _context: Context
) -> list[ArtefactPolicySet]:
    """Sets all of it."""
    event = ArtefactPolicySet(policy=command.policy)
    return [] if policy_set(state, event) == state else [event]


@artefact_policy.evolve
def policy_set(state: ArtefactPolicyState, event: ArtefactPolicySet) -> ArtefactPolicyState:
    """The new one replaces the old."""
    return replace(
        state,
        most_bytes=event.policy.most_bytes,
        most_artefacts=event.policy.most_artefacts,
        media_types=tuple(event.policy.media_types),
        expires_after=event.policy.expires_after.ToTimedelta(),
    )
