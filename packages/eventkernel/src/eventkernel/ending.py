"""Ends tasks. One cancellation is not always enough."""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_SECONDS = 0.2


async def end(tasks: Iterable[asyncio.Task[Any]], within: float) -> frozenset[asyncio.Task[Any]]:
    """Cancels these again and again until they have ended or `within` seconds are over. Returns those that still go on.

    A cancellation can be lost: Python 3.11's `wait_for` loses one that comes with a result, and a task that waits for another, which
    takes the cancellation for its own end, goes on behind it. aiokafka's coordinator waits like that for its heartbeat.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    going = {task for task in tasks if not task.done()}
    while going and (left := until - loop.time()) > 0:
        for task in going:
            task.cancel()
        ended, going = await asyncio.wait(going, timeout=min(_AGAIN_SECONDS, left))
        for task in ended:
            if not task.cancelled():
                # Looked at, so that nobody reports an error that comes of the end.
                task.exception()
    return frozenset(going)
