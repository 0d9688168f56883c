"""How answers are shown: tables that fit 80 columns, or JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import typer
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mentorstream.outcome import fail

console = Console()


def as_json(answers: Sequence[tuple[str, Message]]) -> None:
    """One object, with each service's answer under its name."""
    told = (
        f'"{service}": {MessageToJson(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)}'
        for service, answer in answers
    )
    typer.echo("{" + ",\n".join(told) + "}")


def dumped(told: object) -> str:
    """An object of plain values."""
    return json.dumps(told, indent=2)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = (), whole: Sequence[str] = ()
) -> None:  # fmt: skip
    """A table whose texts are folded rather than cut; those of the columns `whole`, which are to be typed again, are neither."""
    made = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left", overflow="fold", no_wrap=name in whole)
    for row in rows:
        made.add_row(*(str(part) for part in row))
    console.print(made)


def reason_of(given: str) -> str:
    """Why an operator does it: what was given, else what a person is asked for; ends the program where nobody can be asked."""
    if given:
        return given
    if not sys.stdin.isatty():
        fail("REASON_MISSING: give --reason with why this is done: it is kept")
    return str(typer.prompt("Why"))


def ago(at: Timestamp) -> str:
    """How long ago that was, in the largest unit that says something."""
    seconds = int((datetime.now(UTC) - at.ToDatetime(UTC)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{max(0, seconds)} s"
