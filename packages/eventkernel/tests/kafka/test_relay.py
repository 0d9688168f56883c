"""The relay on a real broker: exactly once onto the topic, in order, whatever fails or is slow, and shared by replicas."""

# ruff: noqa: PLR0917 - fixtures have no order

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from eventkernel.cloudevents import decode
from eventkernel.placement import partition_of, slot_of
from eventkernel.relay_slot import Holding

from .relayed import Around, drained, ids, in_order, metric, on_both_stores, published


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
