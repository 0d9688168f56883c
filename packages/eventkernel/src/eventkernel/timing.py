"""The clock, passed in wherever time matters, so that tests and demos hold it in their hand."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

Clock = Callable[[], datetime]

_FOLLOW_SECONDS = 5.0
# An answer that took longer says too little of what time it is now.
_SLOW_SECONDS = 1.0
_FAR_OFF = timedelta(seconds=2)
_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The wall clock, in whole milliseconds: what the store keeps."""
    return _milliseconds(datetime.now(UTC))


class SharedClock:
    """The store's time, counted on from its last answer by seconds that never jump.

    Leases, due rows and deadlines are shared by all replicas of a service, so they need one clock. With each replica's own, one that runs
    a day ahead would escalate what waits, and put the next deadline a day off.

    Args:
        asked: what time it is by the store.
        own: the process's own clock: believed until the store has answered once, and compared with it afterwards.
        elapsed: seconds that never go back.
    """

    def __init__(
        self, asked: Callable[[], Awaitable[datetime]], own: Clock = utc_now, elapsed: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._asked = asked
        self._own = own
        self._elapsed = elapsed
        self._heard: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """The time now, in whole milliseconds."""
        if self._heard is None:
            return self._own()
        said, at = self._heard
        return _milliseconds(said + timedelta(seconds=self._elapsed() - at))

    async def ask(self) -> None:
        """Asks the store once. Whatever it raises is the caller's to handle, and changes nothing."""
        before = self._elapsed()
        said = await self._asked()
        took = self._elapsed() - before
        if took <= _SLOW_SECONDS or self._heard is None:
            self._heard = (said, before + took / 2)
            off = self._own() - self()
            if abs(off) > _FAR_OFF:
                _log.warning(
                    "this machine's clock is not the store's, which is followed", ahead_seconds=off.total_seconds()
                )

    async def follow(self) -> None:
        """Asks again and again. While the store does not answer, the time is counted on."""
        while True:
            await asyncio.sleep(_FOLLOW_SECONDS)
            try:
                await self.ask()
            except Exception as error:  # whatever the store raises
                _log.info("the store does not say what time it is; counting on", error=type(error).__name__)


async def at_most(seconds: float, event: asyncio.Event) -> None:
    """Waits for the event, and no longer than so many seconds."""
    # Not `wait_for`, which can lose a cancellation; see `eventkernel.ending`.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
