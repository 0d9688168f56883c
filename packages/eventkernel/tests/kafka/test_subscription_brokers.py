"""Brokers that are away, and a connection to them that ended: a subscription reads on, or tells that it is broken."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import NotLeaderForPartitionError
from eventkernel.subscription import Subscriptions
from mentorstream.embedded import KafkaEmbedded, Topic, create_topics

from .sinks import Takes


async def test_one_of_several_brokers_that_answers_is_enough(subscribe, bus, topic, until, kafka_bootstrap, free_port):  # noqa: PLR0917 - fixtures have no order
    sink = Takes(f"{topic}.a", topic)
    await bus.put(0, b"0")
    await subscribe(sink, bootstrap=f"127.0.0.1:{free_port()}, {kafka_bootstrap}")
    await until(lambda: sink.count == 1)
    assert sink.values(0) == [b"0"]


async def test_a_consumer_whose_coordinator_ended_is_told_as_broken(subscribe, bus, topic, until, monkeypatch):
    """As uvloop's RuntimeError for a closed transport ends it: aiokafka then raises at each poll, for ever."""
    sink = Takes(f"{topic}.a", topic)
    subscriptions = await subscribe(sink)
    await bus.put(0, b"0")
    await until(lambda: sink.count == 1)

    async def closed(*_: Any) -> None:
        raise RuntimeError("the handler is closed")

    with monkeypatch.context() as patch:
        patch.setattr(GroupCoordinator, "_on_join_prepare", closed)
        subscriptions._intakes[sink.subscription].consumer()._coordinator.request_rejoin()
        async with asyncio.timeout(30):
            await subscriptions.broken()
    await subscriptions.stop()
    anew = Takes(f"{topic}.a", topic)
    await subscribe(anew)
    await bus.put(0, b"1")
    await until(lambda: b"1" in anew.values(0))


async def test_a_broker_that_no_longer_leads_a_partition_is_not_asked_for_long(tmp_path, until, monkeypatch):
    """Where the group has no offset, aiokafka asks the leader that it knows of, and hears of another only by new metadata."""
    lying, asked = True, 0
    told, leader = ClusterMetadata.update_metadata, ClusterMetadata.leader_for_partition
    request = Fetcher._proc_offset_request

    def another(cluster: ClusterMetadata, partition: TopicPartition) -> Any:
        known = leader(cluster, partition)
        return known % 3 + 1 if lying and known else known

    def heard(cluster: ClusterMetadata, metadata: Any) -> None:
        nonlocal lying
        lying = lying and not asked
        told(cluster, metadata)

    async def ask(*given: Any) -> Any:
        nonlocal asked
        try:
            return await request(*given)
        except NotLeaderForPartitionError:
            asked += 1
            raise

    async with KafkaEmbedded(tmp_path, brokers=3) as kafka:
        await create_topics(kafka.bootstrap, [Topic("things", 8)])
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            await producer.send_and_wait("things", b"0", partition=0)
        monkeypatch.setattr(ClusterMetadata, "leader_for_partition", another)
        monkeypatch.setattr(ClusterMetadata, "update_metadata", heard)
        monkeypatch.setattr(Fetcher, "_proc_offset_request", ask)
        sink = Takes("things.a", "things")
        subscriptions = Subscriptions(kafka.bootstrap, "test")
        subscriptions.add(sink)
        await subscriptions.start()
        try:
            await until(lambda: sink.count == 1)
        finally:
            await subscriptions.stop()
    assert asked
