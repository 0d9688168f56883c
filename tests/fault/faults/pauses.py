"""SIGSTOP, and SIGCONT when others have long given up: of a relay past its lease, of brokers, stores and consumers past their sessions."""

import os
import signal
from typing import Any

from pymongo import AsyncMongoClient

from tests.fault.fault import Run, fault

# Longer than a consumer's session (ten seconds) and the driver's patience (ten).
_PAUSE = 13.0


@fault("a relay is stopped past its lease, a second one takes over, the first goes on")
async def relay_paused(run: Run) -> None:
    first = run.world.having("sessions", "relay")
    second = await run.world.start("sessions.second-relay", "relay")
    await run.under_way()
    os.kill(first.pid, signal.SIGSTOP)
    run.note(f"SIGSTOP of {first.name} after {run.load.gate.begun} operations")

    async def taken_over() -> bool:
        return all(f"-{second.pid}-" in holder for holder in await _holders(run))

    try:
        await run.until(taken_over, "the second relay to hold every slot")
        run.note(f"{second.name} holds every slot")
        await run.further(0.65)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    run.note(f"SIGCONT of {first.name}")
    await run.world.forget(second)


@fault("a broker is stopped past every session, and goes on")
async def broker_paused(run: Run) -> None:
    await run.under_way()
    await _pause(run, run.choose.choice(run.world.kafka.pids), what="a broker")


@fault("every store is stopped past the driver's patience, and goes on")
async def stores_paused(run: Run) -> None:
    await run.under_way()
    await _pause(run, *(store.pid for store in run.world.stores.values()), what="every store")


@fault("consumers are stopped past their session, others take over, the first go on")
async def consumers_paused(run: Run) -> None:
    firsts = [run.world.having("evidence", "projector"), run.world.having("notifications", "reactor")]
    seconds = [await run.world.start(f"{first.service}.second-consumer", "projector,reactor") for first in firsts]
    await run.under_way()
    await _pause(run, *(first.pid for first in firsts), what=" and ".join(first.name for first in firsts))
    for second in seconds:
        await run.world.forget(second)


async def _pause(run: Run, *pids: int | None, what: str) -> None:
    run.world.signal(signal.SIGSTOP, *pids)
    run.note(f"SIGSTOP of {what} for {_PAUSE:.0f} s after {run.load.gate.begun} operations")
    try:
        await run.last(_PAUSE)
    finally:
        run.world.signal(signal.SIGCONT, *pids)
    run.note(f"SIGCONT of {what}")


async def _holders(run: Run) -> list[str]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(run.world.stores["sessions"].uri)
    try:
        leases = await client["sessions"]["leases"].find({"_id": {"$regex": "^relay-[0-9]"}}).to_list()
        return [str(lease["holder"]) for lease in leases]
    finally:
        await client.close()
