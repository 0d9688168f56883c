"""Commands: what access, state, sealing and the commit cost around a decision; against the decision alone, and against a library."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from eventkernel.aggregate import Context
from eventkernel.commands import Order
from sessions.domain.mentorship import Mentorships, mentorships
from sessions.domain.session import session

from bench import other_library, samples
from bench.append import store_uri
from bench.measure import Asked, Figure, by_turns, check
from bench.sessions import AS_MENTOR, Measured, in_memory, on_store

CALLERS, EACH = 64, 8


async def run(asked: Asked) -> list[Figure]:
    """Each of 64 callers plans and holds sessions, one after the other; the bare ones do the same one by one."""
    folder = Path(asked.folder)
    async with in_memory(folder / "commands") as service:
        states = [
            (await service.node.states.load(samples.TENANT, f"mentorships-{samples.learner(one)}", mentorships)).state
            for one in range(samples.LEARNERS)
        ]
        library = other_library.sessions()
        found = [
            await _against(asked, service, "decide and evolve alone, same commands", lambda number: _by_hand(states, number), "alone"),
            await _against(
                asked, service, "the library eventsourcing in memory, same aggregate", lambda number: _with(library, number),
                "library", least_ratio=5,
            ),
        ]  # fmt: skip
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(store_uri(folder / "store"))
        service = await stack.enter_async_context(on_store(folder / "real", uri))
        library = other_library.sessions(
            PERSISTENCE_MODULE="eventsourcing.sqlite", SQLITE_DBNAME=str(folder / "library.sqlite")
        )
        found.append(
            await _against(
                asked, service, "the library eventsourcing on SQLite, same aggregate", lambda number: _with(library, number),
                "real", name="commands on the real store",
            )
        )  # fmt: skip
    return found


async def _against(
    asked: Asked, service: Measured, what: str, bare: Callable[[int], float], prefix: str, *, name: str = "commands",
    least_ratio: float | None = None,
) -> Figure:  # fmt: skip
    async def ours(number: int) -> float:
        return await _through_commands(service, f"{prefix}-{number}")

    async def theirs(number: int) -> float:
        return bare(number)

    kept = await by_turns(asked.rounds, ours, theirs)
    return Figure(name, what, "commands/s", *kept, least_ratio=least_ratio)


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
