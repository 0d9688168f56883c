"""The database is killed in the middle of writing: after it has come back, nothing that it acknowledged is missing."""

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from eventkernel.messages import Appended, Checkpoint, Commit, DocumentWrite, Repeated
from eventkernel.placement import SLOTS
from eventkernel.ports import RevisionConflict, Store, StoreUnavailable
from eventkernel.store.grouping import GroupedAppends
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.testing.store_suite.examples import TENANT, after, commit

WRITERS = 12
KILLS = 2
BETWEEN_KILLS = 100
_PAUSE = 0.02


@dataclass
class Acknowledged:
    """What the database said was done, and what it was asked to clear."""

    commits: dict[str, Commit] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    asked_to_clear: set[str] = field(default_factory=set)
    offset: int = 0


class Load:
    """Writers, a relay that clears and a projection. Each repeats what failed, as a caller does who was told nothing."""

    def __init__(self, store: Store) -> None:
        self.told = Acknowledged()
        self.enough = asyncio.Event()
        self.target = BETWEEN_KILLS
        self.ends = False
        self._store = store
        self._appends = GroupedAppends(store.commits)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for writer in range(WRITERS):
                tasks.create_task(self._write(f"stream-{writer}"))
            tasks.create_task(self._clear())
            tasks.create_task(self._project())

    async def _write(self, stream: str) -> None:
        version = 1
        while not self.ends:
            mine = commit(f"{stream}-{version}", stream, version, at=after(version))
            try:
                outcome = await self._appends.append_one(mine)
            except StoreUnavailable:
                await asyncio.sleep(_PAUSE)
                continue
            assert outcome in (Appended.STORED, Repeated(mine))
            self.told.commits[mine.id] = mine
            version += 1
            if len(self.told.commits) >= self.target:
                self.enough.set()

    async def _clear(self) -> None:
        while not self.ends:
            try:
                batch = [one.id for one in await self._store.commits.pending(range(SLOTS), 10)]
                self.told.asked_to_clear.update(batch)
                await self._store.commits.clear(batch)
                self.told.cleared.update(batch)
            except StoreUnavailable:
                continue
            finally:
                await asyncio.sleep(_PAUSE)

    async def _project(self) -> None:
        while not self.ends:
            try:
                revision, body = (await self._store.documents.load("d_v1", ["a"])).get("a", (0, {"offset": 0}))
                offset = int(str(body["offset"])) + 1
                write = DocumentWrite("a", revision, {"offset": offset})
                await self._store.documents.write("d_v1", [write], [Checkpoint("s", "t", 0, offset)])
                self.told.offset = offset
            except (StoreUnavailable, RevisionConflict):
                continue
            finally:
                await asyncio.sleep(_PAUSE)


async def test_nothing_acknowledged_is_lost_when_the_database_is_killed(
    start_secantusd: Callable[..., "subprocess.Popen[bytes]"], free_port: Callable[[], int], tmp_path: Path
) -> None:
    port, storage = free_port(), tmp_path / "storage"
    process = await asyncio.to_thread(start_secantusd, storage, port)
    store = MongoStore(connect(f"mongodb://127.0.0.1:{port}/?directConnection=true"), "killed")
    await store.start()
    load = Load(store)
    running = asyncio.create_task(load.run())
    for _ in range(KILLS):
        await _until_enough(load, running)
        process.kill()
        process.wait()
        process = await asyncio.to_thread(start_secantusd, storage, port)
    await _until_enough(load, running)
    load.ends = True
    await running
    await store.close()

    restarted = MongoStore(connect(f"mongodb://127.0.0.1:{port}/?directConnection=true"), "killed")
    await restarted.start()
    await _check(restarted, load.told)
    await restarted.close()


async def _until_enough(load: Load, running: "asyncio.Task[None]") -> None:
    waiting = asyncio.create_task(load.enough.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    load.enough.clear()
    load.target = len(load.told.commits) + BETWEEN_KILLS


async def _check(store: Store, told: Acknowledged) -> None:
    assert len(told.commits) >= (KILLS + 1) * BETWEEN_KILLS
    stored: dict[str, Commit] = {}
    for writer in range(WRITERS):
        history = await store.commits.read(TENANT, f"stream-{writer}")
        assert [one.version for one in history] == list(range(1, len(history) + 1))
        stored |= {one.id: one for one in history}
    assert stored == told.commits

    pending = {one.id for one in await store.commits.pending(range(SLOTS), len(stored))}
    assert told.cleared
    assert not pending & told.cleared
    assert told.commits.keys() - told.asked_to_clear <= pending

    revision, body = (await store.documents.load("d_v1", ["a"]))["a"]
    assert revision == body["offset"] == told.offset
    assert await store.documents.checkpoint("d_v1", "s", "t", 0) == told.offset
