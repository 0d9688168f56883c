"""`python -m bench [name ...] [--quick]`: runs the benchmarks, and keeps what they found. Some take minutes and run only when named."""

import argparse
import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import uvloop
from eventkernel import logs, runtime, telemetry
from rich.console import Console

from bench import (
    append,
    commands,
    long_stream,
    machine,
    projector,
    ready,
    rebuild,
    relay,
    report,
    rpc,
    scale,
    simulation,
    sizes,
    visible,
)
from bench.measure import EVENTS, EVENTS_QUICK, ROUNDS, ROUNDS_QUICK, Asked, Figure

# The quiet ones first: what they leave behind is the least.
BENCHMARKS: Mapping[str, Callable[[Asked], Awaitable[list[Figure]]]] = {
    "commands": commands.run,
    "rpc": rpc.run,
    "projector": projector.run,
    "append": append.run,
    "long_stream": long_stream.run,
    "relay": relay.run,
    "visible": visible.run,
    "ready": ready.run,
    "rebuild": rebuild.run,
}
# What docs/SCALE.md is made of, beside the rebuild: no figures to compare, but tables.
TABLES: Mapping[str, Callable[[Asked], Awaitable[dict[str, Any]]]] = {"sizes": sizes.run, "simulation": simulation.run}
# Each is one run, and a long one: only where they are named.
NAMED_ONLY = ("rebuild", *TABLES)


def main() -> None:
    """Reads the arguments and runs."""
    names = [*BENCHMARKS, *TABLES]
    arguments = argparse.ArgumentParser(
        prog="python -m bench", description="Measures, side by side with the parts alone.",
        epilog=f"{', '.join(NAMED_ONLY)} take minutes and run only where they are named. Without a name all others run.",
    )  # fmt: skip
    arguments.add_argument("names", nargs="*", metavar="name", help=", ".join(names))
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, to see that it runs; nothing is kept")
    arguments.add_argument(
        "--events", type=int, metavar="N",
        help=f"how many events `rebuild` projects, at least 10,000; {EVENTS:,} where not given, and with --quick {EVENTS_QUICK:,}. "
        "With this argument nothing is kept",
    )  # fmt: skip
    arguments.add_argument(
        "--rate", type=_rate, action="append", metavar="PART=N", default=[],
        help="what a part does in a second, for `simulation`, instead of what was measured: api, store, slot, projector, notices. "
        "With this argument nothing is kept",
    )  # fmt: skip
    given = arguments.parse_args()
    if unknown := sorted(set(given.names) - set(names)):
        arguments.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}")
    asked = Asked(
        ROUNDS_QUICK if given.quick else ROUNDS, "", given.events or (EVENTS_QUICK if given.quick else EVENTS), dict(given.rate)
    )  # fmt: skip
    keeps = not (given.quick or given.events or given.rate)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(given.names or [name for name in BENCHMARKS if name not in NAMED_ONLY], asked, keeps))


def _rate(text: str) -> tuple[str, float]:
    part, _, a_second = text.partition("=")
    return part, float(a_second)


async def _run(names: Sequence[str], asked: Asked, keeps: bool) -> None:
    console = Console()
    # As services run: a trace in twenty is recorded. What is logged is formatted, and shown to nobody.
    runtime.collect_rarely()
    logs.configure("bench", "INFO", io.StringIO())
    telemetry.configure("bench", otlp_endpoint=None, trace_file=None, ratio=0.05)
    found: list[Figure] = []
    for name in names:
        facts = machine.facts(1 if name in NAMED_ONLY else asked.rounds)
        with tempfile.TemporaryDirectory(prefix="mentorstream-bench-") as folder, console.status(name):
            here = replace(asked, folder=folder)
            kept = await BENCHMARKS[name](here) if name in BENCHMARKS else await TABLES[name](here)
        if keeps:
            report.keep(name, facts, kept)
        if isinstance(kept, list):
            found += kept
        else:
            for line in scale.lines(name, kept):
                console.print(line, highlight=False, soft_wrap=True)
    if found:
        report.show(console, found)
    if keeps:
        report.document(list(BENCHMARKS))
        scale.document()


if __name__ == "__main__":
    main()
