"""One piece of evidence with its title and feedback, opened from its own stream each time, on the record."""

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest, GetEvidenceResponse


async def get_evidence(request: GetEvidenceRequest, read: Reader) -> GetEvidenceResponse:
    """The piece as it was submitted, and judged where it was.

    Raises Refusal EVIDENCE_UNKNOWN where the learner has no such piece: that another learner has it is not told.
    """
    response = GetEvidenceResponse()
    sealed = []
    for item in await read.history(f"evidence-{request.evidence_id}"):
        event = item.event
        if isinstance(event, EvidenceSubmitted):
            response = GetEvidenceResponse(
                evidence_id=event.evidence_id,
                learner_id=event.learner_id,
                author_id=event.author_id,
                kind=event.kind,
                ksb_codes=event.ksb_codes,
            )
            sealed.append((item, "title"))
        elif isinstance(event, EvidenceAccepted | EvidenceReferred):
            response.decision = DECISION_ACCEPT if isinstance(event, EvidenceAccepted) else DECISION_REFER
            response.criteria.CopyFrom(event.criteria)
            sealed.append((item, "feedback"))
    if response.learner_id != request.learner_id:
        raise Refusal(
            "EVIDENCE_UNKNOWN",
            f"the learner has no evidence {request.evidence_id}; check both ids",
            field="evidence_id",
        )
    texts = await read.open(sealed)
    for (_, field), text in zip(sealed, texts, strict=True):
        setattr(response, field, text)
    return response
