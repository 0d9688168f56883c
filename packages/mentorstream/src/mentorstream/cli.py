"""The command line: the platform on this machine, the demo, and what an operator does."""

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mentorstream.calendar_file import calendar
from mentorstream.call import call
from mentorstream.concern.commands import concern
from mentorstream.demo.play import play
from mentorstream.embedded import KafkaEmbedded, create_topics, read_topics
from mentorstream.issue_list import issues
from mentorstream.ledger.commands import ledger
from mentorstream.notify.commands import notify
from mentorstream.operate import parked, projections, relay
from mentorstream.operate.verify import verify
from mentorstream.outcome import NOTHING_LEFT, local_token, run
from mentorstream.progress.commands import cohort, learner
from mentorstream.roles import RoleName
from mentorstream.rota.commands import rota
from mentorstream.standards.commands import standard
from mentorstream.topics import topics_file
from mentorstream.up import up as run_platform

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
topics = typer.Typer(no_args_is_help=True, help="The topics, as data.")
app.add_typer(topics, name="topics")
app.add_typer(standard, name="standard")
app.add_typer(learner, name="learner")
app.add_typer(concern, name="concern")
app.add_typer(rota, name="rota")
app.add_typer(notify, name="notify")
app.add_typer(parked.app, name="parked")
app.add_typer(projections.app, name="projections")
app.add_typer(relay.app, name="relay")
console = Console()
DataDir = Annotated[Path, typer.Option(help="Where everything is kept between runs.", envvar="MENTORSTREAM_DATA")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mentorstream {version('mentorstream')}")
        raise typer.Exit


@app.callback()
def mentorstream(
    *, _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False
) -> None:  # fmt: skip
    """Mentorstream: mentoring, event-sourced."""


@app.command()
def demo(
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the demo's data here; a folder that vanishes where not given.")
    ] = None,
) -> None:
    """Play one cohort's journey over four services and a real Kafka, and check every outcome."""
    raise typer.Exit(0 if run(play(console, data_dir.resolve() if data_dir else None), NOTHING_LEFT) else 1)


@app.command()
def up(data_dir: DataDir = Path(".data")) -> None:
    """Run the platform until it is stopped, and keep its data."""
    run(run_platform(console, data_dir.resolve()), NOTHING_LEFT)


@app.command()
def fetch() -> None:
    """Get the embedded Kafka: its parts, checked, and an archive for quick starts. Nothing where KAFKA_BOOTSTRAP is set."""
    if os.environ.get("KAFKA_BOOTSTRAP"):
        console.print("KAFKA_BOOTSTRAP is set: no embedded Kafka is needed")
        return
    run(_start_once(), NOTHING_LEFT)


async def _start_once() -> None:
    with tempfile.TemporaryDirectory(prefix="mentorstream-fetch-") as folder:
        async with KafkaEmbedded(Path(folder)):
            pass


@app.command()
def token(
    person: Annotated[str, typer.Argument(help="The person's id.")],
    role: Annotated[list[RoleName], typer.Option(help="May be given several times.")],
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: DataDir = Path(".data"),
) -> None:
    """Print a token for the local platform. It is refused outside local mode."""
    print(local_token(data_dir, person, provider, [name.value for name in role]))  # noqa: T201 - it is the command's output


@topics.command("apply")
def apply_topics(
    bootstrap: Annotated[str, typer.Option(envvar="KAFKA_BOOTSTRAP", help="The brokers' addresses.")],
    file: Annotated[Path | None, typer.Option(help="The topics' file; the platform's own where not given.")] = None,
) -> None:
    """Create the topics that are not there yet."""
    created = run(create_topics(bootstrap, read_topics(file or topics_file())))
    console.print(f"created: {', '.join(created) or 'none, all were there'}")


app.command()(call)
app.command()(cohort)
app.command()(calendar)
app.command()(issues)
app.command()(ledger)
app.command()(verify)
