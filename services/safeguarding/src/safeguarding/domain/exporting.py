"""That a handler takes a concern out of the platform, and why: known in the concern before anything of it is given."""

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.export_events_pb2 import ConcernExported
from mentoring.safeguarding.v1.export_pb2 import NoteConcernExportedRequest

from safeguarding.domain.concern_state import Concern, not_yours
from safeguarding.domain.routing import is_among


def note_exported(state: Concern, command: NoteConcernExportedRequest, context: Context) -> list[ConcernExported]:
    """Exported in whole, or about one of those who are in it; also once it is closed or merged.

    Who handles it, or what it is merged into, is asked before. Whoever turns out to be in it meanwhile exports nothing.
    """
    if not state.concern_id or is_among(command.exporter_id, state.excluded_ids):
        raise not_yours()
    if command.only_about_id and not is_among(command.only_about_id, state.in_it_ids):
        raise Refusal(
            "PERSON_NOT_IN_CONCERN",
            f"{command.only_about_id} is not in this concern; give one of the people whom GetConcern tells, or nobody",
            field="only_about_id",
        )
    return [
        ConcernExported(
            concern_id=state.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            export_id=command.export_id,
            exporter_id=command.exporter_id,
            reason=Sealed(to_be_sealed=command.reason),
            only_about_id=command.only_about_id,
            at=timestamp(context.now),
        )
    ]


def exported(state: Concern, _event: ConcernExported) -> Concern:
    """Nothing was done about it: it is due, and left alone, as before."""
    return state
