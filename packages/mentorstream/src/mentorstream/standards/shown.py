"""Standards and migrations as tables that fit 80 columns."""

from mentoring.evidence.v1.events_pb2 import EvidenceKind
from mentoring.evidence.v1.standard_pb2 import GetStandardResponse, MigrationFate, PreviewMigrationResponse
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def show_standard(console: Console, answer: GetStandardResponse) -> None:
    """Its KSBs with what it takes to sign each off."""
    summary = answer.summary
    shown = Table(
        title=f"{summary.standard.reference} {summary.standard.version}: {summary.title}, level {summary.level}",
        box=SIMPLE_HEAD,
        title_justify="left",
    )
    for name in ("KSB", "Statement", "Pieces", "Months", "Kinds"):
        shown.add_column(name, justify="right" if name in {"Pieces", "Months"} else "left", overflow="fold")
    for ksb in answer.ksbs:
        kinds = ", ".join(_word(EvidenceKind.Name(kind), "EVIDENCE_KIND_") for kind in ksb.methods) or "all"
        shown.add_row(ksb.code, ksb.statement, str(ksb.required_evidence), str(ksb.currency_months), kinds)
    console.print(shown)
    if summary.retired_from:
        console.print(f"No mentorship starts on it from {summary.retired_from} on.")
    for one in answer.mappings:
        successor = ", which takes its place" if one.succeeds else ""
        console.print(f"Mapped to {one.to.reference}/{one.to.version}{successor} (mapping {one.number})")


def show_migration(console: Console, title: str, report: PreviewMigrationResponse) -> None:
    """What is kept, moved and lost, and what is still required."""
    fates = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for name in ("KSB", "What becomes of it", "Becomes", "Claimed", "Accepted", "Minutes"):
        fates.add_column(name, justify="right" if name in {"Claimed", "Accepted", "Minutes"} else "left")
    for ksb in report.ksbs:
        fates.add_row(
            ksb.code,
            _word(MigrationFate.Name(ksb.fate), "MIGRATION_FATE_"),
            " ".join(ksb.to_codes) or "-",
            str(ksb.evidenced),
            str(ksb.assessed),
            str(ksb.practised_minutes),
        )
    console.print(fates)
    missing = [one for one in report.required if one.assessed < one.required]
    shown = Table(title="Still required afterwards", box=SIMPLE_HEAD, title_justify="left")
    for name in ("KSB", "Accepted", "Required", "Comes from"):
        shown.add_column(name, justify="right" if name in {"Accepted", "Required"} else "left")
    for one in missing:
        shown.add_row(one.code, str(one.assessed), str(one.required), " ".join(one.from_codes) or "-")
    console.print(shown if missing else "Nothing is still required afterwards.")


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")
