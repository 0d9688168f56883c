"""Clocks that are wrong: the store's, which all replicas follow, jumps ahead and back; a process's own is a day off."""

from tests.fault.fault import Run, fault

_JUMP = 20.0
_DAY = 86_400.0
# A process asks its store what time it is every five seconds.
_HEARD = 6.0


@fault("the stores' clocks jump ahead, then back past where they were; every second process's own clock is a day off")
async def clocks_jump(run: Run) -> None:
    await run.under_way(0.2)
    processes = sorted(run.world.processes.values(), key=lambda process: process.name)
    for place, process in enumerate(processes):
        if place % 2:
            process.switches.on("own-clock", run.choose.choice((_DAY, -_DAY)))
    try:
        for seconds in (_JUMP, -_JUMP):
            for process in processes:
                process.switches.on("store-clock", seconds)
            run.note(f"the stores' clocks say {seconds:+.0f} s after {run.load.gate.begun} operations")
            await run.last(_HEARD)
    finally:
        for process in processes:
            process.switches.off("store-clock")
            process.switches.off("own-clock")
    run.note("all clocks are right again")
