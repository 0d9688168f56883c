"""SIGTERM in the middle of work that takes longer than the grace."""

import asyncio

from tests.fault.checker.verdict import Verdict
from tests.fault.fault import Run, fault

# SHUTDOWN_SECONDS is 4 here, and a step of the drain that comes when it is used up gets one second.
_SLOW = 15.0
_ENDS_WITHIN = 14.0


@fault("SIGTERM while projections and mail take longer than the grace")
async def slow_drain(run: Run) -> None:
    await run.under_way()
    processes = list(
        {process.name: process for role in ("projector", "reactor") for process in run.world.of_role(role)}.values()
    )
    for process in processes:
        process.switches.on("slow", _SLOW)
    await run.further(0.6)
    ended = await asyncio.gather(*(run.world.end(process, _ENDS_WITHIN) for process in processes))
    run.note(f"SIGTERM of {len(processes)} processes whose work takes {_SLOW:.0f} s; {sum(ended)} ended by themselves")
    verdict = Verdict("drain")
    for process, by_itself in zip(processes, ended, strict=True):
        verdict.hold(by_itself, f"{process.name} still ran {_ENDS_WITHIN:.0f} s after SIGTERM")
        process.switches.off("slow")
        run.world.kill(process)
    run.extra.append(verdict)
    await run.world.revive()
