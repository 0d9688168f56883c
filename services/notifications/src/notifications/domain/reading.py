"""Reading: who has read a notice. A stream a notice, so that none grows with how long somebody is with the provider."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context
from mentoring.notifications.v1.inbox_events_pb2 import NoticeRead
from mentoring.notifications.v1.inbox_pb2 import MarkNoticeReadRequest


@dataclass(frozen=True, slots=True)
class Reading:
    """By whom it was marked as read. Only its recipient's mark counts."""

    reader_ids: frozenset[str] = frozenset()


reading = Aggregate("reading", initial=Reading())


@reading.decide
def mark_notice_read(state: Reading, command: MarkNoticeReadRequest, context: Context) -> list[NoticeRead]:
    """Marks it, once for each reader."""
    if context.principal.person_id in state.reader_ids:
        return []
    return [NoticeRead(notice_id=command.notice_id, person_id=context.principal.person_id)]


@reading.evolve
def notice_read(state: Reading, event: NoticeRead) -> Reading:
    """One more has read it."""
    return Reading(state.reader_ids | {event.person_id})
