"""Who was asked to take a concern, each request with the acknowledgement that answered it, if any did."""

from collections.abc import Sequence

from eventkernel.messages import Recorded
from mentoring.safeguarding.v1.events_pb2 import AssigneeRole, ConcernAcknowledged, ConcernAssigned
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMerged
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn

from safeguarding.domain.concern import concern
from safeguarding.export.words import minute, words

ASKED_COLUMNS = {"When (UTC)": 17, "Who was asked": 26, "As": 21, "To acknowledge by": 18, "Acknowledged": 18}


def asked(history: Sequence[Recorded]) -> list[Sequence[str]]:
    """A row for each request, by whichever way it came: the rota, an addition, a separation, or whoever had it and passed it on.

    Once a person is asked anew, another has taken it, or it is merged, nothing answers what they were asked before. Who takes it without a
    request that still stands has a row of their own.
    """
    rows: list[list[str]] = []
    # By the person, and by the passing on, the row of what nobody answered yet.
    assigned, offered = dict[str, int](), dict[str, int]()
    state = concern.initial
    for item in history:
        match item.event:
            case ConcernAssigned() as event:
                assigned[event.assignee_id] = len(rows)
                role = words(AssigneeRole.DESCRIPTOR, event.assignee_role)
                rows.append(_row(item, event.assignee_id, role, minute(event.acknowledge_by)))
            case ConcernPassedOn() as event:
                offered[event.passing_id] = len(rows)
                by = f"passed on to them by {state.held_by_id}"
                rows.append(_row(item, event.receiver_id, by, minute(event.acknowledge_by)))
            case ConcernMerged():
                assigned.clear()
            case ConcernAcknowledged() as event:
                at = assigned.get(event.handler_id)
                if state.offer is not None and state.is_offered_to(event.handler_id):
                    at = offered[state.offer.passing_id]
                if at is None:
                    at = len(rows)
                    rows.append(_row(item, event.handler_id, "not asked anew", ""))
                rows[at][-1] = minute(item.meta.at)
                assigned.clear()
        state = concern.fold(state, [item.event])
    return list(rows)


def _row(item: Recorded, person_id: str, role: str, acknowledge_by: str) -> list[str]:
    return [minute(item.meta.at), person_id or "nobody", role, acknowledge_by, "not acknowledged"]
