"""What is shown of progress: tables that fit 80 columns, with colours in a terminal and plain elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.cohort_pb2 import GetHeatMapRequest, GetHeatMapResponse
from mentoring.evidence.v1.evidence_pb2 import GetKsbProgressResponse, NextStep
from mentoring.evidence.v1.progress_pb2 import (
    COLOUR_AMBER,
    COLOUR_GREEN,
    COLOUR_RED,
    COLOUR_UNSPECIFIED,
    GATEWAY_CODE_OFF_THE_JOB_HOURS,
    REQUIREMENT_STATUS_MET,
    REQUIREMENT_STATUS_NOT_KNOWN,
    Colour,
    GapReason,
    GatewayCode,
    GatewayRequirement,
    GetGatewayReadinessResponse,
    GetKsbGapsResponse,
    Pace,
)
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLES = {COLOUR_GREEN: "bold green", COLOUR_AMBER: "bold yellow", COLOUR_RED: "bold red"}
_BANDS = ("planned", "practised", "evidenced", "assessed", "sampled")
_SHADES = ("grey42", "dark_blue", "dark_cyan", "dark_green", "green4")


# Also where somebody else might see more: that is not told.
NOTHING_KNOWN = "Nothing is known of that learner that you may see: check the id, the standard and\n--provider."


@dataclass(frozen=True, slots=True)
class Learner:
    """What was answered about one learner, and the moment that it was asked about."""

    progress: GetKsbProgressResponse
    gaps: GetKsbGapsResponse
    gateway: GetGatewayReadinessResponse
    pace: Pace
    as_known_at: Timestamp | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything is known: a mentorship that goes on, or whatever was planned, practised or claimed."""
        happened = (
            one.planned or one.practised or one.evidenced or one.HasField("last_touched_at")
            for one in self.progress.ksbs
        )
        return self.pace.colour != COLOUR_UNSPECIFIED or bool(self.progress.practised_minutes) or any(happened)


def show_learner(console: Console, found: Learner) -> None:
    """Progress in KSBs, then pace, gateway and gaps; or that there is nothing to show of."""
    standard = found.progress.standard
    known = f", as known at {_minute(found.as_known_at)} UTC" if found.as_known_at else ""
    console.print(f"{found.progress.learner_id} on {standard.reference} {standard.version}{known}", style="bold")
    if not found.is_known:
        console.print(NOTHING_KNOWN)
        return
    console.print(_ksbs(found.progress))
    progress = found.progress
    console.print(
        f"mapped {progress.mapped}, signed off {progress.signed_off}, confirmed by the IQA {progress.sampled}, "
        f"of {len(progress.ksbs)} KSBs\n"
        f"{_hours(progress.practised_minutes)} in all, {_hours(progress.off_the_job_minutes)} off the job"
    )
    for line in (*_pace(found.pace), *_gateway(found.gateway)):
        console.print(line)
    if found.gaps.gaps:
        console.print(_gaps(found.gaps))


def show_cohort(console: Console, request: GetHeatMapRequest, found: GetHeatMapResponse) -> None:
    """The heat map, a line a KSB."""
    where = " ".join(part for part in (request.employer_id, request.site_id) if part)
    standard = request.standard
    title = f"{where or 'All learners'} on {standard.reference} {standard.version}"
    of_all = not where
    table = _table(title, ("KSB", *(("rest",) if of_all else ()), *_BANDS), left=("KSB",))
    for row in found.rows:
        counts = [getattr(row, band) for band in _BANDS]
        most = max(counts, default=0)
        cells = [
            _cell(count, shade if count == most and count else "") for count, shade in zip(counts, _SHADES, strict=True)
        ]
        table.add_row(row.code, *([_cell(row.rest, "")] if of_all else []), *cells)
    console.print(table)
    colours = found.colours
    console.print(
        Text.assemble(
            "pace: ",
            (f"red {_count(colours.red)}", _STYLES[COLOUR_RED]), ", ",
            (f"amber {_count(colours.amber)}", _STYLES[COLOUR_AMBER]),
            f", others {_count(colours.rest)} of {_count(found.learners)} learners" if of_all else "",
        )
    )  # fmt: skip
    console.print("Each learner is in the farthest band. Counts are rounded down to fives.", style="dim")


def _ksbs(progress: GetKsbProgressResponse) -> Table:
    columns = ("KSB", "Plan", "Pract", "Min", "Evid", "Acc", "IQA", "Touched", "Decided by", "Next")
    table = _table("", columns, left=("KSB", "Touched", "Decided by", "Next"), folded=("Decided by",))
    for ksb in progress.ksbs:
        figures = (ksb.planned, ksb.practised, ksb.practised_minutes, ksb.evidenced)
        is_off = ksb.assessed >= ksb.required
        touched = f"{ksb.last_touched_at.ToDatetime():%Y-%m-%d}" if ksb.HasField("last_touched_at") else ""
        step = NextStep.Name(ksb.next_step).removeprefix("NEXT_STEP_").removeprefix("AWAIT_").lower()
        table.add_row(
            ksb.code, *(str(figure or "·") for figure in figures), f"{ksb.assessed}/{ksb.required}", str(ksb.sampled or "·"),
            touched, ksb.decided_by, step, style="green" if is_off else "" if any(figures) else "dim",
        )  # fmt: skip
    return table


def _pace(pace: Pace) -> Iterator[Text]:
    if pace.colour == COLOUR_UNSPECIFIED:
        yield Text("pace: no active mentorship on this standard")
        return
    planned = "planned" if pace.end_planned else "by the usual length"
    yield Text.assemble(
        "pace: ",
        (Colour.Name(pace.colour).removeprefix("COLOUR_").lower(), _STYLES[pace.colour]),
        f", {pace.behind} points behind (green until {pace.green_until}, amber until {pace.amber_until})",
    )
    yield Text(
        f"  expected {pace.expected_percent} %, signed off {pace.signed_off_percent} %: day {pace.days_over} of {pace.days_in_all}, "
        f"{pace.break_days} days of breaks"
    )
    yield Text(f"  from {pace.started_on} to {pace.ends_on}, {planned}")


def _gateway(gateway: GetGatewayReadinessResponse) -> Iterator[Text]:
    yield Text.assemble("gateway: ", ("open", "bold green") if gateway.ready else ("shut", "bold red"))
    for one in gateway.requirements:
        yield Text(f"  {_requirement(one)}")


def _requirement(one: GatewayRequirement) -> str:
    code = GatewayCode.Name(one.code).removeprefix("GATEWAY_CODE_")
    if one.status == REQUIREMENT_STATUS_NOT_KNOWN:
        return f"{code}: not known here"
    if not one.needed:
        return f"{code}: {'met' if one.status == REQUIREMENT_STATUS_MET else 'missing'}"
    figure = _hours if one.code == GATEWAY_CODE_OFF_THE_JOB_HOURS else str
    met = "met" if one.status == REQUIREMENT_STATUS_MET else "missing"
    return f"{code}: {met}, {figure(one.present)} of {figure(one.needed)}"


def _gaps(gaps: GetKsbGapsResponse) -> Table:
    table = _table(
        "Gaps", ("KSB", "Missing", "Why", "Statement"), left=("KSB", "Why", "Statement"), folded=("Statement",)
    )
    for gap in gaps.gaps:
        why = GapReason.Name(gap.reason).removeprefix("GAP_REASON_").replace("_", " ").lower()
        table.add_row(gap.code, str(gap.missing), why, gap.statement)
    return table


def _table(title: str, columns: tuple[str, ...], *, left: tuple[str, ...], folded: tuple[str, ...] = ()) -> Table:
    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        is_folded = name in folded
        table.add_column(
            name.capitalize() if name.islower() else name,
            justify="left" if name in left else "right",
            no_wrap=not is_folded,
            overflow="fold" if is_folded else "ellipsis",
        )
    return table


def _cell(count: int, shade: str) -> Text:
    return Text(_count(count) if count else "·", style=f"white on {shade}" if shade else "")


def _count(count: int) -> str:
    return str(count) if count else "under 5"


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02} min"


def _minute(at: Timestamp) -> str:
    return f"{at.ToDatetime():%Y-%m-%d %H:%M}"
