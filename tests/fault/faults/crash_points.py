"""A process dies at a named point: between two steps that belong together. Each point is a fault of its own."""

import asyncio

from tests.fault.fault import Run, fault
from tests.fault.seams import POINTS, Point

_SHORT = frozenset({"before-clear", "before-record"})


def _register(point: Point) -> None:
    async def dies(run: Run) -> None:
        await run.under_way(0.2)
        armed = run.world.of_role(point.role)
        for process in armed:
            process.switches.on(point.name, run.choose.randint(1, 2))

        async def one_died() -> bool:
            return any(not process.alive for process in armed)

        await run.until(one_died, f"a {point.role} at the point {point.name}")
        # Some services come by this point more often than others: whoever is about to does.
        await run.further(0.65)
        died = [process for process in armed if not process.alive]
        for process in armed:
            process.switches.off(point.name)
        run.note(f"{', '.join(process.name for process in died)} died {point.between}")
        await asyncio.gather(*(run.world.start(process.name) for process in died))
        await run.world.revive()

    dies.__name__ = f"dies_{point.name}"
    fault(f"a {point.role} dies {point.between}", short=point.name in _SHORT)(dies)


for _point in POINTS:
    _register(_point)
