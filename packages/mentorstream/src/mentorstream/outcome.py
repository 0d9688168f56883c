"""How a command ends, and as whom it calls the platform on this machine: shared by all commands."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
from eventkernel.client import CallFailed
from eventkernel.issuer import LocalIssuer, LocalOnly
from eventkernel.tokens import ID_IN_WORDS, ID_PATTERN

from mentorstream.embedded import StartFailure

Result = TypeVar("Result")
NOTHING_LEFT = "Stopped; no process is left."


def run(work: Coroutine[Any, Any, Result], stopped: str = "Stopped.") -> Result:
    """Does the work; Ctrl-C, which is answered with `stopped`, and a part that does not start end the program with their exit codes."""
    try:
        return asyncio.run(work)
    except StartFailure as failure:
        fail(str(failure))
    except KeyboardInterrupt:
        typer.echo(stopped)
        raise typer.Exit(128 + signal.SIGINT) from None


def fail(text: str) -> NoReturn:
    """Ends the program with exit code 2 and what was wrong."""
    sys.stderr.write(f"{text}\n")
    raise typer.Exit(2)


def told(failed: CallFailed, service: str, address: str, option: str) -> str:
    """What a call's failure says to whoever typed the command, and what to do."""
    if failed.reason == "UNAVAILABLE":
        return f"UNAVAILABLE: no {service} service answers at {address}: is the platform up? Another address: {option}"
    if failed.reason == "UNIMPLEMENTED":
        return f"UNIMPLEMENTED: what listens at {address} is no {service} service: give its own address with {option}"
    if failed.reason == "TOKEN_KEY_UNKNOWN":
        return f"TOKEN_KEY_UNKNOWN: the platform at {address} runs with other data: give its own with --data-dir"
    return f"{failed.reason}: {service}: {failed.text}"


def local_token(data_dir: Path, person: str, provider: str, roles: Sequence[str]) -> str:
    """A token for the platform whose data is here."""
    for what, value in (("person", person), ("--provider", provider)):
        if not re.fullmatch(ID_PATTERN, value):
            fail(f"ID_NOT_VALID: {what} is {value!r}: an id has {ID_IN_WORDS}")
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
