"""A disk is full: the broker's, a store's. Both are small disks of their own, so that nothing else is in the way."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from mentoring.safeguarding.v1.events_pb2 import CONCERN_CATEGORY_EMOTIONAL, SEVERITY_OTHER
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    AcknowledgeConcernRequest,
    AddToConcernRequest,
    RaiseConcernRequest,
)
from mentorstream.embedded import StoreEmbedded
from mentorstream.embedded.store import answers

from tests.fault.fault import Run, Skipped, fault
from tests.fault.history import told
from tests.fault.load import DSL, MENTORS, SITE
from tests.fault.world import STORE_WITH_A_DISK

_CHUNK = bytes(64 * 1024)
_CONCERN = "concern-of-many-words"
_LARGE, _WRITERS, _ENOUGH = 20_000, 8, 5000


@fault("the broker's disk is full; room is made, and it is started again", brokers=(1,))
async def broker_disk_full(run: Run) -> None:
    disk = _disk(run, "broker")
    await run.under_way()
    filler = await asyncio.to_thread(_fill, disk)
    run.note(f"the broker's disk is full after {run.load.gate.begun} operations")
    try:
        await run.further(0.65)
        await run.last(3.0)
    finally:
        filler.unlink()
    # What a broker does without room is its affair (it ends, or takes the disk for broken); it is then started again.
    run.world.kafka.kill(1)
    await run.world.kafka.revive()
    run.note("room was made, and the broker is back")


@fault("a store's disk is full; room is made, and it is started again")
async def store_disk_full(run: Run) -> None:
    disk = _disk(run, "store")
    store = run.world.stores[STORE_WITH_A_DISK]
    await run.under_way()
    raised = RaiseConcernRequest(
        concern_id=_CONCERN, site_id=SITE, category=CONCERN_CATEGORY_EMOTIONAL, severity=SEVERITY_OTHER,
        person_at_risk_id="learner-0", narrative="He does not come any more.",
    )  # fmt: skip
    await run.load.give("safeguarding", MENTORS[0], "mentor", raised)
    await run.load.give("safeguarding", DSL, "dsl", AcknowledgeConcernRequest(concern_id=_CONCERN))
    filler = await asyncio.to_thread(_fill, disk)
    run.note(f"the disk of the store of {STORE_WITH_A_DISK} is full after {run.load.gate.begun} operations")
    given: list[int] = []
    writing = asyncio.gather(*(_write_much(run, given) for _ in range(_WRITERS)))
    try:
        # It writes on for a while in the files that it has: so much is written that these are not enough.
        await run.until(lambda: _refuses(run, store), "a write that the full disk refused", within=90.0)
    finally:
        filler.unlink()
        given.append(_ENOUGH)
    run.note(f"the store took no more after {len(given)} large commands, and is started again with room")
    if store.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(store.pid, signal.SIGKILL)
    await run.world.restart_store(STORE_WITH_A_DISK)
    await writing


async def _write_much(run: Run, given: list[int]) -> None:
    while sum(given) < _ENOUGH:
        given.append(1)
        # By whoever has the concern: nobody is told of what they wrote themselves.
        added = AddToConcernRequest(concern_id=_CONCERN, text="x" * _LARGE)
        await run.load.give("safeguarding", DSL, "dsl", added)


async def _refuses(run: Run, store: StoreEmbedded) -> bool:
    doubts = [doubt for one in told(run.history.path, run.tenant).operations.values() for doubt in one.doubts]
    return bool(doubts) or not await answers(store.uri)


def _disk(run: Run, name: str) -> Path:
    if name not in run.world.disks:
        raise Skipped("mounting a small disk is not allowed here")
    return run.world.disks[name]


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(_CHUNK):
            pass
    return filler
