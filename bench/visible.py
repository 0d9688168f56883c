"""Visible: from a command's acknowledgement until the read model shows it, on a whole running platform at half of what it sustains.

Four services, the broker, the stores and the callers share the machine's cores; the parts alone have them to themselves.
"""

import asyncio
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

from eventkernel.store.mongodb import connect
from eventkernel.store.mongodb.driver import Collection
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1.sessions_pb2 import ListSessionsRequest, ListSessionsResponse
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey
from mentorstream.demo.path import Step, new_traceparent, path_of
from mentorstream.platform import Platform, platform
from mentorstream.standards import ST0148, load_standard

from bench import samples
from bench.machine import busy_seconds
from bench.measure import Asked, Figure, Wrong, by_turns, check
from bench.visible_parts import HOP, READ, WRITE, Parts, parts_alone

# To find what is sustained; then for each round.
SUSTAINED, CALLERS, SECONDS = 160, 32, 15.0
CALM = 2.0
ALONE = 50
_TRACE_ID = re.compile(r'"trace_id": "([0-9a-f]{32})"')
_OWN, _OTHERS = "project learner_sessions", "project ksb_progress"
_SETTLES, _PATIENCE = 0.5, 30.0
# No commit for so long, and none follows: at a rate of dozens a second it is not a part of what is measured that takes longer.
_REST, _RESTS_WITHIN, _LOOK_AGAIN = 2.0, 300.0, 0.2
# Twice as long at the most.
_HALF = 0.5
_AGAINST = "the sum of its parts, each alone: one transactional hop, one pending read, one projection write"


async def run(asked: Asked) -> list[Figure]:
    """Sessions are planned at half the rate that the platform sustains, which is measured first."""
    async with platform(Path(asked.folder) / "visible") as running:
        journey = Journey(running, load_standard(ST0148))
        await journey.import_standard()
        # Else their notices would be tried again and again, on the time of what is measured.
        await journey.register_people()
        await journey.start_mentorships()
        async with AsyncExitStack() as stack:
            alone = await stack.enter_async_context(parts_alone(running.infrastructure))
            commits = []
            for service, uri in running.infrastructure.mongodb_uris.items():
                driver = connect(uri)
                stack.push_async_callback(driver.close)
                commits.append(driver.database(service)["commits"])
            return await _Visible(journey, alone, commits).compare(asked.rounds)


@dataclass(frozen=True, slots=True)
class _Run:
    """Commands `given` a second, the `cores` that worked meanwhile, and what became of each command."""

    given: float
    cores: float
    paths: Sequence[Sequence[Step]]


class _Visible:
    """Sessions planned on one platform, and the parts beside it while it has nothing to do."""

    def __init__(self, journey: Journey, alone: Parts, commits: Sequence[Collection]) -> None:
        self._journey = journey
        self._alone = alone
        self._commits = commits
        self._prefix = f"visible-{uuid4().hex[:8]}"
        self._clients = {
            mentor: journey.platform.client("sessions", mentor, ["mentor"], provider=cohort.PROVIDER)
            for mentor in {learner.mentor_id for learner in journey.learners}
        }

    async def compare(self, rounds: int) -> list[Figure]:
        """p50 and p99, of the same commands."""
        # Once to warm up.
        await self._sustained("warm")
        sustained = await self._sustained("sustained")
        rate = sustained / 2
        parts: list[Mapping[str, Sequence[float]]] = []
        runs: list[_Run] = []

        async def ours(number: int) -> float:
            runs.append(await self._load(f"{self._prefix}-{number}", rate))
            return _p50(_visible(runs[-1].paths))

        async def bare(_: int) -> float:
            commits = [samples.commit(place, uuid4().hex) for place in range(ALONE)]
            parts.append(await self._alone.measure(commits, 1 / rate))
            return sum(map(_p50, parts[-1].values()))

        kept = await by_turns(rounds, ours, bare)
        # At a rate at which commands hardly meet: what is more than that is what they wait for each other.
        calm = await self._load(f"{self._prefix}-calm", CALM)
        await self._check_listed((rounds + 1) * _commands(rate) + _commands(CALM) + 2 * SUSTAINED)
        # What warmed up is not among the figures.
        measured, alone = runs[1:], parts[1:]
        load = {
            "commands that the platform sustains; commands/s": sustained,
            "commands given, half of that; commands/s": median(run.given for run in measured),
            "cores that all of this keeps busy meanwhile; cores": median(run.cores for run in measured),
            f"the same at {CALM:.0f} commands a second": _p50(_visible(calm.paths)),
            f"cores busy at {CALM:.0f} commands a second; cores": calm.cores,
        }
        steps = [path for run in measured for path in run.paths]
        p99s = [_p99(_visible(run.paths)) for run in measured], [sum(map(_p99, each.values())) for each in alone]
        return [
            Figure("visible, p50", _AGAINST, "ms", *kept, load | _of(alone, _p50) | _steps(steps), least_ratio=_HALF),
            Figure("visible, p99", _AGAINST, "ms", *p99s, _of(alone, _p99), least_ratio=_HALF),
        ]

    async def _sustained(self, run: str) -> float:
        """Commands a second that are given by callers who wait for each, until all that came of them is done in every service."""

        async def caller(first: int) -> None:
            for place in range(first, SUSTAINED, CALLERS):
                await self._plan(f"{self._prefix}-{run}", place, "")

        began = time.perf_counter()
        await asyncio.gather(*(caller(first) for first in range(CALLERS)))
        return SUSTAINED / (await self._at_rest() - began)

    async def _at_rest(self) -> float:
        """Waits until no service commits anything any more: when that was."""
        before, moved = [0], time.perf_counter()
        async with asyncio.timeout(_RESTS_WITHIN):
            while time.perf_counter() - moved < _REST:
                found = [await commits.estimated_document_count() for commits in self._commits]
                if found != before:
                    before, moved = found, time.perf_counter()
                await asyncio.sleep(_LOOK_AGAIN)
        return moved

    async def _load(self, run: str, rate: float) -> "_Run":
        """Gives commands at this rate, whether those before are answered or not, and waits for the paths of them all."""
        traces = [new_traceparent() for _ in range(_commands(rate))]
        began, worked = time.perf_counter(), busy_seconds()
        async with asyncio.TaskGroup() as tasks:
            for place, trace in enumerate(traces):
                await asyncio.sleep(max(0.0, began + place / rate - time.perf_counter()))
                tasks.create_task(self._plan(run, place, trace))
            took, busy = time.perf_counter() - began, busy_seconds() - worked
        await asyncio.sleep(_SETTLES)
        return _Run(len(traces) / took, busy / took, await _paths(self._journey.platform, traces))

    async def _plan(self, run: str, place: int, traceparent: str) -> None:
        learner = self._journey.learners[place % len(self._journey.learners)]
        request = samples.plan(place, f"{run}-{place}")
        request.learner_id, request.mentorship_id = learner.learner_id, learner.mentorship_id
        await self._clients[learner.mentor_id].call(
            request, CommandReply, key=request.session_id, traceparent=traceparent
        )

    async def _check_listed(self, asked: int) -> None:
        listed = 0
        for plan in self._journey.learners:
            client = self._journey.platform.client("sessions", plan.learner_id, ["learner"], provider=cohort.PROVIDER)
            answer = await client.call(ListSessionsRequest(learner_id=plan.learner_id), ListSessionsResponse)
            listed += sum(session.session_id.startswith(self._prefix) for session in answer.sessions)
        check(listed, asked, "sessions that the read model shows")


def _commands(rate: float) -> int:
    return round(rate * SECONDS)


def _of(alone: Sequence[Mapping[str, Sequence[float]]], of: Callable[[Sequence[float]], float]) -> dict[str, float]:
    """Each part's own, a median over the rounds."""
    return {f"{name}, alone": median(of(each[name]) for each in alone) for name in (HOP, READ, WRITE)}


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


def _visible(paths: Sequence[Sequence[Step]]) -> list[float]:
    return [_until(path, _OWN) for path in paths]


def _steps(paths: Sequence[Sequence[Step]]) -> dict[str, float]:
    """Medians over all commands, in ms."""
    return {
        "before, and not in the figure: the command": median(_step(path, "PlanSession").takes for path in paths),
        "of it: the commit": median(_step(path, "commit").takes for path in paths),
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


def _p50(values: Sequence[float]) -> float:
    return median(values)


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98]
