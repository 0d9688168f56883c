"""Runs one fault: the load begins, the fault is injected and healed, the load ends, everything settles, and the checker judges."""

import asyncio
import random
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.fault.checker import commands, events, people
from tests.fault.checker.evidence import Evidence, gather
from tests.fault.checker.verdict import Verdict
from tests.fault.fault import Fault, Run, Skipped
from tests.fault.history import History
from tests.fault.load import Load
from tests.fault.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6")
# How long nothing may go on before what is violated then counts; and how long it may take in all.
STANDS_STILL = 60.0
SETTLES_WITHIN = 300.0
_LOOK_AGAIN = 0.5
# How long nothing may change once all is done, before it counts as done.
_QUIET = 1.5
_FAULT_WITHIN = 150.0
_LOAD_WITHIN = 240.0


@dataclass
class Outcome:
    """What came of one fault."""

    name: str
    seed: int
    brokers: int
    injected: list[str]
    verdicts: list[Verdict] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    skipped: str = ""
    broken: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was violated, and the run itself came to its end."""
        return not self.broken and not any(verdict.violations for verdict in self.verdicts)


async def run_fault(world: World, history: History, fault: Fault, seed: int) -> Outcome:
    """Everything about one fault, bounded in time, for a provider of its own: the same for the same name and seed."""
    began = time.monotonic()
    load = Load(world, history, fault.name, f"{seed}/{fault.name}")
    run = Run(world, load, history, random.Random(f"{seed}/{fault.name}/when"))
    outcome = Outcome(fault.name, seed, world.brokers, run.injected)
    tasks: list[asyncio.Task[None]] = []
    try:
        await load.prepare()
        tasks.append(asyncio.create_task(load.run()))
        async with asyncio.timeout(_FAULT_WITHIN):
            await fault.inject(run)
        run.healed = datetime.now(UTC)
        load.gate.open()
        async with asyncio.timeout(_LOAD_WITHIN):
            await tasks[0]
        evidence, outcome.verdicts = await settled(world, history, load.tenant, run.healed)
        outcome.verdicts += run.extra
        outcome.remarks = _remarks(load, evidence)
    except Skipped as skipped:
        outcome.skipped = str(skipped)
    except Exception as error:
        outcome.broken = f"{type(error).__name__}: {error}"
        await world.mend()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    outcome.seconds = time.monotonic() - began
    return outcome


async def settled(
    world: World, history: History, tenant: str, healed: datetime, *,
    patience: float = STANDS_STILL, enough: Collection[str] = (),
) -> tuple[Evidence, list[Verdict]]:  # fmt: skip
    """Looks until nothing is violated, nothing is on its way, and nothing changes any more; else what is so at the end.

    A slow machine has its time: it is the end only where nothing has changed for a while.

    Args:
        patience: seconds for which nothing changes until what is violated then counts.
        enough: invariants whose violation is expected: with these violated and no others, it is settled too.
    """
    began = moved = time.monotonic()
    before: tuple[int, ...] = ()
    known: tuple[object, ...] = ()
    while True:
        evidence = await gather(world, history, tenant)
        verdicts = judge(evidence, healed)
        violated = {verdict.invariant for verdict in verdicts if verdict.violations}
        calm = violated == set(enough) and not evidence.unsettled()
        if calm and evidence.size() == before:
            return evidence, verdicts
        before = evidence.size() if calm else ()
        now, found = time.monotonic(), (evidence.size(), evidence.unsettled(), violated)
        moved, known = (moved, known) if found == known else (now, found)
        if now - moved > patience or now - began > SETTLES_WITHIN:
            last = Verdict("settled", 1, evidence.unsettled())
            return evidence, [*verdicts, *([last] if last.violations else [])]
        await asyncio.sleep(_QUIET if calm else _LOOK_AGAIN)


def judge(evidence: Evidence, healed: datetime) -> list[Verdict]:
    """The six invariants on what was found."""
    return [
        commands.nothing_is_lost(evidence),
        events.each_once_in_order(evidence),
        commands.nothing_happens_twice(evidence),
        events.projections_are_folds(evidence),
        people.told_at_most_once(evidence),
        people.nobody_waits_past_the_deadline(evidence, healed),
    ]


def _remarks(load: Load, evidence: Evidence) -> list[str]:
    """What is worth knowing and violates nothing."""
    operations = evidence.told.operations.values()
    doubtful = sum(1 for operation in operations if operation.doubts)
    found: Iterable[tuple[int | float, str]] = (
        (len(operations), "{} commands"),
        (doubtful, "{} not answered at first"),
        (people.unknown_outcomes(evidence), "{} outcomes unknown"),
        (sum(map(len, evidence.parked.values())), "{} records parked"),
        (round(people.lateness(evidence), 1), "latest escalation {} s past its deadline"),
    )
    said = [text.format(count) for count, text in found if count]
    return said + [f"given up: {text}" for text in load.given_up]
