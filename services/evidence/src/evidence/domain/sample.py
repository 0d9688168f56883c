"""One sample: a decided piece that was drawn, and what the IQA holds of the assessor's decision.

Nobody decides on a sample of what they assessed, made or took part in, or of what is about themselves. A disagreement is never left without an action
and a day for it, and a confirmed sample never changes.
"""

from dataclasses import dataclass, replace
from datetime import date

from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import Decision, EvidenceKind
from mentoring.evidence.v1.quality_events_pb2 import (
    AGREEMENT_AGREE,
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_AWAITING,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    CriteriaAgreement,
    SampleActionAnswered,
    SampleActionClosed,
    SampleActionOverdue,
    SampleActionRequired,
    SampleConfirmed,
    SampleOpened,
    SampleStatus,
    SamplingStage,
)
from mentoring.evidence.v1.quality_pb2 import (
    AnswerSampleActionRequest,
    CloseSampleActionRequest,
    DecideSampleRequest,
    MarkSampleActionOverdueRequest,
    OpenSampleRequest,
)

from evidence.domain.days import day
from evidence.domain.evidence import CRITERIA, Evidence
from evidence.domain.piece import in_order


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was drawn; `decision` is the assessor's, the `number`th on the piece. `involved`: who else had a part in it or decided on it."""

    learner_id: str
    evidence_id: str
    assessor_id: str
    author_id: str
    reference: str
    version: str
    ksb_codes: tuple[str, ...]
    decision: Decision.ValueType
    plan_id: str
    stage: SamplingStage.ValueType
    number: int
    accepted_codes: tuple[str, ...]
    involved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample; `agreed` names the criteria that the IQA agrees on, `due_on` is the open action's last day."""

    sample_id: str = ""
    sampled: Sampled | None = None
    status: SampleStatus.ValueType = SAMPLE_STATUS_AWAITING
    agreed: tuple[str, ...] = ()
    due_on: str = ""
    answered: bool = False
    overdue: bool = False


sample = Aggregate("sample", initial=Sample())


@sample.decide
def open_sample(state: Sample, command: OpenSampleRequest, context: Context) -> list[SampleOpened]:
    """Opens it once, with the decision that was drawn."""
    if state.sampled is not None:
        return []
    piece, number = context.state(Evidence), command.decision_number or 1
    judgement = piece.decided(number)
    if judgement is None:
        raise NotYet("EVIDENCE_UNKNOWN", f"evidence {command.evidence_id} was not heard of yet", field="evidence_id")
    return [
        SampleOpened(
            sample_id=command.sample_id,
            learner_id=piece.learner_id,
            evidence_id=command.evidence_id,
            assessor_id=command.assessor_id,
            author_id=piece.author_id,
            standard=piece.standard,
            kind=EvidenceKind.ValueType(piece.kind),
            ksb_codes=judgement.ksb_codes,
            decision=judgement.decision,
            plan_id=command.plan_id,
            plan_version=command.plan_version,
            draw_id=command.draw_id,
            stage=command.stage,
            iqa_id=command.iqa_id,
            rules=command.rules,
            decision_number=number,
            accepted_ksb_codes=in_order(judgement.accepted),
            involved_ids=sorted(piece.involved_ids | {one.assessor_id for one in piece.judgements}),
        )
    ]


@sample.decide
def decide(
    state: Sample, command: DecideSampleRequest, context: Context
) -> list[SampleConfirmed | SampleActionRequired]:
    """Confirms where all five criteria are agreed on; else asks for action. While an action is open, decides anew."""
    sampled = _sampled(state)
    iqa_id = _independent(sampled, context)
    agreed = _agreed(command.agreement)
    confirms = len(agreed) == len(CRITERIA)
    _refuse_unfitting_action(command, confirms)
    if confirms:
        if state.status == SAMPLE_STATUS_CONFIRMED:
            return []
        _refuse_decided(state)
        if state.status == SAMPLE_STATUS_ACTION_REQUIRED:
            raise Refusal(
                "ACTION_OPEN",
                "an action is open on this sample; close it with what you hold of each criterion now",
            )
        return [_confirmed(state, sampled, iqa_id, command.agreement, command.feedback)]
    _refuse_decided(state)
    due_on = day(command.due_on, "due_on")
    if due_on < context.now.date():
        raise Refusal("DUE_IN_PAST", f"{command.due_on} is over; give a day that is to come, or today", field="due_on")
    if state.status == SAMPLE_STATUS_ACTION_REQUIRED and (state.agreed, state.due_on) == (agreed, command.due_on):
        return []
    return [
        SampleActionRequired(
            sample_id=state.sample_id,
            learner_id=sampled.learner_id,
            evidence_id=sampled.evidence_id,
            assessor_id=sampled.assessor_id,
            iqa_id=iqa_id,
            plan_id=sampled.plan_id,
            stage=sampled.stage,
            standard=_standard(sampled),
            ksb_codes=sampled.ksb_codes,
            decision=sampled.decision,
            agreement=command.agreement,
            feedback=Sealed(to_be_sealed=command.feedback),
            action=Sealed(to_be_sealed=command.action),
            due_on=command.due_on,
        )
    ]


@sample.decide
def answer(state: Sample, command: AnswerSampleActionRequest, context: Context) -> list[SampleActionAnswered]:
    """The assessor of the piece says what was done, once for each action that is asked for."""
    sampled = _sampled(state)
    if sampled.assessor_id != context.principal.person_id:
        raise _unknown()
    if state.answered:
        return []
    _refuse_without_action(state)
    return [
        SampleActionAnswered(
            sample_id=state.sample_id,
            learner_id=sampled.learner_id,
            evidence_id=sampled.evidence_id,
            assessor_id=sampled.assessor_id,
            plan_id=sampled.plan_id,
            answer=Sealed(to_be_sealed=command.answer),
        )
    ]


@sample.decide
def close_action(
    state: Sample, command: CloseSampleActionRequest, context: Context
) -> list[SampleActionClosed | SampleConfirmed]:
    """Ends the action, answered or not. Where all five criteria are agreed on now, the sample is confirmed by it."""
    sampled = _sampled(state)
    iqa_id = _independent(sampled, context)
    agreed = _agreed(command.agreement)
    confirms = len(agreed) == len(CRITERIA)
    status = SAMPLE_STATUS_CONFIRMED if confirms else SAMPLE_STATUS_NOT_CONFIRMED
    if (state.status, state.agreed) == (status, agreed):
        return []
    _refuse_without_action(state)
    closed = SampleActionClosed(
        sample_id=state.sample_id,
        learner_id=sampled.learner_id,
        evidence_id=sampled.evidence_id,
        assessor_id=sampled.assessor_id,
        iqa_id=iqa_id,
        plan_id=sampled.plan_id,
        status=status,
        agreement=command.agreement,
        feedback=Sealed(to_be_sealed=command.feedback),
    )
    return [closed, _confirmed(state, sampled, iqa_id, command.agreement, command.feedback)] if confirms else [closed]


@sample.decide
def mark_overdue(state: Sample, command: MarkSampleActionOverdueRequest, context: Context) -> list[SampleActionOverdue]:
    """Says so once, where this action is still open and its day is over."""
    if state.sampled is None or state.status != SAMPLE_STATUS_ACTION_REQUIRED or state.due_on != command.due_on:
        return []
    if state.overdue:
        return []
    if context.now.date() <= date.fromisoformat(state.due_on):
        raise NotYet("DEADLINE_AHEAD", f"{state.due_on} is not over", field="due_on")
    return [
        SampleActionOverdue(
            sample_id=state.sample_id,
            learner_id=state.sampled.learner_id,
            evidence_id=state.sampled.evidence_id,
            assessor_id=state.sampled.assessor_id,
            plan_id=state.sampled.plan_id,
            due_on=state.due_on,
        )
    ]


@sample.evolve
def opened(_state: Sample, event: SampleOpened) -> Sample:
    """It waits for the IQA."""
    return Sample(
        event.sample_id,
        Sampled(
            learner_id=event.learner_id,
            evidence_id=event.evidence_id,
            assessor_id=event.assessor_id,
            author_id=event.author_id,
            reference=event.standard.reference,
            version=event.standard.version,
            ksb_codes=tuple(event.ksb_codes),
            decision=event.decision,
            plan_id=event.plan_id,
            stage=event.stage,
            number=event.decision_number or 1,
            accepted_codes=tuple(event.accepted_ksb_codes),
            involved=tuple(event.involved_ids),
        ),
    )


@sample.evolve
def confirmed(state: Sample, event: SampleConfirmed) -> Sample:
    """The assessment stands."""
    return replace(state, status=SAMPLE_STATUS_CONFIRMED, agreed=_agreed(event.agreement), due_on="")


@sample.evolve
def action_required(state: Sample, event: SampleActionRequired) -> Sample:
    """The assessor has something to do."""
    return replace(
        state,
        status=SAMPLE_STATUS_ACTION_REQUIRED,
        agreed=_agreed(event.agreement),
        due_on=event.due_on,
        answered=False,
        overdue=False,
    )


@sample.evolve
def action_answered(state: Sample, _event: SampleActionAnswered) -> Sample:
    """The IQA may close it."""
    return replace(state, answered=True)


@sample.evolve
def action_overdue(state: Sample, _event: SampleActionOverdue) -> Sample:
    """Its day went by."""
    return replace(state, overdue=True)


@sample.evolve
def action_closed(state: Sample, event: SampleActionClosed) -> Sample:
    """Nothing is open any more."""
    return replace(state, status=event.status, agreed=_agreed(event.agreement), due_on="", overdue=False)


def _sampled(state: Sample) -> Sampled:
    if state.sampled is None:
        raise _unknown()
    return state.sampled


def _unknown() -> Refusal:
    return Refusal("SAMPLE_UNKNOWN", "there is no such sample for you; check the id", field="sample_id")


def _independent(sampled: Sampled, context: Context) -> str:
    """The caller's id, where they had no part in the piece."""
    iqa_id = context.principal.person_id
    people = (sampled.assessor_id, sampled.author_id, sampled.learner_id, *sampled.involved)
    involved = {one.casefold() for one in people}
    if iqa_id.casefold() in involved:
        raise Refusal(
            "OWN_ASSESSMENT",
            "nobody samples what they assessed, made or took part in, or what is about themselves; leave it to another IQA",
        )
    return iqa_id


def _agreed(agreement: CriteriaAgreement) -> tuple[str, ...]:
    return tuple(name for name in CRITERIA if getattr(agreement, name) == AGREEMENT_AGREE)


def _refuse_unfitting_action(command: DecideSampleRequest, confirms: bool) -> None:
    if confirms and (command.action or command.due_on):
        raise Refusal(
            "ACTION_NOT_NEEDED",
            "all five criteria are agreed on, so there is nothing to act on; leave the action out, or say what is not agreed on",
            field="action",
        )
    if not confirms and not (command.action and command.due_on):
        raise Refusal(
            "ACTION_MISSING",
            "a criterion is not agreed on; say what the assessor is to do, and until which day",
            field="due_on" if command.action else "action",
        )


def _refuse_decided(state: Sample) -> None:
    if state.status in (SAMPLE_STATUS_CONFIRMED, SAMPLE_STATUS_NOT_CONFIRMED):
        raise Refusal(
            "SAMPLE_DECIDED",
            "this sample was decided on, and a decision is never overwritten; draw the piece under another plan",
        )


def _refuse_without_action(state: Sample) -> None:
    if state.status != SAMPLE_STATUS_ACTION_REQUIRED:
        raise Refusal("NO_ACTION_OPEN", "no action is open on this sample; read how it stands")


def _standard(sampled: Sampled) -> StandardVersion:
    return StandardVersion(reference=sampled.reference, version=sampled.version)


def _confirmed(
    state: Sample, sampled: Sampled, iqa_id: str, agreement: CriteriaAgreement, feedback: str
) -> SampleConfirmed:
    return SampleConfirmed(
        sample_id=state.sample_id,
        learner_id=sampled.learner_id,
        evidence_id=sampled.evidence_id,
        assessor_id=sampled.assessor_id,
        iqa_id=iqa_id,
        plan_id=sampled.plan_id,
        stage=sampled.stage,
        standard=_standard(sampled),
        ksb_codes=sampled.ksb_codes,
        decision=sampled.decision,
        agreement=agreement,
        feedback=Sealed(to_be_sealed=feedback),
        decision_number=sampled.number,
        accepted_ksb_codes=sampled.accepted_codes,
    )
