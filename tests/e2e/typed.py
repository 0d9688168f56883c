"""The command line as a person types it, as a process of its own, on ports that nobody else has."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from mentorstream.embedded import StartFailure
from mentorstream.embedded.ports import require_free

MENTORSTREAM = [sys.executable, "-m", "mentorstream"]


def _first_port() -> int:
    """The first of a free range, below those that outgoing connections and the embedded parts take."""
    for first in range(12_000, 19_000, 100):
        try:
            for offset in range(40):
                require_free(first + offset, "this test", "nothing")
        except StartFailure:
            continue
        return first
    raise RuntimeError("no free range of ports")


PORT = _first_port()


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on until it is ended; it is killed where it was not."""
    environment = {**os.environ, "MENTORSTREAM_PORT": str(PORT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*MENTORSTREAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - this process has one thread
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _as_in_a_terminal() -> None:
    # A shell starts what runs in its background with SIGINT ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says, up to the line with this text; an AssertionError where it ends before."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if text in line:
            return told
    raise AssertionError(f"it ended without saying {text!r}:\n{told}")


def ended(*arguments: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """A command that ends; a variable that is None is not set."""
    given = {**os.environ, "MENTORSTREAM_PORT": str(PORT), **variables}
    environment = {name: value for name, value in given.items() if value is not None}
    return subprocess.run(
        [*MENTORSTREAM, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
