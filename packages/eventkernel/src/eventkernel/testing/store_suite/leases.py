"""What a store promises about leases: one holder at a time, until it lets go or its time is over."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
from datetime import timedelta

from eventkernel.messages import Lease
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import NOON, Reopen, after

TTL = timedelta(seconds=10)


class LeasePromises:
    """Leases by name."""

    async def test_a_lease_is_refused_to_others_while_it_lasts(self, store: Store) -> None:
        assert await store.leases.acquire("slot-0", "a", NOON, TTL)
        assert not await store.leases.acquire("slot-0", "b", after(9_999), TTL)
        assert await store.leases.holder("slot-0") == "a"

    async def test_an_expired_lease_is_taken_over_and_its_old_holder_refused(self, store: Store) -> None:
        await store.leases.acquire("slot-0", "a", NOON, TTL)
        assert await store.leases.acquire("slot-0", "b", after(10_000), TTL)
        assert not await store.leases.acquire("slot-0", "a", after(10_001), TTL)
        assert await store.leases.holder("slot-0") == "b"

    async def test_who_holds_a_lease_is_told_with_its_end(self, store: Store) -> None:
        assert await store.leases.held("slot-0") is None
        await store.leases.acquire("slot-0", "a", NOON, TTL)
        assert await store.leases.held("slot-0") == Lease("a", NOON + TTL)
        await store.leases.release("slot-0", "a")
        assert await store.leases.held("slot-0") is None

    async def test_its_holder_renews_a_lease(self, store: Store) -> None:
        await store.leases.acquire("slot-0", "a", NOON, TTL)
        assert await store.leases.acquire("slot-0", "a", after(9_000), TTL)
        assert not await store.leases.acquire("slot-0", "b", after(18_999), TTL)

    async def test_a_lease_from_a_clock_that_was_far_ahead_counts_as_free(self, store: Store) -> None:
        day_ahead = NOON + timedelta(days=1)
        await store.leases.acquire("slot-0", "fast", day_ahead, TTL)
        assert await store.leases.acquire("slot-0", "b", NOON, TTL)
        assert not await store.leases.acquire("slot-0", "fast", after(9_999), TTL)

    async def test_a_lease_from_a_clock_a_little_ahead_holds(self, store: Store) -> None:
        await store.leases.acquire("slot-0", "a", NOON + TTL, TTL)
        assert not await store.leases.acquire("slot-0", "b", NOON, TTL)

    async def test_a_released_lease_is_free_at_once(self, store: Store) -> None:
        assert await store.leases.holder("slot-0") is None
        await store.leases.acquire("slot-0", "a", NOON, TTL)
        await store.leases.release("slot-0", "a")
        assert await store.leases.holder("slot-0") is None
        assert await store.leases.acquire("slot-0", "b", NOON, TTL)

    async def test_nobody_releases_the_lease_of_another(self, store: Store) -> None:
        await store.leases.release("slot-0", "b")
        await store.leases.acquire("slot-0", "a", NOON, TTL)
        await store.leases.release("slot-0", "b")
        assert await store.leases.holder("slot-0") == "a"

    async def test_leases_of_other_names_are_other_leases(self, store: Store) -> None:
        assert await store.leases.acquire("slot-0", "a", NOON, TTL)
        assert await store.leases.acquire("slot-1", "b", NOON, TTL)

    async def test_of_many_that_ask_at_once_one_gets_it(self, store: Store, reopen: Reopen) -> None:
        other = await reopen()
        for name in ("slot-0", "slot-1", "slot-2", "slot-3"):
            answers = await asyncio.gather(
                *((store, other)[asker % 2].leases.acquire(name, f"asker-{asker}", NOON, TTL) for asker in range(16))
            )
            assert answers.count(True) == 1
            assert await store.leases.holder(name) == f"asker-{answers.index(True)}"
