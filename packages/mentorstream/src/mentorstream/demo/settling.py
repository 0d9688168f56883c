"""Waiting until the platform has come so far, and what may be asked of it again meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import grpc
from eventkernel.client import CallFailed
from google.protobuf.timestamp_pb2 import Timestamp

PATIENCE = 90.0
LOOK_AGAIN = 0.1
# Worth giving again under the same idempotency key: the platform is behind, busy or just restarting.
AGAIN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


class NotInTime(Exception):
    """Something that had to come did not: what it was."""


async def until(
    true: Callable[[], Awaitable[bool]], what: str, *, patience: float = PATIENCE, look_again: float = LOOK_AGAIN
) -> None:
    """Looks until it is true; raises NotInTime after a while. A platform that does not answer now may answer soon."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        try:
            if await true():
                return
        except CallFailed as failed:
            if failed.status not in AGAIN:
                raise
        if loop.time() > deadline:
            raise NotInTime(f"waited {patience:.0f} s in vain for: {what}")
        await asyncio.sleep(look_again)


def stamp(at: datetime) -> Timestamp:
    """A moment as contracts have it."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
