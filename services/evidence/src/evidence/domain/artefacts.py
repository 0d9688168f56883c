"""What may happen to the artefacts of a piece: announced by its author within the provider's policy, attached once their bytes are right.

An artefact belongs to the attempt that waited when it was announced; what was judged is never added to.
"""

from eventkernel.aggregate import Context, Refusal
from eventkernel.file_names import refuse_no_file_name
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.artefact_events_pb2 import (
    UPLOAD_ENDING_EXPIRED,
    ArtefactAttached,
    ArtefactUploadBegun,
    ArtefactUploadEnded,
    UploadEnding,
)
from mentoring.evidence.v1.artefacts_pb2 import (
    AttachArtefactRequest,
    BeginUploadRequest,
    EndUploadRequest,
    ExpireUploadRequest,
)

from evidence.domain.artefact_policy import ArtefactPolicyState
from evidence.domain.piece import Evidence, Upload, evidence, refuse_others, refuse_unknown, refuse_withdrawn


@evidence.decide
def begin_upload(state: Evidence, command: BeginUploadRequest, context: Context) -> list[ArtefactUploadBegun]:
    """Announces a file, and takes its bytes until it expires."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    refuse_others(state, context)
    known = state.upload(command.artefact_id)
    if known is not None:
        if (known.media_type, known.size, known.sha256) == (command.media_type, command.size, command.sha256.hex()):
            return []
        raise Refusal(
            "ARTEFACT_EXISTS",
            f"artefact {command.artefact_id} was announced otherwise; announce this one under a new id",
            field="artefact_id",
        )
    refuse_withdrawn(state)
    if not state.waiting:
        raise Refusal(
            "ALREADY_JUDGED",
            "nothing of it waits to be judged, and what was judged is not added to; resubmit it first, where it was referred back",
            field="evidence_id",
        )
    policy = context.state(ArtefactPolicyState)
    _refuse_beyond(policy, state, command)
    refuse_no_file_name(command.file_name, "file_name")
    expires_at = timestamp(context.now + policy.expires_after)
    return [
        ArtefactUploadBegun(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            author_id=state.author_id,
            artefact_id=command.artefact_id,
            attempt=state.attempt.number,
            title=Sealed(to_be_sealed=command.file_name),
            media_type=command.media_type,
            size=command.size,
            sha256=command.sha256,
            part_bytes=policy.part_bytes,
            expires_at=expires_at,
        )
    ]


@evidence.decide
def attach(state: Evidence, command: AttachArtefactRequest, _context: Context) -> list[ArtefactAttached]:
    """The bytes are there, and right."""
    upload = _known(state, command.learner_id, command.artefact_id)
    if upload.attached:
        return []
    refuse_ended(upload)
    if state.withdrawn or not state.waiting or upload.attempt != state.attempt.number:
        raise Refusal(
            "ALREADY_JUDGED",
            "the piece was judged or withdrawn while the artefact was uploaded, and what was judged is not added to; "
            "resubmit it, and upload the artefact to the new attempt",
            field="evidence_id",
        )
    return [
        ArtefactAttached(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            author_id=state.author_id,
            artefact_id=upload.artefact_id,
            attempt=upload.attempt,
            media_type=upload.media_type,
            size=upload.size,
            sha256=bytes.fromhex(upload.sha256),
        )
    ]


@evidence.decide
def end_upload(state: Evidence, command: EndUploadRequest, _context: Context) -> list[ArtefactUploadEnded]:
    """It comes to nothing, unless it is attached or ended already."""
    return _ended(state, _known(state, command.learner_id, command.artefact_id), command.reason)


@evidence.decide
def expire_upload(state: Evidence, command: ExpireUploadRequest, context: Context) -> list[ArtefactUploadEnded]:
    """Its time is over, unless it is attached or ended already, or that time is still to come."""
    upload = _known(state, command.learner_id, command.artefact_id)
    if context.now.timestamp() < upload.expires_at / 1e9:
        return []
    return _ended(state, upload, UPLOAD_ENDING_EXPIRED)


def refuse_ended(upload: Upload) -> None:
    """Raises UPLOAD_ENDED where the upload came to nothing."""
    if upload.ended:
        why = UploadEnding.Name(UploadEnding.ValueType(upload.ended)).removeprefix("UPLOAD_ENDING_").lower()
        raise Refusal(
            "UPLOAD_ENDED",
            f"this upload came to nothing ({why.replace('_', ' ')}); begin another under a new artefact id",
            field="artefact_id",
        )


def _ended(state: Evidence, upload: Upload, reason: UploadEnding.ValueType) -> list[ArtefactUploadEnded]:
    if not upload.open:
        return []
    return [
        ArtefactUploadEnded(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            artefact_id=upload.artefact_id,
            reason=reason,
        )
    ]


def _known(state: Evidence, learner_id: str, artefact_id: str) -> Upload:
    upload = state.upload(artefact_id)
    if upload is None or state.learner_id != learner_id:
        raise Refusal("UPLOAD_UNKNOWN", f"no upload {artefact_id} was begun; begin it first", field="artefact_id")
    return upload


def _refuse_beyond(policy: ArtefactPolicyState, state: Evidence, command: BeginUploadRequest) -> None:
    if command.size > policy.most_bytes:
        raise Refusal(
            "ARTEFACT_TOO_LARGE",
            f"it has {command.size} bytes, and {policy.most_bytes} are taken at the most; make it smaller, or split it",
            field="size",
        )
    if command.media_type not in policy.media_types:
        raise Refusal(
            "MEDIA_TYPE_NOT_TAKEN",
            f"{command.media_type} is not taken; these are: {', '.join(policy.media_types)}",
            field="media_type",
        )
    if sum(1 for one in state.uploads if not one.ended) >= policy.most_artefacts:
        raise Refusal(
            "TOO_MANY_ARTEFACTS",
            f"it has {policy.most_artefacts} artefacts, as many as a piece may have; put several into one file",
            field="evidence_id",
        )
