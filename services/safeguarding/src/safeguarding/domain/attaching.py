"""Files are attached to a concern by whoever may add to it: announced within the provider's policy, attached once their bytes are right.

What is attached is told as an addition is: whoever has the concern is to read it, and nobody else learns of it.
"""

from dataclasses import replace
from datetime import UTC

from eventkernel.aggregate import Context, Refusal
from eventkernel.file_names import refuse_no_file_name
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.attachment_events_pb2 import (
    ATTACHMENT_ENDING_EXPIRED,
    AttachmentEnding,
    ConcernAttached,
    ConcernAttachmentBegun,
    ConcernAttachmentEnded,
)
from mentoring.safeguarding.v1.attachments_pb2 import (
    AttachToConcernRequest,
    BeginAttachmentRequest,
    EndAttachmentRequest,
    ExpireAttachmentRequest,
)
from mentoring.safeguarding.v1.events_pb2 import ConcernAssigned
from mentoring.safeguarding.v1.merging_events_pb2 import MergedConcernAddedTo

from safeguarding.domain.attachment import Attachment, attachment_id_of
from safeguarding.domain.attachment_policy import AttachmentPolicyState
from safeguarding.domain.concern_state import Concern, not_yours, told_of_addition, worked_on


def begin(state: Concern, command: BeginAttachmentRequest, context: Context) -> list[ConcernAttachmentBegun]:
    """Announces a file, and takes its bytes until it expires."""
    author_id = context.principal.person_id
    if not state.is_raiser_or_handler(author_id):
        raise not_yours()
    attachment_id = attachment_id_of(command.concern_id, author_id, command.upload_id)
    known = state.attachment(attachment_id)
    if known is not None:
        if (known.media_type, known.size, known.sha256) == (command.media_type, command.size, command.sha256.hex()):
            return []
        raise Refusal(
            "UPLOAD_EXISTS",
            f"you announced upload {command.upload_id} otherwise; announce this file under a new id",
            field="upload_id",
        )
    policy = context.state(AttachmentPolicyState)
    _refuse_beyond(policy, command)
    _refuse_too_many(policy, state, author_id, context)
    refuse_no_file_name(command.file_name, "file_name")
    return [
        ConcernAttachmentBegun(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            attachment_id=attachment_id,
            author_id=author_id,
            file_name=Sealed(to_be_sealed=command.file_name),
            media_type=command.media_type,
            size=command.size,
            sha256=command.sha256,
            part_bytes=policy.part_bytes,
            expires_at=timestamp(context.now + policy.expires_after),
        )
    ]


def attach(
    state: Concern, command: AttachToConcernRequest, context: Context
) -> list[ConcernAttached | ConcernAssigned | MergedConcernAddedTo]:
    """The bytes are there, and right: whoever has the concern is told, unless they sent them."""
    found = _known(state, command.attachment_id)
    if found.attached:
        return []
    refuse_ended(found)
    if not state.is_raiser_or_handler(found.author_id):
        raise not_yours()
    attached_now = ConcernAttached(
        concern_id=state.concern_id,
        attachment_id=found.attachment_id,
        author_id=found.author_id,
        at=timestamp(context.now),
    )
    return [attached_now, *told_of_addition(state, found.author_id, context)]


def end(state: Concern, command: EndAttachmentRequest, _context: Context) -> list[ConcernAttachmentEnded]:
    """It comes to nothing, unless it is attached or ended already."""
    return _ended(state, _known(state, command.attachment_id), command.ending)


def expire(state: Concern, command: ExpireAttachmentRequest, context: Context) -> list[ConcernAttachmentEnded]:
    """Its time is over, unless it is attached or ended already, or that time is still to come."""
    found = _known(state, command.attachment_id)
    return _ended(state, found, ATTACHMENT_ENDING_EXPIRED) if _is_over(found, context) else []


def begun(state: Concern, event: ConcernAttachmentBegun) -> Concern:
    """Its name is a text: the state keeps none."""
    one = Attachment(
        attachment_id=event.attachment_id,
        author_id=event.author_id,
        media_type=event.media_type,
        size=event.size,
        sha256=event.sha256.hex(),
        part_bytes=event.part_bytes,
        expires_at=event.expires_at.ToNanoseconds(),
    )
    return replace(state, attachments=(*state.attachments, one))


def attached(state: Concern, event: ConcernAttached) -> Concern:
    """It was added to, as by a text."""
    if state.is_handler(event.author_id):
        state = worked_on(state, event.at)
    return replace(
        _with(state, event.attachment_id, attached=True),
        added_to_at=event.at.ToDatetime(tzinfo=UTC),
        additions=state.additions + 1,
    )


def ended(state: Concern, event: ConcernAttachmentEnded) -> Concern:
    """Nothing came of it."""
    return _with(state, event.attachment_id, ended=event.ending)


def refuse_ended(attachment: Attachment) -> None:
    """Raises UPLOAD_ENDED where the upload came to nothing."""
    if attachment.ended:
        why = AttachmentEnding.Name(AttachmentEnding.ValueType(attachment.ended)).removeprefix("ATTACHMENT_ENDING_")
        raise Refusal(
            "UPLOAD_ENDED",
            f"this upload came to nothing ({why.lower().replace('_', ' ')}); begin another under a new id",
            field="upload_id",
        )


def _with(state: Concern, attachment_id: str, *, attached: bool = False, ended: int = 0) -> Concern:
    changed = tuple(
        replace(one, attached=attached, ended=ended) if one.attachment_id == attachment_id else one
        for one in state.attachments
    )
    return replace(state, attachments=changed)


def _ended(state: Concern, found: Attachment, ending: AttachmentEnding.ValueType) -> list[ConcernAttachmentEnded]:
    if not found.open:
        return []
    return [ConcernAttachmentEnded(concern_id=state.concern_id, attachment_id=found.attachment_id, ending=ending)]


def _known(state: Concern, attachment_id: str) -> Attachment:
    found = state.attachment(attachment_id)
    if found is None:
        raise Refusal("UPLOAD_UNKNOWN", "no such upload was begun; begin it first", field="attachment_id")
    return found


def _is_over(attachment: Attachment, context: Context) -> bool:
    return context.now.timestamp() >= attachment.expires_at / 1e9


def _refuse_beyond(policy: AttachmentPolicyState, command: BeginAttachmentRequest) -> None:
    if command.size > policy.most_bytes:
        raise Refusal(
            "ATTACHMENT_TOO_LARGE",
            f"it has {command.size} bytes, and {policy.most_bytes} are taken at the most; make it smaller, or split it",
            field="size",
        )
    if command.media_type not in policy.media_types:
        raise Refusal(
            "MEDIA_TYPE_NOT_TAKEN",
            f"{command.media_type} is not taken; these are: {', '.join(policy.media_types)}",
            field="media_type",
        )


def _refuse_too_many(policy: AttachmentPolicyState, state: Concern, author_id: str, context: Context) -> None:
    # Of an upload that was never begun in earnest no alarm rings: once its time is over it counts no more.
    mine = [one for one in state.attachments if one.author_id == author_id and not one.ended]
    if sum(1 for one in mine if one.attached or not _is_over(one, context)) >= policy.most_each:
        raise Refusal(
            "TOO_MANY_ATTACHMENTS",
            f"you attached {policy.most_each} files to this concern, as many as one person may; put several into one file",
            field="concern_id",
        )
