"""The command line: each command by its name, and where it is. What a command does not need is not loaded for it."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mentorstream.entry import loading

# In the order in which `mentorstream --help` shows them. Each is a function, or a Typer with commands of its own.
COMMANDS: Mapping[str, str] = {
    "demo": "mentorstream.here:demo",
    "up": "mentorstream.here:up",
    "fetch": "mentorstream.here:fetch",
    "token": "mentorstream.token:token",
    "call": "mentorstream.call:call",
    "cohort": "mentorstream.progress.commands:cohort",
    "calendar": "mentorstream.calendar_file:calendar",
    "issues": "mentorstream.issue_list:issues",
    "ledger": "mentorstream.ledger.commands:ledger",
    "verify": "mentorstream.operate.verify:verify",
    "topics": "mentorstream.here:topics",
    "standard": "mentorstream.standards.commands:standard",
    "learner": "mentorstream.progress.commands:learner",
    "concern": "mentorstream.concern.commands:concern",
    "rota": "mentorstream.rota.commands:rota",
    "notify": "mentorstream.notify.commands:notify",
    "parked": "mentorstream.operate.parked:app",
    "projections": "mentorstream.operate.projections:app",
    "relay": "mentorstream.operate.relay:app",
}


class Commands(TyperGroup):
    """The commands, each loaded once it is called: the drivers of Kafka and MongoDB alone take longer than most commands."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Their names, as help shows them."""
        return list(COMMANDS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        """The command of that name; None where there is none."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        with loading():
            found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command()(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = name
        return command


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mentorstream {version('mentorstream')}")
        raise typer.Exit


@app.callback()
def mentorstream(
    *, _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False
) -> None:  # fmt: skip
    """Mentorstream: mentoring, event-sourced."""
