"""kill -9: of brokers, of stores, of every role of every service, and of whatever chance picks."""

import asyncio
import os
import signal

from mentorstream.contracts import SERVICES

from tests.fault.fault import Run, fault

_KILLS = 6


@fault("kill -9 of one broker: the only one, or one of three", short=True)
async def broker_killed(run: Run) -> None:
    await run.under_way()
    number = run.choose.randint(1, run.world.brokers)
    run.world.kafka.kill(number)
    run.note(f"kill -9 of broker {number} after {run.load.gate.begun} operations")
    await run.further(0.65)
    await run.world.kafka.revive()
    run.note(f"broker {number} is back")


@fault("kill -9 of all brokers", brokers=(3,))
async def brokers_killed(run: Run) -> None:
    await run.under_way()
    for number in range(1, run.world.brokers + 1):
        run.world.kafka.kill(number)
    run.note(f"kill -9 of all {run.world.brokers} brokers after {run.load.gate.begun} operations")
    await run.further(0.65)
    await run.world.kafka.revive()
    run.note("all are back")


@fault("kill -9 of every store")
async def stores_killed(run: Run) -> None:
    await run.under_way()
    run.world.signal(signal.SIGKILL, *(store.pid for store in run.world.stores.values()))
    run.note(f"kill -9 of the {len(SERVICES)} stores after {run.load.gate.begun} operations")
    await run.further(0.65)
    await asyncio.gather(*(run.world.restart_store(service) for service in SERVICES))
    run.note("the stores are back")


@fault("kill -9 of every service's API in the middle of its work")
async def apis_killed(run: Run) -> None:
    await _kill_role(run, "api")


@fault("kill -9 of every service's relay in the middle of its work")
async def relays_killed(run: Run) -> None:
    await _kill_role(run, "relay")


@fault("kill -9 of every service's projector in the middle of its work")
async def projectors_killed(run: Run) -> None:
    await _kill_role(run, "projector")


@fault("kill -9 of every service's reactor in the middle of its work")
async def reactors_killed(run: Run) -> None:
    await _kill_role(run, "reactor")


@fault("kill -9 of processes picked at random, one after the other")
async def killed_at_random(run: Run) -> None:
    for number in range(_KILLS):
        await run.further(0.1 + number * 0.1)
        victim = run.choose.choice([process for process in run.world.processes.values() if process.alive])
        run.world.kill(victim)
        run.note(f"kill -9 of {victim.name} after {run.load.gate.begun} operations")
        await run.world.start(victim.name)


async def _kill_role(run: Run, role: str) -> None:
    await run.under_way()
    victims = run.world.of_role(role)
    for process in victims:
        os.kill(process.pid, signal.SIGKILL)
    run.note(f"kill -9 of {', '.join(process.name for process in victims)} after {run.load.gate.begun} operations")
    await asyncio.gather(*(run.world.until_ended(process) for process in victims))
    await run.further(0.65)
    await run.world.revive()
    run.note("all are back")
