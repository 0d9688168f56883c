"""Ends an upload whose time is over, and removes what is left of one that came to nothing, however it did."""

from eventkernel.reaction import Doing
from mentoring.evidence.v1.artefacts_pb2 import ExpireUploadRequest

from evidence.domain.evidence import evidence
from evidence.transfers.places import place_of


async def expire_upload(request: ExpireUploadRequest, doing: Doing) -> None:
    """The effect of an ExpireUploadRequest that is due. What is attached stays."""
    await doing.command(request)
    state = await doing.state(evidence, f"evidence-{request.evidence_id}")
    upload = state.upload(request.artefact_id)
    if upload is not None and not upload.attached:
        await doing.blobs.delete(place_of(doing.tenant, request.learner_id, request.evidence_id, request.artefact_id))
