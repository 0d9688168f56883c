"""The command line: the platform on this machine, the demo, and what an operator does."""

import os
import tempfile
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import grpc
import typer
from eventkernel.client import CallFailed, Client
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest
from mentoring.options.v1.options_pb2 import Role
from rich.console import Console

from mentorstream.calendar_file import calendar
from mentorstream.contracts import CONTRACTS
from mentorstream.demo.play import play
from mentorstream.embedded import KafkaEmbedded, StartFailure, create_topics, read_topics
from mentorstream.operate import parked, projections, relay
from mentorstream.operate.verify import verify
from mentorstream.outcome import NOTHING_LEFT, fail, local_token, run, told
from mentorstream.progress.commands import cohort, learner
from mentorstream.standards import ST0148, StandardFault, load_standard
from mentorstream.topics import topics_file
from mentorstream.up import address_of
from mentorstream.up import up as run_platform

# The contracts' roles, as a token's claim spells them. No token carries the platform's own.
RoleName = StrEnum(  # type: ignore[misc]
    "RoleName",
    {
        name: name.removeprefix("ROLE_").lower()
        for name, _ in Role.items()
        if name not in {"ROLE_UNSPECIFIED", "ROLE_ANYONE_KNOWN", "ROLE_SYSTEM"}
    },
)
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
topics = typer.Typer(no_args_is_help=True, help="The topics, as data.")
standard = typer.Typer(no_args_is_help=True, help="Occupational standards.")
app.add_typer(topics, name="topics")
app.add_typer(standard, name="standard")
app.add_typer(learner, name="learner")
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


@standard.command("check")
def check_standard(file: Annotated[Path, typer.Argument(help="A standard as JSON.")]) -> None:
    """Say everything that is wrong with a standard's file, or that it can be imported."""
    try:
        request = load_standard(file)
    except StandardFault as fault:
        fail(str(fault))
    console.print(f"{request.standard.reference} {request.standard.version}: {len(request.ksbs)} KSBs, ready to import")


@standard.command("import")
def import_standard(
    file: Annotated[Path, typer.Argument(help="A standard as JSON; ST0148 where not given.")] = ST0148,
    address: Annotated[str, typer.Option(help="The evidence service; the one of `make up` where not given.")] = "",
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: DataDir = Path(".data"),
) -> None:
    """Import a standard into the local platform, as the provider's manager. The same file again changes nothing."""
    try:
        request = load_standard(file)
    except StandardFault as fault:
        fail(str(fault))
    token = local_token(data_dir, "manager-1", provider, ["provider_manager"])
    try:
        where = address or address_of("evidence", data_dir)
        reply = run(_give(where, token, request))
    except StartFailure as failure:
        fail(str(failure))
    except CallFailed as failed:
        fail(told(failed, "evidence", where, "--address HOST:PORT"))
    done = "imported" if reply.event_types else "was there already"
    console.print(f"{request.standard.reference} {request.standard.version}: {done}")


async def _give(address: str, token: str, request: ImportStandardRequest) -> CommandReply:
    async with grpc.aio.insecure_channel(address) as channel:
        return await Client(channel, CONTRACTS["evidence"], token).call(request, CommandReply)


app.command()(cohort)
app.command()(calendar)
app.command()(verify)


def main() -> None:
    """The program."""
    app()
