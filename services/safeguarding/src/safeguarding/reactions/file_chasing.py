"""Every time that is set for the transfer of a file sets its own alarm: none is forgotten."""

from collections.abc import Iterator
from datetime import UTC

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.safeguarding.v1.transfer_events_pb2 import FileTransferDueSet
from mentoring.safeguarding.v1.transfer_pb2 import MeetFileTransferDueRequest

file_chasing = Reaction("file_chasing")


@file_chasing.on
def chase_when_due(event: FileTransferDueSet, _meta: Metadata) -> Iterator[Later]:
    """When it is due; the transfer itself knows whether it was acknowledged meanwhile."""
    request = MeetFileTransferDueRequest(transfer_id=event.transfer_id, number=event.number)
    yield Later(event.due_at.ToDatetime(tzinfo=UTC), request)
