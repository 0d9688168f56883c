"""Concurrent questions whether streams have grown travel in one query; each asker gets an answer that is no older than the question."""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Protocol

from eventkernel.messages import Commit

Stream = tuple[str, str]
_Asker = asyncio.Future[list[Commit]]


class Reads(Protocol):
    """The part of CommitStore that this needs."""

    async def newer(self, streams: Sequence[Stream], after: int) -> Mapping[Stream, list[Commit]]:
        """As CommitStore.newer."""
        ...


class GroupedReads:
    """Gathers questions while one is being answered, and asks them as the next.

    Streams that are known up to the same version are asked about together, so that no long history is read for the sake of a short one.
    `group` is the most streams in one query.
    """

    def __init__(self, store: Reads, *, group: int = 64) -> None:
        self._store = store
        self._group = group
        self._waiting: dict[int, dict[Stream, list[_Asker]]] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}

    async def newer(self, tenant: str, stream: str, after: int) -> list[Commit]:
        """The stream's commits with versions above `after`, in order. Raises what the store raises."""
        asker: _Asker = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(after, {}).setdefault((tenant, stream), []).append(asker)
        if after not in self._asking:
            # A context of its own: a query belongs to no one asker's trace, and to no one asker's deadline.
            self._asking[after] = asyncio.create_task(self._ask(after), context=Context())
        return await asker

    async def _ask(self, after: int) -> None:
        asked: dict[Stream, list[_Asker]] = {}
        try:
            while asked := self._next(after):
                await self._answer(asked, after)
        finally:
            del self._asking[after]
            # Nothing is left here but where this task itself is being ended: nobody waits for ever.
            for asker in (one for askers in (asked | self._waiting.pop(after, {})).values() for one in askers):
                asker.cancel()

    def _next(self, after: int) -> dict[Stream, list[_Asker]]:
        waiting = self._waiting.get(after, {})
        taken = {stream: waiting.pop(stream) for stream in list(waiting)[: self._group]}
        if not waiting:
            self._waiting.pop(after, None)
        return taken

    async def _answer(self, asked: Mapping[Stream, Sequence[_Asker]], after: int) -> None:
        try:
            found = await self._store.newer(list(asked), after)
        except Exception as error:
            for asker in (one for askers in asked.values() for one in askers if not one.done()):
                asker.set_exception(error)
            return
        for stream, askers in asked.items():
            for asker in askers:
                if not asker.done():
                    asker.set_result(list(found.get(stream, ())))
