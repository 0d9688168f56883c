"""The states of streams, folded from their events and kept while they are used. A known state may be old; a loaded one is not."""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from eventkernel.aggregate import Aggregate
from eventkernel.contract import Contract
from eventkernel.messages import Commit, Metadata, Recorded, Snapshot
from eventkernel.ports import CommitStore
from eventkernel.store.grouped_reads import GroupedReads

State = TypeVar("State")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """A stream's state at the version of its newest commit, `head`; None before the first."""

    state: State
    head: Commit | None = None

    @property
    def version(self) -> int:
        """The stream's version; 0 before the first event."""
        return self.head.version if self.head else 0


class States:
    """Loads states, caches them, and writes snapshots so that a long stream is as quick as a short one.

    Args:
        keep: how many states to hold.
        snapshot_every: a snapshot is written when a stream has grown by this many events since the last.
    """

    def __init__(
        self, commits: CommitStore, contract: Contract, *, keep: int = 20_000, snapshot_every: int = 20
    ) -> None:
        self._commits = commits
        self._reads = GroupedReads(commits)
        self._contract = contract
        self._keep = keep
        self._every = snapshot_every
        self._cache: OrderedDict[tuple[str, str], Loaded[Any]] = OrderedDict()
        # Streams that were not there when they were looked for last: whoever has no preferences is asked about with every notice.
        self._absent: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._shapes: dict[str, tuple[str, TypeAdapter[Any]]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def known(self, tenant: str, stream: str, aggregate: Aggregate[State]) -> Loaded[State]:
        """The stream's state as this process has it, without asking the store; the initial one where it has none."""
        cached: Loaded[State] | None = self._cache.get((tenant, stream))
        if cached is None:
            return Loaded(aggregate.initial)
        self._cache.move_to_end((tenant, stream))
        return cached

    async def load(self, tenant: str, stream: str, aggregate: Aggregate[State]) -> Loaded[State]:
        """The stream's state with everything stored up to now."""
        loaded = self.known(tenant, stream, aggregate)
        if loaded.head is None and (tenant, stream) not in self._absent:
            loaded = await self._from_snapshot(tenant, stream, aggregate)
            commits = await self._commits.read(tenant, stream, after=loaded.version)
        else:
            commits = await self._reads.newer(tenant, stream, after=loaded.version)
        for commit in commits:
            loaded = self.folded(aggregate, loaded, commit)
        self._note(tenant, stream, absent=loaded.head is None)
        self.keep(tenant, stream, loaded)
        return loaded

    def _note(self, tenant: str, stream: str, *, absent: bool) -> None:
        if not absent:
            self._absent.pop((tenant, stream), None)
            return
        self._absent[tenant, stream] = None
        self._absent.move_to_end((tenant, stream))
        if len(self._absent) > self._keep:
            self._absent.popitem(last=False)

    def folded(self, aggregate: Aggregate[State], before: Loaded[State], commit: Commit) -> Loaded[State]:
        """The state after one more commit."""
        events = [self._contract.parse(event.type, event.data) for event in commit.events]
        return Loaded(aggregate.fold(before.state, events), commit)

    def keep(self, tenant: str, stream: str, loaded: Loaded[Any]) -> None:
        """Caches a state, unless a newer one is there."""
        known = self._cache.get((tenant, stream))
        if loaded.head is None or (known is not None and known.version > loaded.version):
            return
        self._cache[tenant, stream] = loaded
        self._cache.move_to_end((tenant, stream))
        if len(self._cache) > self._keep:
            self._cache.popitem(last=False)

    def snapshot_soon(self, aggregate: Aggregate[Any], before: int, loaded: Loaded[Any]) -> None:
        """Writes a snapshot in the background where this commit crossed the next multiple of `snapshot_every`."""
        if loaded.head is None or before // self._every == loaded.version // self._every:
            return
        # A context of its own: what is logged of a stream here belongs to no call, nor to its trace and correlation id.
        task = asyncio.create_task(self._write_snapshot(aggregate, loaded, loaded.head), context=Context())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Waits for snapshots under way."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _write_snapshot(self, aggregate: Aggregate[Any], loaded: Loaded[Any], head: Commit) -> None:
        shape, adapter = self._shape(aggregate)
        try:
            state = adapter.dump_json(loaded.state)
            await self._commits.save_snapshot(Snapshot(head.tenant, head.stream, head.version, shape, state, head))
        except Exception:
            # A snapshot only saves time: the stream itself is the truth.
            _log.warning("snapshot not written", stream=head.stream, exc_info=True)

    async def _from_snapshot(self, tenant: str, stream: str, aggregate: Aggregate[State]) -> Loaded[State]:
        snapshot = await self._commits.load_snapshot(tenant, stream)
        shape, adapter = self._shape(aggregate)
        if snapshot is None or snapshot.shape != shape:
            return Loaded(aggregate.initial)
        try:
            state = adapter.validate_json(snapshot.state)
        except ValidationError:
            # Logged within a call, whose correlation id must not meet the id of a concern: the aggregate is enough to look by.
            _log.warning("snapshot cannot be read; folding the whole stream", aggregate=aggregate.name)
            return Loaded(aggregate.initial)
        return Loaded(state, snapshot.head)

    def _shape(self, aggregate: Aggregate[Any]) -> tuple[str, TypeAdapter[Any]]:
        if aggregate.name not in self._shapes:
            kind = type(aggregate.initial)
            adapter = TypeAdapter(kind)
            # The fields too: a state that has one more must not read it from an old snapshot as never set.
            schema = json.dumps(adapter.json_schema(mode="serialization"), sort_keys=True).encode()
            fields = hashlib.sha256(schema).hexdigest()[:16]
            self._shapes[aggregate.name] = (f"{kind.__qualname__}/{aggregate.shape}/{fields}", adapter)
        return self._shapes[aggregate.name]


def recorded(commit: Commit, contract: Contract) -> Iterator[Recorded]:
    """A commit's events with their metadata."""
    for event in commit.events:
        yield Recorded(
            contract.parse(event.type, event.data),
            Metadata(
                event_id=event.id, type=event.type, tenant=commit.tenant, stream=commit.stream, version=event.version, at=commit.at,
                actor=commit.actor, correlation_id=commit.correlation_id, causation_id=commit.causation_id, traceparent=commit.traceparent,
            ),
        )  # fmt: skip
