"""Documents that begin with their own streams are not read before: what is there all the same is found, and nothing is lost of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from eventkernel.store.memory import MemoryStore

from .library import TENANT, Bus
from .projecting import document, parked, projector, renewed
from .test_projector_overlap import Gated, settled, taking


class Read:
    """The store's documents, and which were asked for."""

    def __init__(self, store: MemoryStore) -> None:
        self._inner = store.documents
        self.asked: list[str] = []

    async def load(self, collection: str, ids: Sequence[str]) -> Any:
        self.asked += ids
        return await self._inner.load(collection, ids)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_a_document_that_begins_with_its_stream_is_not_read_and_any_other_is(
    store: MemoryStore, bus: Bus
) -> None:
    documents = Read(store)
    running = projector(store, documents=documents)
    await running.take(bus.topic, 0, [bus.event("loan-ada", renewed(20)), bus.event("loan-ada", renewed(30))])
    await running.take(bus.topic, 0, [bus.event("loan-ada", renewed(40))])
    assert documents.asked == []
    await running.take(bus.topic, 0, [bus.event("loan-l2", renewed(50, "bob"))])
    assert documents.asked == [f"{TENANT}/bob"]
    assert (await document(store)).trail == ["loan-ada@1", "loan-ada@2", "loan-ada@3"]


async def test_what_another_stream_made_of_the_document_before_is_kept(store: MemoryStore, bus: Bus) -> None:
    await projector(store).take(bus.topic, 0, [bus.event("loan-l1", renewed(20))])
    await projector(store).take(bus.topic, 0, [bus.event("loan-ada", renewed(30)), bus.event("loan-ada", renewed(40))])
    assert (await document(store)).trail == ["loan-l1@1", "loan-ada@1", "loan-ada@2"]
    assert await parked(store) == []


async def test_records_that_come_again_to_a_process_that_knows_nothing_have_no_second_effect(
    store: MemoryStore, bus: Bus
) -> None:
    ours = [bus.event("loan-ada", renewed(20)), bus.event("loan-ada", renewed(30))]
    others = [bus.event("loan-bob", renewed(40, "bob"), partition=1)]
    await projector(store).take(bus.topic, 0, ours)
    again = projector(store)
    newest = bus.event("loan-ada", renewed(50))
    await asyncio.gather(
        again.take(bus.topic, 0, ours), again.take(bus.topic, 1, others), again.take(bus.topic, 0, [newest])
    )
    assert (await document(store)).trail == ["loan-ada@1", "loan-ada@2", "loan-ada@3"]
    assert (await document(store, "bob")).trail == ["loan-bob@1"]
    assert await parked(store) == []


async def test_a_document_that_is_folded_and_not_written_yet_is_not_made_anew(store: MemoryStore, bus: Bus) -> None:
    gated = Gated(store)
    running = projector(store, documents=gated)
    takes = [taking(running, bus, bus.event("loan-zz", renewed(9, "bob"), partition=1))]
    await settled()
    takes.append(taking(running, bus, bus.event("loan-l1", renewed(20))))
    await settled()
    takes.append(taking(running, bus, bus.event("loan-ada", renewed(30))))
    await settled()
    gated.open = True
    gated.let()
    await asyncio.gather(*takes)
    assert (await document(store)).trail == ["loan-l1@1", "loan-ada@1"]
