"""One piece of evidence: its attempts, how each claim stands, and every decision on it. What its events mean; what may happen is elsewhere.

A claim waits, or stands by one decision, the newest on it. Titles, statements, feedback and reasons are sealed and not in the state.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.artefact_events_pb2 import ArtefactAttached, ArtefactUploadBegun, ArtefactUploadEnded
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    Criteria,
    Decision,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import SubmitEvidenceRequest
from mentoring.evidence.v1.judging_events_pb2 import (
    EvidenceClaimsChanged,
    EvidenceDecisionSuperseded,
    EvidenceResubmitted,
    EvidenceWithdrawn,
    TestimonyConfirmed,
)
from mentoring.evidence.v1.judging_pb2 import ResubmitEvidenceRequest

CRITERIA = ("validity", "authenticity", "currency", "sufficiency", "reliability")


def in_order(codes: Iterable[str]) -> tuple[str, ...]:
    """KSBs by their letters and numbers: K2 before K10."""
    return tuple(sorted(codes, key=lambda code: (code[:1], int(code[1:]))))


@dataclass(frozen=True, slots=True)
class Details:
    """What the piece's kind has beside the work, but for its texts. Enums as their numbers, times in nanoseconds since 1970 in UTC."""

    witness_id: str = ""
    relationship: int = 0
    observer_id: str = ""
    observed_at: int = 0
    place: int = 0
    seconds: int = 0
    participant_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was submitted once, but for its texts: `asked` is which KSBs it was submitted for. `produced_at` as in Details."""

    number: int
    asked: tuple[str, ...]
    produced_at: int
    details: Details
    testimony_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """One claimed KSB. `decision` is the number of the decision that it stands by; 0 while it waits."""

    code: str
    decision: int = 0
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """One decision, but for its feedback. `met` names the criteria that were met of what was referred back, or of all."""

    number: int
    attempt: int
    assessor_id: str
    accepted: frozenset[str] = frozenset()
    referred: frozenset[str] = frozenset()
    met: tuple[str, ...] = ()
    supersedes: int = 0

    @property
    def ksb_codes(self) -> tuple[str, ...]:
        """All that it decided on, in order."""
        return in_order(self.accepted | self.referred)

    @property
    def decision(self) -> Decision.ValueType:
        """What it comes to as a whole: what is referred in part is referred."""
        return DECISION_REFER if self.referred else DECISION_ACCEPT

    def says_the_same(self, other: "Judgement") -> bool:
        """Whether they are the same but for their numbers."""
        return replace(self, number=other.number) == other


@dataclass(frozen=True, slots=True)
class Upload:
    """An artefact as it was announced, but for its name; `expires_at` as in Details. `ended` is an UploadEnding, 0 where it did not."""

    artefact_id: str
    attempt: int
    media_type: str
    size: int
    sha256: str
    part_bytes: int
    expires_at: int
    attached: bool = False
    ended: int = 0

    @property
    def open(self) -> bool:
        """Whether bytes may still come."""
        return not self.attached and not self.ended


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence; without an author nothing was submitted yet. `kind` is an EvidenceKind."""

    evidence_id: str = ""
    learner_id: str = ""
    author_id: str = ""
    reference: str = ""
    version: str = ""
    kind: int = 0
    attempts: tuple[Attempt, ...] = ()
    claims: tuple[Standing, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    superseding: int = 0
    withdrawn: bool = False
    uploads: tuple[Upload, ...] = ()

    @property
    def attempt(self) -> Attempt:
        """The newest."""
        return self.attempts[-1]

    @property
    def ksb_codes(self) -> tuple[str, ...]:
        """All that it claims; of a withdrawn piece, what it was last submitted for."""
        return tuple(claim.code for claim in self.claims) or self.attempt.asked

    @property
    def judgement(self) -> Judgement | None:
        """The newest decision; None where there is none yet."""
        return self.judgements[-1] if self.judgements else None

    @property
    def waiting(self) -> frozenset[str]:
        """The KSBs that wait to be judged."""
        return frozenset(claim.code for claim in self.claims if not claim.decision)

    @property
    def accepted(self) -> frozenset[str]:
        """The KSBs that are accepted as it stands."""
        return frozenset(claim.code for claim in self.claims if claim.accepted)

    @property
    def referred(self) -> frozenset[str]:
        """The KSBs that are referred back as it stands."""
        return frozenset(claim.code for claim in self.claims if claim.decision and not claim.accepted)

    @property
    def witness_ids(self) -> frozenset[str]:
        """Whoever testified in any attempt."""
        return frozenset(one.details.witness_id for one in self.attempts if one.details.witness_id)

    @property
    def involved_ids(self) -> frozenset[str]:
        """Whoever had a part in any attempt, beside author and learner: witnesses, observers, those who took part in a discussion."""
        parts = (
            (one.details.witness_id, one.details.observer_id, *one.details.participant_ids) for one in self.attempts
        )
        return frozenset(person_id for part in parts for person_id in part if person_id)

    def decided(self, number: int) -> Judgement | None:
        """The decision with this number; None where there is none."""
        return next((one for one in self.judgements if one.number == number), None)

    @property
    def standard(self) -> StandardVersion:
        """What its KSBs are of."""
        return StandardVersion(reference=self.reference, version=self.version)

    def upload(self, artefact_id: str) -> Upload | None:
        """The upload of this artefact; None where none was begun."""
        return next((one for one in self.uploads if one.artefact_id == artefact_id), None)

    def standing_by(self, decision: int) -> frozenset[str]:
        """The KSBs that stand by this decision."""
        return frozenset(claim.code for claim in self.claims if decision and claim.decision == decision)


evidence = Aggregate("evidence", initial=Evidence(), shape=3)


def met(criteria: Criteria) -> tuple[str, ...]:
    """The names of the criteria that are met."""
    return tuple(name for name in CRITERIA if getattr(criteria, name))


Submission: TypeAlias = SubmitEvidenceRequest | ResubmitEvidenceRequest | EvidenceSubmitted | EvidenceResubmitted


def attempt_of(number: int, source: Submission, author_id: str) -> Attempt:
    """The attempt that this asks for, or tells of."""
    timed = source.observation if source.HasField("observation") else source.discussion
    details = Details(
        witness_id=source.testimony.witness_id,
        relationship=source.testimony.relationship,
        observer_id=source.observation.observer_id,
        observed_at=source.observation.observed_at.ToNanoseconds(),
        place=source.observation.place,
        seconds=timed.duration.ToSeconds(),
        participant_ids=tuple(source.discussion.participant_ids),
    )
    # Who submits their own testimony has nothing to confirm.
    own_words = bool(details.witness_id) and details.witness_id == author_id
    return Attempt(number, tuple(source.ksb_codes), source.produced_at.ToNanoseconds(), details, own_words)


def refuse_unknown(state: Evidence, evidence_id: str, learner_id: str) -> None:
    """Raises EVIDENCE_UNKNOWN where the learner has no such piece: that another learner has it is not told."""
    if not state.author_id or state.learner_id != learner_id:
        raise Refusal(
            "EVIDENCE_UNKNOWN",
            f"the learner has no evidence {evidence_id}; check both ids",
            field="evidence_id",
        )


def refuse_others(state: Evidence, context: Context) -> None:
    """Raises NOT_THE_AUTHOR unless the caller made the piece."""
    if context.principal.person_id != state.author_id:
        raise Refusal("NOT_THE_AUTHOR", "only its author changes a piece of evidence; ask them")


def refuse_withdrawn(state: Evidence) -> None:
    """Raises EVIDENCE_WITHDRAWN where the author took the piece back."""
    if state.withdrawn:
        raise Refusal(
            "EVIDENCE_WITHDRAWN",
            f"evidence {state.evidence_id} was withdrawn by its author; submit a piece under a new id",
            field="evidence_id",
        )


@evidence.evolve
def submitted(_state: Evidence, event: EvidenceSubmitted) -> Evidence:
    """It is claimed, and waits to be judged."""
    first = attempt_of(1, event, event.author_id)
    return Evidence(
        evidence_id=event.evidence_id,
        learner_id=event.learner_id,
        author_id=event.author_id,
        reference=event.standard.reference,
        version=event.standard.version,
        kind=event.kind,
        attempts=(first,),
        claims=tuple(Standing(code) for code in event.ksb_codes),
    )


@evidence.evolve
def resubmitted(state: Evidence, event: EvidenceResubmitted) -> Evidence:
    """Another attempt waits to be judged. What was accepted stays so."""
    attempt = attempt_of(event.attempt, event, event.author_id)
    return replace(
        state,
        attempts=(*state.attempts, attempt),
        claims=_claimed(state, event.ksb_codes, event.withdrawn_ksb_codes),
    )


@evidence.evolve
def claims_changed(state: Evidence, event: EvidenceClaimsChanged) -> Evidence:
    """The attempt that waits is to be judged on other KSBs."""
    return replace(state, claims=_claimed(state, event.ksb_codes, event.withdrawn_ksb_codes))


@evidence.evolve
def testimony_confirmed(state: Evidence, event: TestimonyConfirmed) -> Evidence:
    """The statement of this attempt is the witness's own."""
    return replace(
        state,
        attempts=tuple(
            replace(one, testimony_confirmed=True) if one.number == event.attempt else one for one in state.attempts
        ),
    )


@evidence.evolve
def withdrawn(state: Evidence, _event: EvidenceWithdrawn) -> Evidence:
    """It counts for nothing from now on."""
    return replace(state, claims=(), withdrawn=True)


@evidence.evolve
def superseded(state: Evidence, event: EvidenceDecisionSuperseded) -> Evidence:
    """What stands instead follows in the same commit."""
    return replace(state, superseding=event.decision)


@evidence.evolve
def upload_begun(state: Evidence, event: ArtefactUploadBegun) -> Evidence:
    """Its bytes may come."""
    upload = Upload(
        artefact_id=event.artefact_id,
        attempt=event.attempt,
        media_type=event.media_type,
        size=event.size,
        sha256=event.sha256.hex(),
        part_bytes=event.part_bytes,
        expires_at=event.expires_at.ToNanoseconds(),
    )
    return replace(state, uploads=(*state.uploads, upload))


@evidence.evolve
def artefact_attached(state: Evidence, event: ArtefactAttached) -> Evidence:
    """It belongs to the piece for good."""
    return _with_upload(state, event.artefact_id, attached=True)


@evidence.evolve
def upload_ended(state: Evidence, event: ArtefactUploadEnded) -> Evidence:
    """It came to nothing."""
    return _with_upload(state, event.artefact_id, ended=event.reason)


@evidence.evolve
def accepted(state: Evidence, event: EvidenceAccepted) -> Evidence:
    """Its KSBs count."""
    return _decided(state, event, accepted=True)


@evidence.evolve
def referred(state: Evidence, event: EvidenceReferred) -> Evidence:
    """Its KSBs do not count; another attempt may."""
    return _decided(state, event, accepted=False)


def _with_upload(state: Evidence, artefact_id: str, **changed: Any) -> Evidence:
    uploads = tuple(replace(one, **changed) if one.artefact_id == artefact_id else one for one in state.uploads)
    return replace(state, uploads=uploads)


def _claimed(state: Evidence, codes: Iterable[str], withdrawn_codes: Iterable[str]) -> tuple[Standing, ...]:
    changed = {*codes, *withdrawn_codes}
    return (*(claim for claim in state.claims if claim.code not in changed), *(Standing(code) for code in codes))


def _decided(state: Evidence, event: EvidenceAccepted | EvidenceReferred, *, accepted: bool) -> Evidence:
    number, attempt = event.decision or 1, event.attempt or 1
    before = state.judgements[-1] if state.judgements else None
    if before is None or before.number != number:
        before = Judgement(number, attempt, event.assessor_id, supersedes=state.superseding)
    codes = frozenset(event.ksb_codes)
    # Where some are accepted and some referred, what was met is told of those referred: of the others it is everything.
    judged = (
        replace(before, accepted=codes, met=before.met or met(event.criteria))
        if accepted
        else replace(before, referred=codes, met=met(event.criteria))
    )
    return replace(
        state,
        claims=tuple(Standing(one.code, number, accepted) if one.code in codes else one for one in state.claims),
        judgements=(*(one for one in state.judgements if one.number != number), judged),
        superseding=0,
    )
