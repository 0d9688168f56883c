"""The transfer of a person's file, as whoever sees to it has it: what is to be sent, what was, and its receipt."""

import asyncio

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from google.protobuf.message import Message
from mentoring.safeguarding.v1.transfer_events_pb2 import (
    FileReceiptRecorded,
    FileSent,
    FileTransferCalledOff,
    FileTransferOpened,
)
from mentoring.safeguarding.v1.transfer_pb2 import (
    GetFileContentsRequest,
    GetFileContentsResponse,
    GetFileTransferRequest,
    GetFileTransferResponse,
)

from safeguarding.domain.file_transfer import FileTransferState, file_transfer, refuse_unless_responsible, unknown
from safeguarding.file_contents import file_of, may_see_to, part_until, parts_of, whole
from safeguarding.projections.file_transfers import shown, transfer_stream

# Which texts of which events a transfer is told with, each by the response's field.
_TEXTS: dict[type[Message], dict[str, str]] = {
    FileTransferOpened: {"recipient": "recipient", "reason": "reason"},
    FileReceiptRecorded: {"acknowledged_by": "acknowledged_by", "reference": "reference"},
    FileTransferCalledOff: {"called_off_because": "reason"},
}


async def get_file_contents(request: GetFileContentsRequest, read: Reader) -> GetFileContentsResponse:
    """The file as it is now. Raises Refusal TRANSFER_UNKNOWN."""
    state = await responsible_for(request.transfer_id, read)
    parts = await parts_of((one.concern_id for one in await file_of(state, read)), read)
    return GetFileContentsResponse(parts=parts, sha256=whole(parts))


async def get_file_transfer(request: GetFileTransferRequest, read: Reader) -> GetFileTransferResponse:
    """All of a transfer. Raises Refusal TRANSFER_UNKNOWN."""
    state = await responsible_for(request.transfer_id, read)
    history = await read.history(transfer_stream(request.transfer_id))
    response = GetFileTransferResponse(transfer=shown(state))
    for name, text in (await _texts(history, read)).items():
        setattr(response, name, text)
    for item in history:
        if isinstance(item.event, FileSent):
            response.parts.extend(item.event.parts)
            response.sha256 = item.event.sha256
            if item.event.HasField("sent_at"):
                response.sent_at.CopyFrom(item.event.sent_at)
            else:
                response.sent_at.FromDatetime(item.meta.at)
        elif isinstance(item.event, FileReceiptRecorded):
            response.received_at.CopyFrom(item.event.received_at)
    response.unaltered = await _is_unaltered(response, read)
    return response


async def responsible_for(transfer_id: str, read: Reader) -> FileTransferState:
    """The transfer, which the caller sees to, and is in none of its concerns. Raises Refusal TRANSFER_UNKNOWN."""
    state, me = await read.state(file_transfer, transfer_stream(transfer_id)), read.principal.person_id
    refuse_unless_responsible(state, me)
    if not await may_see_to(me, state, read):
        raise unknown()
    return state


async def _texts(history: list[Recorded], read: Reader) -> dict[str, str]:
    sealed = [(item, name, field) for item in history for name, field in _TEXTS.get(type(item.event), {}).items()]
    texts = await read.open([(item, field) for item, _, field in sealed])
    return {name: text for (_, name, _), text in zip(sealed, texts, strict=True)}


async def _is_unaltered(response: GetFileTransferResponse, read: Reader) -> bool:
    found = await asyncio.gather(*(part_until(one.concern_id, one.version, read) for one in response.parts))
    return bool(found) and list(found) == list(response.parts)
