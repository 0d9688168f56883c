"""Whenever a site's rota or duty changes it is looked through for gaps, and again at the time that each look arranges."""

from collections.abc import Iterator
from datetime import UTC

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.safeguarding.v1.duty_events_pb2 import DutyChanged, DutyLookedThrough, RotaChanged
from mentoring.safeguarding.v1.duty_pb2 import LookThroughDutyRequest

duty_gaps = Reaction("duty_gaps")


@duty_gaps.on
def duty_changed(event: DutyChanged, _meta: Metadata) -> Iterator[LookThroughDutyRequest]:
    """At once: a gap may begin today."""
    yield LookThroughDutyRequest(site_id=event.site_id)


@duty_gaps.on
def rota_changed(event: RotaChanged, _meta: Metadata) -> Iterator[LookThroughDutyRequest]:
    """At once: whoever left the rota may have been the only one on duty."""
    yield LookThroughDutyRequest(site_id=event.site_id)


@duty_gaps.on
def look_again(event: DutyLookedThrough, _meta: Metadata) -> Iterator[Later]:
    """When it was arranged."""
    request = LookThroughDutyRequest(site_id=event.site_id, arranged_for=event.next_at)
    yield Later(event.next_at.ToDatetime(tzinfo=UTC), request)
