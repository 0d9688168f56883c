"""Every due day of an action sets the alarm of its own end; the action itself knows whether it is still to be done by that day."""

from collections.abc import Iterator
from datetime import UTC

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.sessions.v1.action_plan_events_pb2 import ActionAgreed, ActionDueDayChanged, ActionReopened
from mentoring.sessions.v1.action_plan_pb2 import AnnounceOverdueActionRequest

overdue_actions = Reaction("overdue_actions")


@overdue_actions.on
def when_agreed(event: ActionAgreed, _meta: Metadata) -> Iterator[Later]:
    """At the end of the day it is due on."""
    yield _alarm(event)


@overdue_actions.on
def when_moved(event: ActionDueDayChanged, _meta: Metadata) -> Iterator[Later]:
    """At the end of its new day; the alarm of the former finds it moved."""
    yield _alarm(event)


@overdue_actions.on
def when_reopened(event: ActionReopened, _meta: Metadata) -> Iterator[Later]:
    """At the end of the day it is due on now."""
    yield _alarm(event)


def _alarm(event: ActionAgreed | ActionDueDayChanged | ActionReopened) -> Later:
    request = AnnounceOverdueActionRequest(action_id=event.action_id, learner_id=event.learner_id, due_on=event.due_on)
    return Later(event.overdue_at.ToDatetime(tzinfo=UTC), request)
