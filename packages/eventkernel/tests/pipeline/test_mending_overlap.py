"""Mending beside takes that overlap: those that waited for it go on in their order, and none passes one that failed."""

import asyncio
from typing import Any

import pytest
from eventkernel.inbox import NotTried
from eventkernel.mending import MendingSink
from eventkernel.ports import StoreUnavailable
from eventkernel.store.memory import MemoryStore

from .library import NOON, Bus, Hand
from .projecting import document, projector, renewed
from .test_projector_overlap import Gated, checkpoint, settled, taking


class SlowParked:
    """What is parked, told when it is let."""

    def __init__(self, store: MemoryStore) -> None:
        self._inner = store.parked
        self.gate = asyncio.Event()

    async def asked_streams(self, subscription: str) -> Any:
        await self.gate.wait()
        return await self._inner.asked_streams(subscription)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def mending(store: MemoryStore, parked: Any, documents: Any = None) -> MendingSink:
    sink = projector(store, documents=documents)
    return MendingSink(sink, lambda _: projector(store), parked, Hand(NOON))


async def test_takes_that_waited_for_a_mending_go_on_in_their_order(store: MemoryStore, bus: Bus) -> None:
    parked = SlowParked(store)
    sink = mending(store, parked)
    records = [bus.event("loan-l1", renewed(20 + number)) for number in range(4)]
    takes: list[asyncio.Task[None]] = []
    starts_anew = sink._sink.assigned

    async def and_one_more_comes(partitions: Any) -> None:
        await starts_anew(partitions)
        takes.append(taking(sink, bus, records[3]))

    sink._sink.assigned = and_one_more_comes  # type: ignore[method-assign]
    mended = asyncio.create_task(sink.mend())
    await settled()
    takes += [taking(sink, bus, record) for record in records[:3]]
    await settled()
    parked.gate.set()
    await mended
    await asyncio.gather(*takes)
    assert (await document(store)).trail == [f"loan-l1@{version}" for version in (1, 2, 3, 4)]


async def test_a_mending_after_a_failed_take_lets_nothing_pass_it(store: MemoryStore, bus: Bus) -> None:
    gated, parked = Gated(store), SlowParked(store)
    sink = mending(store, parked, gated)
    one, two = bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(30))
    first = taking(sink, bus, one)
    await settled()
    mended = asyncio.create_task(sink.mend())
    await settled()
    second = taking(sink, bus, two)
    await settled()
    gated.open = True
    gated.let(StoreUnavailable("away"))
    parked.gate.set()
    await mended
    with pytest.raises(StoreUnavailable):
        await first
    with pytest.raises(NotTried):
        await second
    assert await checkpoint(store, bus) is None

    await sink.assigned([])
    await sink.take(bus.topic, 0, [one, two])
    assert (await document(store)).days == 50
