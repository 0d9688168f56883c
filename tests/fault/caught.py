"""Is a bug seen? All six are planted into one world, each for a provider of its own, and each has to be caught as what it is."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from tests.fault import planted
from tests.fault.checker.verdict import Verdict
from tests.fault.history import History
from tests.fault.load import Load
from tests.fault.runner import settled
from tests.fault.world import world

SOUND = "sound"
_PATIENCE = 30.0


async def verdicts_on_planted(folder: Path, seed: int, *, brokers: int = 1) -> dict[str, list[Verdict]]:
    """The checker's verdicts for each bug, by the invariant that it is against, and for a provider without any (`SOUND`)."""
    async with world(folder, brokers=brokers, bug=True, apart=False) as running:
        history = History(folder / "history.jsonl")
        tenants = {invariant: planted.tenant_of(invariant) for invariant in planted.BUGS} | {SOUND: SOUND}
        # Two concerns: one is answered, and one has to be passed on.
        loads = {
            name: Load(running, history, tenant, f"{seed}/{tenant}", learners=2, concerns=2, closing=8.0)
            for name, tenant in tenants.items()
        }
        await asyncio.gather(*(load.prepare() for load in loads.values()))
        for load in loads.values():
            load.gate.open()
        await asyncio.gather(*(load.run() for load in loads.values()))
        # A deadline that was missed before now is not the fault's doing.
        healed = datetime.now(UTC)
        found = await asyncio.gather(
            *(
                settled(running, history, tenant, healed, patience=_PATIENCE, enough=() if name == SOUND else (name,))
                for name, tenant in tenants.items()
            )
        )
        history.close()
    return {name: verdicts for name, (_, verdicts) in zip(tenants, found, strict=True)}


def missed(verdicts: dict[str, list[Verdict]]) -> list[str]:
    """The bugs that were not caught as what they are, and whatever was said of a provider without one."""
    found = []
    for name, given in verdicts.items():
        violated = {verdict.invariant for verdict in given if verdict.violations}
        if violated != ({name} - {SOUND}):
            said = [text for verdict in given for text in verdict.violations[:2]]
            found.append(f"{name}: violated {sorted(violated)}: {said}")
    return found
