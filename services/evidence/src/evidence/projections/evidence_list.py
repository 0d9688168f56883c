"""Pieces of evidence as lists show them: ids, codes and how each claim stands. No word of anybody's is in it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from eventkernel.messages import Metadata
from eventkernel.paging import InSight
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_ASSESSOR, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    DECISION_UNSPECIFIED,
    Decision,
    EvidenceAccepted,
    EvidenceKind,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.judging_events_pb2 import EvidenceClaimsChanged, EvidenceResubmitted, EvidenceWithdrawn
from mentoring.evidence.v1.judging_pb2 import (
    EVIDENCE_STATUS_ACCEPTED,
    EVIDENCE_STATUS_AWAITING_JUDGEMENT,
    EVIDENCE_STATUS_REFERRED,
    EVIDENCE_STATUS_WITHDRAWN,
    ClaimStanding,
    EvidenceStatus,
)
from mentoring.evidence.v1.listing_pb2 import (
    EvidenceSummary,
    ListEvidenceRequest,
    ListEvidenceResponse,
    ListEvidenceToJudgeRequest,
    ListEvidenceToJudgeResponse,
)
from pydantic import BaseModel, computed_field

from evidence.needs import TOLD_OF_EVIDENCE
from evidence.projections.support_team import support_team


class Claim(BaseModel):
    """How one KSB stands, and by which decision's number; unspecified and 0 while it waits."""

    decision: Decision.ValueType = DECISION_UNSPECIFIED
    number: int = 0


class EvidenceItem(BaseModel):
    """One piece."""

    evidence_id: str
    learner_id: str = ""
    author_id: str = ""
    reference: str = ""
    version: str = ""
    kind: EvidenceKind.ValueType = EvidenceKind.EVIDENCE_KIND_UNSPECIFIED
    attempt: int = 0
    claims: dict[str, Claim] = {}
    submitted_at: datetime | None = None
    resubmitted_at: datetime | None = None
    withdrawn: bool = False

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ksb_codes(self) -> list[str]:
        """What it claims, in order."""
        return sorted(self.claims, key=lambda code: (code[:1], int(code[1:])))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def waiting_codes(self) -> list[str]:
        """What of it waits to be judged."""
        return [code for code in self.ksb_codes if not self.claims[code].decision]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> EvidenceStatus.ValueType:
        """How it stands as a whole."""
        decisions = {claim.decision for claim in self.claims.values()}
        if self.withdrawn:
            return EVIDENCE_STATUS_WITHDRAWN
        if DECISION_UNSPECIFIED in decisions:
            return EVIDENCE_STATUS_AWAITING_JUDGEMENT
        return EVIDENCE_STATUS_REFERRED if DECISION_REFER in decisions else EVIDENCE_STATUS_ACCEPTED


evidence_list = Projection(
    "evidence_list", version=1, document=EvidenceItem, key="evidence_id", indexes=("learner_id", "status")
)


@evidence_list.on
def submitted(document: EvidenceItem, event: EvidenceSubmitted, meta: Metadata) -> None:
    """A piece, and all it claims waits."""
    document.learner_id = event.learner_id
    document.author_id = event.author_id
    document.reference, document.version = event.standard.reference, event.standard.version
    document.kind = event.kind
    document.attempt = 1
    document.submitted_at = document.resubmitted_at = meta.at
    _claim(document, event.ksb_codes)


@evidence_list.on
def resubmitted(document: EvidenceItem, event: EvidenceResubmitted, meta: Metadata) -> None:
    """Another attempt waits."""
    document.attempt = event.attempt
    document.resubmitted_at = meta.at
    _claim(document, event.ksb_codes, event.withdrawn_ksb_codes)


@evidence_list.on
def claims_changed(document: EvidenceItem, event: EvidenceClaimsChanged, _meta: Metadata) -> None:
    """It waits to be judged on other KSBs."""
    _claim(document, event.ksb_codes, event.withdrawn_ksb_codes)


@evidence_list.on
def withdrawn(document: EvidenceItem, _event: EvidenceWithdrawn, _meta: Metadata) -> None:
    """It claims nothing any more."""
    document.claims = {}
    document.withdrawn = True


@evidence_list.on
def accepted(document: EvidenceItem, event: EvidenceAccepted, _meta: Metadata) -> None:
    """Some of its claims, or all, stand as accepted."""
    _decide(document, event, DECISION_ACCEPT)


@evidence_list.on
def referred(document: EvidenceItem, event: EvidenceReferred, _meta: Metadata) -> None:
    """Some of its claims, or all, stand as referred back."""
    _decide(document, event, DECISION_REFER)


async def list_evidence(request: ListEvidenceRequest, read: Reader) -> ListEvidenceResponse:
    """The learner's, the newest first; to anybody but the learner those of the standards on which they stand beside them."""
    equal: dict[str, Any] = {"learner_id": request.learner_id, **_kinds(request.kinds)}
    caller = read.principal.person_id
    if caller != request.learner_id:
        team = await read.document(support_team, request.learner_id) or support_team.new(request.learner_id)
        equal["reference"] = InSight(team.mentored_on(caller) | team.attached_on(caller, TOLD_OF_EVIDENCE))
    if request.statuses:
        equal["status"] = frozenset(request.statuses)
    if request.ksb_code:
        equal["ksb_codes"] = request.ksb_code
    shown, cursor = await read.page(evidence_list, request.page, order="submitted_at", descending=True, **equal)
    return ListEvidenceResponse(evidence=map(_summary, shown), next_cursor=cursor)


async def list_evidence_to_judge(request: ListEvidenceToJudgeRequest, read: Reader) -> ListEvidenceToJudgeResponse:
    """What waits of the learners whom the caller assesses in an active mentorship, on its standard; that which waits longest first.

    A page may have fewer than its size: a learner's pieces of a standard on which the caller assesses others alone are left out of it.
    """
    caller = read.principal.person_id
    assessed = {
        team.learner_id: team.attached_on(caller, {PARTY_RELATIONSHIP_ASSESSOR})
        for team in await read.documents(support_team, assessor_ids=caller)
    }
    equal: dict[str, Any] = {
        "learner_id": InSight(assessed),
        "reference": InSight(reference for references in assessed.values() for reference in references),
        "status": EVIDENCE_STATUS_AWAITING_JUDGEMENT,
        **_kinds(request.kinds),
    }
    if request.ksb_code:
        equal["waiting_codes"] = request.ksb_code
    found, cursor = await read.page(evidence_list, request.page, order="resubmitted_at", **equal)
    shown = [_summary(one) for one in found if one.reference in assessed[one.learner_id]]
    return ListEvidenceToJudgeResponse(evidence=shown, next_cursor=cursor)


def _kinds(kinds: Sequence[EvidenceKind.ValueType]) -> dict[str, Any]:
    return {"kind": frozenset(kinds)} if kinds else {}


def _claim(document: EvidenceItem, codes: Iterable[str], withdrawn_codes: Iterable[str] = ()) -> None:
    for code in withdrawn_codes:
        document.claims.pop(code, None)
    for code in codes:
        document.claims[code] = Claim()


def _decide(document: EvidenceItem, event: EvidenceAccepted | EvidenceReferred, decision: Decision.ValueType) -> None:
    for code in event.ksb_codes:
        document.claims[code] = Claim(decision=decision, number=event.decision or 1)


def _summary(document: EvidenceItem) -> EvidenceSummary:
    return EvidenceSummary(
        evidence_id=document.evidence_id,
        learner_id=document.learner_id,
        author_id=document.author_id,
        standard=StandardVersion(reference=document.reference, version=document.version),
        kind=document.kind,
        status=document.status,
        attempt=document.attempt,
        claims=[
            ClaimStanding(ksb_code=code, decision=claim.decision, decided_by_decision=claim.number)
            for code in document.ksb_codes
            for claim in [document.claims[code]]
        ],
        submitted_at=timestamp(document.submitted_at),
        resubmitted_at=timestamp(document.resubmitted_at),
    )
