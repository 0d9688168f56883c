"""What was agreed in a session becomes actions of the learner's plan, each pointing to the session and its place there."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.sessions.v1.action_plan_pb2 import AgreeSessionActionRequest
from mentoring.sessions.v1.events_pb2 import SessionHeld

agreed_actions = Reaction("agreed_actions")


@agreed_actions.on
def agree(event: SessionHeld, _meta: Metadata) -> Iterator[AgreeSessionActionRequest]:
    """One action for each, in the record's order. No caller can take such an id: theirs have no dot."""
    for place, one in enumerate(event.agreed_actions, start=1):
        yield AgreeSessionActionRequest(
            action_id=f"{event.session_id}.{place}",
            learner_id=event.learner_id,
            mentorship_id=event.mentorship_id,
            owner_id=one.owner_id,
            due_on=one.due_on,
            session_id=event.session_id,
            place=place,
        )
