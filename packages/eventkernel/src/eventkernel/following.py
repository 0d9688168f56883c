"""Queries that go on: what they show is looked at again and again, and what is new is sent, until the caller leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from eventkernel.reading import Reader


class FollowingEnded(Exception):
    """The process ends, and whoever follows is to go on with another."""


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """How many may follow in a process, and each person of them; how often it is looked again, and how long one call lasts, in seconds."""

    at_once: int = 1000
    at_once_each: int = 4
    every_seconds: float = 1.0
    seconds: float = 3600.0


class Following:
    """What a query that goes on may use, for one call.

    Args:
        look: gives a reader for the caller, who is let in anew each time: whoever lost the right, or whose token expired, sees no more.
        over: set when the process ends.
    """

    def __init__(self, look: Callable[[], Awaitable[Reader]], limits: FollowLimits, over: asyncio.Event) -> None:
        self._look = look
        self._limits = limits
        self._over = over

    async def rounds(self) -> AsyncIterator[Reader]:
        """A reader now, and one each time that it is to be looked again; ends when the call has lasted long enough.

        Raises what keeps the caller out by then, and FollowingEnded.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.seconds
        while True:
            yield await self._look()
            left = until - loop.time()
            if left <= 0:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), min(self._limits.every_seconds, left))
            if self._over.is_set():
                raise FollowingEnded("this process ends: follow again, and what you were not sent comes")
