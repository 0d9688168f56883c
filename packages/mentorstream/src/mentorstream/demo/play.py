"""The demo from start to end: platform up, journey played, outcomes checked and shown, platform down."""

import tempfile
import time
from pathlib import Path

from mentoring.evidence.v1.cohort_pb2 import GetHeatMapRequest
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mentorstream.concern.shown import show_board
from mentorstream.demo import checks, show
from mentorstream.demo.cohort import STANDARD
from mentorstream.demo.journey import Journey
from mentorstream.demo.path import Step, new_traceparent, path_of
from mentorstream.demo.settling import until
from mentorstream.platform import Platform, platform
from mentorstream.progress.shown import show_cohort, show_learner
from mentorstream.standards import ST0148, load_standard

STEPS_OF_A_TRACE = (
    "HoldSession", "decide", "commit", "relay publish", "project ksb_progress", "react telling", "due StartNotice", "send notice",
)  # fmt: skip


async def play(console: Console, data_dir: Path | None = None) -> bool:
    """Plays the demo on a platform of its own, and says whether every outcome was as asked."""
    with tempfile.TemporaryDirectory(prefix="mentorstream-demo-") as folder:
        began = time.monotonic()
        console.print("Starting Kafka, four stores, a mail server and four services ...")
        async with platform(data_dir or Path(folder)) as running:
            _where(console, running, time.monotonic() - began)
            good = await _on(console, running)
        console.print(f"{time.monotonic() - began:.0f} s from the first process to the last one's end")
    return good


async def _on(console: Console, running: Platform) -> bool:
    journey = Journey(running, load_standard(ST0148), traceparent=new_traceparent())
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as shown:
        for text, step in journey.steps:
            task = shown.add_task(text, total=1)
            await step()
            shown.update(task, completed=1)
        task = shown.add_task("Outcomes are looked up", total=1)
        found = await checks.look(journey)
        outcomes = await checks.check(journey, found)
        path = await _path(journey)
        outcomes.append(checks.Outcome("one trace joins RPC, commit, Kafka, projection and mail", missing_steps(path)))
        shown.update(task, completed=1)
    show_learner(console, found.year.learner)
    show.cohort(console, found.summary)
    show_cohort(console, GetHeatMapRequest(standard=STANDARD), found.year.heat)
    show.concerns(console, found.concerns)
    show_board(console, journey.board)
    show.mails(console, found)
    show.path(console, path)
    show.ledger(console, found)
    show.outcomes(console, outcomes)
    return all(outcome.good for outcome in outcomes)


async def _path(journey: Journey) -> list[Step]:
    async def whole() -> bool:
        return not missing_steps(path_of(journey.platform.traces, journey.traceparent))

    await checks.in_time(until(whole, "the whole trace of one event"))
    return path_of(journey.platform.traces, journey.traceparent)


def missing_steps(path: list[Step]) -> tuple[str, ...]:
    """The steps of an event's way that a trace does not show."""
    return tuple(
        f"no step `{name}`" for name in STEPS_OF_A_TRACE if not any(step.name.startswith(name) for step in path)
    )


def _where(console: Console, running: Platform, seconds: float) -> None:
    found = running.infrastructure.found
    parts = ", ".join(f"{part} ({how})" for part, how in found.items())
    console.print(f"Up in {seconds:.1f} s: {parts}; services: {', '.join(running.processes)}")
