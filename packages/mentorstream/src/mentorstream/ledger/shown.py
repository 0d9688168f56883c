"""What is shown of a ledger: a table that fits 80 columns, with an entry's notices below it."""

from collections.abc import Iterable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion, Outcome
from mentoring.notifications.v1.ledger_pb2 import LedgerEntry, LedgerNotice
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

# What the other columns need, with a rule of the usual length: names of rules are longer than most ids.
_BESIDE = 62
_FOLDED = ("What, and to whom", "About, and by which rule")


def show_ledger(console: Console, entries: Sequence[LedgerEntry], *, is_all: bool) -> None:
    """Newest first. Times are UTC: when it happened, and below it when each notice was sent or otherwise settled."""
    if not entries:
        console.print("nothing was told")
        return
    console.print(_table(entries, console.width))
    if not is_all:
        console.print("There are older ones: ask for more with --most.", style="dim")


def _table(entries: Iterable[LedgerEntry], width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("When (UTC)", *_FOLDED, "Detail", "Outcome"):
        is_folded = name in _FOLDED
        table.add_column(
            name,
            overflow="fold" if is_folded else "ellipsis",
            no_wrap=not is_folded,
            max_width=max(10, width - _BESIDE) if name == _FOLDED[0] else None,
        )
    for entry in entries:
        table.add_row(_minute(entry.happened_at), _what(entry), entry.about_id, "", "", style="bold")
        for notice in entry.told:
            settled = _minute(notice.settled_at) if notice.HasField("settled_at") else ""
            table.add_row(settled, f"  {notice.recipient_id}", _why(notice), _detail(notice), _outcome(notice))
    return table


def _what(entry: LedgerEntry) -> str:
    if entry.occasion:
        return _words(Occasion.Name(entry.occasion), "OCCASION_")
    # The reader is not told what it was.
    kinds = [_words(InformationKind.Name(kind), "INFORMATION_KIND_") for kind in (entry.kind, entry.or_kind) if kind]
    return f"something of {' or '.join(kinds)}"


def _why(notice: LedgerNotice) -> str:
    if not notice.rule:
        return _words(Because.Name(notice.because), "BECAUSE_")
    return f"{notice.rule} v{notice.policy_version}" if notice.policy_version else notice.rule


def _detail(notice: LedgerNotice) -> str:
    return _words(Detail.Name(notice.detail), "DETAIL_")


def _outcome(notice: LedgerNotice) -> str:
    return _words(Outcome.Name(notice.outcome), "OUTCOME_") if notice.outcome else "on its way"


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()


def _minute(at: Timestamp) -> str:
    return f"{at.ToDatetime():%Y-%m-%d %H:%M}"
