"""Who stands how to a concern. It is asked of the concern as it is now, so nobody reads or writes by an old assignment."""

from eventkernel.reading import Ask
from mentoring.safeguarding.v1.attachments_pb2 import (
    BeginAttachmentRequest,
    DownloadAttachmentRequest,
    GetAttachmentUploadRequest,
    ListAttachmentsRequest,
    UploadAttachmentRequest,
)
from mentoring.safeguarding.v1.export_pb2 import ExportConcernRequest
from mentoring.safeguarding.v1.handling_pb2 import (
    AnswerReferralRequest,
    LinkPersonRequest,
    ReferConcernRequest,
    ReopenConcernRequest,
    TriageConcernRequest,
)
from mentoring.safeguarding.v1.merging_pb2 import MergeConcernsRequest, SeparateConcernRequest
from mentoring.safeguarding.v1.oversight_pb2 import ListConcernReadsRequest
from mentoring.safeguarding.v1.passing_on_pb2 import PassOnRequest
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import FinishTaskRequest, GiveTaskRequest
from mentoring.safeguarding.v1.routing_pb2 import PreviewConcernRoutingRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    AcknowledgeConcernRequest,
    AddToConcernRequest,
    CloseConcernRequest,
    GetConcernRequest,
    RecordActionRequest,
)
from mentoring.safeguarding.v1.transfer_pb2 import (
    CallOffFileTransferRequest,
    RecordReceiptRequest,
    TakeOverFileTransferRequest,
    TransferFileRequest,
)

from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.file_transfer import FileTransferState, file_transfer
from safeguarding.file_contents import LEAD, handled_with, may_see_to
from safeguarding.one_matter import handles, is_kept_away
from safeguarding.projections.file_transfers import transfer_stream

_AboutAConcern = (
    AcknowledgeConcernRequest
    | AddToConcernRequest
    | AnswerReferralRequest
    | BeginAttachmentRequest
    | CloseConcernRequest
    | DownloadAttachmentRequest
    | ExportConcernRequest
    | GetAttachmentUploadRequest
    | FinishTaskRequest
    | GetConcernRequest
    | GiveTaskRequest
    | LinkPersonRequest
    | ListAttachmentsRequest
    | ListConcernReadsRequest
    | PassOnRequest
    | PreviewConcernRoutingRequest
    | RecordActionRequest
    | ReferConcernRequest
    | ReopenConcernRequest
    | TriageConcernRequest
    | UploadAttachmentRequest
)


async def handler_of_concern(ask: Ask) -> bool:
    """It is or was assigned to the caller, or what it is merged into is; and the caller is neither at risk nor named in either."""
    return await handles(ask.principal.person_id, await _concern(ask), ask.read)


async def handler_of_both_concerns(ask: Ask) -> bool:
    """The caller handles both."""
    if isinstance(ask.request, MergeConcernsRequest):
        ids = (ask.request.concern_id, ask.request.duplicate_id)
    elif isinstance(ask.request, SeparateConcernRequest):
        ids = (ask.request.leading_id, ask.request.concern_id)
    else:
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no two concerns: give it no relationship to them")
    both = [await ask.read.state(concern, stream_of(one)) for one in ids]
    return all([await handles(ask.principal.person_id, one, ask.read) for one in both])


async def raiser_or_handler(ask: Ask) -> bool:
    """The caller raised it, or handles it."""
    state, me = await _concern(ask), ask.principal.person_id
    return state.is_raiser(me) or await handles(me, state, ask.read)


async def has_task_or_handler(ask: Ask) -> bool:
    """The caller is to do something about it, or handles it."""
    state, me = await _concern(ask), ask.principal.person_id
    has_task = state.has_task(me) and not await is_kept_away(me, state, ask.read)
    return has_task or await handles(me, state, ask.read)


async def handler_of_person(ask: Ask) -> bool:
    """The caller handles a concern that the request's person is in, spelled as there: the texts of the transfer are sealed with the key of
    whom it names. The caller is in none of those about that person that were given to them.
    """
    if not isinstance(ask.request, TransferFileRequest):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no person: give it no relationship to one")
    me, person_id = ask.principal.person_id, ask.request.person_id
    handled = [one for one in await handled_with(person_id, ask.read) if person_id in one.in_it_ids]
    return bool(handled) and await may_see_to(me, FileTransferState(person_id=person_id), ask.read)


async def sees_to_file_transfer(ask: Ask) -> bool:
    """The caller sees to the transfer, and is in none of its concerns."""
    if not isinstance(ask.request, RecordReceiptRequest | CallOffFileTransferRequest):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no transfer: give it no relationship to one")
    found, me = await _transfer(ask.request.transfer_id, ask), ask.principal.person_id
    return found.responsible_id == me and await may_see_to(me, found, ask.read)


async def may_see_to_file_transfer(ask: Ask) -> bool:
    """The caller may take over this transfer of this person's file: as one of those who handle their concerns, or as a senior lead while it
    waits; and is in none of the concerns that it is or would be made of.
    """
    if not isinstance(ask.request, TakeOverFileTransferRequest):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} takes nothing over: give it no relationship to a transfer")
    found = await _transfer(ask.request.transfer_id, ask)
    if not found.person_id or found.person_id != ask.request.person_id:
        return False
    as_lead = LEAD in ask.principal.roles and found.due_at is not None
    if not as_lead and not await handled_with(found.person_id, ask.read):
        return False
    return await may_see_to(ask.principal.person_id, found, ask.read)


async def _transfer(transfer_id: str, ask: Ask) -> FileTransferState:
    return await ask.read.state(file_transfer, transfer_stream(transfer_id))


async def _concern(ask: Ask) -> Concern:
    if not isinstance(ask.request, _AboutAConcern):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no concern: give it no relationship to one")
    return await ask.read.state(concern, stream_of(ask.request.concern_id))
