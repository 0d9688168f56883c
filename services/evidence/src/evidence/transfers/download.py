"""Gives an artefact's bytes, on the record."""

from collections.abc import AsyncIterator

from eventkernel.aggregate import Refusal
from eventkernel.timestamps import timestamp
from eventkernel.transfers import Transfer
from eventkernel.uploads import contents
from mentoring.evidence.v1.artefact_events_pb2 import ArtefactAttached, ArtefactUploadBegun
from mentoring.evidence.v1.artefacts_pb2 import Artefact, DownloadArtefactRequest, DownloadArtefactResponse

from evidence.transfers.places import place_of


async def download_artefact(
    request: DownloadArtefactRequest, transfer: Transfer
) -> AsyncIterator[DownloadArtefactResponse]:
    """Tells of the artefact, then gives its bytes from the offset on.

    Raises Refusal ARTEFACT_UNKNOWN where the learner has no such artefact, OFFSET_WRONG; and BlobDamaged where the bytes are not those
    that were attached: what was given before is then to be left aside.
    """
    begun = attached = None
    for item in await transfer.read.history(f"evidence-{request.evidence_id}"):
        event = item.event
        if isinstance(event, ArtefactUploadBegun) and event.artefact_id == request.artefact_id:
            begun, part_bytes = item, event.part_bytes
        elif isinstance(event, ArtefactAttached) and event.artefact_id == request.artefact_id:
            attached, artefact = item, event
    if begun is None or attached is None or artefact.learner_id != request.learner_id:
        raise Refusal(
            "ARTEFACT_UNKNOWN",
            f"evidence {request.evidence_id} of the learner has no artefact {request.artefact_id}; check the ids",
            field="artefact_id",
        )
    if request.offset > artefact.size:
        raise Refusal("OFFSET_WRONG", f"it has {artefact.size} bytes; begin at one of them", field="offset")
    (file_name,) = await transfer.read.open([(begun, "title")])
    await transfer.read.note(attached, "content", artefact.learner_id)
    attached_at = timestamp(attached.meta.at)
    yield DownloadArtefactResponse(
        artefact=Artefact(
            artefact_id=artefact.artefact_id,
            file_name=file_name,
            media_type=artefact.media_type,
            size=artefact.size,
            sha256=artefact.sha256,
            attached_at=attached_at,
        )
    )
    place = place_of(transfer.principal.tenant, artefact.learner_id, artefact.evidence_id, artefact.artefact_id)
    async for content in contents(
        transfer.blobs, place, size=artefact.size, part_bytes=part_bytes, sha256=artefact.sha256, offset=request.offset
    ):
        yield DownloadArtefactResponse(content=content)
