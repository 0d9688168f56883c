"""One channel's way out: where its provider is dead nothing is tried for a while, and never more goes out than it takes."""

from collections.abc import Awaitable, Callable

from aiolimiter import AsyncLimiter
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from notifications.effects.mailer import NotTaken


class Line:
    """Counts what goes out by one channel, and who does not answer on it. Each process counts for itself.

    Args:
        name: of the channel, in upper case: what its refusals begin with.
        per_minute: how many messages may go out in a minute. Alerts are counted, and never held back.
        failures: after how many in a row that found the provider dead its circuit opens.
        open_seconds: how long it stays open. Then one more is tried.
    """

    def __init__(self, name: str, *, per_minute: float = 600, failures: int = 5, open_seconds: float = 30.0) -> None:
        self._name = name
        self._limit = AsyncLimiter(per_minute)
        self._circuits = AsyncCircuitBreakerFactory(
            default_threshold=failures, default_ttl=open_seconds, exclude=[(Exception, _is_no_death)]
        )

    async def through(self, circuit: str, hand_over: Callable[[], Awaitable[None]], *, urgent: bool) -> None:
        """Hands a message over, unless the line is closed to it now.

        Raises what `hand_over` does, and NotTaken `<NAME>_RATE_REACHED` or `<NAME>_CIRCUIT_OPEN`, which pass, and before which nothing
        was tried.
        """
        if not urgent and not self._limit.has_capacity():
            raise NotTaken(f"{self._name}_RATE_REACHED", passing=True)
        if self._limit.has_capacity():
            await self._limit.acquire()
        try:
            async with await self._circuits.get_breaker(circuit):
                await hand_over()
        except OpenedState:
            raise NotTaken(f"{self._name}_CIRCUIT_OPEN", passing=True) from None


def _is_no_death(error: Exception) -> bool:
    return not (isinstance(error, NotTaken) and error.dead)
