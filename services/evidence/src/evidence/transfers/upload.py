"""Takes an artefact's bytes, part by part, and attaches it once they are all there and what was announced."""

from collections.abc import AsyncIterator

from eventkernel.aggregate import Refusal
from eventkernel.blobs.sealed import Place
from eventkernel.transfers import Transfer
from eventkernel.uploads import Taking, Wrong
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.artefact_events_pb2 import (
    UPLOAD_ENDING_TOO_LATE,
    UPLOAD_ENDING_WRONG_HASH,
    UPLOAD_ENDING_WRONG_MEDIA_TYPE,
    UPLOAD_ENDING_WRONG_SIZE,
    UploadEnding,
)
from mentoring.evidence.v1.artefacts_pb2 import (
    AttachArtefactRequest,
    EndUploadRequest,
    GetUploadRequest,
    GetUploadResponse,
    UploadArtefactRequest,
    UploadArtefactResponse,
)

from evidence.domain.artefacts import refuse_ended
from evidence.domain.evidence import evidence
from evidence.domain.piece import Upload
from evidence.transfers.places import place_of

_ENDINGS = {
    Wrong.SIZE: UPLOAD_ENDING_WRONG_SIZE,
    Wrong.MEDIA_TYPE: UPLOAD_ENDING_WRONG_MEDIA_TYPE,
    Wrong.HASH: UPLOAD_ENDING_WRONG_HASH,
}


async def get_upload(request: GetUploadRequest, transfer: Transfer) -> GetUploadResponse:
    """How far it has come.

    Raises Refusal UPLOAD_UNKNOWN, to anybody but its author too.
    """
    upload = await _upload(request, transfer)
    expires_at = Timestamp()
    expires_at.FromNanoseconds(upload.expires_at)
    offset = sum(await transfer.blobs.lengths(_place(request, transfer))) if upload.open else 0
    return GetUploadResponse(
        artefact_id=upload.artefact_id,
        offset=upload.size if upload.attached else offset,
        size=upload.size,
        attached=upload.attached,
        ended=UploadEnding.ValueType(upload.ended),
        expires_at=expires_at,
    )


async def upload_artefact(first: UploadArtefactRequest, transfer: Transfer) -> UploadArtefactResponse:
    """Keeps what comes, and finishes with the last byte.

    Raises Refusal UPLOAD_UNKNOWN, UPLOAD_ENDED, UPLOAD_EXPIRED, OFFSET_WRONG, UPLOAD_BUSY, and where the bytes are wrong, for good,
    SIZE_MISMATCH, MEDIA_TYPE_MISMATCH, HASH_MISMATCH.
    """
    upload = await _upload(first, transfer)
    if upload.attached:
        return UploadArtefactResponse(offset=upload.size, attached=True)
    refuse_ended(upload)

    async def end(reason: UploadEnding.ValueType) -> None:
        await transfer.command(EndUploadRequest(**_of(first), reason=reason))

    taking = Taking(
        transfer, _place(first, transfer), upload, field="artefact_id", end=lambda wrong: end(_ENDINGS[wrong])
    )
    offset = await taking.take(_parts(first, transfer))
    if offset < upload.size:
        return UploadArtefactResponse(offset=offset)
    try:
        await transfer.command(AttachArtefactRequest(**_of(first)))
    except Refusal:
        await end(UPLOAD_ENDING_TOO_LATE)
        await taking.leave_nothing()
        raise
    return UploadArtefactResponse(offset=offset, attached=True)


async def _parts(first: UploadArtefactRequest, transfer: Transfer) -> AsyncIterator[UploadArtefactRequest]:
    yield first
    async for part in transfer.received:
        if _of(part) != _of(first):
            raise Refusal(
                "ARTEFACT_CHANGED", "one call uploads one artefact; send another's in another call", field="artefact_id"
            )
        yield part


async def _upload(request: GetUploadRequest | UploadArtefactRequest, transfer: Transfer) -> Upload:
    state = await transfer.read.state(evidence, f"evidence-{request.evidence_id}")
    upload = state.upload(request.artefact_id)
    is_authors = (state.learner_id, state.author_id) == (request.learner_id, transfer.principal.person_id)
    if upload is None or not is_authors:
        raise Refusal(
            "UPLOAD_UNKNOWN", f"you began no upload {request.artefact_id}; begin it first", field="artefact_id"
        )
    return upload


def _place(request: GetUploadRequest | UploadArtefactRequest, transfer: Transfer) -> Place:
    return place_of(transfer.principal.tenant, request.learner_id, request.evidence_id, request.artefact_id)


def _of(request: UploadArtefactRequest) -> dict[str, str]:
    return {"evidence_id": request.evidence_id, "learner_id": request.learner_id, "artefact_id": request.artefact_id}
