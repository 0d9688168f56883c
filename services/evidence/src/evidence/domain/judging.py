"""What an assessor may do with a piece: judge each claim on five criteria, and supersede a decision. Never its author, its learner or its witness.

A decision is never overwritten: one that is superseded stays, with the reason, and what stands instead has a number of its own.
"""

from collections import Counter
from collections.abc import Sequence

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, EvidenceAccepted, EvidenceReferred
from mentoring.evidence.v1.evidence_pb2 import JudgeEvidenceRequest
from mentoring.evidence.v1.judging_events_pb2 import EvidenceDecisionSuperseded
from mentoring.evidence.v1.judging_pb2 import (
    ClaimJudgement,
    JudgeClaimsRequest,
    SupersedeDecisionRequest,
)

from evidence.domain.conflicts import Conflicts
from evidence.domain.piece import CRITERIA, Evidence, Judgement, evidence, met, refuse_unknown, refuse_withdrawn


@evidence.decide
def judge(
    state: Evidence, command: JudgeEvidenceRequest, context: Context
) -> list[EvidenceAccepted | EvidenceReferred]:
    """Accepts all that waits where it meets all five criteria, or refers all of it back where it does not."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    attempt = command.attempt or 1
    waits = attempt == state.attempt.number and bool(state.waiting)
    whole = ClaimJudgement(
        ksb_codes=[claim.code for claim in state.claims if not claim.decision]
        if waits
        else _decided_on(state, attempt),
        decision=command.decision,
        criteria=command.criteria,
        criteria_feedback=command.criteria_feedback,
        feedback=command.feedback,
    )
    return _judged(state, attempt, [whole], context, field="criteria")


@evidence.decide
def judge_claims(
    state: Evidence, command: JudgeClaimsRequest, context: Context
) -> list[EvidenceAccepted | EvidenceReferred]:
    """Accepts some claims and refers others back, with feedback on each criterion that is not met."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    _refuse_unexplained(command.judgements)
    return _judged(state, command.attempt, command.judgements, context)


@evidence.decide
def supersede(
    state: Evidence, command: SupersedeDecisionRequest, context: Context
) -> list[EvidenceDecisionSuperseded | EvidenceAccepted | EvidenceReferred]:
    """Puts another decision in the place of one that stands, for all KSBs that stand by it."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    _refuse_judging_own(state, context)
    before = next((one for one in state.judgements if one.number == command.decision), None)
    if before is None:
        raise Refusal(
            "DECISION_UNKNOWN", f"there is no decision {command.decision} on it; check the number", field="decision"
        )
    number = state.judgements[-1].number + 1
    said = _judgement(command.judgements, number, before.attempt, context, supersedes=before.number)
    if any(one.supersedes == before.number and one.says_the_same(said) for one in state.judgements):
        return []
    refuse_withdrawn(state)
    standing = state.standing_by(command.decision)
    if not standing:
        raise Refusal(
            "DECISION_STANDS_NO_LONGER",
            f"nothing stands by decision {command.decision}: it was superseded, or its claims were made again; "
            "supersede the decision that stands, or judge the newest attempt",
            field="decision",
        )
    _refuse_unexplained(command.judgements)
    outcomes = _outcomes(state, said, command.judgements, standing)
    return [
        EvidenceDecisionSuperseded(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            assessor_id=said.assessor_id,
            standard=state.standard,
            decision=command.decision,
            ksb_codes=sorted(standing),
            reason=Sealed(to_be_sealed=command.reason),
        ),
        *outcomes,
    ]


def _judged(
    state: Evidence, attempt: int, judgements: Sequence[ClaimJudgement], context: Context, *, field: str = ""
) -> list[EvidenceAccepted | EvidenceReferred]:
    _refuse_judging_own(state, context)
    number = state.judgements[-1].number + 1 if state.judgements else 1
    said = _judgement(judgements, number, attempt, context)
    if attempt != state.attempt.number or not state.waiting:
        if any(one.says_the_same(said) for one in state.judgements):
            return []
        refuse_withdrawn(state)
        raise Refusal(
            "ALREADY_JUDGED",
            f"attempt {attempt} of evidence {state.evidence_id} does not wait to be judged, and a decision is never overwritten; "
            "supersede it with a reason, or name the attempt that waits",
            field="attempt" if attempt != state.attempt.number else "evidence_id",
        )
    return _outcomes(state, said, judgements, state.waiting, field=field)


def _judgement(
    judgements: Sequence[ClaimJudgement], number: int, attempt: int, context: Context, *, supersedes: int = 0
) -> Judgement:
    accepting = [one for one in judgements if one.decision == DECISION_ACCEPT]
    referring = [one for one in judgements if one.decision != DECISION_ACCEPT]
    return Judgement(
        number=number,
        attempt=attempt,
        assessor_id=context.principal.person_id,
        accepted=frozenset(code for one in accepting for code in one.ksb_codes),
        referred=frozenset(code for one in referring for code in one.ksb_codes),
        met=met((referring or accepting)[-1].criteria),
        supersedes=supersedes,
    )


def _outcomes(
    state: Evidence,
    said: Judgement,
    judgements: Sequence[ClaimJudgement],
    wanted: frozenset[str],
    *,
    field: str = "",
) -> list[EvidenceAccepted | EvidenceReferred]:
    """What the decision comes to, those that accept first. `field` names the request's criteria, where it has them but once."""
    _refuse_other_codes(judgements, wanted)
    for place, one in enumerate(judgements):
        _refuse_wrong_criteria(one, field or f"judgements[{place}].criteria")
    if said.accepted:
        _refuse_unconfirmed(state, said.attempt)
    ordered = sorted(judgements, key=lambda one: one.decision)
    return [_outcome(state, said, one) for one in ordered]


def _outcome(state: Evidence, said: Judgement, one: ClaimJudgement) -> EvidenceAccepted | EvidenceReferred:
    spoken = {
        f"{name}_feedback": Sealed(to_be_sealed=text)
        for name in CRITERIA
        if (text := getattr(one.criteria_feedback, name))
    }
    kind = EvidenceAccepted if one.decision == DECISION_ACCEPT else EvidenceReferred
    return kind(
        evidence_id=state.evidence_id,
        learner_id=state.learner_id,
        assessor_id=said.assessor_id,
        criteria=one.criteria,
        ksb_codes=one.ksb_codes,
        feedback=Sealed(to_be_sealed=one.feedback),
        standard=state.standard,
        attempt=said.attempt,
        decision=said.number,
        **spoken,
    )


def _decided_on(state: Evidence, attempt: int) -> list[str]:
    """What was decided on this attempt at first: what a repeat of that would judge."""
    decided = [one for one in state.judgements if one.attempt == attempt and not one.supersedes]
    return sorted(decided[0].accepted | decided[0].referred) if decided else []


def _refuse_judging_own(state: Evidence, context: Context) -> None:
    assessor_id = context.principal.person_id
    if assessor_id in {state.author_id, state.learner_id}:
        raise Refusal(
            "JUDGED_BY_AUTHOR",
            "nobody judges evidence that they made or that is about themselves; ask another assessor",
        )
    if assessor_id in state.witness_ids:
        raise Refusal("JUDGED_BY_WITNESS", "nobody judges what they testify to; ask another assessor")
    if assessor_id in context.state(Conflicts).assessor_ids:
        raise Refusal(
            "CONFLICT_OF_INTEREST",
            "a conflict of interest was declared between you and this learner; ask another assessor",
        )


def _refuse_other_codes(judgements: Sequence[ClaimJudgement], wanted: frozenset[str]) -> None:
    if len({one.decision for one in judgements}) < len(judgements):
        raise Refusal(
            "DECISION_TWICE",
            "two judgements decide the same; put their KSBs into one",
            field="judgements",
        )
    named = Counter(code for one in judgements for code in one.ksb_codes)
    twice = sorted(code for code, times in named.items() if times > 1)
    if twice:
        raise Refusal(
            "CLAIM_TWICE", f"{', '.join(twice)}: accepted and referred back; decide for one", field="judgements"
        )
    beside = sorted(named.keys() - wanted)
    if beside:
        raise Refusal(
            "CLAIM_NOT_WAITING", f"{', '.join(beside)}: not to be decided here; leave it out", field="judgements"
        )
    left = sorted(wanted - named.keys())
    if left:
        raise Refusal(
            "CLAIM_LEFT_OUT",
            f"{', '.join(left)}: to be decided as well; accept it or refer it back",
            field="judgements",
        )


def _refuse_wrong_criteria(one: ClaimJudgement, field: str) -> None:
    unmet = [name for name in CRITERIA if name not in met(one.criteria)]
    if one.decision == DECISION_ACCEPT and unmet:
        raise Refusal(
            "CRITERIA_NOT_MET",
            f"{', '.join(unmet)}: not met, and evidence is accepted on all five criteria; refer it back, or mend the criteria",
            field=field,
        )
    if one.decision != DECISION_ACCEPT and not unmet:
        raise Refusal(
            "CRITERIA_ALL_MET",
            "all five criteria are met, so there is nothing to refer it back for; accept it, or say what is not met",
            field=field,
        )


def _refuse_unexplained(judgements: Sequence[ClaimJudgement]) -> None:
    for place, one in enumerate(judgements):
        for name in CRITERIA:
            if name not in met(one.criteria) and not getattr(one.criteria_feedback, name):
                raise Refusal(
                    "FEEDBACK_MISSING",
                    f"{name} is not met, and nothing says why; say what would meet it",
                    field=f"judgements[{place}].criteria_feedback.{name}",
                )


def _refuse_unconfirmed(state: Evidence, attempt: int) -> None:
    judged = state.attempts[attempt - 1]
    if judged.details.witness_id and not judged.testimony_confirmed:
        raise Refusal(
            "TESTIMONY_UNCONFIRMED",
            "its witness has not confirmed the statement; ask them to, or refer it back",
            field="evidence_id",
        )
