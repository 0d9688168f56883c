"""What files the provider takes."""

from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.evidence.v1.artefact_events_pb2 import ArtefactPolicy
from mentoring.evidence.v1.artefacts_pb2 import GetArtefactPolicyRequest, GetArtefactPolicyResponse

from evidence.domain.artefact_policy import artefact_policy


async def get_artefact_policy(_request: GetArtefactPolicyRequest, read: Reader) -> GetArtefactPolicyResponse:
    """The policy in force: the provider's own, or the default."""
    found = await read.state(artefact_policy, "artefact-policy")
    expires_after = Duration()
    expires_after.FromTimedelta(found.expires_after)
    return GetArtefactPolicyResponse(
        policy=ArtefactPolicy(
            most_bytes=found.most_bytes,
            most_artefacts=found.most_artefacts,
            media_types=found.media_types,
            expires_after=expires_after,
        )
    )
