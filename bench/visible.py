"""Visible: from a command's acknowledgement until the read model shows it, on a whole running platform with little to do."""

import asyncio
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

from mentoring.sessions.v1.sessions_pb2 import ListSessionsRequest, ListSessionsResponse, PlanSessionRequest
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey
from mentorstream.demo.path import Step, new_traceparent, path_of
from mentorstream.platform import Platform, platform
from mentorstream.standards import ST0148, load_standard

from bench import samples
from bench.by_hand import ByHand, by_hand
from bench.measure import Asked, Figure, Wrong, by_turns, check

COMMANDS, APART = 40, 0.1
_TRACE_ID = re.compile(r'"trace_id": "([0-9a-f]{32})"')
_OWN, _OTHERS = "project learner_sessions", "project ksb_progress"
_SETTLES, _PATIENCE = 0.5, 30.0


async def run(asked: Asked) -> list[Figure]:
    """A session is planned ten times a second; against the same hop by hand over the same broker and store."""
    async with platform(Path(asked.folder) / "visible") as running:
        journey = Journey(running, load_standard(ST0148))
        await journey.import_standard()
        await journey.start_mentorships()
        async with by_hand(running.infrastructure) as other:
            return [await _compare(asked.rounds, journey, other)]


async def _compare(rounds: int, journey: Journey, other: ByHand) -> Figure:
    paths: list[list[Step]] = []
    hops: list[float] = []
    prefix = f"visible-{uuid4().hex[:8]}"

    async def ours(number: int) -> float:
        traces = await _plan(journey, f"{prefix}-{number}")
        await asyncio.sleep(_SETTLES)
        found = await _paths(journey.platform, traces)
        paths.extend(found)
        return median(_until(path, _OWN) for path in found)

    async def bare(_: int) -> float:
        found = []
        for place in range(COMMANDS):
            began = time.perf_counter()
            found.append(await other.hop(samples.commit(place, uuid4().hex)))
            await asyncio.sleep(max(0.0, APART - (time.perf_counter() - began)))
        hops.extend(found)
        return median(found)

    kept = await by_turns(rounds, ours, bare)
    await _check_listed(journey, prefix, COMMANDS * (rounds + 1))
    # What warmed up is not among the figures.
    return Figure(
        "visible, p50", "insert, transaction, poll, replace by hand", "ms", *kept,
        parts=_parts(paths[COMMANDS:]) | {"by hand, p99": _p99(hops[COMMANDS:])},
    )  # fmt: skip


async def _plan(journey: Journey, name: str) -> list[str]:
    """Gives the commands; the traces they are in."""
    traces = []
    for place in range(COMMANDS):
        began = time.perf_counter()
        traces.append(new_traceparent())
        learner = journey.learners[place % len(journey.learners)]
        request = PlanSessionRequest()
        request.CopyFrom(samples.plan(place, f"{name}-{place}"))
        request.learner_id, request.mentorship_id = learner.learner_id, learner.mentorship_id
        await journey.give("sessions", learner.mentor_id, ["mentor"], request, traces[-1])
        await asyncio.sleep(max(0.0, APART - (time.perf_counter() - began)))
    return traces


async def _paths(running: Platform, traces: Sequence[str]) -> list[list[Step]]:
    """The whole path of each; services write their spans with some delay."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            with tempfile.TemporaryDirectory() as folder:
                found = [path_of(apart, trace) for apart, trace in _apart(running.traces, traces, Path(folder))]
            if all({_OWN, _OTHERS} <= {step.name for step in path} for path in found):
                return found
            await asyncio.sleep(1)


def _apart(spans: Path, traces: Sequence[str], folder: Path) -> Iterator[tuple[Path, str]]:
    """Each trace with a folder of its spans alone: looking each up among all would take longer than the runs."""
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for file in spans.glob("*.jsonl"):
        for line in file.read_text().splitlines(keepends=True):
            lines["".join(_TRACE_ID.findall(line)[:1])].append(line)
    for trace in traces:
        own = folder / trace
        own.mkdir()
        (own / "spans.jsonl").write_text("".join(lines[trace.split("-")[1]]))
        yield own, trace


def _parts(paths: Sequence[Sequence[Step]]) -> dict[str, float]:
    """Medians over all commands, in ms."""
    visible = [_until(path, _OWN) for path in paths]
    return {
        "p99": _p99(visible),
        "before: the command, of it": median(_step(path, "PlanSession").takes for path in paths),
        "before: until the commit begins": median(_step(path, "commit").begins for path in paths),
        "before: the commit": median(_step(path, "commit").takes for path in paths),
        "until the relay publishes": median(
            _step(path, "relay publish").begins - _acknowledged(path) for path in paths
        ),
        "publishing, one transaction": median(_step(path, "relay publish").takes for path in paths),
        "until the projection has it": median(_begins(path, _OWN) for path in paths),
        "projecting": median(_step(path, _OWN).takes for path in paths),
        "visible in another service": median(_until(path, _OTHERS) for path in paths),
    }


def _until(path: Sequence[Step], name: str) -> float:
    step = _step(path, name)
    return step.begins + step.takes - _acknowledged(path)


def _begins(path: Sequence[Step], name: str) -> float:
    published = _step(path, "relay publish")
    return _step(path, name).begins - published.begins - published.takes


def _acknowledged(path: Sequence[Step]) -> float:
    # When the server has the reply; the caller has it a moment later.
    return _step(path, "PlanSession").begins + _step(path, "PlanSession").takes


def _step(path: Sequence[Step], name: str) -> Step:
    for step in path:
        if step.name == name:
            return step
    raise Wrong(f"no step {name} in a trace")


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98]


async def _check_listed(journey: Journey, prefix: str, asked: int) -> None:
    listed = 0
    for plan in journey.learners:
        client = journey.platform.client("sessions", plan.learner_id, ["learner"], provider=cohort.PROVIDER)
        answer = await client.call(ListSessionsRequest(learner_id=plan.learner_id), ListSessionsResponse)
        listed += sum(session.session_id.startswith(prefix) for session in answer.sessions)
    check(listed, asked, "sessions that the read model shows")
