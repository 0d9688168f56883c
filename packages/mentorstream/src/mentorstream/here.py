"""The platform on this machine: run until it is stopped, played for the demo, and what it needs first."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mentorstream.demo.play import play
from mentorstream.embedded import KafkaEmbedded, create_topics, read_topics
from mentorstream.outcome import NOTHING_LEFT, run
from mentorstream.topics import topics_file
from mentorstream.up import up as run_platform

topics = typer.Typer(no_args_is_help=True, help="The topics, as data.")
console = Console()
DataDir = Annotated[Path, typer.Option(help="Where everything is kept between runs.", envvar="MENTORSTREAM_DATA")]


@topics.callback()
def _topics() -> None:
    """The topics, as data."""


def demo(
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the demo's data here; a folder that vanishes where not given.")
    ] = None,
) -> None:
    """Play one cohort's journey over four services and a real Kafka, and check every outcome."""
    raise typer.Exit(0 if run(play(console, data_dir.resolve() if data_dir else None), NOTHING_LEFT) else 1)


def up(data_dir: DataDir = Path(".data")) -> None:
    """Run the platform until it is stopped, and keep its data."""
    run(run_platform(console, data_dir.resolve()), NOTHING_LEFT)


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


@topics.command("apply")
def apply_topics(
    bootstrap: Annotated[str, typer.Option(envvar="KAFKA_BOOTSTRAP", help="The brokers' addresses.")],
    file: Annotated[Path | None, typer.Option(help="The topics' file; the platform's own where not given.")] = None,
) -> None:
    """Create the topics that are not there yet."""
    created = run(create_topics(bootstrap, read_topics(file or topics_file())))
    console.print(f"created: {', '.join(created) or 'none, all were there'}")
