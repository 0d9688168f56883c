"""Commands: what access, state, sealing and the commit cost around a decision, with a store that costs next to nothing."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from eventkernel.aggregate import Context
from eventkernel.commands import Order
from sessions.domain.mentorship import Mentorships, mentorships
from sessions.domain.session import session

from bench import samples
from bench.measure import Asked, Figure, by_turns, check
from bench.sessions import AS_MENTOR, Measured, in_memory

CALLERS, EACH = 64, 8


async def run(asked: Asked) -> list[Figure]:
    """Each of 64 callers plans and holds sessions, one after the other; against deciding and folding the same by hand."""
    async with in_memory(Path(asked.folder) / "commands") as service:
        states = [
            (await service.node.states.load(samples.TENANT, f"mentorships-{samples.learner(one)}", mentorships)).state
            for one in range(samples.LEARNERS)
        ]  # fmt: skip

        async def ours(number: int) -> float:
            return await _through_commands(service, number)

        async def bare(number: int) -> float:
            return _by_hand(states, number)

        kept = await by_turns(asked.rounds, ours, bare)
    return [Figure("commands", "decide and evolve alone, same commands", "commands/s", *kept)]


async def _through_commands(service: Measured, run_number: int) -> float:
    give = service.node.commands.give

    async def caller(first: int) -> None:
        for place in range(first, CALLERS * EACH, CALLERS):
            name = f"run-{run_number}-{place}"
            for request in (samples.plan(place, name), samples.hold(place, name)):
                kind = type(request).__name__
                reply = await give(Order(request, AS_MENTOR, f"{name}-{kind}"))
                check(len(reply.event_types), 1, f"events of a {kind}")

    began = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    rate = 2 * CALLERS * EACH / (time.perf_counter() - began)
    last = await service.store.commits.read(samples.TENANT, f"session-run-{run_number}-{CALLERS * EACH - 1}")
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
