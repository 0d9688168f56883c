"""Feeds a process's sinks from the bus: its reactions, and every copy of a read model that is to be fed.

Copies begin and end while the process runs: what operators decide is looked at once a second (see `eventkernel.operations.copies`).
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from eventkernel.ending import end
from eventkernel.mending import MendingSink
from eventkernel.ports import Store
from eventkernel.projection import Projection
from eventkernel.service import document_indexes
from eventkernel.subscription import Subscriptions
from eventkernel.timing import Clock, at_most

# A copy is dropped only when whoever read it, or fed it, has heard that it is retired.
RETIRED_FOR = timedelta(seconds=30)
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Feed:
    """Some sinks with their subscriptions."""

    def __init__(self, sinks: Sequence[MendingSink], bootstrap: str, service: str) -> None:
        self.sinks = sinks
        self._bootstrap = bootstrap
        self._service = service
        self._reading: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        """Begins as soon as the broker answers, and goes on until it is stopped or cancelled. It leaves nothing in the groups."""
        self._ended.clear()
        try:
            while not self._stopping.is_set():
                await self._read()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Finishes what is in flight, and leaves, also where it has only begun to join; then nothing is begun any more."""
        self._stopping.set()
        if self._reading is not None:
            await end([self._reading], math.inf)
        await self._ended.wait()

    async def _read(self) -> None:
        """Reads with consumers of their own until one ends inside."""
        subscriptions = Subscriptions(self._bootstrap, self._service)
        for sink in self.sinks:
            subscriptions.add(sink)
        # Apart from what leaves the groups, which is never cut short by the stop.
        self._reading = asyncio.create_task(_joined(subscriptions))
        try:
            await asyncio.wait([self._reading])
        finally:
            await end([self._reading], math.inf)
            try:
                await subscriptions.stop()
            except Exception as error:
                _log.warning("its consumers did not end in order", error=repr(error))
        if self._stopping.is_set():
            return
        failed = self._reading.exception()
        if failed is None:
            # aiokafka's coordinator ends for good at an error that it did not foresee, such as a write to a closed transport.
            _log.error(
                "a consumer has ended inside; it is made anew", subscriptions=[one.subscription for one in self.sinks]
            )
            return
        _log.warning("the broker does not answer; trying again", bootstrap=self._bootstrap, error=repr(failed))
        await at_most(_RETRY_SECONDS, self._stopping)


async def _joined(subscriptions: Subscriptions) -> None:
    await subscriptions.start()
    await subscriptions.broken()


class Feeding:
    """All that one process feeds.

    Args:
        feed: makes the feed of some sinks.
        reactions: sinks that are there from the start.
        projections: the read models whose copies are fed.
        sink: makes the sink of one copy.
    """

    def __init__(
        self, service: str, *, store: Store, clock: Clock, feed: Callable[[Sequence[MendingSink]], Feed], reactions: Sequence[MendingSink],
        projections: Sequence[Projection[Any]], sink: Callable[[Projection[Any]], MendingSink],
    ) -> None:  # fmt: skip
        self._service = service
        self._store = store
        self._clock = clock
        self._feed = feed
        self._reactions = reactions
        self._projections = projections
        self._sink = sink
        self._feeds: dict[str, tuple[Feed, asyncio.Task[None]]] = {}
        self._stopping = False

    @property
    def sinks(self) -> Iterator[MendingSink]:
        """What is fed now."""
        return iter([sink for feed, _ in self._feeds.values() for sink in feed.sinks])

    async def run(self) -> None:
        """Feeds until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._reactions:
                self._begin(tasks, "", self._reactions)
            while True:
                for projection in self._projections:
                    try:
                        await self._follow(tasks, projection)
                    except Exception as error:  # whatever the store raises
                        _log.warning(
                            "its copies are not known; looking again", read_model=projection.model, error=repr(error)
                        )
                await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Begins nothing more, finishes what is in flight, and leaves the groups."""
        self._stopping = True
        await asyncio.gather(*(feed.stop() for feed, _ in self._feeds.values()))

    def _begin(self, tasks: asyncio.TaskGroup, name: str, sinks: Sequence[MendingSink]) -> None:
        feed = self._feed(sinks)
        self._feeds[name] = (feed, tasks.create_task(feed.run()))

    async def _follow(self, tasks: asyncio.TaskGroup, projection: Projection[Any]) -> None:
        copies = await self._store.copies.load(projection.model)
        for number in copies.fed:
            copy = projection.as_copy(number)
            if copy.collection not in self._feeds:
                await self._store.documents.prepare(copy.collection, document_indexes(copy))
                if not self._stopping:
                    self._begin(tasks, copy.collection, [self._sink(copy)])
        for number in copies.retired:
            collection = projection.as_copy(number).collection
            if collection in self._feeds and not self._stopping:
                feed, task = self._feeds.pop(collection)
                await feed.stop()
                task.cancel()
        if copies.retired and copies.changed_at and self._clock() >= copies.changed_at + RETIRED_FOR:
            await self._drop(projection, copies.retired)

    async def _drop(self, projection: Projection[Any], retired: Sequence[int]) -> None:
        """Removes copies that nobody reads any more. Several processes may do it at once, and again."""
        for number in retired:
            copy = projection.as_copy(number)
            await self._store.documents.drop(copy.collection)
            await self._store.parked.drop(copy.subscription(self._service))
        copies = await self._store.copies.load(projection.model)
        left = tuple(number for number in copies.retired if number not in retired)
        if await self._store.copies.change(
            projection.model, replace(copies, retired=left, revision=copies.revision + 1)
        ):
            _log.info("copies dropped", read_model=projection.model, copies=list(retired))
