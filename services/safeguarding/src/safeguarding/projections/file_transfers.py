"""Which transfers of files wait. It finds them, and names nobody; the transfer itself says whose file it is, and who sees to it."""

import asyncio

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.safeguarding.v1.transfer_events_pb2 import FileTransferDueSet, FileTransferMeans, FileTransferSettled
from mentoring.safeguarding.v1.transfer_pb2 import FileTransfer, ListFileTransfersRequest, ListFileTransfersResponse
from pydantic import BaseModel

from safeguarding.domain.file_transfer import FileTransferState, file_transfer
from safeguarding.file_contents import LEAD, given_to_each, is_in_file
from safeguarding.projections.every import every


class WaitingTransfer(BaseModel):
    """One transfer."""

    transfer_id: str
    is_open: bool = True


file_transfers = Projection(
    "file_transfers",
    version=2,
    document=WaitingTransfer,
    key="transfer_id",
    indexes=("is_open",),
)


@file_transfers.on
def due_set(_document: WaitingTransfer, _event: FileTransferDueSet, _meta: Metadata) -> None:
    """It waits, unless it is settled."""


@file_transfers.on
def settled(document: WaitingTransfer, _event: FileTransferSettled, _meta: Metadata) -> None:
    """Nothing of it is waited for."""
    document.is_open = False


def transfer_stream(transfer_id: str) -> str:
    """The stream of a transfer."""
    return f"{file_transfer.name}-{transfer_id}"


def shown(state: FileTransferState) -> FileTransfer:
    """A transfer as it is told."""
    found = FileTransfer(
        transfer_id=state.transfer_id,
        person_id=state.person_id,
        responsible_id=state.responsible_id,
        means=FileTransferMeans.ValueType(state.means),
        status=state.status,
        chases=state.number,
    )
    if state.due_at is not None:
        found.due_at.FromDatetime(state.due_at)
    return found


async def list_file_transfers(request: ListFileTransfersRequest, read: Reader) -> ListFileTransfersResponse:
    """What waits by the transfers themselves, the nearest time first; of others, for a senior lead alone.

    Of a file that the caller is in they see nothing: those are taken out before the pages are cut.
    """
    me, is_lead = read.principal.person_id, LEAD in read.principal.roles
    found = await every(file_transfers, read, is_open=True)
    states = await asyncio.gather(*(read.state(file_transfer, transfer_stream(one.transfer_id)) for one in found))
    waiting = [one for one in states if one.due_at is not None and (not request.overdue or one.due_at <= read.now)]
    theirs = [one for one in waiting if is_lead or one.responsible_id == me]
    given = await given_to_each((me, *(person_id for one in theirs for person_id in one.seen_to_by_ids)), read)
    mine = [one for one in theirs if not is_in_file(me, one, given)]
    name = list_name("file transfers", me, str(request.overdue))
    page, cursor = cut(mine, request.page, key=_urgency, of=name)
    return ListFileTransfersResponse(transfers=map(shown, page), next_cursor=cursor)


def _urgency(state: FileTransferState) -> tuple[str, str]:
    due = "" if state.due_at is None else state.due_at.isoformat(timespec="microseconds")
    return due, state.transfer_id
