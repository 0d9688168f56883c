"""What a fault is, and what it has in hand while a load runs."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mentorstream.embedded.polling import becomes

from tests.fault.checker.verdict import Verdict
from tests.fault.history import History
from tests.fault.load import Load
from tests.fault.world import NotInTime, World

_NEVER = datetime.min.replace(tzinfo=UTC)
Inject = Callable[["Run"], Awaitable[None]]


@dataclass
class Run:
    """One fault on one load."""

    world: World
    load: Load
    history: History
    choose: random.Random
    injected: list[str] = field(default_factory=list)
    extra: list[Verdict] = field(default_factory=list)
    healed: datetime = _NEVER

    @property
    def tenant(self) -> str:
        """The run's own provider."""
        return self.load.tenant

    async def under_way(self, share: float = 0.0) -> None:
        """Waits until a part of the load has begun: somewhere in the middle where no share is given."""
        await self.load.gate.reached(share or self.choose.uniform(0.25, 0.5))

    async def further(self, share: float) -> None:
        """Waits until this share has begun, or for a while where the fault lets nothing through."""
        try:
            await self.load.gate.reached(share, within=4.0)
        except TimeoutError:
            self.note(f"nothing went on while it lasted, past {self.load.gate.begun} operations")

    def note(self, text: str) -> None:
        """Says what was done: it goes into the history and the report."""
        self.injected.append(text)
        self.history.write("injected", tenant=self.tenant, text=text)

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str, within: float = 60.0) -> None:
        """Waits for a condition; raises NotInTime."""
        if not await becomes(condition, within=within):
            raise NotInTime(f"waited {within:.0f} s in vain for: {what}")

    async def last(self, seconds: float) -> None:
        """Lets a state last that is about time itself: a pause past a session, a lease, an outage."""
        await asyncio.sleep(seconds)


class Skipped(Exception):
    """A fault that cannot be injected here; says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `brokers` are the numbers of brokers that it is for; `short` ones run in `make test`."""

    name: str
    what: str
    inject: Inject
    brokers: tuple[int, ...] = (1, 3)
    short: bool = False


FAULTS: dict[str, Fault] = {}


def fault(what: str, *, brokers: tuple[int, ...] = (1, 3), short: bool = False) -> Callable[[Inject], Inject]:
    """Registers a function as a fault, under its name with dashes."""

    def register(inject: Inject) -> Inject:
        name = getattr(inject, "__name__", "").replace("_", "-")
        FAULTS[name] = Fault(name, what, inject, brokers, short)
        return inject

    return register
