"""Every assignment sets the alarm of its own deadline, and so does all that is due: no concern waits without one."""

from collections.abc import Iterator
from datetime import UTC

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernDueSet
from mentoring.safeguarding.v1.handling_pb2 import MeetConcernDueRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import EscalateConcernRequest

escalation = Reaction("escalation")


@escalation.on
def escalate_when_missed(event: ConcernAssigned, _meta: Metadata) -> Iterator[Later]:
    """At the deadline of this step, escalate; the concern itself knows whether it was acknowledged meanwhile."""
    request = EscalateConcernRequest(concern_id=event.concern_id, site_id=event.site_id, step=event.step)
    yield Later(event.acknowledge_by.ToDatetime(tzinfo=UTC), request, urgent=True)


@escalation.on
def chase_when_due(event: ConcernDueSet, _meta: Metadata) -> Iterator[Later]:
    """When it is due; the concern itself knows whether it was done meanwhile."""
    request = MeetConcernDueRequest(concern_id=event.concern_id, site_id=event.site_id, due_id=event.due_id)
    yield Later(event.due_at.ToDatetime(tzinfo=UTC), request, urgent=True)
