"""`make faults`: every fault on the real platform, with one broker and with three, and then what the checker says of it."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fault import faults, report
from tests.fault.caught import missed, verdicts_on_planted
from tests.fault.fault import FAULTS, Fault
from tests.fault.history import History
from tests.fault.load import GivenUp, Load
from tests.fault.runner import Outcome, new_load, run_fault
from tests.fault.world import world

PLANTED = "planted-bugs"
_AT_ONCE = 6


def main() -> int:
    """Runs what the arguments choose; 1 where anything was violated."""
    given = _arguments()
    faults.load()
    if given.list:
        for one in FAULTS.values():
            report.say(f"{one.name:28}{one.what}")
        report.say(f"{PLANTED:28}no fault, but a bug for each invariant, which the checker has to catch")
        return 0
    chosen = [FAULTS[name] for name in given.only or FAULTS if name != PLANTED]
    folder = given.folder or Path(tempfile.mkdtemp(prefix="faults-"))
    seed = given.seed if given.seed is not None else int(time.time()) % 100_000
    report.say(f"seed {seed}; data, logs and history in {folder}")
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for brokers in (given.brokers,) if given.brokers else (1, 3):
        outcomes += asyncio.run(run_all(folder / f"brokers-{brokers}", chosen, seed, brokers))
    uncaught = _planted(folder / PLANTED, seed) if not given.only or PLANTED in given.only else []
    violated = [outcome.name for outcome in outcomes if not outcome.good]
    report.say(f"{len(outcomes)} runs, {len(violated)} with a violation; {time.monotonic() - began:.0f} s; seed {seed}")
    if not given.only and not given.brokers:
        report.document(outcomes, seed, time.monotonic() - began)
    return int(bool(violated or uncaught))


async def run_all(
    folder: Path, chosen: Sequence[Fault], seed: int, brokers: int, *, apart: bool = True
) -> list[Outcome]:
    """One world, and each fault on it with a provider of its own."""
    here = [fault for fault in chosen if brokers in fault.brokers]
    outcomes: list[Outcome] = []
    if not here:
        return outcomes
    async with world(folder, brokers=brokers, apart=apart) as running:
        history = History(folder / "history.jsonl")
        loads = {fault.name: new_load(running, history, fault.name, seed) for fault in here}
        prepared = await _prepared(loads)
        for fault in here:
            if fault.name not in prepared:
                outcomes.append(Outcome(fault.name, seed, brokers, [], broken="its provider could not be set up"))
                report.show(outcomes[-1], fault.what)
                continue
            outcome = await run_fault(running, history, fault, loads[fault.name], seed)
            outcomes.append(outcome)
            report.show(outcome, fault.what)
        history.close()
    return outcomes


async def _prepared(loads: dict[str, Load]) -> set[str]:
    """Sets up every fault's provider beforehand, a few at a time; the names of those that are ready."""
    ready: set[str] = set()
    places = asyncio.Semaphore(_AT_ONCE)

    async def prepare(name: str, load: Load) -> None:
        async with places:
            try:
                await load.prepare()
                ready.add(name)
            except GivenUp as over:
                report.say(f"{name}: {over}")

    await asyncio.gather(*(prepare(name, load) for name, load in loads.items()))
    return ready


def _planted(folder: Path, seed: int) -> list[str]:
    """Plants the bugs; those that were not caught."""
    verdicts = asyncio.run(verdicts_on_planted(folder, seed))
    report.show_planted(verdicts)
    return missed(verdicts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fault", description="Injects faults, and checks the invariants."
    )
    parser.add_argument("--seed", type=int, help="repeat the run that had this seed")
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault alone; may be given several times")
    parser.add_argument("--brokers", type=int, choices=(1, 3), help="with so many brokers alone")
    parser.add_argument(
        "--folder", type=Path, help="where data, logs and the history are kept; a new one where not given"
    )
    parser.add_argument("--list", action="store_true", help="name the faults")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
