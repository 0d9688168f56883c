"""For tests: parts that outlive a test's loop, processes seen from outside, and a parent process to be ended in every way.

Invariant: a zombie counts as dead, because whoever inherited it may never reap it. Reads /proc, so Linux only.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Self, TypeVar

from anyio.from_thread import start_blocking_portal

from mentorstream.embedded.polling import becomes

T = TypeVar("T")

DEAD = {"Z", "X"}


@contextlib.contextmanager
def beside(part: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """A part for a whole session of tests, in a thread with a loop of its own: each test's loop begins and ends without it."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(part) as value:
        yield value


def is_alive(pid: int) -> bool:
    """Whether any thread of this process runs: the first may be a zombie while others still hold its sockets."""
    return any(fields[0] not in DEAD for fields in map(_fields, Path(f"/proc/{pid}/task").glob("*/stat")) if fields)


def children_of(pid: int) -> set[int]:
    """The ids of its running children."""
    found = ((stat, _fields(stat)) for stat in Path("/proc").glob("[0-9]*/stat"))
    return {
        int(stat.parent.name) for stat, fields in found if fields and fields[0] not in DEAD and int(fields[1]) == pid
    }


def _fields(stat: Path) -> list[str]:
    """State, parent's id and so on, after the name, which may hold anything; empty when it is gone by now."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


async def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether the condition becomes true within `seconds`."""

    async def holds() -> bool:
        return condition()

    return await becomes(holds, within=seconds)


# A shell starts what runs in its background with SIGINT ignored, and that is inherited.
_AS_IN_A_TERMINAL = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


class Parent:
    """A Python program in a process of its own, that says a line when it is ready."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def running(cls, program: str, *arguments: str) -> Self:
        """Start a program given as source text, in a process group of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _AS_IN_A_TERMINAL + program,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process)

    async def line(self) -> str:
        """The next line it prints; TimeoutError after 90 s."""
        if self.process.stdout is None:
            raise RuntimeError("its output is not read")
        async with asyncio.timeout(90):
            return (await self.process.stdout.readline()).decode().strip()

    async def ended(self) -> int:
        """Its exit status, negative for a signal; TimeoutError after 60 s."""
        async with asyncio.timeout(60):
            return await self.process.wait()

    def send(self, number: signal.Signals) -> None:
        """Signal this process alone."""
        self.process.send_signal(number)

    def send_to_group(self, number: signal.Signals) -> None:
        """Signal its process group, as a terminal's Ctrl-C does."""
        os.killpg(self.process.pid, number)
