"""More at once than an API can take, while the consumers are slow: it says so, its memory stays bounded, and nothing is lost."""

import asyncio
from pathlib import Path

from mentoring.safeguarding.v1.safeguarding_pb2 import SetRotaRequest

from tests.fault.checker.verdict import Verdict
from tests.fault.fault import Run, fault
from tests.fault.history import told
from tests.fault.load import DEPUTY, DSL, LEAD

_BURST = 2000
_MOST_MIB = 512
_SLOW = 0.5


@fault("a burst beyond what the API takes, and slow consumers: refused with a hint, memory bounded, nothing lost")
async def burst(run: Run) -> None:
    await run.under_way()
    consumers = [*run.world.of_role("projector"), *run.world.of_role("reactor")]
    for process in consumers:
        process.switches.on("slow", _SLOW)
    api = run.world.having("safeguarding", "api")
    run.note(
        f"{_BURST} commands at once to {api.name}, and every projection's write and every mail takes {_SLOW} s longer"
    )
    requests = [
        SetRotaRequest(site_id=f"site-{number}", dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)
        for number in range(_BURST)
    ]
    try:
        await asyncio.gather(*(run.load.give("safeguarding", LEAD, "senior_lead", request) for request in requests))
    finally:
        for process in consumers:
            process.switches.off("slow")
    said = told(run.history.path, run.tenant)
    peak = _most_resident(api.pid)
    run.note(f"refused {said.overloads} times; at most {peak} MiB resident")
    verdict = Verdict("burst")
    verdict.hold(said.overloads > 0, "nothing was refused: the burst was not beyond what it takes")
    verdict.hold(said.overloads_with_hint == said.overloads, "a refusal did not say when to come again")
    verdict.hold(peak <= _MOST_MIB, f"{api.name} took {peak} MiB, of {_MOST_MIB} at the most")
    run.extra.append(verdict)


def _most_resident(pid: int) -> int:
    """Mebibytes that a process held at the most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024
