"""A learner's record as a document: progress, evidence and decisions, and the hash of the facts that it was made of.

It has ids, codes, figures and times. What is sealed (titles, feedback) is no part of it: what a document holds nobody can erase.
"""

from datetime import UTC, datetime

from eventkernel.printing.content import Content, Section
from eventkernel.reading import Reader
from mentoring.evidence.v1.events_pb2 import DECISION_UNSPECIFIED, Decision
from mentoring.evidence.v1.evidence_pb2 import GetKsbProgressResponse, NextStep
from mentoring.evidence.v1.learner_record_pb2 import (
    RECORD_FORMAT_PDF,
    GetLearnerRecordRequest,
    GetLearnerRecordResponse,
)

from evidence.documents.html import html
from evidence.projections.learner_progress import moment, progress_of, version_of
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_facts import facts_as_known, folded, hash_of
from evidence.projections.progress_figures import figures_on


async def get_learner_record(request: GetLearnerRecordRequest, read: Reader) -> GetLearnerRecordResponse:
    """The document in the format that was asked for. Raises Refusal STANDARD_UNKNOWN and NOT_KNOWN_YET."""
    version = await version_of(request.standard, read)
    at = moment(request, read)
    facts = await facts_as_known(request.learner_id, at, read)
    document = folded(request.learner_id, facts, read.principal.tenant)
    on = request.standard
    progress = progress_of(request.learner_id, on, version, figures_on(document, on.reference, on.version))
    facts_hash = hash_of(facts)
    content = Content(
        title=f"Record of learner {request.learner_id}",
        lines=[
            f"{version.title or on.reference}: {on.reference} version {on.version}",
            f"As known at {_minute(at)} UTC, made at {_minute(read.now)} UTC.",
            f"KSBs: {len(progress.ksbs)}; mapped {progress.mapped}, signed off {progress.signed_off}, confirmed by the IQA "
            f"{progress.sampled}. Time: {_hours(progress.practised_minutes)}, of it off the job "
            f"{_hours(progress.off_the_job_minutes)}."
            if facts
            else "Nothing was known of this learner.",
        ],
        sections=[_progress(progress), _evidence(document, on.reference, on.version)] if facts else [],
        foot=[f"Made of {len(facts)} facts, as they were recorded. SHA-256 of them:", facts_hash],
    )
    as_pdf = request.format == RECORD_FORMAT_PDF
    return GetLearnerRecordResponse(
        content=_pdf(content, read.now) if as_pdf else html(content),
        content_type="application/pdf" if as_pdf else "text/html; charset=utf-8",
        facts_hash=facts_hash,
        facts=len(facts),
    )


def _pdf(content: Content, made_at: datetime) -> bytes:
    # What draws takes as long to import as all else of the service, and few processes ever draw: it is imported by the first that does.
    from eventkernel.printing.pdf import pdf  # noqa: PLC0415

    return pdf(content, made_at)


def _progress(progress: GetKsbProgressResponse) -> Section:
    return Section(
        "Progress in KSBs",
        ("KSB", "Statement", "Planned", "Practised", "Minutes", "Claimed", "Accepted", "IQA", "Next step"),
        (5, 34, 8, 9, 8, 8, 9, 5, 10),
        [
            (
                ksb.code, ksb.statement, str(ksb.planned), str(ksb.practised), str(ksb.practised_minutes), str(ksb.evidenced),
                f"{ksb.assessed} of {ksb.required}", str(ksb.sampled),
                NextStep.Name(ksb.next_step).removeprefix("NEXT_STEP_").replace("_", " ").lower(),
            )
            for ksb in progress.ksbs
        ],
    )  # fmt: skip


def _evidence(document: LearnerProgress, reference: str, version: str) -> Section:
    """Each claim with the decision by which it stands, by piece and KSB."""
    rows = [
        (
            evidence_id, code,
            "waits" if claim.decision == DECISION_UNSPECIFIED else Decision.Name(claim.decision).removeprefix("DECISION_").lower(),
            claim.decided_by,
            _minute(datetime.fromtimestamp(claim.decided_ms / 1000, UTC)) if claim.decided_ms else "",
            "yes" if claim.decision and claim.number in document.confirmed.get(evidence_id, {}).get(code, ()) else "",
        )
        for evidence_id, piece in sorted(document.pieces.items())
        if (piece.reference, piece.version) == (reference, version)
        for code, claim in sorted(piece.claims.items())
    ]  # fmt: skip
    columns = ("Evidence", "KSB", "Decision", "Decided by", "Decided at (UTC)", "Confirmed by the IQA")
    return Section("Evidence and decisions", columns, (30, 8, 12, 22, 18, 12), rows)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02} min"
