"""How messages are shown: within 80 columns, and plain where there is no terminal."""

from collections.abc import Mapping
from textwrap import wrap

from mentoring.notifications.v1.events_pb2 import Detail
from notifications.preview import Preview, Told
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

_WIDTH = 78


def show_occasions(console: Console, every: Mapping[str, Mapping[str, Told]]) -> None:
    """Each occasion, and who is told of it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), width=_WIDTH)
    table.add_column("Occasion", no_wrap=True)
    table.add_column("Told to")
    for name, people in every.items():
        table.add_row(name, ", ".join(f"{one}{_how(told)}" for one, told in people.items()))
    console.print(table)
    console.print(Text("By the platform's own matrix: a provider's may tell fewer, or more.", style="dim"))


def show_message(console: Console, found: Preview, name: str, told: Told) -> None:
    """The mail as text, and the message in brief."""
    body = found.mail.get_body(("plain",))
    console.print(Rule(Text(f"mail to {name}{_how(told)}"), align="left", style="dim"), width=_WIDTH)
    console.print(Text(f"{found.mail['Subject']}\n", style="bold"))
    _show_lines(console, str(body.get_content()).strip() if body else "")
    console.print()
    console.print(Rule("in brief", align="left", style="dim"), width=_WIDTH)
    for part in (found.brief.subject, found.brief.text, found.brief.link, found.brief.why):
        _show_lines(console, part)


def _show_lines(console: Console, text: str) -> None:
    for line in text.splitlines():
        parts = wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
        for part in parts:
            console.print(Text(part))


def _how(told: Told) -> str:
    said = (*(("outline",) if told.detail == Detail.DETAIL_OUTLINE else ()), *told.depends)
    return f" ({', '.join(said)})" if said else ""
