"""The relay on a real broker, killed at every step or paused and going on: the next holder publishes each event once, in order."""

# ruff: noqa: PLR0917 - fixtures have no order

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from eventkernel.messages import Commit
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.timing import utc_now

from .relayed import Around, drained, ids, in_order, on_both_stores, published


@on_both_stores
async def test_killed_between_the_commit_and_the_publishing(relays, journal, committed, until, store, clock):
    seen = asyncio.Event()

    async def read_and_hang(*_: Any, **__: Any) -> list[Commit]:
        if await store.commits.pending([0, 1, 2, 3], 1) and not seen.is_set():
            # Only one: a cancellation that the driver loses in another's read would leave that one here for ever.
            seen.set()
            await asyncio.Event().wait()
        return []

    _, first = relays.start("a", commits=Around(store.commits, pending=read_and_hang))
    commits = await journal.fill(streams=8, each=2)
    await until(seen.is_set)
    await relays.kill(first)

    clock.on(60)
    relays.start("b")
    await until(drained(store))
    assert ids(await committed()) == published(commits)


@on_both_stores
async def test_killed_inside_the_transaction(relays, journal, committed, until, store, clock, monkeypatch):
    """Nothing of the dead holder's transaction is seen, and what it held is published by the next."""
    commits = await journal.fill(streams=8, each=3)
    sent = asyncio.Event()

    async def flush_and_hang(producer: AIOKafkaProducer) -> None:
        await producer.flush()
        sent.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaProducer, "commit_transaction", flush_and_hang)
        _, first = relays.start("a")
        await until(sent.is_set)
        await relays.kill(first)
    assert ids(await committed(settled=False)) == Counter()

    clock.on(60)
    relays.start("b")
    await until(drained(store))
    records = await committed()
    assert ids(records) == published(commits)
    assert in_order(records)


async def killed_before_it_cleared(relays, store, until) -> None:
    cleared: set[str] = set()

    async def hang(commit_ids: Sequence[str]) -> None:
        cleared.update(commit_ids)
        await asyncio.Event().wait()

    count, _ = await store.commits.count_pending()
    _, first = relays.start("a", commits=Around(store.commits, clear=hang))
    await until(lambda: len(cleared) == count)
    await relays.kill(first)


@on_both_stores
async def test_killed_between_the_publishing_and_the_clearing(relays, journal, committed, until, store, clock):
    """What had gone out is found on the topic's tail, and is cleared instead of published again."""
    before = await journal.fill(streams=8, each=3)
    await killed_before_it_cleared(relays, store, until)
    assert ids(await committed()) == published(before)

    after = await journal.fill(streams=8, each=1)
    clock.on(60)
    relays.start("b")
    await until(drained(store))
    records = await committed()
    assert ids(records) == published([*before, *after])
    assert in_order(records)


async def test_a_tail_of_times_ahead_of_every_relays_clock_is_found(relays, journal, committed, until, store, clock):
    before = [
        journal.make(f"s-{number}", at=clock() + timedelta(minutes=50, milliseconds=number)) for number in range(40)
    ]
    await journal.add(*before)
    await killed_before_it_cleared(relays, store, until)
    clock.on(60)
    relays.start("b")
    await until(drained(store))
    assert ids(await committed()) == published(before)


@pytest.mark.parametrize("batch", [500, 7])
async def test_the_tail_is_found_whatever_the_clocks_of_the_committers_said(
    relays, journal, committed, until, store, clock, batch
):
    """Times go back and forth in a partition, and many are the same to the millisecond."""
    away = [timedelta(), timedelta(minutes=50), timedelta(days=-3), timedelta(seconds=-1), timedelta(milliseconds=1)]
    before = [journal.make(f"s-{number}", 2, at=clock() + away[number % 5]) for number in range(60)]
    before += [journal.make(f"t-{number}", 1, at=clock()) for number in range(60)]
    await journal.add(*before)
    await killed_before_it_cleared(relays, store, until)

    after = [journal.make(f"u-{number}", 1, at=clock() + away[number % 5]) for number in range(20)]
    await journal.add(*after)
    clock.on(60)
    relays.start("b", batch=batch)
    await until(drained(store))
    assert ids(await committed()) == published([*before, *after])


@on_both_stores
async def test_a_paused_holder_that_goes_on_is_fenced(relays, journal, committed, until, store, clock, monkeypatch):
    """It stood still in its transaction until long after its lease: its commit is refused and the slot is not its any more."""
    commits = await journal.fill(streams=8, each=2)
    paused, resumed = asyncio.Event(), asyncio.Event()
    refusals: list[BaseException] = []
    commit_transaction = AIOKafkaProducer.commit_transaction

    async def pause(producer: AIOKafkaProducer) -> None:
        await producer.flush()
        paused.set()
        await resumed.wait()
        try:
            await commit_transaction(producer)
        except BaseException as error:
            refusals.append(error)
            raise

    class Unrenewed:
        """The paused process's timers stand still as well."""

        async def acquire(self, *lease: Any) -> bool:
            return not paused.is_set() and await store.leases.acquire(*lease)

        async def holder(self, name: str) -> str | None:
            return await store.leases.holder(name)

        async def release(self, *lease: Any) -> None:
            await store.leases.release(*lease)

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaProducer, "commit_transaction", pause)
        relays.start("a", leases=Unrenewed())
        await until(paused.is_set)
    clock.on(60)
    second, _ = relays.start("b")
    await until(drained(store))
    assert len(second.held) == 4

    resumed.set()
    await until(lambda: refusals)
    more = await journal.fill(streams=8, each=1)
    await until(drained(store))
    records = await committed()
    assert ids(records) == published([*commits, *more])
    assert in_order(records)
    assert len(second.held) == 4
    assert {type(error).__name__ for error in refusals} == {"ProducerFenced"}


CHILD = """
import asyncio, sys
from datetime import timedelta
from eventkernel.relay import Relay
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.timing import utc_now

async def main(uri, database, topic, bootstrap, service):
    store = MongoStore(connect(uri), database)
    relay = Relay(
        store.commits, store.leases, topic=topic, source="/test/things", bootstrap=bootstrap, service=service,
        holder="child", clock=utc_now, lease_ttl=timedelta(seconds=1), poll=0.02, batch=10,
    )
    await relay.run()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_process_stopped_or_killed_under_load(
    relays, committed, until, topic, kafka_bootstrap, mongodb_uri, new_journal, fault
):
    """A real process, hit wherever it is. A stopped one goes on later, and finds itself replaced."""
    database = f"relay_{topic[5:17]}"
    store = MongoStore(connect(mongodb_uri), database)
    await store.start()
    relays.store = store
    journal = new_journal(store, utc_now)
    arguments = [mongodb_uri, database, topic, kafka_bootstrap, relays.service]
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, *arguments)
    try:
        commits = await journal.fill(streams=8, each=1)
        await until(drained(store))
        for _ in range(4):
            commits += await journal.fill(streams=16, each=2)
        child.send_signal(fault)
        commits += await journal.fill(streams=16, each=1)
        relays.start("second", clock=utc_now)
        await until(drained(store))

        if fault is signal.SIGSTOP:
            child.send_signal(signal.SIGCONT)
        commits += await journal.fill(streams=16, each=2)
        await until(drained(store))
        records = await committed()
        assert ids(records) == published(commits)
        assert in_order(records)
        assert (child.returncode is None) == (fault is signal.SIGSTOP)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        await relays.close()
        await store.close()
