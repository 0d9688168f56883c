"""Takes an attachment's bytes, part by part, and attaches it once they are all there and what was announced.

An upload that is never done is ended by an alarm. It is set before the first byte is kept, and by the upload itself: were it to follow from
an event, that event would have to be published, and tell that there is an attachment.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from eventkernel.aggregate import Refusal
from eventkernel.blobs.sealed import Place
from eventkernel.transfers import Transfer
from eventkernel.uploads import Taking, Wrong
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.safeguarding.v1.attachment_events_pb2 import (
    ATTACHMENT_ENDING_EXPIRED,
    ATTACHMENT_ENDING_NOT_TAKEN,
    ATTACHMENT_ENDING_WRONG_HASH,
    ATTACHMENT_ENDING_WRONG_MEDIA_TYPE,
    ATTACHMENT_ENDING_WRONG_SIZE,
    AttachmentEnding,
)
from mentoring.safeguarding.v1.attachments_pb2 import (
    AttachToConcernRequest,
    EndAttachmentRequest,
    ExpireAttachmentRequest,
    GetAttachmentUploadRequest,
    GetAttachmentUploadResponse,
    UploadAttachmentRequest,
    UploadAttachmentResponse,
)

from safeguarding.domain.attaching import refuse_ended
from safeguarding.domain.attachment import Attachment, attachment_id_of
from safeguarding.domain.concern import concern, stream_of
from safeguarding.transfers.places import place_of

_ENDINGS = {
    Wrong.SIZE: ATTACHMENT_ENDING_WRONG_SIZE,
    Wrong.MEDIA_TYPE: ATTACHMENT_ENDING_WRONG_MEDIA_TYPE,
    Wrong.HASH: ATTACHMENT_ENDING_WRONG_HASH,
}
# A part that was just being stored when the time was over is there by then, and removed with the others.
_GRACE = timedelta(minutes=2)


async def get_attachment_upload(request: GetAttachmentUploadRequest, transfer: Transfer) -> GetAttachmentUploadResponse:
    """How far it has come.

    Raises Refusal UPLOAD_UNKNOWN, also where somebody else began one of this id.
    """
    upload, place = await _upload(request, transfer)
    offset = sum(await transfer.blobs.lengths(place)) if upload.open else 0
    over = upload.open and transfer.clock().timestamp() >= upload.expires_at / 1e9
    expires_at = Timestamp()
    expires_at.FromNanoseconds(upload.expires_at)
    return GetAttachmentUploadResponse(
        offset=upload.size if upload.attached else offset,
        size=upload.size,
        attached=upload.attached,
        ended=ATTACHMENT_ENDING_EXPIRED if over else AttachmentEnding.ValueType(upload.ended),
        expires_at=expires_at,
    )


async def upload_attachment(first: UploadAttachmentRequest, transfer: Transfer) -> UploadAttachmentResponse:
    """Keeps what comes, and finishes with the last byte.

    Raises Refusal UPLOAD_UNKNOWN, UPLOAD_ENDED, UPLOAD_CHANGED, and what `eventkernel.uploads.Taking.take` raises.
    """
    upload, place = await _upload(first, transfer)
    if upload.attached:
        return UploadAttachmentResponse(offset=upload.size, attached=True)
    refuse_ended(upload)
    named = {"concern_id": first.concern_id, "attachment_id": upload.attachment_id}
    over = datetime.fromtimestamp(upload.expires_at // 1_000_000_000, UTC)
    await transfer.later(over + _GRACE, ExpireAttachmentRequest(**named))

    async def end(ending: AttachmentEnding.ValueType) -> None:
        await transfer.command(EndAttachmentRequest(**named, ending=ending))

    taking = Taking(transfer, place, upload, field="upload_id", end=lambda wrong: end(_ENDINGS[wrong]))
    offset = await taking.take(_parts(first, transfer))
    if offset < upload.size:
        return UploadAttachmentResponse(offset=offset)
    try:
        await transfer.command(AttachToConcernRequest(**named))
    except Refusal:
        await end(ATTACHMENT_ENDING_NOT_TAKEN)
        await taking.leave_nothing()
        raise
    return UploadAttachmentResponse(offset=offset, attached=True)


async def _parts(first: UploadAttachmentRequest, transfer: Transfer) -> AsyncIterator[UploadAttachmentRequest]:
    yield first
    async for part in transfer.received:
        if (part.concern_id, part.upload_id) != (first.concern_id, first.upload_id):
            raise Refusal(
                "UPLOAD_CHANGED", "one call uploads one file; send another's in another call", field="upload_id"
            )
        yield part


async def _upload(
    request: GetAttachmentUploadRequest | UploadAttachmentRequest, transfer: Transfer
) -> tuple[Attachment, Place]:
    state = await transfer.read.state(concern, stream_of(request.concern_id))
    attachment_id = attachment_id_of(request.concern_id, transfer.principal.person_id, request.upload_id)
    upload = state.attachment(attachment_id)
    if upload is None:
        raise Refusal("UPLOAD_UNKNOWN", f"you began no upload {request.upload_id}; begin it first", field="upload_id")
    return upload, place_of(transfer.principal.tenant, state.person_at_risk_id, request.concern_id, attachment_id)
