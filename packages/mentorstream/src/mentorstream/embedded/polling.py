"""Waiting for something outside this process, which cannot notify it.

Invariant: every wait ends: by the condition, by its exception, or by the deadline.
"""

import asyncio
from collections.abc import Awaitable, Callable


async def becomes(condition: Callable[[], Awaitable[bool]], *, within: float, every: float = 0.05) -> bool:
    """Ask until the condition is true; False when it is not by the deadline. It is asked at least once.

    Args:
        condition: the question; what it raises ends the wait.
        within: seconds until the deadline.
        every: seconds between questions.
    """
    clock = asyncio.get_running_loop()
    deadline = clock.time() + within
    while not await condition():
        if clock.time() >= deadline:
            return False
        await asyncio.sleep(every)
    return True
