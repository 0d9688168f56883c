"""Parked records of a reaction that an operator gave back: their commands are given once."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition
from eventkernel.commands import Order
from eventkernel.mending import MendingSink
from eventkernel.node import Node
from eventkernel.reactor import Reactor
from eventkernel.store.memory import MemoryStore

from .library import CONTRACT, Bus, Hand, OpenLoanRequest, all_commits, someone, versions
from .mended import ALL, DISCARD, renewed
from .test_reactor import mirroring


async def test_a_reactions_records_are_replayed_with_their_commands_once(
    another: Callable[..., Node], store: MemoryStore, bus: Bus, clock: Hand
) -> None:
    node = another()
    sink = await mirror(node, store, bus, clock)
    await node.commands.give(_open_copy())
    records = [bus.event("loan-l1", renewed(666)), bus.event("loan-l1", renewed(20)), bus.event("loan-l1", renewed(50))]
    await sink.take(bus.topic, 0, records)
    first, *others = await store.parked.list("library.mirror.v1")
    await store.parked.ask([first.id], DISCARD)
    await store.parked.ask([other.id for other in others], ALL)
    await sink.mend()
    assert await store.parked.list() == []
    assert versions(await all_commits(store, "loan-m-l1")) == [1, 2, 3, 4]
    await sink.take(bus.topic, 0, records[1:])
    assert versions(await all_commits(store, "loan-m-l1")) == [1, 2, 3, 4]


async def test_a_reactions_record_that_is_refused_again_is_parked_again(
    another: Callable[..., Node], store: MemoryStore, bus: Bus, clock: Hand
) -> None:
    sink = await mirror(another(), store, bus, clock)
    await sink.take(bus.topic, 0, [bus.event("loan-l1", renewed(666))])
    (record,) = await store.parked.list()
    await store.parked.ask([record.id], ALL)
    await sink.mend()
    assert [(again.attempts, again.asked) for again in await store.parked.list()] == [(2, None)]


async def mirror(node: Node, store: MemoryStore, bus: Bus, clock: Hand) -> MendingSink:
    """The mirroring reaction of this node, which has the topic's first partition."""

    def make(parked: Any) -> Reactor:
        return Reactor(
            mirroring(), service="library", contract=CONTRACT, commands=node.commands, due=store.due, parked=parked, clock=clock,
            scheduled=asyncio.Event(),
        )  # fmt: skip

    sink = MendingSink(make(store.parked), make, store.parked, clock)
    await sink.assigned([TopicPartition(bus.topic, 0)])
    return sink


def _open_copy() -> Any:
    return Order(OpenLoanRequest(loan_id="m-l1", reader_id="ada"), someone(), "copy")
