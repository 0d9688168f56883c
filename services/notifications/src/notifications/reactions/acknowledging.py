"""Records that somebody has taken a concern, closed it, or merged it: what asked for that before is not sent any more."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.notifications.v1.delivery_pb2 import RecordAcknowledgementRequest
from mentoring.safeguarding.v1.events_pb2 import ConcernAcknowledged, ConcernClosed
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMerged

acknowledging = Reaction("acknowledging")


@acknowledging.on
def concern_acknowledged(event: ConcernAcknowledged, meta: Metadata) -> Iterator[RecordAcknowledgementRequest]:
    """By one who was asked."""
    yield RecordAcknowledgementRequest(concern_id=event.concern_id, handler_id=event.handler_id, version=meta.version)


@acknowledging.on
def concern_closed(event: ConcernClosed, meta: Metadata) -> Iterator[RecordAcknowledgementRequest]:
    """Nobody is to do anything about it any more."""
    yield RecordAcknowledgementRequest(
        concern_id=event.concern_id, handler_id=event.handler_id, version=meta.version, closed=True
    )


@acknowledging.on
def concern_merged(event: ConcernMerged, meta: Metadata) -> Iterator[RecordAcknowledgementRequest]:
    """Whoever has the leading concern has it. Where it is separated again, somebody is asked anew."""
    yield RecordAcknowledgementRequest(concern_id=event.concern_id, version=meta.version, closed=True)
