"""What is attached to a concern, as its handlers see it: each name is opened through the reader, so that the reading is in the access log first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eventkernel.messages import Recorded
from eventkernel.paging import cut, list_name
from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.safeguarding.v1.attachment_events_pb2 import (
    AttachmentPolicy,
    ConcernAttached,
    ConcernAttachmentBegun,
)
from mentoring.safeguarding.v1.attachments_pb2 import (
    Attachment,
    GetAttachmentPolicyRequest,
    GetAttachmentPolicyResponse,
    ListAttachmentsRequest,
    ListAttachmentsResponse,
)

from safeguarding.domain.attachment_policy import attachment_policy
from safeguarding.domain.concern import stream_of


@dataclass(frozen=True, slots=True)
class Attached:
    """What was announced, and the events that told of it and that it is there."""

    announced: ConcernAttachmentBegun
    begun: Recorded
    attached: Recorded


def attached_in(history: Sequence[Recorded]) -> Mapping[str, Attached]:
    """What is attached by a stream's events, by its id, in the order in which it was."""
    begun: dict[str, tuple[ConcernAttachmentBegun, Recorded]] = {}
    found: dict[str, Attached] = {}
    for item in history:
        if isinstance(item.event, ConcernAttachmentBegun):
            begun[item.event.attachment_id] = item.event, item
        elif isinstance(item.event, ConcernAttached):
            found[item.event.attachment_id] = Attached(*begun[item.event.attachment_id], item)
    return found


def shown(one: Attached, file_name: str) -> Attachment:
    """An attachment as it is told."""
    event = one.announced
    found = Attachment(
        attachment_id=event.attachment_id,
        author_id=event.author_id,
        file_name=file_name,
        media_type=event.media_type,
        size=event.size,
        sha256=event.sha256,
        concern_id=event.concern_id,
    )
    found.attached_at.FromDatetime(one.attached.meta.at)
    return found


async def list_attachments(request: ListAttachmentsRequest, read: Reader) -> ListAttachmentsResponse:
    """What is attached, oldest first; only the names of the page are opened."""
    found = attached_in(await read.history(stream_of(request.concern_id))).values()
    page, cursor = cut(found, request.page, key=_place, of=list_name("attachments", request.concern_id))
    names = await read.open([(one.begun, "file_name") for one in page])
    return ListAttachmentsResponse(attachments=map(shown, page, names), next_cursor=cursor)


async def get_attachment_policy(_request: GetAttachmentPolicyRequest, read: Reader) -> GetAttachmentPolicyResponse:
    """The provider's, else the platform's."""
    found = await read.state(attachment_policy, "attachment-policy")
    expires_after = Duration()
    expires_after.FromTimedelta(found.expires_after)
    return GetAttachmentPolicyResponse(
        policy=AttachmentPolicy(
            most_bytes=found.most_bytes,
            most_each=found.most_each,
            media_types=found.media_types,
            expires_after=expires_after,
        )
    )


def _place(one: Attached) -> tuple[str, str, int]:
    meta = one.attached.meta
    return meta.at.isoformat(timespec="microseconds"), meta.stream, meta.version
