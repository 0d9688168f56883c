"""What a killed broker may leave: a transaction that was acknowledged and stays open for ever.

To come upon one by killing takes many tries. Here the producer keeps its partitions from the coordinator, which leaves the same:
records of a transaction in the partitions' logs, and nobody who would ever write its marker.
"""

# ruff: noqa: PLR0917 - fixtures have no order

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.structs import RecordMetadata
from eventkernel.cloudevents import decode
from eventkernel.relay_ends import PartitionEnds

from .relayed import drained, ids, published

OWN = (0, 4)


@pytest.fixture(autouse=True)
async def unverified(kafka_bootstrap: str) -> AsyncIterator[None]:
    """The broker takes records of transactions that their coordinator does not know."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]

    async def configure(values: dict[str, str]) -> None:
        resources = [ConfigResource(ConfigResourceType.BROKER, str(broker), configs=values) for broker in brokers]
        answers = await admin.alter_configs(resources)
        assert [row[0] for answer in answers for row in answer.resources] == [0] * len(brokers)

    await configure({"transaction.partition.verification.enable": "false"})
    yield
    await configure({})
    await admin.close()


@pytest.fixture
def without_marker(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The first transaction of each transactional id is acknowledged and stays open. Gives the ids whose first it was."""
    lost: set[str] = set()
    add, commit = TransactionManager.maybe_add_partition_to_txn, AIOKafkaProducer.commit_transaction

    def keep(manager: TransactionManager, partition: TopicPartition) -> None:
        if manager.transactional_id in lost:
            add(manager, partition)
        else:
            manager._txn_partitions.add(partition)

    async def acknowledge(producer: AIOKafkaProducer) -> None:
        manager = producer._txn_manager
        if manager.transactional_id in lost:
            await commit(producer)
            return
        await producer.flush()
        lost.add(manager.transactional_id)
        manager.committing_transaction()
        manager.complete_transaction()

    monkeypatch.setattr(TransactionManager, "maybe_add_partition_to_txn", keep)
    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", acknowledge)
    return lost


async def test_what_was_acknowledged_and_cannot_be_read_goes_out_again_once(
    relays, journal, committed, until, store, without_marker
):
    commits = await journal.fill(streams=8, each=3)
    relays.start("a", patience=4.0)
    await until(drained(store))
    records = await committed()
    assert len(without_marker) == 4
    assert ids(records) == published(commits)
    seen: dict[bytes, int] = {}
    for record in records:
        assert decode(record).version == seen.get(record.key, 0) + 1
        seen[record.key] = decode(record).version


async def test_a_holder_dies_with_it_and_the_next_publishes_it_once(
    relays, journal, committed, until, store, clock, without_marker
):
    commits = await journal.fill(streams=8, each=3)
    _, first = relays.start("a", patience=60.0)
    await until(lambda: len(without_marker) == 4)
    await relays.kill(first)
    assert await committed(settled=False) == []
    assert (await store.commits.count_pending())[0] == len(commits)

    clock.on(60)
    relays.start("b")
    await until(drained(store))
    assert ids(await committed()) == published(commits)


async def test_the_next_transaction_fails_and_hides_nothing(
    relays, journal, committed, until, store, without_marker, monkeypatch
):
    """The marker that aborts the second decides the first as well."""
    send, failed = AIOKafkaProducer.send, set[str]()

    async def fail_the_second(producer: AIOKafkaProducer, *record: Any, **rest: Any) -> Any:
        sent = await send(producer, *record, **rest)
        name = producer._txn_manager.transactional_id
        if name in without_marker and name not in failed:
            await sent
            failed.add(name)
            raise OSError("planted")
        return sent

    monkeypatch.setattr(AIOKafkaProducer, "send", fail_the_second)
    commits = await journal.fill(streams=8, each=2)
    relays.start("a", patience=8.0, batch=8)
    await until(drained(store))
    assert len(failed) == 4
    assert ids(await committed()) == published(commits)


async def ends_of(bootstrap: str, topic: str, isolation_level: str) -> list[int]:
    own = [TopicPartition(topic, partition) for partition in OWN]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation_level) as consumer:
        ends = await consumer.end_offsets(own)
    return [ends[partition] for partition in own]


async def test_what_is_open_is_closed_and_where_nothing_is_nothing_is_written(kafka_bootstrap, topic, without_marker):
    ends = PartitionEnds(kafka_bootstrap, topic, OWN)
    await ends.start()
    for opening in (True, False):
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"one-of-{topic}")
        await producer.start()
        if opening:
            await producer.begin_transaction()
            sent = await producer.send_and_wait(topic, b"open", partition=OWN[1])
            await producer.commit_transaction()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await ends.until_readable([sent])
        await ends.close_what_is_open(producer)
        await producer.stop()
        # One record and the marker that closes it; after the second time not one more.
        assert await ends_of(kafka_bootstrap, topic, "read_uncommitted") == [0, 2]
        assert await ends_of(kafka_bootstrap, topic, "read_committed") == [0, 2]
        await ends.until_readable([sent])
    await ends.stop()


async def test_a_record_whose_offset_nobody_knows_is_not_taken_for_readable(kafka_bootstrap, topic):
    ends = PartitionEnds(kafka_bootstrap, topic, OWN)
    at = TopicPartition(topic, OWN[0])
    with pytest.raises(RuntimeError, match="offset that is not known"):
        await ends.until_readable([RecordMetadata(topic, OWN[0], at, -1, None, 0, None)])
    await ends.stop()
