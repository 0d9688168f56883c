"""Takes an artefact's bytes, part by part, and attaches it once they are all there and what was announced.

What is wrong leaves nothing behind. Stored parts are never changed, so of two uploads of one artefact at once only one gets on.
"""

import hashlib
from collections.abc import AsyncIterator

from eventkernel.aggregate import Refusal
from eventkernel.blobs.port import BlobExists
from eventkernel.blobs.sealed import Place
from eventkernel.transfers import Transfer
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
from evidence.transfers.media import begins_as
from evidence.transfers.places import place_of


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
    return await _Taking(first, upload, transfer).take()


class _Taking:
    """One call's upload as it goes on. `_at` is the next byte that is wanted, `_stored` how many are kept."""

    def __init__(self, first: UploadArtefactRequest, upload: Upload, transfer: Transfer) -> None:
        self._first = first
        self._upload = upload
        self._transfer = transfer
        self._place = _place(first, transfer)
        self._buffer = bytearray()
        self._index = self._stored = self._at = 0

    async def take(self) -> UploadArtefactResponse:
        lengths = await self._transfer.blobs.lengths(self._place)
        self._index, self._stored = len(lengths), sum(lengths)
        self._at = self._stored
        async for part in self._parts():
            await self._add(part)
        if self._stored < self._upload.size:
            return UploadArtefactResponse(offset=self._stored)
        await self._attach()
        return UploadArtefactResponse(offset=self._stored, attached=True)

    async def _parts(self) -> AsyncIterator[UploadArtefactRequest]:
        yield self._first
        async for part in self._transfer.received:
            yield part

    async def _add(self, part: UploadArtefactRequest) -> None:
        if _of(part) != _of(self._first):
            raise Refusal(
                "ARTEFACT_CHANGED", "one call uploads one artefact; send another's in another call", field="artefact_id"
            )
        if part.offset != self._at:
            raise Refusal(
                "OFFSET_WRONG", f"the next byte is {self._at}; ask GetUpload, and go on from there", field="offset"
            )
        self._at += len(part.content)
        if self._at > self._upload.size:
            await self._end(UPLOAD_ENDING_WRONG_SIZE)
            raise Refusal(
                "SIZE_MISMATCH",
                f"more bytes came than the {self._upload.size} that were announced, so none is kept; begin another upload",
                field="content",
            )
        self._buffer += part.content
        size = self._upload.part_bytes
        while len(self._buffer) >= size or (self._buffer and self._at == self._upload.size):
            await self._keep(bytes(self._buffer[:size]))
            del self._buffer[:size]

    async def _keep(self, content: bytes) -> None:
        if self._transfer.clock().timestamp() >= self._upload.expires_at / 1e9:
            raise Refusal(
                "UPLOAD_EXPIRED", "its time is over; begin another under a new artefact id", field="artefact_id"
            )
        if self._index == 0 and not begins_as(self._upload.media_type, content):
            await self._end(UPLOAD_ENDING_WRONG_MEDIA_TYPE)
            raise Refusal(
                "MEDIA_TYPE_MISMATCH",
                f"its bytes do not begin as {self._upload.media_type} does, so none is kept; announce it as what it is",
                field="content",
            )
        try:
            await self._transfer.blobs.put(self._place, self._index, content)
        except BlobExists:
            raise Refusal(
                "UPLOAD_BUSY", "another call uploads this artefact; let it end, then ask GetUpload", field="artefact_id"
            ) from None
        self._index += 1
        self._stored += len(content)

    async def _attach(self) -> None:
        # What is stored is what counts, and an upload may have come in several calls: it is read again from the beginning.
        digest = hashlib.sha256()
        for index in range(self._index):
            digest.update(await self._transfer.blobs.get(self._place, index))
        if digest.hexdigest() != self._upload.sha256:
            await self._end(UPLOAD_ENDING_WRONG_HASH)
            raise Refusal(
                "HASH_MISMATCH",
                "its bytes are not those whose hash was announced, so none is kept; begin another upload",
                field="content",
            )
        try:
            await self._transfer.command(AttachArtefactRequest(**_of(self._first)))
        except Refusal:
            await self._end(UPLOAD_ENDING_TOO_LATE)
            raise

    async def _end(self, reason: UploadEnding.ValueType) -> None:
        # First the event: where this process dies in between, what is left is removed when the upload's time is over.
        await self._transfer.command(EndUploadRequest(**_of(self._first), reason=reason))
        await self._transfer.blobs.delete(self._place)


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
