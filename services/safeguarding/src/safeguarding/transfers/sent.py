"""Records what of a person's file was sent. The hashes are of what is stored, and so are worked out here and not by the caller.

It reads more than a decision may: a command then notes what it found.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from eventkernel.transfers import Transfer
from mentoring.safeguarding.v1.transfer_events_pb2 import FilePart
from mentoring.safeguarding.v1.transfer_pb2 import NoteFileSentRequest, RecordFileSentRequest, RecordFileSentResponse

from safeguarding.domain.concern import stream_of
from safeguarding.file_contents import file_of, part_until, whole
from safeguarding.transfer_file import responsible_for


async def record_file_sent(request: RecordFileSentRequest, transfer: Transfer) -> RecordFileSentResponse:
    """Notes the concerns up to the versions that were sent.

    Raises Refusal TRANSFER_UNKNOWN; PART_UNKNOWN for a concern that is no part of the file, or has no such version; FILE_SENT where another
    content was recorded, SENT_BEFORE_WRITTEN and SENT_AHEAD for a time that cannot be, TRANSFER_CALLED_OFF, TRANSFER_ACKNOWLEDGED.
    """
    read = transfer.read
    state = await responsible_for(request.transfer_id, read)
    known = {one.concern_id for one in await file_of(state, read)}
    asked = {one.concern_id: one.version for one in request.parts}
    if len(asked) < len(request.parts) or not set(asked) <= known:
        raise _no_part()
    parts = await asyncio.gather(*(part_until(one, version, read) for one, version in sorted(asked.items())))
    if any(one.version != asked[one.concern_id] for one in parts):
        raise _no_part()
    if request.HasField("sent_at"):
        await _refuse_unwritten(request.sent_at.ToDatetime(tzinfo=UTC), parts, read)
    noted = NoteFileSentRequest(
        transfer_id=request.transfer_id,
        sender_id=read.principal.person_id,
        parts=parts,
        sha256=whole(parts),
        sent_at=request.sent_at if request.HasField("sent_at") else None,
    )
    await transfer.command(noted)
    return RecordFileSentResponse(parts=parts, sha256=noted.sha256)


async def _refuse_unwritten(sent_at: datetime, parts: Sequence[FilePart], read: Reader) -> None:
    histories = await asyncio.gather(*(read.history(stream_of(one.concern_id)) for one in parts))
    newest = max(history[part.version - 1].meta.at for history, part in zip(histories, parts, strict=True))
    if sent_at < newest:
        raise Refusal(
            "SENT_BEFORE_WRITTEN",
            f"The newest of what it holds is of {newest.isoformat()}, so it was sent then at the earliest. Give when it was, or what was sent.",
            field="sent_at",
        )


def _no_part() -> Refusal:
    return Refusal(
        "PART_UNKNOWN",
        "Each part is one concern of the file, at a version that it has. Take them as GetFileContents gives them.",
        field="parts",
    )
