"""Concurrent appends of one process travel in one write: each caller gets its own outcome, and a stream keeps its order."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from typing import Protocol

from eventkernel.messages import AppendOutcome, Commit


class Overloaded(Exception):
    """Too many commits wait to be written. Nothing of this one was: try again later, with the same id."""


class Closed(Exception):
    """This process is stopping and takes no more commits. Nothing of this one was written: try another process."""


class Appends(Protocol):
    """The part of CommitStore that grouping needs."""

    async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
        """As CommitStore.append."""
        ...


_Caller = asyncio.Future[AppendOutcome]


class GroupedAppends:
    """Gathers commits while a group is being written, and writes them as the next group.

    One group is in flight at a time and holds at most one commit of a stream. `group` is the most commits in one write,
    `waiting` the most that may wait for theirs.
    """

    def __init__(self, store: Appends, *, group: int = 64, waiting: int = 4096) -> None:
        self._store = store
        self._group = group
        self._limit = waiting
        # Streams in the order of their turns: taking one commit from each is both what keeps a stream's order and fair.
        self._streams: dict[tuple[str, str], deque[tuple[Commit, _Caller]]] = {}
        self._waiting = 0
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    async def append_one(self, commit: Commit) -> AppendOutcome:
        """Appends one commit, together with what others append at the same time.

        Raises Overloaded or Closed where it was not tried, and whatever the store raised for its group; then the commit may
        be stored or not, and repeating it with the same id tells. A caller that is cancelled leaves that open too.
        """
        if self._closed:
            raise Closed("this process is stopping: send the command to another one")
        if self._waiting >= self._limit:
            raise Overloaded(f"{self._waiting} commits wait to be written: send the command again, more slowly")
        caller: _Caller = asyncio.get_running_loop().create_future()
        self._streams.setdefault((commit.tenant, commit.stream), deque()).append((commit, caller))
        self._waiting += 1
        if self._writer is None:
            # A context of its own: a group belongs to no one caller's trace, and to no one caller's deadline.
            self._writer = asyncio.create_task(self._write_groups(), context=Context())
        return await caller

    async def close(self) -> None:
        """Takes no more commits, and returns when all that wait have their outcome."""
        self._closed = True
        if self._writer is not None:
            await asyncio.shield(self._writer)

    async def _write_groups(self) -> None:
        group: list[tuple[Commit, _Caller]] = []
        try:
            while group := self._next_group():
                await self._write(group)
        except BaseException as stopped:
            # No error of the store, which _write tells its group: this task itself is being ended. Nobody waits for ever.
            while group:
                _fail(group, stopped)
                group = self._next_group()
            raise
        finally:
            self._writer = None

    def _next_group(self) -> list[tuple[Commit, _Caller]]:
        group: list[tuple[Commit, _Caller]] = []
        for stream in list(self._streams):
            if len(group) == self._group:
                break
            queue = self._streams.pop(stream)
            while queue:
                commit, caller = queue.popleft()
                self._waiting -= 1
                # Who was cancelled before the commit left is owed nothing, so the store is spared the work.
                if not caller.done():
                    group.append((commit, caller))
                    break
            if queue:
                self._streams[stream] = queue
        return group

    async def _write(self, group: list[tuple[Commit, _Caller]]) -> None:
        try:
            outcomes = await self._store.append([commit for commit, _ in group])
            answers = list(zip(group, outcomes, strict=True))
        except Exception as error:
            _fail(group, error)
            return
        for (_, caller), outcome in answers:
            if not caller.done():
                caller.set_result(outcome)


def _fail(group: list[tuple[Commit, _Caller]], error: BaseException) -> None:
    for _, caller in group:
        if not caller.done():
            caller.set_exception(error)
