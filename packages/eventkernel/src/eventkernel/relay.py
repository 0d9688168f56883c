"""The relay: takes slots under leases, and hands pending commits to the slots it holds. See `relay_slot` for one slot.

A lease only says who should work. What keeps each event from going out twice is the fencing and the tail's reading.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from eventkernel.metrics import OUTBOX_AGE, OUTBOX_PENDING, RELAY_HALTED, RELAY_HELD
from eventkernel.placement import SLOTS, slot_of
from eventkernel.ports import CommitStore, LeaseStore
from eventkernel.relay_slot import Holding, Outlet
from eventkernel.timing import at_most

_log = structlog.get_logger(__name__)
_WANTED = "relay-wanted"
_MEASURE_SECONDS = 2.0
_BACKOFF_FIRST, _BACKOFF_LAST = 0.1, 5.0


class Relay:
    """Puts one service's published events on its topic, in order within each stream, each exactly once.

    Args:
        commits: the outbox.
        leases: who works which slot, among the service's replicas.
        topic: where the events go; its number of partitions is a multiple of SLOTS.
        source: `ce_source` of the events.
        bootstrap: the brokers' addresses.
        service: names the transactional ids. No two services, and no two databases, may share it on one cluster.
        holder: this replica, among all that ever ran.
        clock: the time, for leases and the outbox's age.
        lease_ttl: how long a slot waits for a holder that died.
        poll: seconds until the outbox is looked at although nobody called `wake`.
        batch: the most commits read at once, and so in one transaction.
        patience: seconds until a broker that does not answer counts as failed.
    """

    def __init__(
        self,
        commits: CommitStore,
        leases: LeaseStore,
        *,
        topic: str,
        source: str,
        bootstrap: str,
        service: str,
        holder: str,
        clock: Callable[[], datetime],
        lease_ttl: timedelta = timedelta(seconds=10),
        poll: float = 1.0,
        batch: int = 500,
        patience: float = 20.0,
    ) -> None:
        self._commits = commits
        self._leases = leases
        self._outlet = Outlet(commits, topic, source, bootstrap, service, patience)
        self._service = service
        self._holder = holder
        self._clock = clock
        self._ttl = lease_ttl
        self._poll = poll
        self._batch = batch
        self._until: dict[int, datetime] = {}
        self._given: dict[int, datetime] = {}
        self._giving: set[int] = set()
        self._holdings: dict[int, Holding] = {}
        self._keepers: dict[int, asyncio.Task[None]] = {}
        self._awake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped: asyncio.Event | None = None

    @property
    def held(self) -> frozenset[int]:
        """The slots this replica publishes now."""
        return frozenset(slot for slot in self._holdings if self._leased(slot))

    async def run(self) -> None:
        """Relays until `stop`. Errors of broker and store are logged, shown in the metrics, and waited out."""
        self._stopped = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_leases(tasks))
                tasks.create_task(self._hand_out())
                tasks.create_task(self._measure())
                tasks.create_task(self._pass_on_the_end())
        finally:
            self._stopped.set()

    def wake(self) -> None:
        """Something was committed: look at once."""
        self._awake.set()

    async def stop(self) -> None:
        """Finishes and clears the transactions in flight, then gives the leases back."""
        self._stopping.set()
        self._awake.set()
        if self._stopped is not None:
            await self._stopped.wait()

    async def _hand_out(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                await self._look()
            except Exception:
                _log.exception("relay_outbox_unreadable", service=self._service)
                await self._rest(self._poll)
            await at_most(self._poll, self._awake)

    async def _pass_on_the_end(self) -> None:
        """Tells the others by a flag that they are cancelled. This task waits for nothing but an event, so it never misses that.

        A cancellation can be lost on its way: Python 3.11's `wait_for`, which both drivers use, loses one that comes together
        with a result. Whoever missed it is to end by itself.
        """
        try:
            await self._stopping.wait()
        except asyncio.CancelledError:
            self._stopping.set()
            self._awake.set()
            for holding in self._holdings.values():
                holding.end()
            raise

    async def _look(self) -> None:
        ready = {slot: holding for slot, holding in self._holdings.items() if holding.ready and self._leased(slot)}
        if not ready:
            return
        left_out = frozenset[str]().union(*(holding.uncleared for holding in ready.values()))
        found = await self._commits.pending(sorted(ready), self._batch, left_out)
        for slot, holding in ready.items():
            # A holding that ended meanwhile is not ready, and its successor, who knows another tail, is not among these.
            if holding.ready:
                holding.give(
                    [commit for commit in found if slot_of(commit.partition_key) == slot],
                    everything=len(found) < self._batch,
                )

    async def _keep_leases(self, tasks: asyncio.TaskGroup) -> None:
        while not self._stopping.is_set():
            for slot in range(SLOTS):
                await self._keep_lease(slot, tasks)
            try:
                await self._even_out(tasks)
            except Exception:
                _log.warning("relay_leases_unreadable", service=self._service, exc_info=True)
            await self._rest(self._ttl.total_seconds() / 3)
        for slot in list(self._keepers):
            await self._give_back(slot)

    async def _keep_lease(self, slot: int, tasks: asyncio.TaskGroup) -> None:
        if slot in self._giving or self._clock() < self._given.get(slot, self._clock()):
            return
        try:
            held = await self._claim(slot)
        except Exception:
            # What is held runs out by itself, unless the store is back before.
            _log.warning("relay_lease_unreachable", service=self._service, slot=slot, exc_info=True)
            return
        if held and slot not in self._keepers and not self._stopping.is_set():
            keeper = self._keepers[slot] = tasks.create_task(self._hold(slot))
            keeper.add_done_callback(lambda _: self._keepers.pop(slot, None))
        elif not held and slot in self._holdings:
            self._holdings[slot].end()

    async def _claim(self, slot: int) -> bool:
        now = self._clock()
        held = await self._leases.acquire(lease_name(slot), self._holder, now, self._ttl)
        if held:
            self._until[slot] = now + self._ttl
        else:
            self._until.pop(slot, None)
        return held

    def _leased(self, slot: int) -> bool:
        # A process that was stopped past its lease sees it here; one stopped right after is refused by the broker.
        return slot in self._until and self._clock() < self._until[slot]

    async def _hold(self, slot: int) -> None:
        """Holds the slot while the lease is had, taking it anew after every error."""
        held, halted = (gauge.labels(self._service, str(slot)) for gauge in (RELAY_HELD, RELAY_HALTED))
        held.set(1)
        failures = 0
        try:
            while not self._stopping.is_set():
                holding = self._holdings[slot] = Holding(
                    slot, self._outlet, lambda: self._leased(slot), self.wake, halted.set
                )
                try:
                    await holding.run()
                except Exception:
                    failures = 1 if holding.worked else failures + 1
                    halted.set(1)
                    wait = min(_BACKOFF_LAST, _BACKOFF_FIRST * 2 ** min(failures - 1, 16))
                    _log.exception(
                        "relay_slot_halted", service=self._service, slot=slot, failures=failures, retry_in=wait
                    )
                    await self._rest(wait)
                # Only the lease's holder may fence: two that fence each other by turns would publish nothing.
                if holding.ended or not await self._still_ours(slot):
                    return
        finally:
            self._holdings.pop(slot, None)
            held.set(0)
            halted.set(0)

    async def _still_ours(self, slot: int) -> bool:
        try:
            return await self._claim(slot)
        except Exception:
            _log.warning("relay_lease_unreachable", service=self._service, slot=slot, exc_info=True)
            return False

    async def _even_out(self, tasks: asyncio.TaskGroup) -> None:
        """Gives one slot to a replica that asks and has two fewer, or asks where another has two more."""
        found = {slot: await self._leases.holder(lease_name(slot)) for slot in range(SLOTS)}
        mine = {slot for slot in self._holdings if self._leased(slot)} - self._giving
        holders = Counter(holder for holder in found.values() if holder not in {None, self._holder})
        if any(count >= len(mine) + 2 for count in holders.values()):
            await self._leases.acquire(_WANTED, self._holder, self._clock(), self._ttl)
            return
        asker = await self._leases.holder(_WANTED)
        # What is on its way counts as the asker's: who has not taken it yet asks on.
        on_its_way = sum(found[slot] in {None, self._holder} for slot in found.keys() - mine)
        if asker is None or (asker != self._holder and len(mine) < holders[asker] + on_its_way + 2):
            return
        if await self._leases.acquire(_WANTED, self._holder, self._clock(), self._ttl):
            # It was our own, or that of a replica that died while it asked.
            await self._leases.release(_WANTED, self._holder)
        elif mine:
            slot = max(mine)
            self._giving.add(slot)
            tasks.create_task(self._give(slot))

    async def _give(self, slot: int) -> None:
        """Gives a slot away, and leaves it to the other for as long as a lease lasts, from when it is free."""
        try:
            await self._give_back(slot)
        finally:
            self._given[slot] = self._clock() + self._ttl
            self._giving.discard(slot)

    async def _give_back(self, slot: int) -> None:
        if slot in self._holdings:
            self._holdings[slot].end()
        if slot in self._keepers:
            await asyncio.wait([self._keepers[slot]])
        self._until.pop(slot, None)
        try:
            await self._leases.release(lease_name(slot), self._holder)
        except Exception:
            _log.warning("relay_lease_not_released", service=self._service, slot=slot, exc_info=True)

    async def _measure(self) -> None:
        while not self._stopping.is_set():
            try:
                pending, oldest = await self._commits.count_pending()
            except Exception:
                _log.warning("relay_outbox_uncountable", service=self._service, exc_info=True)
            else:
                age = (self._clock() - oldest).total_seconds() if oldest is not None else 0.0
                OUTBOX_PENDING.labels(self._service).set(pending)
                OUTBOX_AGE.labels(self._service).set(max(0.0, age))
            await self._rest(_MEASURE_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Waits, but not for what would hold up the stop."""
        await at_most(seconds, self._stopping)


def lease_name(slot: int) -> str:
    """Under which a slot is leased."""
    return f"relay-{slot}"
