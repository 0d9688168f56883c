"""A real broker: transactions, data kept between runs, and every way in which a start fails."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from mentorstream.embedded import KafkaEmbedded, StartFailure, StartFailureCode, Topic, create_topics, read_topics
from mentorstream.embedded.directory import DirectoryLock
from mentorstream.embedded.kafka_settings import cluster_id
from mentorstream.embedded.ports import choose_port
from mentorstream.embedded.testing import is_alive

TOPICS_FILE = Path(__file__).parents[4] / "deploy" / "kafka" / "topics.json"
LETTERS = Topic("letters", partitions=2)

pytestmark = pytest.mark.usefixtures("no_orphans")


async def send(bootstrap: str, committed: list[bytes], aborted: list[bytes] = []) -> None:  # noqa: B006
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="letters")
    await producer.start()
    try:
        if aborted:
            await producer.begin_transaction()
            for value in aborted:
                await producer.send_and_wait(LETTERS.name, value, partition=0)
            await producer.abort_transaction()
        async with producer.transaction():
            for value in committed:
                await producer.send(LETTERS.name, value, partition=0)
    finally:
        await producer.stop()


async def read(bootstrap: str, count: int) -> list[bytes]:
    """Read committed records until `count` are there; a record too many shows, because its turn comes before."""
    consumer = AIOKafkaConsumer(
        LETTERS.name, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


async def failure_of(kafka: KafkaEmbedded) -> StartFailure:
    with pytest.raises(StartFailure) as caught:
        await kafka.start()
    assert kafka.pids == ()
    return caught.value


async def test_a_reader_of_committed_records_sees_the_committed_transaction_alone(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, [LETTERS])
        await send(kafka.bootstrap, committed=[b"a", b"b"], aborted=[b"never"])

        assert await read(kafka.bootstrap, 2) == [b"a", b"b"]


async def test_records_stay_from_run_to_run(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, [LETTERS])
        await send(kafka.bootstrap, committed=[b"a"])
        first = kafka.pids

    assert not any(is_alive(pid) for pid in first)
    async with KafkaEmbedded(tmp_path) as kafka:
        assert await create_topics(kafka.bootstrap, [LETTERS]) == []
        await send(kafka.bootstrap, committed=[b"b"])
        assert await read(kafka.bootstrap, 2) == [b"a", b"b"]


async def test_what_was_read_stays_when_the_broker_is_killed(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, [LETTERS])
        await send(kafka.bootstrap, committed=[b"a"])
        assert await read(kafka.bootstrap, 1) == [b"a"]
        os.kill(kafka.pids[0], signal.SIGKILL)
    async with KafkaEmbedded(tmp_path) as kafka:
        assert await read(kafka.bootstrap, 1) == [b"a"]


async def test_what_was_just_acknowledged_when_the_broker_was_killed_is_there_once_its_writer_goes_on(
    tmp_path: Path,
) -> None:
    """Killed between its answer and the marker, Kafka 4.3 takes the transaction for complete when it comes back and never
    writes the marker: readers of committed records stand still until a transaction of the same id closes it, as the relay sees to (ADR 0002)."""
    async with KafkaEmbedded(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, [LETTERS])
        await send(kafka.bootstrap, committed=[b"a"])
        os.kill(kafka.pids[0], signal.SIGKILL)
    async with KafkaEmbedded(tmp_path) as kafka:
        await send(kafka.bootstrap, committed=[b"b"])
        assert await read(kafka.bootstrap, 2) == [b"a", b"b"]


async def test_three_brokers_keep_three_copies(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path, brokers=3) as kafka:
        await create_topics(kafka.bootstrap, [LETTERS])
        await send(kafka.bootstrap, committed=[b"a"])
        assert await read(kafka.bootstrap, 1) == [b"a"]
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        [topic] = await admin.describe_topics([LETTERS.name])
        await admin.close()
        assert [sorted(partition["replicas"]) for partition in topic["partitions"]] == [[1, 2, 3], [1, 2, 3]]

    failure = await failure_of(KafkaEmbedded(tmp_path, brokers=1))
    assert failure.code is StartFailureCode.BROKER_COUNT_DIFFERS


async def test_a_broker_that_was_killed_is_revived_on_its_ports_with_its_records(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path) as kafka:
        bootstrap, (first,) = kafka.bootstrap, kafka.pids
        await create_topics(bootstrap, [LETTERS])
        await send(bootstrap, committed=[b"a"])
        assert await read(bootstrap, 1) == [b"a"]
        kafka.kill(1)
        assert not is_alive(first)
        await kafka.revive()
        assert kafka.bootstrap == bootstrap
        assert await read(bootstrap, 1) == [b"a"]
        (second,) = kafka.pids
        await kafka.revive()
        assert kafka.pids == (second,)


async def test_who_comes_in_by_the_side_is_told_the_port_that_was_given(tmp_path: Path) -> None:
    told = choose_port()
    async with KafkaEmbedded(tmp_path, told_ports=[told]) as kafka:
        for port, expected in ((kafka.nodes[0].port, kafka.nodes[0].port), (kafka.nodes[0].side_port, told)):
            client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{port}")
            await client.bootstrap()
            brokers = client.cluster.brokers()
            await client.close()
            assert [broker.port for broker in brokers] == [expected]


async def test_the_platforms_topics_are_created_once_and_keep_their_events_for_ever(tmp_path: Path) -> None:
    topics = read_topics(TOPICS_FILE)
    async with KafkaEmbedded(tmp_path) as kafka:
        assert await create_topics(kafka.bootstrap, topics) == [topic.name for topic in topics]
        assert await create_topics(kafka.bootstrap, topics) == []

        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        described = await admin.describe_topics([topic.name for topic in topics])
        [settings] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topics[0].name)])
        await admin.close()
    assert {row["topic"]: len(row["partitions"]) for row in described} == {topic.name: 8 for topic in topics}
    values = {row[0]: row[1] for row in settings.resources[0][4]}
    assert values["retention.ms"] == "-1"
    assert values["message.timestamp.type"] == "CreateTime"


async def test_a_topic_with_another_number_of_partitions_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, [LETTERS])
        with pytest.raises(StartFailure) as caught:
            await create_topics(kafka.bootstrap, [Topic(LETTERS.name, partitions=3)])
        assert await create_topics(kafka.bootstrap, [LETTERS]) == []
    assert caught.value.code is StartFailureCode.TOPIC_DIFFERS


async def test_the_chosen_port_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with KafkaEmbedded(tmp_path, ports=[port]) as kafka:
        assert kafka.bootstrap == f"127.0.0.1:{port}"
        assert await create_topics(kafka.bootstrap, [LETTERS]) == [LETTERS.name]


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failure = await failure_of(KafkaEmbedded(tmp_path, ports=[port]))
    assert failure.code is StartFailureCode.PORT_IN_USE
    assert str(port) in failure.what


async def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    failure = await failure_of(KafkaEmbedded(tmp_path, space_needed=2**60))
    assert failure.code is StartFailureCode.NO_DISK_SPACE
    assert str(tmp_path) in failure.what
    assert os.listdir(tmp_path) == ["lock"]


async def test_a_second_run_on_the_same_directory_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path) as kafka:
        failure = await failure_of(KafkaEmbedded(tmp_path))
        assert failure.code is StartFailureCode.DATA_DIR_LOCKED
        assert str(tmp_path) in failure.what
        assert await create_topics(kafka.bootstrap, [LETTERS]) == [LETTERS.name]


async def test_a_broker_that_ends_by_itself_shows_its_log(tmp_path: Path) -> None:
    async with KafkaEmbedded(tmp_path):
        pass
    metadata = tmp_path / "cluster" / "node-1" / "data" / "meta.properties"
    await asyncio.to_thread(edit, metadata, "node.id=1", "node.id=7")

    failure = await failure_of(KafkaEmbedded(tmp_path))

    assert failure.code is StartFailureCode.BROKER_NOT_READY
    assert "node id" in failure.what
    assert str(tmp_path / "cluster" / "node-1" / "broker.log") in failure.do


async def test_a_broker_that_is_too_slow_is_stopped_and_lets_go_of_its_directory(tmp_path: Path) -> None:
    failure = await failure_of(KafkaEmbedded(tmp_path, ready_within=0))
    assert failure.code is StartFailureCode.BROKER_NOT_READY
    assert "within 0 s" in failure.what
    lock = DirectoryLock(tmp_path)
    await lock.acquire(patience=0)
    lock.release()


async def test_a_formatting_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.new" / "node-1" / "data").mkdir(parents=True)
    async with KafkaEmbedded(tmp_path) as kafka:
        assert await create_topics(kafka.bootstrap, [LETTERS]) == [LETTERS.name]
    assert "cluster.new" not in os.listdir(tmp_path)


def test_a_cluster_id_never_begins_with_a_dash() -> None:
    assert cluster_id(b"\xfb" + bytes(15)).startswith("A")
    assert cluster_id(bytes(range(16))) == "AAECAwQFBgcICQoLDA0ODw"
