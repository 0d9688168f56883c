"""The alarm: each assignment asks to be escalated at its own deadline."""

from datetime import timedelta

from eventkernel.messages import Metadata, Principal
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned
from safeguarding.reactions.escalation import escalation

from .stories import NO_ROTA, escalation_of, raised, timestamp

META = Metadata(event_id="e", type="t", tenant="provider-1", stream="concern-concern-1", version=3, at=NOON)


def test_every_assignment_is_escalated_at_its_own_deadline() -> None:
    event = ConcernAssigned(
        concern_id="concern-1", site_id="site-1", step=3, acknowledge_by=timestamp(NOON + timedelta(minutes=15))
    )
    replies = list(escalation.policies[ConcernAssigned](event, META))
    assert replies == [Later(NOON + timedelta(minutes=15), escalation_of(3))]


def test_a_concern_that_nobody_has_is_escalated_like_any_other() -> None:
    event = raised(rota=NO_ROTA).happened[-1]
    (reply,) = escalation.policies[ConcernAssigned](event, META)
    assert isinstance(reply, Later)
    assert reply.request == escalation_of(0)


def test_the_alarm_of_each_step_moves_the_concern_on() -> None:
    tale = raised()
    for step in range(5):
        (reply,) = escalation.policies[ConcernAssigned](tale.happened[-1], META)
        assert isinstance(reply, Later)
        tale.now = reply.at
        tale.give(reply.request, by=Principal.system("provider-1"))
        assert tale.state.step == step + 1
