"""How a command ends, and as whom it calls the platform on this machine: shared by all commands."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
from eventkernel.issuer import LocalIssuer, LocalOnly

from mentorstream.embedded import StartFailure

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Does the work; Ctrl-C and a part that does not start end the program with their exit codes."""
    try:
        return asyncio.run(work)
    except StartFailure as failure:
        fail(str(failure))
    except KeyboardInterrupt:
        typer.echo("Stopped; no process is left.")
        raise typer.Exit(128 + signal.SIGINT) from None


def fail(text: str) -> NoReturn:
    """Ends the program with exit code 2 and what was wrong."""
    sys.stderr.write(f"{text}\n")
    raise typer.Exit(2)


def local_token(data_dir: Path, person: str, provider: str, roles: Sequence[str]) -> str:
    """A token for the platform whose data is here."""
    mode = os.environ.get("MENTORSTREAM_MODE", "local")
    # An issuer that was made here and now would sign with a key that no platform knows.
    if mode == "local" and not (data_dir / "issuer" / "jwks.json").exists():
        fail(
            f"NO_PLATFORM_HERE: no platform has run with the data in {data_dir.resolve()}: start one, or give its --data-dir"
        )
    try:
        issuer = LocalIssuer(data_dir / "issuer", mode)
    except LocalOnly as refused:
        fail(f"{refused.code}: {refused}")
    return issuer.token(person, provider, roles)
