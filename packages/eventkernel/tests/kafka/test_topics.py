"""Reading topics for verification: all that was committed before, nothing that was aborted, from wherever one begins."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from eventkernel.operations import topics as topics_module
from eventkernel.operations.topics import Topics

from .conftest import PARTITIONS


@pytest.fixture
async def transactional(kafka_bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"{topic}-tx") as producer:
        yield producer


async def read(topics: Topics, starts: Any, ends: Any) -> list[tuple[int, bytes]]:
    return [(one.partition, one.value) async for records in topics.read(starts, ends) for one in records]


async def test_what_was_committed_is_read_to_its_end_and_what_was_aborted_is_not(
    transactional: AIOKafkaProducer, kafka_bootstrap: str, topic: str
) -> None:
    for values, commits in ((b"ab", True), (b"xy", False), (b"cd", True), (b"z", False)):
        await transactional.begin_transaction()
        for value in values:
            await transactional.send(topic, bytes([value]), partition=value % 2)
        await (transactional.commit_transaction() if commits else transactional.abort_transaction())
    async with Topics(kafka_bootstrap) as topics:
        partitions = await topics.partitions([topic])
        assert partitions == [TopicPartition(topic, number) for number in range(PARTITIONS)]
        ends = await topics.ends(partitions)
        assert sorted(await read(topics, {}, ends)) == [(0, b"b"), (0, b"d"), (1, b"a"), (1, b"c")]
        # The end lies behind what the transactions themselves take up.
        second = {TopicPartition(topic, 0): 1, TopicPartition(topic, 1): ends[TopicPartition(topic, 1)]}
        assert await read(topics, second, ends) == [(0, b"d")]


async def test_what_comes_after_the_ends_were_taken_is_not_read(
    transactional: AIOKafkaProducer, kafka_bootstrap: str, topic: str
) -> None:
    async with Topics(kafka_bootstrap) as topics:
        for value in (b"early", b"late"):
            ends = await topics.ends(await topics.partitions([topic]))
            await transactional.begin_transaction()
            await transactional.send(topic, value, partition=3)
            await transactional.commit_transaction()
        assert await read(topics, {}, ends) == [(3, b"early")]


async def test_an_open_transaction_ends_what_can_be_read(
    transactional: AIOKafkaProducer, kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics_module, "_SETTLE_SECONDS", 0.2)
    await transactional.begin_transaction()
    await transactional.send_and_wait(topic, b"open", partition=0)
    async with Topics(kafka_bootstrap) as topics:
        ends = await topics.ends(await topics.partitions([topic]))
        assert ends[TopicPartition(topic, 0)] == 0
        assert await read(topics, {}, ends) == []
    await transactional.abort_transaction()
