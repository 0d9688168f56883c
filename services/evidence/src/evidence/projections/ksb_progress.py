"""A learner's progress in KSBs, one document a learner, apart for each version of a standard: a code means nothing without it.

Planned counts sessions planned that aim at a KSB, without those cancelled; practised those held that touched it, each
with the minutes that its record shares out, or with its whole length where it shares out none: then the KSBs' minutes add up to more than
the sessions'. A record that was corrected counts as it stands by then, and not as it was before. Evidenced counts pieces
claimed, assessed those accepted, as they stand now: a piece that was resubmitted is still one, a decision that was superseded counts no longer,
and neither does a piece that was withdrawn.
"""

from collections.abc import Iterable

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    DECISION_UNSPECIFIED,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import (
    NEXT_STEP_AWAIT_JUDGEMENT,
    NEXT_STEP_EVIDENCE,
    NEXT_STEP_NONE,
    NEXT_STEP_PLAN,
    NEXT_STEP_PRACTISE,
    GetCohortSummaryRequest,
    GetCohortSummaryResponse,
    GetKsbProgressRequest,
    GetKsbProgressResponse,
    KsbCount,
    KsbProgress,
    NextStep,
)
from mentoring.evidence.v1.judging_events_pb2 import EvidenceClaimsChanged, EvidenceResubmitted, EvidenceWithdrawn
from mentoring.sessions.v1.events_pb2 import (
    MentorshipStarted,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionPlanned,
)
from mentoring.sessions.v1.session_record_events_pb2 import FormerHeld, HeldRecord, SessionCorrected
from pydantic import BaseModel

from evidence.domain.standard import Ksb, Version, standard


class Claim(BaseModel):
    """How a piece stands that is claimed against a KSB: it waits, or was accepted or referred back, by whom, in milliseconds since 1970."""

    decision: int = DECISION_UNSPECIFIED
    decided_by: str = ""
    decided_ms: int = 0


class KsbFigures(BaseModel):
    """One KSB's figures; times in milliseconds since 1970. `claims` has each piece that is claimed against it now, by its id."""

    planned: int = 0
    practised: int = 0
    practised_seconds: int = 0
    claims: dict[str, Claim] = {}
    last_touched_ms: int = 0

    @property
    def evidenced(self) -> int:
        """How many pieces are claimed."""
        return len(self.claims)

    @property
    def judged(self) -> int:
        """How many of them are accepted or referred back."""
        return sum(1 for one in self.claims.values() if one.decision)

    @property
    def assessed(self) -> int:
        """How many of them are accepted."""
        return len(self._accepted)

    @property
    def decided_by(self) -> str:
        """Who accepted the one that was accepted last; empty where none is."""
        return max(self._accepted, key=lambda one: one.decided_ms).decided_by if self._accepted else ""

    @property
    def _accepted(self) -> list[Claim]:
        return [one for one in self.claims.values() if one.decision == DECISION_ACCEPT]


class StandardFigures(BaseModel):
    """The learner's figures on one version of a standard. `held_seconds` counts each session once."""

    reference: str
    version: str
    sessions_planned: int = 0
    sessions_held: int = 0
    sessions_missed: int = 0
    held_seconds: int = 0
    ksbs: dict[str, KsbFigures] = {}

    def ksb(self, code: str) -> KsbFigures:
        """The figures of one KSB, kept from now on."""
        return self.ksbs.setdefault(code, KsbFigures())

    @property
    def evidence_submitted(self) -> int:
        """Pieces that are claimed."""
        return len(self._pieces())

    @property
    def evidence_accepted(self) -> int:
        """Pieces of which all is accepted."""
        return sum(1 for decisions in self._pieces().values() if decisions == {DECISION_ACCEPT})

    @property
    def evidence_referred(self) -> int:
        """Pieces of which anything is referred back."""
        return sum(1 for decisions in self._pieces().values() if DECISION_REFER in decisions)

    def _pieces(self) -> dict[str, set[int]]:
        """Each piece with the decisions by which its claims stand."""
        found: dict[str, set[int]] = {}
        for ksb in self.ksbs.values():
            for evidence_id, claim in ksb.claims.items():
                found.setdefault(evidence_id, set()).add(claim.decision)
        return found


class Ahead(BaseModel):
    """A session that is planned and was neither held, missed nor cancelled yet."""

    reference: str
    version: str
    ksb_codes: list[str]


class LearnerProgress(BaseModel):
    """One learner's figures on each version of a standard, and the sessions ahead by their ids."""

    learner_id: str
    standards: list[StandardFigures] = []
    ahead: dict[str, Ahead] = {}

    def find(self, reference: str, version: str) -> StandardFigures | None:
        """The figures on one version; None where nothing happened on it."""
        return next((one for one in self.standards if (one.reference, one.version) == (reference, version)), None)

    def on(self, reference: str, version: str) -> StandardFigures:
        """The figures on one version, kept from now on."""
        found = self.find(reference, version)
        if found is None:
            found = StandardFigures(reference=reference, version=version)
            self.standards.append(found)
        return found

    def codes_ahead(self, reference: str, version: str) -> frozenset[str]:
        """The KSBs of one version that a session ahead aims at."""
        return frozenset(
            code
            for one in self.ahead.values()
            if (one.reference, one.version) == (reference, version)
            for code in one.ksb_codes
        )


ksb_progress = Projection("ksb_progress", version=2, document=LearnerProgress, key="learner_id")


@ksb_progress.on
def mentored(document: LearnerProgress, event: MentorshipStarted, _meta: Metadata) -> None:
    """The learner is on the standard, so the cohort counts them before their first session."""
    document.on(event.standard.reference, event.standard.version)


@ksb_progress.on
def planned(document: LearnerProgress, event: SessionPlanned, _meta: Metadata) -> None:
    """A session ahead that aims at KSBs."""
    figures = document.on(event.standard.reference, event.standard.version)
    figures.sessions_planned += 1
    for code in event.ksb_codes:
        figures.ksb(code).planned += 1
    document.ahead[event.session_id] = Ahead(
        reference=event.standard.reference, version=event.standard.version, ksb_codes=list(event.ksb_codes)
    )


@ksb_progress.on
def practised(document: LearnerProgress, event: SessionHeld, meta: Metadata) -> None:
    """A session held that touched KSBs, planned for or not."""
    del document.ahead[event.session_id]
    figures = document.on(event.standard.reference, event.standard.version)
    _count(figures, event, 1)
    _touched(figures, event.ksb_codes, meta)


@ksb_progress.on
def corrected(document: LearnerProgress, event: SessionCorrected, meta: Metadata) -> None:
    """What stands counts in place of what stood. A KSB that was named by mistake keeps the time, unless nothing else ever touched it."""
    figures = document.on(event.standard.reference, event.standard.version)
    if event.former.HasField("held"):
        _count(figures, event.former.held, -1)
    else:
        figures.sessions_missed -= 1
    if event.HasField("held"):
        _count(figures, event.held, 1)
    else:
        figures.sessions_missed += 1
    former, stands = frozenset(event.former.held.ksb_codes), frozenset(event.held.ksb_codes)
    _touched(figures, stands - former, meta)
    for ksb in (figures.ksb(code) for code in former - stands):
        if not ksb.practised and not ksb.evidenced:
            ksb.last_touched_ms = 0


@ksb_progress.on
def missed(document: LearnerProgress, event: SessionMissed, _meta: Metadata) -> None:
    """A session that did not take place touched nothing."""
    ahead = document.ahead.pop(event.session_id)
    document.on(ahead.reference, ahead.version).sessions_missed += 1


@ksb_progress.on
def cancelled(document: LearnerProgress, event: SessionCancelled, _meta: Metadata) -> None:
    """A session that was called off counts as if it had never been planned."""
    ahead = document.ahead.pop(event.session_id)
    figures = document.on(ahead.reference, ahead.version)
    figures.sessions_planned -= 1
    for code in ahead.ksb_codes:
        figures.ksb(code).planned -= 1


@ksb_progress.on
def evidenced(document: LearnerProgress, event: EvidenceSubmitted, meta: Metadata) -> None:
    """A piece claimed."""
    _claim(document, event, meta)


@ksb_progress.on
def evidenced_again(document: LearnerProgress, event: EvidenceResubmitted, meta: Metadata) -> None:
    """The same piece, with claims that wait."""
    _claim(document, event, meta)
    _unclaim(document, event, event.withdrawn_ksb_codes)


@ksb_progress.on
def claims_changed(document: LearnerProgress, event: EvidenceClaimsChanged, meta: Metadata) -> None:
    """The same piece, with other claims that wait."""
    _claim(document, event, meta)
    _unclaim(document, event, event.withdrawn_ksb_codes)


@ksb_progress.on
def withdrawn(document: LearnerProgress, event: EvidenceWithdrawn, _meta: Metadata) -> None:
    """A piece that is claimed no longer."""
    _unclaim(document, event, event.ksb_codes)


@ksb_progress.on
def accepted(document: LearnerProgress, event: EvidenceAccepted, meta: Metadata) -> None:
    """Claims that count, and who said so: instead of what was decided on them before, where that was superseded."""
    _decide(document, event, DECISION_ACCEPT, meta)


@ksb_progress.on
def referred(document: LearnerProgress, event: EvidenceReferred, meta: Metadata) -> None:
    """Claims that do not count."""
    _decide(document, event, DECISION_REFER, meta)


async def get_ksb_progress(request: GetKsbProgressRequest, read: Reader) -> GetKsbProgressResponse:
    """The learner against every KSB of the standard, in its order; zeros where nothing happened.

    Raises Refusal STANDARD_UNKNOWN.
    """
    version = await _version(request.standard, read)
    document = await read.document(ksb_progress, request.learner_id) or ksb_progress.new(request.learner_id)
    asked = request.standard
    figures = document.find(asked.reference, asked.version) or StandardFigures(
        reference=asked.reference, version=asked.version
    )
    ahead = document.codes_ahead(asked.reference, asked.version)
    ksbs = [_progress(ksb, figures.ksbs.get(ksb.code, KsbFigures()), ksb.code in ahead) for ksb in version.ksbs]
    return GetKsbProgressResponse(
        learner_id=request.learner_id,
        standard=asked,
        ksbs=ksbs,
        mapped=sum(1 for ksb in ksbs if ksb.evidenced),
        signed_off=sum(1 for ksb in ksbs if ksb.assessed),
    )


async def get_cohort_summary(request: GetCohortSummaryRequest, read: Reader) -> GetCohortSummaryResponse:
    """The provider's learners on one version of a standard, in sums.

    Raises Refusal STANDARD_UNKNOWN.
    """
    asked = request.standard
    version = await _version(asked, read)
    found = [document.find(asked.reference, asked.version) for document in await read.documents(ksb_progress)]
    cohort = [figures for figures in found if figures is not None]
    return GetCohortSummaryResponse(
        learners=len(cohort),
        sessions_planned=sum(one.sessions_planned for one in cohort),
        sessions_held=sum(one.sessions_held for one in cohort),
        sessions_missed=sum(one.sessions_missed for one in cohort),
        minutes=sum(one.held_seconds for one in cohort) // 60,
        evidence_submitted=sum(one.evidence_submitted for one in cohort),
        evidence_accepted=sum(one.evidence_accepted for one in cohort),
        evidence_referred=sum(one.evidence_referred for one in cohort),
        assessed=[
            KsbCount(
                code=ksb.code,
                learners=sum(1 for one in cohort if one.ksbs.get(ksb.code, KsbFigures()).assessed),
            )
            for ksb in version.ksbs
        ],
    )


def next_step(figures: KsbFigures, *, ahead: bool) -> NextStep.ValueType:
    """What brings the KSB forward: nothing once it is assessed, else a judgement that is due, else the first step not taken.

    A session missed or cancelled leaves the KSB to be planned again. `ahead`: a session ahead aims at it.
    """
    if figures.assessed:
        return NEXT_STEP_NONE
    if figures.evidenced > figures.judged:
        return NEXT_STEP_AWAIT_JUDGEMENT
    if figures.practised or figures.evidenced:
        return NEXT_STEP_EVIDENCE
    return NEXT_STEP_PRACTISE if ahead else NEXT_STEP_PLAN


def _count(figures: StandardFigures, record: SessionHeld | HeldRecord | FormerHeld, by: int) -> None:
    """Counts a session held, or takes it back."""
    whole, minutes = record.duration.ToSeconds(), {one.ksb_code: one.minutes for one in record.ksb_minutes}
    figures.sessions_held += by
    figures.held_seconds += by * whole
    for code in record.ksb_codes:
        ksb = figures.ksb(code)
        ksb.practised += by
        ksb.practised_seconds += by * (minutes.get(code, 0) * 60 if minutes else whole)


def _claim(
    document: LearnerProgress, event: EvidenceSubmitted | EvidenceResubmitted | EvidenceClaimsChanged, meta: Metadata
) -> None:
    figures = document.on(event.standard.reference, event.standard.version)
    for ksb in _touched(figures, event.ksb_codes, meta):
        ksb.claims[event.evidence_id] = Claim()


def _unclaim(
    document: LearnerProgress,
    event: EvidenceResubmitted | EvidenceClaimsChanged | EvidenceWithdrawn,
    codes: Iterable[str],
) -> None:
    figures = document.on(event.standard.reference, event.standard.version)
    for code in codes:
        figures.ksb(code).claims.pop(event.evidence_id, None)


def _decide(
    document: LearnerProgress, event: EvidenceAccepted | EvidenceReferred, decision: int, meta: Metadata
) -> None:
    figures = document.on(event.standard.reference, event.standard.version)
    for ksb in _touched(figures, event.ksb_codes, meta):
        ksb.claims[event.evidence_id] = Claim(decision=decision, decided_by=event.assessor_id, decided_ms=_ms(meta))


def _touched(figures: StandardFigures, codes: Iterable[str], meta: Metadata) -> list[KsbFigures]:
    ksbs = [figures.ksb(code) for code in codes]
    for ksb in ksbs:
        # Streams of one learner come in no order among each other, so the newest is not always the last.
        ksb.last_touched_ms = max(ksb.last_touched_ms, _ms(meta))
    return ksbs


def _ms(meta: Metadata) -> int:
    return int(meta.at.timestamp() * 1000)


def _progress(ksb: Ksb, figures: KsbFigures, ahead: bool) -> KsbProgress:
    shown = KsbProgress(
        code=ksb.code,
        statement=ksb.statement,
        planned=figures.planned,
        practised=figures.practised,
        practised_minutes=figures.practised_seconds // 60,
        evidenced=figures.evidenced,
        assessed=figures.assessed,
        decided_by=figures.decided_by,
        next_step=next_step(figures, ahead=ahead),
    )
    if figures.last_touched_ms:
        touched = Timestamp()
        touched.FromMilliseconds(figures.last_touched_ms)
        shown.last_touched_at.CopyFrom(touched)
    return shown


async def _version(asked: StandardVersion, read: Reader) -> Version:
    found = (await read.state(standard, f"standard-{asked.reference}")).find(asked.version)
    if found is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{asked.reference} {asked.version} is not known; import it first, or name another version",
            field="standard",
        )
    return found
