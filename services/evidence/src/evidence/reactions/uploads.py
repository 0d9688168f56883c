"""Every upload sets the alarm of its own end, so that none keeps its place and its bytes for ever."""

from collections.abc import Iterator
from datetime import UTC, timedelta

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.evidence.v1.artefact_events_pb2 import ArtefactUploadBegun
from mentoring.evidence.v1.artefacts_pb2 import ExpireUploadRequest

# A part that was just being stored when the time was over is there by then, and removed with the others.
_GRACE = timedelta(minutes=2)

uploads = Reaction("uploads")


@uploads.on
def expire(event: ArtefactUploadBegun, _meta: Metadata) -> Iterator[Later]:
    """When its time is over; the piece itself knows whether it was attached meanwhile."""
    request = ExpireUploadRequest(
        evidence_id=event.evidence_id, learner_id=event.learner_id, artefact_id=event.artefact_id
    )
    yield Later(event.expires_at.ToDatetime(tzinfo=UTC) + _GRACE, request)
