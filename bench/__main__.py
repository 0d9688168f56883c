"""`python -m bench [name ...] [--quick]`: runs the benchmarks, all where none is named, and keeps what they found."""

import argparse
import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable, Mapping

import uvloop
from eventkernel import logs, runtime, telemetry
from rich.console import Console

from bench import append, commands, long_stream, machine, projector, ready, relay, report, rpc, visible
from bench.measure import ROUNDS, ROUNDS_QUICK, Asked, Figure

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
}


def main() -> None:
    """Reads the arguments and runs."""
    arguments = argparse.ArgumentParser(
        prog="python -m bench", description="Measures, side by side with the parts alone."
    )
    arguments.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, to see that it runs; nothing is kept")
    given = arguments.parse_args()
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        arguments.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(given.names or list(BENCHMARKS), given.quick))


async def _run(names: list[str], quick: bool) -> None:
    console = Console()
    # As services run: a trace in twenty is recorded. What is logged is formatted, and shown to nobody.
    runtime.collect_rarely()
    logs.configure("bench", "INFO", io.StringIO())
    telemetry.configure("bench", otlp_endpoint=None, trace_file=None, ratio=0.05)
    rounds = ROUNDS_QUICK if quick else ROUNDS
    found: list[Figure] = []
    for name in names:
        facts = machine.facts(rounds)
        with tempfile.TemporaryDirectory(prefix="mentorstream-bench-") as folder, console.status(name):
            figures = await BENCHMARKS[name](Asked(rounds, folder))
        found += figures
        if not quick:
            report.keep(name, facts, figures)
    report.show(console, found)
    if not quick:
        report.document(list(BENCHMARKS))


if __name__ == "__main__":
    main()
