"""Commands: what access, state, sealing and the commit cost around a decision; against the decision alone, and against a library.

How a command's time is spent stands with the parts, see `command_steps`.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from eventkernel.aggregate import Context
from eventkernel.commands import Order
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.session import session

from bench import other_library, samples
from bench.append import store_uri
from bench.command_steps import Steps
from bench.measure import Asked, Figure, Parts, by_turns, check
from bench.sessions import AS_MENTOR, Measured, in_memory, on_store

CALLERS, EACH = 64, 8
_TIMES = 5


async def run(asked: Asked) -> list[Figure]:
    """Each of 64 callers plans and holds sessions, one after the other; the bare ones do the same one by one."""
    folder = Path(asked.folder)
    async with in_memory(folder / "commands") as service:
        found = [await _against_decisions(asked, service, folder / "commands"), await _against_library(asked, service)]
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(store_uri(folder / "store"))
        service = await stack.enter_async_context(on_store(folder / "real", uri))
        library = other_library.sessions(
            PERSISTENCE_MODULE="eventsourcing.sqlite", SQLITE_DBNAME=str(folder / "library.sqlite")
        )

        async def ours(number: int) -> float:
            return await _through_commands(service, f"real-{number}")

        async def bare(number: int) -> float:
            return _with(library, number)

        kept = await by_turns(asked.rounds, ours, bare)
    against = "the library eventsourcing on SQLite, same aggregate"
    return [*found, Figure("commands on the real store", against, "commands/s", *kept)]


async def _against_decisions(asked: Asked, service: Measured, folder: Path) -> Figure:
    states, steps, parts = await _states(service), Steps(service, folder), Parts()

    async def bare(number: int) -> float:
        rate = _by_hand(states, number)
        alone = await steps.alone(f"steps-{number}")
        parts.note(alone | {"decide and evolve by hand": 1e6 / rate})
        return rate

    async def ours(number: int) -> float:
        rate = await _through_commands(service, f"alone-{number}")
        parts.note({f"a whole command, of {CALLERS} callers": 1e6 / rate})
        return rate

    kept = await by_turns(asked.rounds, ours, bare)
    return Figure(
        "commands, beside their decisions", "decide and evolve alone, same commands", "commands/s", *kept, parts.medians(),
        parts_unit="µs",
    )  # fmt: skip


async def _against_library(asked: Asked, service: Measured) -> Figure:
    states, library, parts = await _states(service), other_library.sessions(), Parts()

    async def ours(number: int) -> float:
        return await _through_commands(service, f"library-{number}")

    async def bare(number: int) -> float:
        rate = _with(library, number)
        alone = _by_hand(states, number)
        parts.note(
            {
                "the library": 1e6 / rate,
                f"what {_TIMES} times as fast leaves for all of a command": 1e6 / rate / _TIMES,
                "decide and evolve by hand": 1e6 / alone,
                "the ratio if a command did nothing else; times": alone / rate,
            }
        )
        return rate

    kept = await by_turns(asked.rounds, ours, bare)
    return Figure(
        "commands", "the library eventsourcing in memory, same aggregate", "commands/s", *kept, parts.medians(),
        least_ratio=_TIMES, parts_unit="µs",
    )  # fmt: skip


async def _states(service: Measured) -> list[Mentorships]:
    return [
        (await service.node.states.load(samples.TENANT, f"mentorships-{samples.learner(one)}", mentorships)).state
        for one in range(samples.LEARNERS)
    ]


async def _through_commands(service: Measured, run: str) -> float:
    give = service.node.commands.give

    async def caller(first: int) -> None:
        for place in range(first, CALLERS * EACH, CALLERS):
            name = f"{run}-{place}"
            for request in (samples.plan(place, name), samples.hold(place, name)):
                kind = type(request).__name__
                reply = await give(Order(request, AS_MENTOR, f"{name}-{kind}"))
                check(len(reply.event_types), 1, f"events of a {kind}")

    began = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    rate = 2 * CALLERS * EACH / (time.perf_counter() - began)
    last = await service.store.commits.read(samples.TENANT, f"session-{run}-{CALLERS * EACH - 1}")
    check(last[-1].version, 2, "the last session's version")
    return rate


def _by_hand(states: list[Mentorships], run_number: int) -> float:
    now = datetime.now(UTC)
    folded = 0
    began = time.perf_counter()
    for place in range(CALLERS * EACH):
        name = f"run-{run_number}-{place}"
        loaded: dict[type, object] = {Mentorships: states[place % samples.LEARNERS]}
        state = session.initial
        for request in (samples.plan(place, name), samples.hold(place, name)):
            context = Context(AS_MENTOR, now, name, loaded)
            events = session.decisions[type(request)](state, request, context)
            state = session.fold(state, events)
            folded += len(events)
    rate = 2 * CALLERS * EACH / (time.perf_counter() - began)
    check(folded, 2 * CALLERS * EACH, "events decided by hand")
    return rate


def _with(library: other_library.Sessions, run_number: int) -> float:
    began = time.perf_counter()
    for place in range(CALLERS * EACH):
        library.plan(place, f"run-{run_number}-{place}")
        library.hold(place, f"run-{run_number}-{place}")
    rate = 2 * CALLERS * EACH / (time.perf_counter() - began)
    check(library.version(f"run-{run_number}-{CALLERS * EACH - 1}"), 2, "the last session's version in the library")
    return rate
