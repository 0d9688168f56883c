"""`mentorstream notify preview`: a message as it would be sent, without a running platform."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from notifications.preview import occasions, preview, told_of
from notifications.texts import DEFAULT_LANGUAGE, LANGUAGES

from mentorstream.notify.shown import show_message, show_occasions
from mentorstream.operate.show import console
from mentorstream.outcome import fail

notify = typer.Typer(no_args_is_help=True, help="What people are told, and how.")


@notify.callback()
def _notify() -> None:
    """Without this, the only command would stand for the group."""


@notify.command("preview")
def preview_message(
    *,
    occasion: Annotated[str, typer.Option(help="What happened; without it, all are listed.")] = "",
    told_as: Annotated[
        str, typer.Option("--as", help="The relationship or part of whoever is told; the first where not given.")
    ] = "",
    language: Annotated[str, typer.Option(help=f"The recipient's: {' or '.join(LANGUAGES)}.")] = DEFAULT_LANGUAGE,
    html: Annotated[Path | None, typer.Option(help="Write the HTML to this file as well.", dir_okay=False)] = None,
) -> None:
    """Show what would be sent by the platform's own need-to-know matrix, of made up names and numbers."""
    if language not in LANGUAGES:
        fail(f"LANGUAGE_UNKNOWN: --language is {language!r}: there are words in {', '.join(LANGUAGES)}")
    every = occasions()
    if not occasion:
        show_occasions(
            console, {name: {one: told for one, (_, told) in told_of(every[name]).items()} for name in every}
        )
        return
    what = every[_one_of(every, occasion, "OCCASION_UNKNOWN", "--occasion", "`mentorstream notify preview` lists all")]
    who = told_of(what)
    name = _one_of(who, told_as or next(iter(who)), "NOT_TOLD", "--as", f"those who are told of it: {', '.join(who)}")
    because, told = who[name]
    found = preview(what, because, told.detail, language, datetime.now(UTC))
    show_message(console, found, name, told)
    if html:
        page = found.mail.get_body(("html",))
        html.write_text(str(page.get_content()) if page else "", encoding="utf-8")


def _one_of(known: Collection[str], typed: str, code: str, option: str, accepted: str) -> str:
    name = typed.lower().replace("-", "_")
    if name not in known:
        fail(f"{code}: {option} is {typed!r}: {accepted}")
    return name
