"""A group's record for one learner, opened where the group keeps it and sealed anew in the learner's own session.

A ciphertext opens only where it was put, and a reaction opens nothing. The text is in memory alone on its way.
"""

from eventkernel.keys import KeyDestroyed
from eventkernel.reaction import Doing
from mentoring.options.v1 import options_pb2
from mentoring.sessions.v1.group_session_events_pb2 import GroupRecordKept
from mentoring.sessions.v1.group_session_pb2 import HoldGroupPlaceRequest

_KEPT = GroupRecordKept.DESCRIPTOR.GetOptions().Extensions[options_pb2.event].type


async def hold_with_record(request: HoldGroupPlaceRequest, doing: Doing) -> None:
    """Gives the command with the record. Of a learner who was erased meanwhile nothing is recorded any more."""
    try:
        found = await doing.open_fields(f"group-{request.group_id}", _KEPT, ("shared_record",), request.record)
    except KeyDestroyed:
        return
    if found is None:
        raise LookupError(f"group {request.group_id} has no record {request.record}")
    whole = HoldGroupPlaceRequest()
    whole.CopyFrom(request)
    whole.shared_record = found[0]
    await doing.command(whole)
