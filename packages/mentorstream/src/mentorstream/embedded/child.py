"""A child process in a session of its own, with a log file, that never outlives its parent.

Invariant: the terminal's Ctrl-C does not reach the child (the parent drains first, then stops it), and on Linux the
kernel kills it when the parent dies, even by kill -9. Elsewhere only an orderly end of the parent stops it.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from mentorstream.embedded.polling import becomes

TAIL_LINES = 20
TAIL_BYTES = 64 * 1024
POLL_SECONDS = 0.02

# Runs in the child before the program proper. A separate interpreter, because code between fork and exec in a
# process with threads may deadlock; it asks for the signal, then checks that the parent did not die before it asked.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Child:
    """A running child. Start it with `Child.start`, end it with `stop`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        log: Path,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        inherit: Sequence[int] = (),
    ) -> Self:
        """Start `command`; returns at once, with the child perhaps not yet executing it.

        Call it from the event loop's thread: the kernel takes the end of the *thread* that started the child for
        the end of its parent.

        Args:
            command: the program, by absolute path, and its arguments.
            log: gets stdout and stderr; the log of the run before is kept beside it as `<name>.previous`.
            directory: the child's working directory.
            environment: the child's environment; the parent's when None.
            inherit: descriptors the child keeps open, such as a lock's.
        """
        if log.exists():
            log.replace(log.with_name(f"{log.name}.previous"))
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  the command is ours
                [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=dict(environment) if environment is not None else None,
                start_new_session=True,
                pass_fds=tuple(inherit),
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        """The process id; it stays the same when the wrapper becomes the program."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """The last lines of its log."""
        with self.log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-TAIL_LINES:])

    async def ended_within(self, seconds: float) -> bool:
        """Wait for the child to end by itself; False when it still runs after `seconds`."""
        return await becomes(self._has_ended, within=seconds, every=POLL_SECONDS)

    async def stop(self, grace: float) -> None:
        """Ask the child to end, and kill its whole process group when it has not after `grace` seconds.

        A cancellation in the meantime kills at once: whoever cancels twice wants to leave now.
        """
        if self.exit_code is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            await self.ended_within(grace)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it now, without its cleaning up; returns when it is gone."""
        if self.exit_code is None:
            self._signal(signal.SIGKILL)
            self._process.wait()

    async def _has_ended(self) -> bool:
        return self.exit_code is not None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
