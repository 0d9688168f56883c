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
from tests.fault.runner import Outcome, run_fault
from tests.fault.world import world

PLANTED = "planted-bugs"


def main() -> int:
    """Runs what the arguments choose; 1 where anything was violated."""
    faults.load()
    given = _arguments()
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
    outcomes = asyncio.run(_in_every_world(folder, chosen, seed, (given.brokers,) if given.brokers else (1, 3)))
    uncaught = _planted(folder / PLANTED, seed) if not given.only or PLANTED in given.only else []
    violated = [outcome.name for outcome in outcomes if not outcome.good]
    report.say(f"{len(outcomes)} runs, {len(violated)} with a violation; {time.monotonic() - began:.0f} s; seed {seed}")
    if not given.only and not given.brokers:
        report.document(outcomes, seed, time.monotonic() - began)
    return int(bool(violated or uncaught))


async def _in_every_world(folder: Path, chosen: Sequence[Fault], seed: int, brokers: Sequence[int]) -> list[Outcome]:
    """Side by side: most of a run is waiting for sessions and leases to end."""
    found = await asyncio.gather(*(run_all(folder / f"brokers-{number}", chosen, seed, number) for number in brokers))
    return [outcome for outcomes in found for outcome in outcomes]


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
        for fault in here:
            outcome = await run_fault(running, history, fault, seed)
            outcomes.append(outcome)
            report.show(outcome, fault.what)
        history.close()
    return outcomes


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
    parser.add_argument(
        "--only", action="append", choices=(*FAULTS, PLANTED), metavar="NAME",
        help="this fault alone; may be given several times",
    )  # fmt: skip
    parser.add_argument("--brokers", type=int, choices=(1, 3), help="with so many brokers alone")
    parser.add_argument(
        "--folder", type=Path, help="where data, logs and the history are kept; a new one where not given"
    )
    parser.add_argument("--list", action="store_true", help="name the faults")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
