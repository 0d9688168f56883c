"""The relay on a real broker: exactly once onto the topic, in order, over crashes at every point and paused holders."""

# ruff: noqa: PLR0917 - fixtures have no order

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from eventkernel.cloudevents import decode
from eventkernel.messages import Commit
from eventkernel.placement import partition_of, slot_of
from eventkernel.relay_slot import Holding
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.timing import utc_now
from prometheus_client import REGISTRY

on_both_stores = pytest.mark.parametrize("store", ["memory", "mongodb"], indirect=True)


def ids(records: Sequence[ConsumerRecord]) -> Counter[str]:
    return Counter(decode(record).event_id for record in records)


def published(commits: Sequence[Commit]) -> Counter[str]:
    return Counter(event.id for commit in commits for event in commit.events if event.published)


def in_order(records: Sequence[ConsumerRecord]) -> bool:
    versions: dict[str, int] = {}
    for meta in map(decode, records):
        if meta.version <= versions.get(meta.stream, 0):
            return False
        versions[meta.stream] = meta.version
    return True


def drained(store: Any) -> Any:
    async def nothing_pending() -> bool:
        return (await store.commits.count_pending())[0] == 0

    return nothing_pending


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


class Around:
    """A commit store with one call changed."""

    def __init__(self, commits: Any, **changed: Any) -> None:
        self._commits = commits
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)


@on_both_stores
async def test_publishes_what_is_published_in_order_with_key_partition_time_and_headers(
    relays, journal, committed, until, store
):
    commits = [
        journal.make("s-1", 2, internal=1),
        journal.make("s-2", key="learner-7"),
        journal.make("s-1", internal=2),
    ]
    await journal.add(*commits)
    relay, _ = relays.start("a")
    await until(drained(store))

    records = await committed()
    assert ids(records) == published(commits)
    assert in_order(records)
    assert [record.value for record in records if record.key == b"s-1"] == [b"s-1 1", b"s-1 2", b"s-1 4"]
    for record in records:
        meta = decode(record)
        assert record.partition == partition_of(record.key.decode(), 8)
        assert record.timestamp == int(commits[0].at.timestamp() * 1000)
        assert (meta.tenant, meta.actor, meta.at, meta.correlation_id) == ("acme", "", commits[0].at, "cor-1")
    await relay.stop()
    assert relay.held == frozenset()
    assert await store.leases.holder("relay-0") is None


async def test_events_that_are_internal_never_leave(relays, journal, committed, until, store):
    commits = [journal.make(f"s-{number}", number % 2, internal=1) for number in range(10)]
    await journal.add(*commits)
    relays.start("a")
    await until(drained(store))
    assert {decode(record).type for record in await committed()} == {"test.thing-done"}


async def test_wake_publishes_at_once(relays, journal, committed, until, store):
    relay, _ = relays.start("a", poll=3600.0)
    await until(lambda: len(relay.held) == 4)
    await journal.add(journal.make("s-1"))
    relay.wake()
    await until(drained(store))
    assert len(await committed()) == 1


@on_both_stores
async def test_killed_between_the_commit_and_the_publishing(relays, journal, committed, until, store, clock):
    seen = asyncio.Event()

    async def read_and_hang(*_: Any, **__: Any) -> list[Commit]:
        if await store.commits.pending([0, 1, 2, 3], 1):
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


@on_both_stores
async def test_clearing_beside_the_next_publishing_publishes_nothing_twice(relays, journal, committed, until, store):
    publishing = 0
    overlapped = False
    publish = Holding._publish

    async def counted(holding: Holding, *args: Any) -> None:
        nonlocal publishing
        publishing += 1
        await publish(holding, *args)
        publishing -= 1

    async def slow(commit_ids: Sequence[str]) -> None:
        nonlocal overlapped
        for _ in range(10):
            overlapped |= publishing > 0
            await asyncio.sleep(0.003)
        await store.commits.clear(commit_ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Holding, "_publish", counted)
        relay, _ = relays.start("a", commits=Around(store.commits, clear=slow), batch=20)
        commits = []
        for _ in range(30):
            commits += await journal.fill(streams=20, each=1)
            relay.wake()
            await asyncio.sleep(0.005)
        await until(drained(store))
    records = await committed()
    assert overlapped
    assert ids(records) == published(commits)
    assert in_order(records)


async def test_a_slot_that_fails_leaves_the_others_alone_and_comes_back(
    relays, journal, committed, until, store, keys, monkeypatch
):
    broken = True
    send = AIOKafkaProducer.send

    async def refuse_slot_1(producer: AIOKafkaProducer, topic: str, value: bytes, key: bytes, **rest: Any) -> Any:
        if broken and slot_of(key.decode()) == 1:
            raise OSError("planted")
        return await send(producer, topic, value, key, **rest)

    monkeypatch.setattr(AIOKafkaProducer, "send", refuse_slot_1)
    commits = [journal.make(f"s-{number}", key=keys(number % 8)) for number in range(32)]
    await journal.add(*commits)
    relays.start("a")

    async def only_slot_1_waits() -> bool:
        return {slot_of(c.partition_key) for c in await store.commits.pending([0, 1, 2, 3], 99)} == {1}

    await until(only_slot_1_waits)
    await until(lambda: metric("mentorstream_relay_slot_halted", service=relays.service, slot="1") == 1)
    assert metric("mentorstream_relay_slot_halted", service=relays.service, slot="2") == 0
    broken = False
    await until(drained(store))
    assert ids(await committed()) == published(commits)
    assert metric("mentorstream_relay_slot_halted", service=relays.service, slot="1") == 0
    assert metric("mentorstream_events_published_total", service=relays.service, slot="1") == 8


@on_both_stores
async def test_an_unknown_outcome_of_a_transaction_is_looked_up(relays, journal, committed, until, store, monkeypatch):
    """The transaction was committed, and the answer lost."""
    commit_transaction = AIOKafkaProducer.commit_transaction
    lost = 0

    async def lose_the_answer(producer: AIOKafkaProducer) -> None:
        nonlocal lost
        await commit_transaction(producer)
        if lost < 4:
            lost += 1
            raise TimeoutError

    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", lose_the_answer)
    commits = await journal.fill(streams=8, each=4)
    relays.start("a", batch=5)
    await until(drained(store))
    records = await committed()
    assert lost == 4
    assert ids(records) == published(commits)
    assert in_order(records)


async def test_a_clearing_that_fails_is_done_again_though_nothing_more_comes(relays, journal, committed, until, store):
    failures = 0

    async def fail_first(commit_ids: Sequence[str]) -> None:
        nonlocal failures
        if failures < 4:
            failures += 1
            raise OSError("planted")
        await store.commits.clear(commit_ids)

    relays.start("a", commits=Around(store.commits, clear=fail_first))
    commits = await journal.fill(streams=8, each=1)
    await until(drained(store))
    assert failures == 4
    assert ids(await committed()) == published(commits)


@on_both_stores
async def test_two_replicas_share_the_slots_and_a_dead_ones_are_taken_over(
    relays, journal, committed, until, store, clock
):
    first, _ = relays.start("a", lease_ttl=timedelta(seconds=0.3))
    await until(lambda: len(first.held) == 4)
    second, second_task = relays.start("b", lease_ttl=timedelta(seconds=0.3))
    commits = await journal.fill(streams=16, each=3)
    await until(lambda: len(first.held) == 2 and len(second.held) == 2)
    await until(drained(store))

    await relays.kill(second_task)
    clock.on(60)
    commits += await journal.fill(streams=16, each=1)
    await until(drained(store))
    assert len(first.held) == 4
    records = await committed()
    assert ids(records) == published(commits)
    assert in_order(records)


async def test_the_outbox_is_measured(relays, journal, until, store, clock):
    await journal.add(journal.make("s-1", at=clock() - timedelta(seconds=30)))
    await store.leases.acquire("relay-0", "other", clock(), timedelta(hours=1))
    for slot in range(1, 4):
        await store.leases.acquire(f"relay-{slot}", "other", clock(), timedelta(hours=1))
    relays.start("a")
    await until(lambda: metric("mentorstream_outbox_pending", service=relays.service) == 1)
    assert metric("mentorstream_outbox_oldest_seconds", service=relays.service) == 30


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
