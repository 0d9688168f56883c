"""Commits in memory: no two share a version of a stream, none is stored twice, and each is pending until it is cleared."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from eventkernel.messages import Appended, AppendOutcome, Commit, Repeated, Snapshot
from eventkernel.placement import slot_of
from eventkernel.ports import CommitStore
from eventkernel.store.stored_form import milliseconds, stream_key


class MemoryCommits(CommitStore):
    """Commits and snapshots."""

    def __init__(self) -> None:
        self._commits: dict[str, Commit] = {}
        self._streams: defaultdict[str, list[Commit]] = defaultdict(list)
        self._taken: defaultdict[str, set[int]] = defaultdict(set)
        self._pending: dict[str, Commit] = {}
        self._snapshots: dict[str, Snapshot] = {}

    async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
        """As the port says."""
        await asyncio.sleep(0)
        return [self._append(_as_stored(commit)) for commit in commits]

    def _append(self, commit: Commit) -> AppendOutcome:
        stored = self._commits.get(commit.id)
        if stored is not None:
            return Repeated(stored)
        key = stream_key(commit.tenant, commit.stream)
        versions = {event.version for event in commit.events}
        if versions & self._taken[key]:
            return Appended.CONFLICT
        self._taken[key] |= versions
        self._streams[key].append(commit)
        self._commits[commit.id] = commit
        if commit.pending:
            self._pending[commit.id] = commit
        return Appended.STORED

    async def read(self, tenant: str, stream: str, after: int = 0) -> list[Commit]:
        """As the port says."""
        await asyncio.sleep(0)
        commits = self._streams.get(stream_key(tenant, stream), [])
        return sorted((commit for commit in commits if commit.version > after), key=lambda commit: commit.first_version)

    async def newer(self, streams: Sequence[tuple[str, str]], after: int) -> dict[tuple[str, str], list[Commit]]:
        """As the port says."""
        return {(tenant, stream): await self.read(tenant, stream, after) for tenant, stream in streams}

    async def find(self, commit_id: str) -> Commit | None:
        """As the port says."""
        await asyncio.sleep(0)
        return self._commits.get(commit_id)

    async def pending(self, slots: Sequence[int], limit: int, leave_out: frozenset[str] = frozenset()) -> list[Commit]:
        """As the port says."""
        await asyncio.sleep(0)
        waiting = [
            commit
            for commit in self._pending.values()
            if slot_of(commit.partition_key) in slots and commit.id not in leave_out
        ]
        return sorted(waiting, key=lambda commit: (commit.at, commit.first_version))[:limit]

    async def clear(self, commit_ids: Sequence[str]) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        for commit_id in commit_ids:
            self._pending.pop(commit_id, None)

    async def count_pending(self) -> tuple[int, datetime | None]:
        """As the port says."""
        await asyncio.sleep(0)
        return len(self._pending), min((commit.at for commit in self._pending.values()), default=None)

    async def pending_by_slot(self) -> dict[int, tuple[int, datetime]]:
        """As the port says."""
        await asyncio.sleep(0)
        found: dict[int, tuple[int, datetime]] = {}
        for commit in self._pending.values():
            count, oldest = found.get(slot_of(commit.partition_key), (0, commit.at))
            found[slot_of(commit.partition_key)] = (count + 1, min(oldest, commit.at))
        return found

    async def some_streams(self, after: str, limit: int) -> list[tuple[str, list[Commit], frozenset[str]]]:
        """As the port says."""
        await asyncio.sleep(0)
        found: list[tuple[str, list[Commit], frozenset[str]]] = []
        for key in sorted(key for key in self._streams if key > after):
            found.append((key, *await self.one_stream(key)))
            if sum(len(commits) for _, commits, _ in found) >= limit:
                break
        return found

    async def one_stream(self, key: str) -> tuple[list[Commit], frozenset[str]]:
        """As the port says."""
        await asyncio.sleep(0)
        commits = sorted(self._streams.get(key, []), key=lambda commit: commit.first_version)
        return commits, frozenset(commit.id for commit in commits if commit.id in self._pending)

    async def load_snapshot(self, tenant: str, stream: str) -> Snapshot | None:
        """As the port says."""
        await asyncio.sleep(0)
        return self._snapshots.get(stream_key(tenant, stream))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        key = stream_key(snapshot.tenant, snapshot.stream)
        stored = self._snapshots.get(key)
        if stored is None or stored.version <= snapshot.version:
            self._snapshots[key] = replace(snapshot, head=replace(snapshot.head, at=milliseconds(snapshot.head.at)))


def _as_stored(commit: Commit) -> Commit:
    at = milliseconds(commit.at)
    return commit if at == commit.at else replace(commit, at=at)
