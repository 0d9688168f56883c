"""Who stands how to a concern. It is asked of the concern as it is now, so nobody reads or writes by an old assignment."""

from eventkernel.reading import Ask
from mentoring.safeguarding.v1.attachments_pb2 import (
    BeginAttachmentRequest,
    DownloadAttachmentRequest,
    GetAttachmentUploadRequest,
    ListAttachmentsRequest,
    UploadAttachmentRequest,
)
from mentoring.safeguarding.v1.handling_pb2 import (
    AnswerReferralRequest,
    LinkPersonRequest,
    ReferConcernRequest,
    ReopenConcernRequest,
    TriageConcernRequest,
)
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
from mentoring.safeguarding.v1.transfer_pb2 import TakeOverFileTransferRequest, TransferFileRequest

from safeguarding.concern_file import stream_of
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern
from safeguarding.file_contents import handled_with

_AboutAConcern = (
    AcknowledgeConcernRequest
    | AddToConcernRequest
    | AnswerReferralRequest
    | BeginAttachmentRequest
    | CloseConcernRequest
    | DownloadAttachmentRequest
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
    """It is or was assigned to the caller, who is neither at risk nor named in it."""
    return (await _concern(ask)).is_handler(ask.principal.person_id)


async def raiser_or_handler(ask: Ask) -> bool:
    """The caller raised it, or handles it."""
    return (await _concern(ask)).is_raiser_or_handler(ask.principal.person_id)


async def has_task_or_handler(ask: Ask) -> bool:
    """The caller is to do something about it, or handles it."""
    state, me = await _concern(ask), ask.principal.person_id
    return state.has_task(me) or state.is_handler(me)


async def handler_of_person(ask: Ask) -> bool:
    """The caller handles a concern that the request's person is in."""
    if not isinstance(ask.request, TransferFileRequest | TakeOverFileTransferRequest):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no person: give it no relationship to one")
    return bool(await handled_with(ask.request.person_id, ask.read))


async def _concern(ask: Ask) -> Concern:
    if not isinstance(ask.request, _AboutAConcern):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no concern: give it no relationship to one")
    return await ask.read.state(concern, stream_of(ask.request.concern_id))
