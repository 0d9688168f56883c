"""How concerns are shown: within 80 columns, and never more than the answer holds. Times are UTC."""

from collections.abc import Iterator, Sequence, Set
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.safeguarding.v1.events_pb2 import AssigneeRole, ConcernCategory, Severity
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernDue, PartInConcern
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    BodyDiagram,
    ChronologyEntry,
    ConcernStatus,
    ConcernSummary,
    GetConcernResponse,
)
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

# What is in these is short, and broken into lines already.
_WHOLE = frozenset({"When (UTC)", "Due (UTC)"})
_LATE = "\nlate"
_BOARD = ("Concern", "What", "With", "Due (UTC)")
# An id of this length or less is never broken, so that it can be copied.
_COPIED = 38
# What the chronology says already beside it.
_EXPLAINING = "-explained"


def show_board(console: Console, found: Sequence[ConcernSummary], now: datetime | None = None) -> None:
    """A line a concern, as they come: the nearest time by which somebody is to act first."""
    if not found:
        console.print("no open concerns")
        return
    ids = max(len(line) for one in found for line in _with_merged(one).splitlines())
    made = _table("Open concerns by deadline", _BOARD, whole=_WHOLE | ({"Concern"} if ids <= _COPIED else set()))
    for one in found:
        made.add_row(
            _with_merged(one), _kind(one), _whose(one), _due(one, now or datetime.now(UTC)),
        )  # fmt: skip
    console.print(made)
    if any(one.status == CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT for one in found):
        console.print("Whoever has a ? is asked, and has not acknowledged it.", style="dim")


def show_concern(console: Console, found: GetConcernResponse) -> None:
    """What it is, who is in it, what is due and what happened; the texts where the answer has them."""
    for name, said in _head(found):
        if said:
            console.print(Text(f"{name}: {said}"))
    made = _table("", ("When (UTC)", "Who", "What happened"))
    for entry in found.chronology:
        if entry.what.endswith(_EXPLAINING) and not entry.text:
            continue
        made.add_row(_minute(entry.at), entry.actor_id, _what(entry))
        if entry.text:
            made.add_row("", "", Text(entry.text, style="italic"))
    console.print(made)


def _head(found: GetConcernResponse) -> Iterator[tuple[str, str]]:
    one = found.concern
    yield "Concern", f"{one.concern_id}, {_kind(one)}, {_words(ConcernStatus.Name(one.status), 'CONCERN_STATUS_')}"
    yield "Site", one.site_id
    yield "With", _with(one)
    yield "Passed on to", one.passed_on_to_id
    yield "Merged into it", ", ".join(one.merged_ids)
    yield "Merged into", one.merged_into_id
    yield "Left alone", "yes: nothing was recorded of it for as long as the policy allows" if one.left_alone else ""
    yield "Raised by", found.raiser_id + (" (anonymous: known to its handlers alone)" if found.raiser_anonymous else "")
    yield "At risk", found.person_at_risk_id
    yield (
        "In it",
        "; ".join(
            f"{person.person_id} ({_words(PartInConcern.Name(person.part), 'PART_IN_CONCERN_') if person.part else 'named'})"
            for person in found.people
        ),
    )
    yield "From issue", found.from_issue_id
    for task in found.due:
        by_whom = f", by {task.assignee_id}" if task.assignee_id else ""
        yield "Due", f"{_minute(task.due_at)} {_words(ConcernDue.Name(task.kind), 'CONCERN_DUE_')}{by_whom}"
    yield "Narrative", found.narrative
    for mark in found.body_marks:
        where = _words(BodyDiagram.Name(mark.diagram), "BODY_DIAGRAM_")
        yield "Mark", f"{where}, {mark.x / 10:g} % from the left, {mark.y / 10:g} % from the top: {mark.note}"


def _what(entry: ChronologyEntry) -> str:
    said = entry.what.rpartition(".")[2].removeprefix("concern-").replace("-", " ")
    if not entry.assignee_id:
        return said
    return f"{said}, to {entry.assignee_id} ({_words(AssigneeRole.Name(entry.assignee_role), 'ASSIGNEE_ROLE_')})"


def _kind(one: ConcernSummary) -> str:
    category = _words(ConcernCategory.Name(one.category), "CONCERN_CATEGORY_") if one.category else "not said"
    return f"{category}, {_words(Severity.Name(one.severity), 'SEVERITY_')}"


def _with_merged(one: ConcernSummary) -> str:
    return "\n+ ".join([one.concern_id, *one.merged_ids])


def _with(one: ConcernSummary) -> str:
    if not one.held_by_id:
        return "nobody"
    return one.held_by_id + ("?" if one.status == CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT else "")


def _whose(one: ConcernSummary) -> str:
    """Who has it, whether they left it alone, and who is asked to take it from them."""
    passed_on = [f"passed to {one.passed_on_to_id}"] if one.passed_on_to_id else []
    return "\n".join([_with(one), *(["left alone"] if one.left_alone else []), *passed_on])


def _due(one: ConcernSummary, now: datetime) -> str:
    """What is to be done next, by when, and how late that is."""
    times = []
    if one.HasField("acknowledge_by"):
        times.append((one.acknowledge_by.ToDatetime(UTC), "acknowledge"))
    if one.HasField("due_at"):
        times.append((one.due_at.ToDatetime(UTC), _words(ConcernDue.Name(one.due), "CONCERN_DUE_")))
    if not times:
        return "nothing"
    at, what = min(times)
    return f"{at:%Y-%m-%d %H:%M}\n{what}{_LATE if at < now else ''}"


def _table(title: str, columns: Sequence[str], whole: Set[str] = _WHOLE) -> Table:
    made = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        made.add_column(name, overflow="fold", no_wrap=name in whole)
    return made


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()


def _minute(at: Timestamp) -> str:
    return f"{at.ToDatetime():%Y-%m-%d %H:%M}"
