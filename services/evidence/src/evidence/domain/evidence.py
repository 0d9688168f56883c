"""One piece of evidence: claimed against KSBs, then judged once, on five criteria, by somebody who did not make it.

A decision is never overwritten. Title and feedback are sealed and not in the state: a repeat is known by everything else.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    Criteria,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import JudgeEvidenceRequest, SubmitEvidenceRequest

from evidence.domain.standard import Standard

CRITERIA = ("validity", "authenticity", "currency", "sufficiency", "reliability")


@dataclass(frozen=True, slots=True)
class Claim:
    """What was submitted, but for its title. `kind` is an EvidenceKind, `produced_at` nanoseconds since 1970 in UTC."""

    author_id: str
    reference: str
    version: str
    kind: int
    ksb_codes: tuple[str, ...]
    produced_at: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The one decision, but for its feedback; `met` names the criteria that were met."""

    assessor_id: str
    decision: int
    met: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence."""

    evidence_id: str = ""
    learner_id: str = ""
    claim: Claim | None = None
    judgement: Judgement | None = None


evidence = Aggregate("evidence", initial=Evidence())


@evidence.decide
def submit(state: Evidence, command: SubmitEvidenceRequest, context: Context) -> list[EvidenceSubmitted]:
    """Claims a piece against KSBs of one version of a standard. The caller is its author."""
    if state.claim is not None:
        _refuse_another_learner(state, command.learner_id)
        if state.claim == _claim(command, context.principal.person_id):
            return []
        raise Refusal(
            "EVIDENCE_EXISTS",
            f"evidence {command.evidence_id} was submitted otherwise; submit this piece under a new id",
            field="evidence_id",
        )
    _refuse_unknown(command.standard, command.ksb_codes, context)
    if command.produced_at.ToDatetime(tzinfo=UTC) > context.now:
        raise Refusal(
            "EVIDENCE_IN_FUTURE",
            "the work is said to be done after now; give the time when it was done",
            field="produced_at",
        )
    return [
        EvidenceSubmitted(
            evidence_id=command.evidence_id,
            learner_id=command.learner_id,
            author_id=context.principal.person_id,
            standard=command.standard,
            kind=command.kind,
            ksb_codes=command.ksb_codes,
            title=Sealed(to_be_sealed=command.title),
            produced_at=command.produced_at,
        )
    ]


@evidence.decide
def judge(
    state: Evidence, command: JudgeEvidenceRequest, context: Context
) -> list[EvidenceAccepted | EvidenceReferred]:
    """Accepts a piece that meets all five criteria, or refers one back that does not."""
    if state.claim is None:
        raise Refusal(
            "EVIDENCE_UNKNOWN",
            f"no evidence {command.evidence_id} was submitted; check the id",
            field="evidence_id",
        )
    _refuse_another_learner(state, command.learner_id)
    assessor_id = context.principal.person_id
    if assessor_id in {state.claim.author_id, state.learner_id}:
        raise Refusal(
            "JUDGED_BY_AUTHOR",
            "nobody judges evidence that they made or that is about themselves; ask another assessor",
        )
    judgement = Judgement(assessor_id, command.decision, _met(command.criteria))
    if state.judgement == judgement:
        return []
    if state.judgement is not None:
        raise Refusal(
            "ALREADY_JUDGED",
            f"evidence {command.evidence_id} was judged already, and a decision is never overwritten; "
            "submit the piece again under a new id",
            field="evidence_id",
        )
    if command.decision == DECISION_ACCEPT:
        _refuse_unmet(judgement)
        return [
            EvidenceAccepted(
                evidence_id=command.evidence_id,
                learner_id=command.learner_id,
                assessor_id=assessor_id,
                criteria=command.criteria,
                ksb_codes=state.claim.ksb_codes,
                feedback=Sealed(to_be_sealed=command.feedback),
                standard=_standard(state.claim),
            )
        ]
    _refuse_all_met(judgement)
    return [
        EvidenceReferred(
            evidence_id=command.evidence_id,
            learner_id=command.learner_id,
            assessor_id=assessor_id,
            criteria=command.criteria,
            ksb_codes=state.claim.ksb_codes,
            feedback=Sealed(to_be_sealed=command.feedback),
            standard=_standard(state.claim),
        )
    ]


@evidence.evolve
def submitted(_state: Evidence, event: EvidenceSubmitted) -> Evidence:
    """It is claimed, and waits to be judged."""
    return Evidence(event.evidence_id, event.learner_id, _claim(event, event.author_id))


@evidence.evolve
def accepted(state: Evidence, event: EvidenceAccepted) -> Evidence:
    """It counts."""
    return replace(state, judgement=Judgement(event.assessor_id, DECISION_ACCEPT, _met(event.criteria)))


@evidence.evolve
def referred(state: Evidence, event: EvidenceReferred) -> Evidence:
    """It does not count; another piece may."""
    return replace(state, judgement=Judgement(event.assessor_id, DECISION_REFER, _met(event.criteria)))


def _claim(of: SubmitEvidenceRequest | EvidenceSubmitted, author_id: str) -> Claim:
    return Claim(
        author_id=author_id,
        reference=of.standard.reference,
        version=of.standard.version,
        kind=of.kind,
        ksb_codes=tuple(of.ksb_codes),
        produced_at=of.produced_at.ToNanoseconds(),
    )


def _met(criteria: Criteria) -> tuple[str, ...]:
    return tuple(name for name in CRITERIA if getattr(criteria, name))


def _standard(claim: Claim) -> StandardVersion:
    return StandardVersion(reference=claim.reference, version=claim.version)


def _refuse_another_learner(state: Evidence, learner_id: str) -> None:
    if state.learner_id != learner_id:
        raise Refusal(
            "EVIDENCE_OF_ANOTHER_LEARNER",
            f"evidence {state.evidence_id} is not of learner {learner_id}; check both ids",
            field="learner_id",
        )


def _refuse_unknown(named: StandardVersion, ksb_codes: Iterable[str], context: Context) -> None:
    version = context.state(Standard).find(named.version)
    if version is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{named.reference} {named.version} is not known; import it first, or name the version that the learner is on",
            field="standard",
        )
    unknown = [code for code in ksb_codes if code not in version.codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {named.reference} {named.version}; name KSBs of that standard",
            field="ksb_codes",
        )


def _refuse_unmet(judgement: Judgement) -> None:
    unmet = [name for name in CRITERIA if name not in judgement.met]
    if unmet:
        raise Refusal(
            "CRITERIA_NOT_MET",
            f"{', '.join(unmet)}: not met, and evidence is accepted on all five criteria; refer it back, or mend the criteria",
            field="criteria",
        )


def _refuse_all_met(judgement: Judgement) -> None:
    if len(judgement.met) == len(CRITERIA):
        raise Refusal(
            "CRITERIA_ALL_MET",
            "all five criteria are met, so there is nothing to refer it back for; accept it, or say what is not met",
            field="criteria",
        )
