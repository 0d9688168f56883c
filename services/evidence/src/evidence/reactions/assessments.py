"""Every wait in a request for an assessment sets its own alarm, and so does each reminder but the last."""

from collections.abc import Iterator
from datetime import UTC
from typing import TypeAlias

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.assessment_events_pb2 import (
    AssessmentAccepted,
    AssessmentChased,
    AssessmentRedirected,
    AssessmentRequested,
    AssessmentScheduled,
)
from mentoring.evidence.v1.assessment_pb2 import ChaseAssessmentRequest

chasing = Reaction("chasing")

_Waiting: TypeAlias = (
    AssessmentRequested | AssessmentRedirected | AssessmentAccepted | AssessmentScheduled | AssessmentChased
)


@chasing.on
def await_answer(event: AssessmentRequested, _meta: Metadata) -> Iterator[Later]:
    """The request itself knows at that time whether it was answered."""
    yield _chase(event, event.late_at, 1)


@chasing.on
def await_another_answer(event: AssessmentRedirected, _meta: Metadata) -> Iterator[Later]:
    """The same, of somebody else."""
    yield _chase(event, event.late_at, 1)


@chasing.on
def await_appointment(event: AssessmentAccepted, _meta: Metadata) -> Iterator[Later]:
    """Whether there is an appointment."""
    yield _chase(event, event.late_at, 1)


@chasing.on
def await_decision(event: AssessmentScheduled, _meta: Metadata) -> Iterator[Later]:
    """Whether it was decided."""
    yield _chase(event, event.late_at, 1)


@chasing.on
def chase_again(event: AssessmentChased, _meta: Metadata) -> Iterator[Later]:
    """Unless it was the last time."""
    if event.HasField("next_at"):
        yield _chase(event, event.next_at, event.number + 1)


def _chase(event: _Waiting, at: Timestamp, number: int) -> Later:
    request = ChaseAssessmentRequest(
        assessment_id=event.assessment_id,
        learner_id=event.learner_id,
        mentorship_id=event.mentorship_id,
        wait=event.wait,
        number=number,
    )
    return Later(at.ToDatetime(tzinfo=UTC), request)
