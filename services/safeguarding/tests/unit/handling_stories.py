"""What those who have a concern do about it, for the tests that tell of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from google.protobuf.message import Message
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.handling_pb2 import TriageConcernRequest

from .stories import (
    Tale,
)

DAY = timedelta(days=1)


def a_triage(
    category: events.ConcernCategory.ValueType,
    severity: events.Severity.ValueType = events.SEVERITY_SERIOUS,
    *,
    site_id: str = "site-1",
) -> TriageConcernRequest:
    return TriageConcernRequest(concern_id="concern-1", site_id=site_id, category=category, severity=severity)


def acknowledgement_of(concern_id: str) -> calls.AcknowledgeConcernRequest:
    return calls.AcknowledgeConcernRequest(concern_id=concern_id)


def kinds(decided: Sequence[Message]) -> list[str]:
    return [event.DESCRIPTOR.name for event in decided]


def due_of(tale: Tale) -> dict[str, datetime]:
    """What is due, but for the look whether it was left alone, which `test_left_alone.py` is about."""
    return {one.due_id: one.at for one in tale.state.due if one.kind != handling.CONCERN_DUE_ACTIVITY}
