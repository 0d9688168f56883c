"""What the author of a piece may do with it: submit, resubmit what was referred back, claim other KSBs, withdraw; and the witness, confirm."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC

from eventkernel.aggregate import Context, Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_PROFESSIONAL_DISCUSSION,
    EVIDENCE_KIND_REFLECTION,
    EVIDENCE_KIND_WITNESS_TESTIMONY,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import SubmitEvidenceRequest
from mentoring.evidence.v1.judging_events_pb2 import (
    EvidenceClaimsChanged,
    EvidenceResubmitted,
    EvidenceWithdrawn,
    TestimonyConfirmed,
)
from mentoring.evidence.v1.judging_pb2 import (
    ChangeClaimsRequest,
    ConfirmTestimonyRequest,
    ResubmitEvidenceRequest,
    WithdrawEvidenceRequest,
)

from evidence.domain.piece import (
    Attempt,
    Evidence,
    attempt_of,
    evidence,
    refuse_others,
    refuse_unknown,
    refuse_withdrawn,
)
from evidence.domain.required_evidence import refuse_methods, refuse_outdated
from evidence.domain.standard import Standard, Version

# What each kind has to have. Of what is not listed for a kind it must have nothing.
NEEDS: dict[int, tuple[str, ...]] = {
    EVIDENCE_KIND_WITNESS_TESTIMONY: ("testimony", "statement"),
    EVIDENCE_KIND_OBSERVATION: ("observation",),
    EVIDENCE_KIND_PROFESSIONAL_DISCUSSION: ("discussion",),
    EVIDENCE_KIND_REFLECTION: ("account",),
}
_OF_SOME_KIND = ("testimony", "statement", "observation", "discussion", "account")


@evidence.decide
def submit(state: Evidence, command: SubmitEvidenceRequest, context: Context) -> list[EvidenceSubmitted]:
    """Claims a piece against KSBs of one version of a standard. The caller is its author."""
    author_id = context.principal.person_id
    if state.author_id:
        if state.learner_id != command.learner_id:
            raise Refusal(
                "EVIDENCE_OF_ANOTHER_LEARNER",
                f"evidence {command.evidence_id} is not of learner {command.learner_id}; check both ids",
                field="learner_id",
            )
        if _is_as_submitted(state, command, author_id):
            return []
        raise Refusal(
            "EVIDENCE_EXISTS",
            f"evidence {command.evidence_id} was submitted otherwise; submit this piece under a new id, or resubmit that "
            "one where it was referred back",
            field="evidence_id",
        )
    version = _refuse_unknown_ksbs(command.standard, command.ksb_codes, context)
    _refuse_future(command.produced_at, "produced_at", context)
    refuse_methods(version, command.kind, command.ksb_codes)
    refuse_outdated(version, command.produced_at, command.ksb_codes, context)
    _refuse_wrong_details(command.kind, command, context)
    return [
        EvidenceSubmitted(
            evidence_id=command.evidence_id,
            learner_id=command.learner_id,
            author_id=author_id,
            standard=command.standard,
            kind=command.kind,
            ksb_codes=command.ksb_codes,
            title=Sealed(to_be_sealed=command.title),
            produced_at=command.produced_at,
            testimony=command.testimony if command.HasField("testimony") else None,
            observation=command.observation if command.HasField("observation") else None,
            discussion=command.discussion if command.HasField("discussion") else None,
            statement=_sealed(command.statement),
            account=_sealed(command.account),
        )
    ]


@evidence.decide
def resubmit(state: Evidence, command: ResubmitEvidenceRequest, context: Context) -> list[EvidenceResubmitted]:
    """Another attempt at what was referred back. What is referred back and not named is claimed no longer."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    refuse_others(state, context)
    refuse_withdrawn(state)
    attempt = attempt_of(command.attempt, command, state.author_id)
    if command.attempt <= state.attempt.number:
        if _is_same(state.attempts[command.attempt - 1], attempt):
            return []
        raise Refusal(
            "ATTEMPT_EXISTS",
            f"attempt {command.attempt} was submitted otherwise; change its claims while it waits, or submit the next",
            field="attempt",
        )
    if command.attempt != state.attempt.number + 1:
        raise Refusal(
            "ATTEMPT_OUT_OF_TURN", f"the next attempt is {state.attempt.number + 1}; name it", field="attempt"
        )
    if state.waiting:
        raise Refusal(
            "AWAITING_JUDGEMENT",
            f"attempt {state.attempt.number} waits to be judged; change its claims, or wait for the decision",
            field="attempt",
        )
    if not state.referred:
        raise Refusal("NOTHING_REFERRED", "all that it claims is accepted; submit another piece", field="evidence_id")
    version = _refuse_wrong_claims(state, command.standard, command.ksb_codes, context)
    _refuse_future(command.produced_at, "produced_at", context)
    refuse_outdated(version, command.produced_at, command.ksb_codes, context)
    _refuse_wrong_details(state.kind, command, context)
    return [
        EvidenceResubmitted(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            author_id=state.author_id,
            standard=state.standard,
            attempt=command.attempt,
            ksb_codes=command.ksb_codes,
            withdrawn_ksb_codes=sorted(state.referred - set(command.ksb_codes)),
            title=Sealed(to_be_sealed=command.title),
            changes=Sealed(to_be_sealed=command.changes),
            produced_at=command.produced_at,
            testimony=command.testimony if command.HasField("testimony") else None,
            observation=command.observation if command.HasField("observation") else None,
            discussion=command.discussion if command.HasField("discussion") else None,
            statement=_sealed(command.statement),
            account=_sealed(command.account),
        )
    ]


@evidence.decide
def change_claims(state: Evidence, command: ChangeClaimsRequest, context: Context) -> list[EvidenceClaimsChanged]:
    """The attempt that waits is to be judged on these KSBs."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    refuse_others(state, context)
    refuse_withdrawn(state)
    if command.attempt != state.attempt.number or not state.waiting:
        raise Refusal(
            "ALREADY_JUDGED",
            f"attempt {command.attempt} does not wait to be judged; resubmit what was referred back with other claims",
            field="attempt",
        )
    codes = frozenset(command.ksb_codes)
    if codes == state.waiting:
        return []
    _refuse_wrong_claims(state, command.standard, command.ksb_codes, context)
    return [
        EvidenceClaimsChanged(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            author_id=state.author_id,
            standard=state.standard,
            attempt=command.attempt,
            ksb_codes=command.ksb_codes,
            withdrawn_ksb_codes=sorted(state.waiting - codes),
        )
    ]


@evidence.decide
def withdraw(state: Evidence, command: WithdrawEvidenceRequest, context: Context) -> list[EvidenceWithdrawn]:
    """Takes the piece back. What an assessor accepted is not taken back by its author: a decision is only superseded."""
    refuse_unknown(state, command.evidence_id, command.learner_id)
    refuse_others(state, context)
    if state.withdrawn:
        return []
    if state.accepted:
        raise Refusal(
            "EVIDENCE_ACCEPTED",
            f"{', '.join(sorted(state.accepted))}: accepted, and a decision is not taken back by the author; ask an assessor to "
            "supersede it first",
            field="evidence_id",
        )
    return [
        EvidenceWithdrawn(
            evidence_id=state.evidence_id,
            learner_id=state.learner_id,
            author_id=state.author_id,
            standard=state.standard,
            ksb_codes=sorted(claim.code for claim in state.claims),
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


@evidence.decide
def confirm_testimony(state: Evidence, command: ConfirmTestimonyRequest, context: Context) -> list[TestimonyConfirmed]:
    """The witness says that the statement is theirs. To anybody else there is no such testimony."""
    witness_id = context.principal.person_id
    if witness_id not in state.witness_ids:
        raise Refusal(
            "TESTIMONY_UNKNOWN",
            f"no testimony {command.evidence_id} names you as its witness; check the id",
            field="evidence_id",
        )
    refuse_withdrawn(state)
    if command.attempt != state.attempt.number or state.attempt.details.witness_id != witness_id:
        raise Refusal(
            "ATTEMPT_OUT_OF_TURN",
            "that is not the attempt with your newest statement; read the testimony again, and confirm what it says now",
            field="attempt",
        )
    if state.attempt.testimony_confirmed:
        return []
    return [
        TestimonyConfirmed(
            evidence_id=state.evidence_id, learner_id=state.learner_id, witness_id=witness_id, attempt=command.attempt
        )
    ]


def _is_as_submitted(state: Evidence, command: SubmitEvidenceRequest, author_id: str) -> bool:
    said = (author_id, command.standard.reference, command.standard.version, command.kind)
    known = (state.author_id, state.reference, state.version, state.kind)
    return said == known and _is_same(state.attempts[0], attempt_of(1, command, author_id))


def _is_same(known: Attempt, said: Attempt) -> bool:
    return replace(known, testimony_confirmed=False) == replace(said, testimony_confirmed=False)


def _sealed(text: str) -> Sealed | None:
    return Sealed(to_be_sealed=text) if text else None


def _refuse_wrong_claims(state: Evidence, named: StandardVersion, codes: Collection[str], context: Context) -> Version:
    if named != state.standard:
        raise Refusal(
            "STANDARD_MISMATCH",
            f"it was submitted on {state.reference} {state.version}; name that, or submit the piece on the other under a new id",
            field="standard",
        )
    accepted = sorted(state.accepted & set(codes))
    if accepted:
        raise Refusal("CLAIM_ACCEPTED", f"{', '.join(accepted)}: accepted already; leave it out", field="ksb_codes")
    version = _refuse_unknown_ksbs(named, codes, context)
    refuse_methods(version, state.kind, codes)
    return version


def _refuse_unknown_ksbs(named: StandardVersion, codes: Collection[str], context: Context) -> Version:
    version = context.state(Standard).find(named.version)
    if version is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{named.reference} {named.version} is not known; import it first, with `mentorstream standard import` or ImportStandard, "
            "or name the version that the learner is on",
            field="standard",
        )
    unknown = [code for code in codes if code not in version.codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {named.reference} {named.version}; name KSBs of that standard",
            field="ksb_codes",
        )
    return version


def _refuse_future(moment: Timestamp, field: str, context: Context) -> None:
    if moment.ToDatetime(tzinfo=UTC) > context.now:
        raise Refusal(
            "EVIDENCE_IN_FUTURE", "the work is said to be done after now; give the time when it was done", field=field
        )


def _refuse_wrong_details(
    kind: int, command: SubmitEvidenceRequest | ResubmitEvidenceRequest, context: Context
) -> None:
    for name in _OF_SOME_KIND:
        value = getattr(command, name)
        # A message that is there has something in it: each has a field that must be set.
        given, needed = bool(value) if isinstance(value, str) else command.HasField(name), name in NEEDS.get(kind, ())  # type: ignore[arg-type]
        if needed and not given:
            raise Refusal("DETAILS_MISSING", f"evidence of this kind needs the field {name}; give it", field=name)
        if given and not needed:
            raise Refusal("DETAILS_OF_ANOTHER_KIND", f"evidence of this kind has no {name}; leave it out", field=name)
    learner_id = command.learner_id
    if command.testimony.witness_id == learner_id:
        raise Refusal(
            "WITNESS_IS_LEARNER", "nobody testifies for themselves; name another witness", field="testimony.witness_id"
        )
    if command.observation.observer_id == learner_id:
        raise Refusal(
            "OBSERVER_IS_LEARNER", "nobody observes themselves; name who watched", field="observation.observer_id"
        )
    if command.HasField("observation"):
        _refuse_future(command.observation.observed_at, "observation.observed_at", context)
    if command.HasField("discussion") and learner_id not in command.discussion.participant_ids:
        raise Refusal(
            "LEARNER_NOT_IN_DISCUSSION",
            "the learner took no part in it, so it shows nothing of theirs; name all who took part",
            field="discussion.participant_ids",
        )
