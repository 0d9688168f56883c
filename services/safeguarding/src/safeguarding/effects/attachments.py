"""Ends an upload whose time is over, and removes what is left of one that came to nothing, however it did."""

from eventkernel.reaction import Doing
from mentoring.safeguarding.v1.attachments_pb2 import ExpireAttachmentRequest

from safeguarding.domain.concern import concern, stream_of
from safeguarding.transfers.places import place_of


async def expire_attachment(request: ExpireAttachmentRequest, doing: Doing) -> None:
    """The effect of an ExpireAttachmentRequest that is due. What is attached stays."""
    await doing.command(request)
    state = await doing.state(concern, stream_of(request.concern_id))
    found = state.attachment(request.attachment_id)
    if found is not None and not found.attached:
        place = place_of(doing.tenant, state.person_at_risk_id, request.concern_id, request.attachment_id)
        await doing.blobs.delete(place)
