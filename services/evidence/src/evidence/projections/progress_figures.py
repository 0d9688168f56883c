"""A learner's figures on one version of a standard, added up from what happened.

Planned counts sessions and activities that aim at a KSB, without those called off; practised sessions held and reports of activities that
touched it, each with the minutes that its record shares out, or with its whole length where it shares out none: then the KSBs' minutes add
up to more than was done, which `held_seconds` and `practised_seconds` count once. Evidenced counts pieces claimed, assessed those accepted,
sampled those of them that the IQA confirmed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER
from mentoring.evidence.v1.evidence_pb2 import (
    NEXT_STEP_AWAIT_JUDGEMENT,
    NEXT_STEP_EVIDENCE,
    NEXT_STEP_NONE,
    NEXT_STEP_PLAN,
    NEXT_STEP_PRACTISE,
    NextStep,
)

from evidence.domain.standard import Version
from evidence.projections.carried_over import carried_over, has_gone_on, was_on
from evidence.projections.progress_document import LearnerProgress, Mentorship, Session


class Band(IntEnum):
    """How far a learner has come with a KSB."""

    NONE = 0
    PLANNED = 1
    PRACTISED = 2
    EVIDENCED = 3
    ASSESSED = 4
    SAMPLED = 5


@dataclass(slots=True)
class KsbFigures:
    """One KSB's; times in milliseconds since 1970. `ahead`: something that is still to come aims at it. `judged`: accepted or referred back.

    `carried`: each piece that was carried over, by its id, with the reference, version and code that it was claimed against.
    """

    planned: int = 0
    ahead: bool = False
    practised: int = 0
    practised_seconds: int = 0
    evidenced: int = 0
    judged: int = 0
    assessed: int = 0
    sampled: int = 0
    last_touched_ms: int = 0
    decided_by: str = ""
    decided_ms: int = 0
    carried: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def is_signed_off(self, required: int) -> bool:
        """Whether as many pieces are accepted as it takes."""
        return self.assessed >= required

    @property
    def band(self) -> Band:
        """The farthest that was reached."""
        reached = (self.planned, self.practised, self.evidenced, self.assessed, self.sampled)
        return max((band for band, count in zip(list(Band)[1:], reached, strict=True) if count), default=Band.NONE)

    def touched(self, ms: int) -> None:
        """It was worked on at this time."""
        self.last_touched_ms = max(self.last_touched_ms, ms)


@dataclass(slots=True)
class Figures:
    """All of them."""

    ksbs: dict[str, KsbFigures] = field(default_factory=dict)
    sessions_planned: int = 0
    sessions_held: int = 0
    sessions_missed: int = 0
    held_seconds: int = 0
    practised_seconds: int = 0
    off_the_job_seconds: int = 0
    evidence_submitted: int = 0
    evidence_accepted: int = 0
    evidence_referred: int = 0
    last_touched_ms: int = 0
    next_session_ms: int = 0

    def ksb(self, code: str) -> KsbFigures:
        """One KSB's, kept from now on."""
        return self.ksbs.setdefault(code, KsbFigures())


def required_of(version: Version) -> Mapping[str, int]:
    """How many accepted pieces each KSB takes, in the standard's order."""
    return {ksb.code: ksb.required for ksb in version.ksbs}


def is_on(document: LearnerProgress, reference: str, version: str) -> bool:
    """Whether anything at all happened on this version of the standard, and the learner has not gone on by another."""
    return was_on(document, reference, version) and not has_gone_on(document, reference, version)


def mentorship_on(document: LearnerProgress, reference: str, version: str) -> tuple[str, Mentorship] | None:
    """The mentorship on this version with its id: the active one, else the one that was started last."""
    found = [
        (identity, one)
        for identity, one in document.mentorships.items()
        if (one.reference, one.version) == (reference, version)
    ]
    return max(found, key=lambda each: (each[1].active, each[1].started_ms, each[0]), default=None)


def figures_on(document: LearnerProgress, reference: str, version: str, now_ms: int = 0) -> Figures:
    """The figures on this version of a standard, with what was carried over from others. `now_ms`: from when on a session is the next one."""
    figures = Figures()
    document = carried_over(document, reference, version)
    _add_sessions(figures, document, reference, version, now_ms)
    _add_activities(figures, document, reference, version)
    _add_evidence(figures, document, reference, version)
    figures.last_touched_ms = max((one.last_touched_ms for one in figures.ksbs.values()), default=0)
    return figures


def next_step(figures: KsbFigures, required: int) -> NextStep.ValueType:
    """What brings the KSB forward: nothing once it is signed off, else a judgement that is due, else the first step not taken.

    A session missed or cancelled leaves the KSB to be planned again.
    """
    if figures.is_signed_off(required):
        return NEXT_STEP_NONE
    if figures.evidenced > figures.judged:
        return NEXT_STEP_AWAIT_JUDGEMENT
    if figures.practised or figures.evidenced:
        return NEXT_STEP_EVIDENCE
    return NEXT_STEP_PRACTISE if figures.ahead else NEXT_STEP_PLAN


def _add_sessions(figures: Figures, document: LearnerProgress, reference: str, version: str, now_ms: int) -> None:
    for session_id, session in document.sessions.items():
        if session.planned_on == (reference, version):
            _add_plan(figures, session, now_ms)
        if session.recorded_on == (reference, version):
            figures.sessions_held += session.held
            figures.held_seconds += session.seconds
            figures.practised_seconds += session.seconds
            if document.counted_off_the_job.get(session_id, False):
                figures.off_the_job_seconds += session.seconds
            for code, touched in session.touched.items():
                _practise(figures.ksb(code), touched.seconds, touched.ms)


def _add_plan(figures: Figures, session: Session, now_ms: int) -> None:
    figures.sessions_planned += 1
    figures.sessions_missed += session.missed
    is_ahead = not (session.held or session.missed)
    if is_ahead and session.starts_ms >= now_ms:
        figures.next_session_ms = min(figures.next_session_ms or session.starts_ms, session.starts_ms)
    for code in session.aims:
        figures.ksb(code).planned += 1
        figures.ksb(code).ahead |= is_ahead


def _add_activities(figures: Figures, document: LearnerProgress, reference: str, version: str) -> None:
    begun = {report.activity_id for report in document.reports.values() if report.seconds}
    for activity_id, activity in document.activities.items():
        if (activity.reference, activity.version) == (reference, version) and not activity.withdrawn:
            for code in activity.ksb_codes:
                figures.ksb(code).planned += 1
                figures.ksb(code).ahead |= activity_id not in begun
    for report in document.reports.values():
        if (report.reference, report.version) == (reference, version) and report.seconds:
            figures.practised_seconds += report.seconds
            figures.off_the_job_seconds += report.seconds if report.off_the_job else 0
            for code in report.ksb_codes:
                _practise(figures.ksb(code), report.seconds, report.ms)


def _practise(ksb: KsbFigures, seconds: int, ms: int) -> None:
    ksb.practised += 1
    ksb.practised_seconds += seconds
    ksb.touched(ms)


def _add_evidence(figures: Figures, document: LearnerProgress, reference: str, version: str) -> None:
    for evidence_id, piece in document.pieces.items():
        if (piece.reference, piece.version) != (reference, version):
            continue
        decisions = {claim.decision for claim in piece.claims.values()}
        figures.evidence_submitted += 1
        figures.evidence_accepted += decisions == {DECISION_ACCEPT}
        figures.evidence_referred += DECISION_REFER in decisions
        confirmed = document.confirmed.get(evidence_id, {})
        for code, claim in piece.claims.items():
            ksb = figures.ksb(code)
            ksb.evidenced += 1
            ksb.judged += bool(claim.decision)
            ksb.touched(claim.touched_ms)
            if claim.origin:
                ksb.carried[evidence_id] = claim.origin
            if claim.decision == DECISION_ACCEPT:
                ksb.assessed += 1
                ksb.sampled += claim.number in confirmed.get(code, ())
                ksb.decided_ms, ksb.decided_by = max(
                    (ksb.decided_ms, ksb.decided_by), (claim.decided_ms, claim.decided_by)
                )
