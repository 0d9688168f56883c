"""Gives an attachment's bytes, on the record."""

from collections.abc import AsyncIterator

from eventkernel.aggregate import Refusal
from eventkernel.transfers import Transfer
from eventkernel.uploads import contents
from mentoring.safeguarding.v1.attachments_pb2 import DownloadAttachmentRequest, DownloadAttachmentResponse

from safeguarding.attachment_file import attached_in, shown
from safeguarding.domain.concern import stream_of
from safeguarding.transfers.places import place_of


async def download_attachment(
    request: DownloadAttachmentRequest, transfer: Transfer
) -> AsyncIterator[DownloadAttachmentResponse]:
    """Tells of the attachment, then gives its bytes from the offset on.

    Raises Refusal ATTACHMENT_UNKNOWN where the concern has no such attachment, OFFSET_WRONG; and BlobDamaged where the bytes are not those
    that were attached: what was given before is then to be left aside.
    """
    found = attached_in(await transfer.read.history(stream_of(request.concern_id))).get(request.attachment_id)
    if found is None:
        raise Refusal(
            "ATTACHMENT_UNKNOWN",
            f"nothing with the id {request.attachment_id} is attached to the concern; ListAttachments tells what is",
            field="attachment_id",
        )
    event = found.announced
    if request.offset > event.size:
        raise Refusal("OFFSET_WRONG", f"it has {event.size} bytes; begin at one of them", field="offset")
    (file_name,) = await transfer.read.open([(found.begun, "file_name")])
    await transfer.read.note(found.attached, "content", event.person_at_risk_id)
    yield DownloadAttachmentResponse(attachment=shown(found, file_name))
    place = place_of(transfer.principal.tenant, event.person_at_risk_id, event.concern_id, event.attachment_id)
    async for content in contents(
        transfer.blobs, place, size=event.size, part_bytes=event.part_bytes, sha256=event.sha256, offset=request.offset
    ):
        yield DownloadAttachmentResponse(content=content)
