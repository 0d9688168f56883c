"""What an assessor decided, and what was drawn of it: one stream an assessor.

A draw stands behind the decisions that it drew from, in the same stream, so anybody who reads the stream can draw again and find the same.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from mentoring.evidence.v1.events_pb2 import EvidenceKind
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_AWAITING,
    AssessorDecisionNoted,
    DrawnPiece,
    EarlierDecision,
    OtherDecisionNoted,
    SampleDrawn,
    SampleOutcomeNoted,
)
from mentoring.evidence.v1.quality_pb2 import (
    DrawSampleRequest,
    NoteAssessorDecisionRequest,
    NoteOtherDecisionRequest,
    NoteSampleOutcomeRequest,
)

from evidence.domain.evidence import Evidence
from evidence.domain.sampling import Candidate, Rules, candidates_hash, choose
from evidence.domain.sampling_plan import PlanVersion, SamplingPlan
from evidence.domain.standard import Standard, Version


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision on a piece, the `number`th on it. `kind` is an EvidenceKind, `decision` a Decision.

    `involved`: who else had a part in the piece or decided on it. `superseded`: another assessor's decision stands instead.
    """

    evidence_id: str
    learner_id: str
    author_id: str
    reference: str
    kind: int
    units: tuple[str, ...]
    decision: int
    decided_at: datetime
    number: int = 1
    involved: tuple[str, ...] = ()
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A decision that was drawn under a plan, by its place among all, and how its sample stands (a SampleStatus)."""

    sample_id: str
    plan_id: str
    learner_id: str
    decision: int
    status: int


@dataclass(frozen=True, slots=True)
class Caseload:
    """An assessor's decisions in the order in which they were noted, and the samples drawn of them."""

    assessor_id: str = ""
    decisions: tuple[Decided, ...] = ()
    drawn: tuple[Drawn, ...] = ()

    def under(self, plan_id: str) -> tuple[Drawn, ...]:
        """The samples of a plan."""
        return tuple(one for one in self.drawn if one.plan_id == plan_id)


caseload = Aggregate("caseload", initial=Caseload())


@caseload.decide
def note_decision(
    state: Caseload, command: NoteAssessorDecisionRequest, context: Context
) -> list[AssessorDecisionNoted]:
    """Notes a decision once. One that accepts some claims and refers others is heard of twice."""
    piece, number = context.state(Evidence), command.decision_number or 1
    judgement = piece.decided(number)
    if judgement is None:
        raise NotYet("EVIDENCE_UNKNOWN", f"evidence {command.evidence_id} was not heard of yet", field="evidence_id")
    if any((one.evidence_id, one.number) == (command.evidence_id, number) for one in state.decisions):
        return []
    return [
        AssessorDecisionNoted(
            assessor_id=command.assessor_id,
            evidence_id=piece.evidence_id,
            learner_id=piece.learner_id,
            author_id=piece.author_id,
            standard=piece.standard,
            kind=EvidenceKind.ValueType(piece.kind),
            ksb_codes=judgement.ksb_codes,
            units=_units(judgement.ksb_codes, context.state(Standard).find(piece.version)),
            decision=judgement.decision,
            decided_at=command.decided_at,
            decision_number=number,
            involved_ids=sorted(piece.involved_ids),
            earlier=[
                EarlierDecision(
                    assessor_id=one.assessor_id,
                    decision_number=one.number,
                    superseded=one.number == judgement.supersedes,
                )
                for one in piece.judgements
                if one.number < number
            ],
        )
    ]


@caseload.decide
def note_other(state: Caseload, command: NoteOtherDecisionRequest, _context: Context) -> list[OtherDecisionNoted]:
    """Notes once that somebody else decided on the piece, and which decision stands no longer by it."""
    known = [one for one in state.decisions if one.evidence_id == command.evidence_id]
    if not known:
        raise NotYet(
            "DECISION_UNKNOWN", f"no decision on {command.evidence_id} was noted here yet", field="evidence_id"
        )
    event = OtherDecisionNoted(
        assessor_id=command.assessor_id,
        evidence_id=command.evidence_id,
        other_id=command.other_id,
        superseded_number=command.superseded_number,
    )
    return [] if other_noted(state, event) == state else [event]


@caseload.decide
def draw(state: Caseload, command: DrawSampleRequest, context: Context) -> list[SampleDrawn]:
    """Draws what the plan still asks for. On the same decisions a second draw finds nothing to do, whatever its seed."""
    plan = context.state(SamplingPlan)
    if not plan.versions:
        raise Refusal("PLAN_UNKNOWN", f"there is no sampling plan {command.plan_id}; check the id", field="plan_id")
    if _same(command.iqa_id, command.assessor_id):
        raise Refusal(
            "OWN_ASSESSMENT",
            "nobody samples what they assessed themselves; draw it for another IQA",
            field="iqa_id",
        )
    version = plan.version(plan.number)
    candidates = candidates_of(state, command.plan_id, version, command.iqa_id)
    if not candidates:
        raise Refusal(
            "NOTHING_TO_DRAW",
            f"{command.assessor_id} decided on no evidence of {version.reference} from {version.first_day} to "
            f"{version.last_day} that was noted; check the ids, or draw later",
            field="assessor_id",
        )
    chosen = choose(candidates, version.rules, command.seed)
    if not chosen:
        return []
    learners = {one.evidence_id: one.learner_id for one in state.decisions}
    numbers = {one.evidence_id: one.number for one in state.decisions}
    return [
        SampleDrawn(
            draw_id=context.derive_id("draw"),
            assessor_id=command.assessor_id,
            plan_id=command.plan_id,
            plan_version=plan.number,
            stage=version.stage,
            standard_reference=version.reference,
            iqa_id=command.iqa_id,
            seed=command.seed,
            candidates=len(candidates),
            candidates_hash=candidates_hash(candidates),
            pieces=[
                DrawnPiece(
                    sample_id=context.derive_id("sample", evidence_id),
                    evidence_id=evidence_id,
                    learner_id=learners[evidence_id],
                    rules=rules,
                    decision_number=numbers[evidence_id],
                )
                for evidence_id, rules in chosen.items()
            ],
        )
    ]


@caseload.decide
def note_outcome(state: Caseload, command: NoteSampleOutcomeRequest, _context: Context) -> list[SampleOutcomeNoted]:
    """Notes how a sample stands."""
    known = next((one for one in state.drawn if one.sample_id == command.sample_id), None)
    if known is None:
        raise Refusal("SAMPLE_UNKNOWN", f"no sample {command.sample_id} was drawn here", field="sample_id")
    if known.status == command.status:
        return []
    return [
        SampleOutcomeNoted(
            assessor_id=command.assessor_id,
            sample_id=command.sample_id,
            learner_id=known.learner_id,
            plan_id=known.plan_id,
            status=command.status,
        )
    ]


@caseload.evolve
def decision_noted(state: Caseload, event: AssessorDecisionNoted) -> Caseload:
    """One decision more."""
    decided = Decided(
        evidence_id=event.evidence_id,
        learner_id=event.learner_id,
        author_id=event.author_id,
        reference=event.standard.reference,
        kind=event.kind,
        units=tuple(event.units),
        decision=event.decision,
        decided_at=event.decided_at.ToDatetime(tzinfo=UTC),
        number=event.decision_number or 1,
        involved=tuple(sorted({*event.involved_ids, *(one.assessor_id for one in event.earlier)})),
    )
    return replace(state, assessor_id=event.assessor_id, decisions=(*state.decisions, decided))


@caseload.evolve
def other_noted(state: Caseload, event: OtherDecisionNoted) -> Caseload:
    """Nothing of the piece is drawn for the other, and nothing at all where theirs stands instead."""
    return replace(
        state,
        decisions=tuple(
            replace(
                one,
                involved=tuple(sorted({*one.involved, event.other_id})),
                superseded=one.superseded or one.number == event.superseded_number,
            )
            if one.evidence_id == event.evidence_id
            else one
            for one in state.decisions
        ),
    )


@caseload.evolve
def sample_drawn(state: Caseload, event: SampleDrawn) -> Caseload:
    """The newest decision on each piece is drawn."""
    newest = {one.evidence_id: at for at, one in enumerate(state.decisions)}
    drawn = tuple(
        Drawn(piece.sample_id, event.plan_id, piece.learner_id, newest[piece.evidence_id], SAMPLE_STATUS_AWAITING)
        for piece in event.pieces
    )
    return replace(state, drawn=(*state.drawn, *drawn))


@caseload.evolve
def outcome_noted(state: Caseload, event: SampleOutcomeNoted) -> Caseload:
    """The sample stands so."""
    drawn = tuple(replace(one, status=event.status) if one.sample_id == event.sample_id else one for one in state.drawn)
    return replace(state, drawn=drawn)


def candidates_of(state: Caseload, plan_id: str, version: PlanVersion, iqa_id: str) -> tuple[Candidate, ...]:
    """The pieces whose newest decision is in the plan's period, on its standard, and superseded by no other assessor's, as they are for a draw
    for this IQA.
    """
    newest = {one.evidence_id: at for at, one in enumerate(state.decisions)}
    drawn = {one.decision for one in state.under(plan_id)}
    new, first = _at_risk(state, version.rules)
    return tuple(
        Candidate(
            evidence_id=one.evidence_id,
            kind=one.kind,
            units=one.units,
            decision=one.decision,
            new=at in new,
            first=at in first,
            drawn=at in drawn,
            barred=any(_same(iqa_id, other) for other in (one.author_id, one.learner_id, *one.involved)),
        )
        for at, one in enumerate(state.decisions)
        if newest[one.evidence_id] == at
        and not one.superseded
        and one.reference == version.reference
        and version.first_day <= one.decided_at.date() <= version.last_day
    )


def _at_risk(state: Caseload, rules: Rules) -> tuple[frozenset[int], frozenset[int]]:
    """The places of decisions that a new assessor made, and of the first on each standard, in the order of their times."""
    ordered = sorted(enumerate(state.decisions), key=lambda each: (each[1].decided_at, each[1].evidence_id))
    if not ordered:
        return frozenset(), frozenset()
    began, days = ordered[0][1].decided_at, timedelta(days=rules.new_assessor_days)
    new = {
        at
        for number, (at, one) in enumerate(ordered)
        if number < rules.new_assessor_decisions or one.decided_at < began + days
    }
    first, counted = set[int](), dict[str, int]()
    for at, one in ordered:
        counted[one.reference] = counted.get(one.reference, 0) + 1
        if counted[one.reference] <= rules.first_on_standard:
            first.add(at)
    return frozenset(new), frozenset(first)


def _units(ksb_codes: tuple[str, ...], version: Version | None) -> list[str]:
    """The units of the KSBs; of those that belong to none, the letter: K, S and B are the units of a standard that names none."""
    named = {ksb.code: ksb.unit for ksb in version.ksbs} if version else {}
    return sorted({named.get(code) or code[:1] for code in ksb_codes})


def _same(one: str, other: str) -> bool:
    """Whether both are the same person, however their id is spelled."""
    return one.casefold() == other.casefold()
