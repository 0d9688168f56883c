"""Gives a concern as a document, on the record: that it is exported is stored in it, and its reading recorded, before a byte is given."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from eventkernel.messages import derived_id
from eventkernel.printing.content import Content
from eventkernel.transfers import Transfer
from mentoring.safeguarding.v1.export_pb2 import (
    ConcernExport,
    ExportConcernRequest,
    ExportConcernResponse,
    NoteConcernExportedRequest,
)

from safeguarding.domain.concern import stream_of
from safeguarding.export.document import document
from safeguarding.export.facts import facts_of

_A_PART = 256 * 1024


async def export_concern(request: ExportConcernRequest, transfer: Transfer) -> AsyncIterator[ExportConcernResponse]:
    """Tells of the document, then gives its bytes.

    Raises Refusal PERSON_NOT_IN_CONCERN; CONCERN_NOT_YOURS where the caller lost it meanwhile.
    """
    read, me = transfer.read, transfer.principal
    export_id = derived_id("export", me.tenant, request.concern_id, me.person_id, transfer.clock().isoformat())
    noted = NoteConcernExportedRequest(
        concern_id=request.concern_id,
        export_id=export_id,
        exporter_id=me.person_id,
        reason=request.reason,
        only_about_id=request.only_about_id,
    )
    version = (await transfer.command(noted)).version
    history = [item for item in await read.history(stream_of(request.concern_id)) if item.meta.version <= version]
    facts = await facts_of(history, read)
    # Drawing a long one takes seconds, in which the service answers others.
    content = await asyncio.to_thread(_drawn, document(facts), facts.exported.at.ToDatetime(UTC))
    told = ConcernExport(
        export_id=export_id,
        version=version,
        events_sha256=facts.hashes[-1],
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
    )
    yield ExportConcernResponse(export=told)
    for at in range(0, len(content), _A_PART):
        yield ExportConcernResponse(content=content[at : at + _A_PART])


def _drawn(content: Content, made_at: datetime) -> bytes:
    # What draws takes as long to import as all else of the service: it is imported by the first that does.
    from eventkernel.printing.pdf import pdf  # noqa: PLC0415

    return pdf(content, made_at)
