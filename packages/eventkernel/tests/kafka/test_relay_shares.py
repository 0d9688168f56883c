"""How two replicas of a relay come to equal shares, however long a slot is on its way from one to the other."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.placement import SLOTS
from eventkernel.relay import lease_name

ROUNDS = 8
SLOT_LEASES = {lease_name(slot) for slot in range(SLOTS)}


class Gated:
    """A lease store where slots come to a halt on their way out (`release`) or in (`acquire`, once somebody has asked)."""

    def __init__(self, leases: Any, halts: str) -> None:
        self._leases = leases
        self._halts = halts
        self._open = asyncio.Event()
        self._asked = False
        self.looked = self.released = 0

    def open(self) -> None:
        self._open.set()

    async def acquire(self, name: str, *rest: Any) -> Any:
        if name not in SLOT_LEASES:
            self._asked = True
        elif self._halts == "acquire" and self._asked:
            await self._open.wait()
        return await self._leases.acquire(name, *rest)

    async def release(self, name: str, *rest: Any) -> None:
        if self._halts == "release" and name in SLOT_LEASES:
            await self._open.wait()
            self.released += 1
        await self._leases.release(name, *rest)

    async def holder(self, name: str) -> Any:
        self.looked += 1
        return await self._leases.holder(name)


@pytest.mark.parametrize("halts", ["release", "acquire"])
async def test_who_gives_stops_at_half_while_the_other_has_not_taken_it_yet(relays, until, store, halts):
    givers = Gated(store.leases, halts if halts == "release" else "")
    takers = Gated(store.leases, halts if halts == "acquire" else "")
    first, _ = relays.start("a", lease_ttl=timedelta(seconds=0.3), leases=givers)
    await until(lambda: len(first.held) == 4)
    second, _ = relays.start("b", lease_ttl=timedelta(seconds=0.3), leases=takers)
    await until(lambda: len(first.held) < 4)
    seen = givers.looked
    await until(lambda: givers.looked > seen + 5 * ROUNDS)
    assert len(first.held) == 2

    givers.open()
    takers.open()
    await until(lambda: len(second.held) == 2)
    assert len(first.held) == 2


async def test_a_slot_whose_giving_outlasts_its_lease_is_not_taken_back_meanwhile(relays, until, store, clock):
    gated = Gated(store.leases, "release")
    first, _ = relays.start("a", lease_ttl=timedelta(seconds=0.3), leases=gated)
    await until(lambda: len(first.held) == 4)
    relays.start("b", lease_ttl=timedelta(seconds=0.3), leases=Gated(store.leases, "acquire"))
    await until(lambda: len(first.held) == 2)
    # Half a lease at a time, so that what is held is kept.
    for _ in range(4):
        clock.on(0.15)
        seen = gated.looked
        await until(lambda seen=seen: gated.looked > seen + 2 * ROUNDS)
        assert len(first.held) == 2

    gated.open()
    await until(lambda: gated.released == 2)
    assert [await store.leases.holder(lease_name(slot)) for slot in first.held] == ["a", "a"]
