"""Commands and events on one piece of evidence, as the tests tell its story."""

from datetime import datetime, timedelta
from typing import Any

from eventkernel.messages import Principal
from eventkernel.testing.scenario import NOON, Outcome, given, person
from evidence.domain.conflicts import Conflicts
from evidence.domain.evidence import Evidence, evidence
from evidence.domain.standard import Ksb, Standard, Version
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_WORK_PRODUCT,
    Criteria,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.judging_pb2 import (
    ClaimJudgement,
    CriteriaFeedback,
    JudgeClaimsRequest,
    ResubmitEvidenceRequest,
    SupersedeDecisionRequest,
)

ST0148 = StandardVersion(reference="ST0148", version="1.0")
KSBS = tuple(Ksb(code, 1, code) for code in ("K1", "K2", "S1", "S2", "B1"))
KNOWN = Standard((Version("1.0", "Learning Mentor", 3, KSBS),))
LEARNER = person("learner-1", "learner")
MENTOR = person("mentor-1", "mentor")
ASSESSOR = person("assessor-1", "assessor")
ANOTHER_ASSESSOR = person("assessor-2", "assessor")
ALL_MET = Criteria(validity=True, authenticity=True, currency=True, sufficiency=True, reliability=True)
TOO_LITTLE = Criteria(validity=True, authenticity=True, currency=True, reliability=True)
OLD_WORK = Criteria(validity=True, authenticity=True, sufficiency=True, reliability=True)


def at(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


BEFORE = at(NOON - timedelta(days=3))


def asked(
    command: Message,
    *past: Message,
    by: Principal,
    standard: Standard = KNOWN,
    conflicts: Conflicts = Conflicts(),  # noqa: B008 - nothing changes it
) -> Outcome[Evidence]:
    return given(evidence, *past).beside(standard, conflicts).when(command, by=by)


def submitted(
    *codes: str, author_id: str = "learner-1", kind: Any = EVIDENCE_KIND_WORK_PRODUCT, **more: Any
) -> Message:
    return EvidenceSubmitted(
        evidence_id="evidence-1",
        learner_id="learner-1",
        author_id=author_id,
        standard=ST0148,
        kind=kind,
        ksb_codes=codes,
        title=Sealed(to_be_sealed="CONFIDENTIAL title"),
        produced_at=BEFORE,
        **more,
    )


def accept(*codes: str) -> ClaimJudgement:
    return ClaimJudgement(
        ksb_codes=codes, decision=DECISION_ACCEPT, criteria=ALL_MET, feedback="CONFIDENTIAL well done"
    )


def refer(*codes: str, criteria: Criteria = TOO_LITTLE, why: CriteriaFeedback | None = None) -> ClaimJudgement:
    return ClaimJudgement(
        ksb_codes=codes,
        decision=DECISION_REFER,
        criteria=criteria,
        criteria_feedback=why
        or CriteriaFeedback(sufficiency="CONFIDENTIAL show more", currency="CONFIDENTIAL too old"),
        feedback="CONFIDENTIAL not yet",
    )


def judge_claims(*judgements: ClaimJudgement, attempt: int = 1, **changes: Any) -> JudgeClaimsRequest:
    asking: dict[str, Any] = {"evidence_id": "evidence-1", "learner_id": "learner-1", "attempt": attempt}
    return JudgeClaimsRequest(judgements=judgements, **{**asking, **changes})


def supersede(*judgements: ClaimJudgement, decision: int = 1, **changes: Any) -> SupersedeDecisionRequest:
    asking: dict[str, Any] = {"evidence_id": "evidence-1", "learner_id": "learner-1", "reason": "CONFIDENTIAL reason"}
    return SupersedeDecisionRequest(judgements=judgements, decision=decision, **{**asking, **changes})


def resubmit(*codes: str, attempt: int = 2, **changes: Any) -> ResubmitEvidenceRequest:
    asking: dict[str, Any] = {
        "evidence_id": "evidence-1",
        "learner_id": "learner-1",
        "standard": ST0148,
        "title": "CONFIDENTIAL title",
        "changes": "CONFIDENTIAL changes",
        "produced_at": BEFORE,
    }
    return ResubmitEvidenceRequest(ksb_codes=codes, attempt=attempt, **{**asking, **changes})


def story(*steps: tuple[Message, Principal], begun: Message | None = None) -> tuple[Message, ...]:
    """What happened to a piece that claims K1, K2 and S1, or that began so, once all of these commands were carried out."""
    past = given(evidence, begun or submitted("K1", "K2", "S1")).beside(KNOWN, Conflicts())
    for command, by in steps:
        past = past.when(command, by=by).after()
    return past.past


def standing(past: tuple[Message, ...]) -> dict[str, str]:
    """How each claim stands, in a word."""
    state = evidence.fold(evidence.initial, past)
    return {
        claim.code: "waits" if not claim.decision else "accepted" if claim.accepted else "referred"
        for claim in state.claims
    }
