"""Acknowledgements: up to where in its stream a concern is known to have been taken or closed. An alert that asked for it before that is
not sent; one that was asked for after it is: the acknowledgement may have lapsed.

Alerts and acknowledgements come by different reactions, in any order. So versions of the concern's own stream are compared, and no times.
"""

from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, Context
from mentoring.notifications.v1.delivery_events_pb2 import AcknowledgementRecorded
from mentoring.notifications.v1.delivery_pb2 import RecordAcknowledgementRequest
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

# What was to be done about a concern is to be done no more once it is closed. That something was added to it is told all the same: whoever
# acknowledged or closed it may have read what stood there before. A doubled alert is harmless, and a lost one is not.
_ENDS_WITH_IT = frozenset({Occasion.OCCASION_CONCERN_ASSIGNED, Occasion.OCCASION_CONCERN_CHASED})


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """The newest version at which each handler is known to have taken the concern, and at which it was closed; 0: never."""

    by: tuple[tuple[str, int], ...] = ()
    closed: int = 0

    def answer(self, alert: StartNoticeRequest) -> bool:
        """Whether what the alert asks for was done since. Of old rows it is not known when they were asked for: they are sent."""
        if alert.occasion in _ENDS_WITH_IT and self.is_closed(alert):
            return True
        return alert.occasion == Occasion.OCCASION_CONCERN_ASSIGNED and 0 < alert.about_version < self._taken(alert)

    def is_closed(self, alert: StartNoticeRequest) -> bool:
        """Whether the concern is known to have been closed since it was asked for: then nobody is harmed who does not learn of it."""
        return 0 < alert.about_version < self.closed

    def _taken(self, alert: StartNoticeRequest) -> int:
        # What is passed on stays with whoever has it, who may acknowledge what was added: that answers nothing for its receiver.
        one_alone = alert.because == Because.BECAUSE_PASSED_ON_TO
        return max(
            (version for person_id, version in self.by if not one_alone or person_id == alert.recipient_id), default=0
        )


acknowledgements = Aggregate("acknowledgement", initial=Acknowledgements())


@acknowledgements.decide
def record_acknowledgement(
    state: Acknowledgements, command: RecordAcknowledgementRequest, _context: Context
) -> list[AcknowledgementRecorded]:
    """Records it, unless as much is known already: they are heard in any order, and again."""
    event = AcknowledgementRecorded(
        concern_id=command.concern_id, handler_id=command.handler_id, version=command.version, closed=command.closed
    )
    return [] if acknowledgement_recorded(state, event) == state else [event]


@acknowledgements.evolve
def acknowledgement_recorded(state: Acknowledgements, event: AcknowledgementRecorded) -> Acknowledgements:
    """The newest counts."""
    if event.closed:
        return replace(state, closed=max(state.closed, event.version))
    known = dict(state.by)
    known[event.handler_id] = max(known.get(event.handler_id, 0), event.version)
    return replace(state, by=tuple(sorted(known.items())))
