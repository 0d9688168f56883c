"""What is told of samples: that the IQA asks for something, to the assessor alone. What was drawn and confirmed asks for nothing."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.evidence.v1.quality_events_pb2 import SampleActionClosed, SampleActionOverdue, SampleActionRequired
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import Part, TellCircleRequest

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def sample_action_required(event: SampleActionRequired, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without the feedback."""
    found = _to_assessor(event, Occasion.OCCASION_SAMPLE_ACTION_REQUIRED, meta)
    found.standard_reference = event.standard.reference
    found.actor_id = event.iqa_id
    yield found


@telling.on
def sample_action_overdue(event: SampleActionOverdue, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Nobody did it: the day came."""
    yield _to_assessor(event, Occasion.OCCASION_SAMPLE_ACTION_OVERDUE, meta)


@telling.on
def sample_action_closed(event: SampleActionClosed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without what the IQA holds of it."""
    found = _to_assessor(event, Occasion.OCCASION_SAMPLE_ACTION_CLOSED, meta)
    found.actor_id = event.iqa_id
    yield found


def _to_assessor(
    event: SampleActionRequired | SampleActionOverdue | SampleActionClosed,
    occasion: Occasion.ValueType,
    meta: Metadata,
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
        occasion=occasion,
        about_id=event.sample_id,
        parts=[Part(person_id=event.assessor_id, because=Because.BECAUSE_ASSESSED_THE_EVIDENCE)],
    )
