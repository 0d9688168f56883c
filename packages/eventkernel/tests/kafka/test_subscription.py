"""Subscriptions on a real broker: nothing is committed before it was taken, and nothing is skipped, whatever fails."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import NotLeaderForPartitionError
from eventkernel.inbox import NotTried
from eventkernel.subscription import Subscriptions
from mentorstream.embedded import KafkaEmbedded, Topic, create_topics
from prometheus_client import REGISTRY


class Takes:
    """A sink that remembers, and fails where it is told to."""

    overlaps = False

    def __init__(
        self, group: str, *topics: str, fails: Callable[[int, Sequence[ConsumerRecord]], bool] = lambda *_: False
    ) -> None:
        self.subscription = group
        self.topics = topics
        self.taken: dict[tuple[str, int], list[ConsumerRecord]] = defaultdict(list)
        self.log: list[str | tuple[int, int]] = []
        self.assignments: list[frozenset[TopicPartition]] = []
        self.refusals = 0
        self.fails = fails
        self.gate = asyncio.Event()
        self.gate.set()
        self.inside = 0
        self.records_inside = self.most_inside = 0
        self.told_too_soon = False
        self.stopped: set[int] = set()
        self.turn = asyncio.Lock()

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        self.told_too_soon |= self.inside > 0
        self.stopped.clear()
        self.assignments.append(frozenset(partitions))
        self.log.append("assigned")

    def revoked(self) -> None:
        """Nothing goes on beside `take`."""

    async def take(self, topic: str, partition: int, records: Sequence[ConsumerRecord]) -> None:
        assert {(record.topic, record.partition) for record in records} == {(topic, partition)}
        self.inside += 1
        try:
            await self.gate.wait()
            if self.fails(partition, records):
                self.refusals += 1
                raise OSError("planted")
        finally:
            self.inside -= 1
        self.taken[topic, partition] += records
        self.log += [(partition, record.offset) for record in records]

    def values(self, partition: int, topic: str = "") -> list[bytes | None]:
        return [record.value for record in self.taken[topic or self.topics[0], partition]]

    @property
    def count(self) -> int:
        return sum(map(len, self.taken.values()))


@pytest.fixture
async def subscribe(kafka_bootstrap: str) -> AsyncIterator[Any]:
    running: list[Subscriptions] = []

    async def start(*sinks: Takes, member: str = "test", **changed: Any) -> Subscriptions:
        # A member's name: partitions go to the members in the order of their names.
        parts: dict[str, Any] = {"bootstrap": kafka_bootstrap, "heartbeat_ms": 100, "drain": 5.0} | changed
        made = Subscriptions(parts.pop("bootstrap"), member, **parts)
        for sink in sinks:
            made.add(sink)
        running.append(made)
        await made.start()
        return made

    yield start
    for each in running:
        await each.stop()


@pytest.fixture
def offsets(kafka_bootstrap: str, topic: str) -> Any:
    """What the group has committed, by partition."""

    async def read(group: str) -> dict[int, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            found = {partition: await consumer.committed(TopicPartition(topic, partition)) for partition in range(8)}
        finally:
            await consumer.stop()
        return {partition: offset for partition, offset in found.items() if offset is not None}

    return read


async def test_takes_in_order_and_commits_each_partition_by_itself(subscribe, bus, topic, until, offsets):
    sink = Takes(f"{topic}.a", topic)
    await bus.put(0, b"0", b"1", b"2")
    await bus.put(5, b"3")
    subscriptions = await subscribe(sink)
    await until(lambda: sink.count == 4)
    await bus.put(0, b"4")
    await until(lambda: sink.count == 5)
    await subscriptions.stop()
    assert sink.values(0) == [b"0", b"1", b"2", b"4"]
    assert await offsets(sink.subscription) == {0: 4, 5: 1}
    assert sink.log[0] == "assigned"
    assert sink.assignments == [frozenset(TopicPartition(topic, partition) for partition in range(8))]
    assert (
        REGISTRY.get_sample_value(
            "mentorstream_records_consumed_total", {"service": "test", "subscription": sink.subscription}
        )
        == 5
    )


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


async def test_a_partition_that_fails_is_not_passed_and_the_others_flow_on(subscribe, bus, topic, until, offsets):
    sink = Takes(f"{topic}.a", topic, fails=lambda partition, _: partition == 1)
    await bus.put(0, b"a")
    await bus.put(1, b"x", b"y")
    subscriptions = await subscribe(sink)
    await until(lambda: sink.refusals >= 2)
    for number in range(5):
        await bus.put(0, b"%d" % number)
        await bus.put(2, b"%d" % number)
    await until(lambda: sink.count == 11)
    assert sink.values(1) == []

    sink.fails = lambda *_: False
    await bus.put(1, b"z")
    await until(lambda: len(sink.values(1)) == 3)
    assert sink.values(1) == [b"x", b"y", b"z"]
    await subscriptions.stop()
    assert await offsets(sink.subscription) == {0: 6, 1: 3, 2: 5}


async def test_nothing_is_committed_for_a_partition_that_always_fails(subscribe, bus, topic, until, offsets):
    sink = Takes(f"{topic}.a", topic, fails=lambda partition, _: partition == 1)
    await bus.put(1, b"x", b"y")
    subscriptions = await subscribe(sink)
    await until(lambda: sink.refusals >= 1)
    await bus.put(0, b"a")
    await until(lambda: sink.count == 1)
    await subscriptions.stop()
    assert await offsets(sink.subscription) == {0: 1}

    again = Takes(sink.subscription, topic)
    await subscribe(again)
    await until(lambda: again.count == 2)
    assert again.values(1) == [b"x", b"y"]
    assert again.values(0) == []


async def test_the_pauses_between_attempts_grow_and_are_waited_out(subscribe, bus, topic, until):
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    sink = Takes(f"{topic}.a", topic)
    sink.fails = lambda *_: sink.refusals < 10
    await bus.put(1, b"x")
    await subscribe(sink, sleep=sleep)
    await until(lambda: sink.count == 1)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 30.0
    assert len(pauses) == 10


async def test_a_restart_goes_on_from_what_was_committed(subscribe, bus, topic, until):
    sink = Takes(f"{topic}.a", topic)
    await bus.put(3, b"1", b"2")
    subscriptions = await subscribe(sink)
    await until(lambda: sink.count == 2)
    await subscriptions.stop()

    await bus.put(3, b"3")
    again = Takes(sink.subscription, topic)
    await subscribe(again)
    await until(lambda: again.count == 1)
    assert again.values(3) == [b"3"]


async def test_a_stop_waits_for_what_is_in_flight_and_commits_it(subscribe, bus, topic, until, offsets):
    sink = Takes(f"{topic}.a", topic)
    sink.gate.clear()
    await bus.put(3, b"1", b"2")
    subscriptions = await subscribe(sink)
    await until(lambda: sink.inside == 1)
    stopping = asyncio.create_task(subscriptions.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    sink.gate.set()
    await stopping
    assert sink.count == 2
    assert await offsets(sink.subscription) == {3: 2}


async def test_a_stop_gives_up_what_takes_too_long_and_commits_nothing_of_it(subscribe, bus, topic, until, offsets):
    sink = Takes(f"{topic}.a", topic)
    sink.gate.clear()
    await bus.put(3, b"1")
    subscriptions = await subscribe(sink, drain=0.1)
    await until(lambda: sink.inside == 1)
    await subscriptions.stop()
    await until(lambda: sink.inside == 0)
    assert sink.count == 0
    assert await offsets(sink.subscription) == {}


@pytest.mark.parametrize("drain", [5.0, 0.01])
async def test_members_come_and_go_and_each_record_is_taken_in_order(subscribe, bus, topic, until, drain):
    """With time to commit at a rebalance, and without: then records come again, and none is left out."""
    group = f"{topic}.a"
    sinks = [Takes(group, topic) for _ in range(3)]
    put = 0

    async def write(more: int) -> None:
        nonlocal put
        for _ in range(more):
            await bus.put(put % 8, b"%d" % put)
            put += 1

    def everything_taken() -> bool:
        return {value for sink in sinks for partition in range(8) for value in sink.values(partition)} == {
            b"%d" % number for number in range(put)
        }

    first = await subscribe(sinks[0], drain=drain, max_records=5)
    await write(20)
    sinks[0].gate.clear()
    # Whether or not it has taken those before by now.
    await write(20)
    await until(lambda: sinks[0].inside)
    writing = asyncio.create_task(write(200))
    joining = asyncio.create_task(subscribe(sinks[1], drain=drain, max_records=5))
    await until(lambda: sinks[1].assignments or sinks[0].inside)
    sinks[0].gate.set()
    await joining
    await until(lambda: any(len(held) == 4 for held in sinks[1].assignments))
    await first.stop()
    await subscribe(sinks[2], drain=drain, max_records=5)
    await writing
    await write(40)
    await until(everything_taken)
    for sink in sinks:
        for owned in _ownerships(sink.log):
            for partition in range(8):
                read = [offset for number, offset in owned if number == partition]
                assert read == list(range(read[0], read[0] + len(read))) if read else True


def _ownerships(log: Sequence[str | tuple[int, int]]) -> Iterable[list[tuple[int, int]]]:
    owned: list[tuple[int, int]] = []
    for entry in log:
        if isinstance(entry, str):
            yield owned
            owned = []
        else:
            owned.append(entry)
    yield owned


async def test_a_take_that_outlives_its_partition_commits_nothing_and_the_next_owner_reads_it(
    subscribe, bus, topic, until, offsets
):
    group = f"{topic}.a"
    first, second = Takes(group, topic), Takes(group, topic)
    first.gate.clear()
    await bus.put(7, b"1", b"2")
    await subscribe(first, drain=0.05, member="member-1")
    await until(lambda: first.inside == 1)
    await subscribe(second, member="member-2")
    await until(lambda: second.count == 2)
    first.gate.set()
    await until(lambda: first.count == 2)
    await bus.put(7, b"3")
    await until(lambda: second.count == 3)
    assert second.values(7) == [b"1", b"2", b"3"]
    assert first.values(7) == [b"1", b"2"]


@pytest.mark.parametrize("partition", [0, 7])
async def test_a_failure_that_outlives_a_rebalance_stops_nothing(subscribe, bus, topic, until, partition):
    """Neither where the partition stays with the member whose take failed, nor where it went to another."""
    group = f"{topic}.a"
    first, second = Takes(group, topic), Takes(group, topic)
    first.gate.clear()
    first.fails = lambda *_: first.refusals == 0
    await bus.put(partition, b"1", b"2")
    await subscribe(first, drain=0.05, member="member-1")
    await until(lambda: first.inside == 1)
    await subscribe(second, member="member-2")
    await until(lambda: second.assignments)
    first.gate.set()
    await until(lambda: first.refusals == 1)
    await bus.put(partition, b"3")
    owner = first if partition == 0 else second
    await until(lambda: owner.count == 3)
    assert owner.values(partition) == [b"1", b"2", b"3"]


async def test_poison_reaches_the_sink_as_it_is(subscribe, bus, topic, until, offsets):
    sink = Takes(f"{topic}.a", topic)
    odd = [("reply_to", b"elsewhere"), ("content-type", b"application/json"), ("x", b"\xff\xfe"), ("none", None)]
    await bus.put(2, b"\xff\xfenot json", None, b"", headers=odd)
    subscriptions = await subscribe(sink)
    await until(lambda: sink.count == 3)
    assert sink.values(2) == [b"\xff\xfenot json", None, b""]
    assert sink.taken[topic, 2][0].headers == tuple(odd)
    await subscriptions.stop()
    assert await offsets(sink.subscription) == {2: 3}


async def test_topics_of_one_sink_are_assigned_alike_and_taken_apart(subscribe, bus, topic, other_topic, until):
    other = await other_topic()
    group = f"{topic}.a"
    sinks = [Takes(group, topic, other) for _ in range(2)]
    for sink in sinks:
        await subscribe(sink)
    await until(lambda: all(sink.assignments and len(sink.assignments[-1]) == 8 for sink in sinks))
    for sink in sinks:
        held = sink.assignments[-1]
        assert {p.partition for p in held if p.topic == topic} == {p.partition for p in held if p.topic == other}
    await bus.put(6, b"1")
    await bus.put(6, b"2", topic=other)
    await until(lambda: sum(sink.count for sink in sinks) == 2)
    assert sorted(sink.count for sink in sinks) == [0, 2]


async def test_two_sinks_of_a_process_do_not_wait_for_each_other(subscribe, bus, topic, until):
    slow, quick = Takes(f"{topic}.slow", topic), Takes(f"{topic}.quick", topic)
    slow.gate.clear()
    await bus.put(0, b"1")
    await subscribe(slow, quick)
    await until(lambda: quick.count == 1)
    assert slow.count == 0
    slow.gate.set()
    await until(lambda: slow.count == 1)


async def test_a_sink_that_could_not_be_told_of_its_partitions_is_told_again_before_it_takes(
    subscribe, bus, topic, until
):
    sink = Takes(f"{topic}.a", topic)
    tell, refused = sink.assigned, 0

    async def refuse_twice(partitions: Iterable[TopicPartition]) -> None:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise OSError("planted")
        await tell(partitions)

    sink.assigned = refuse_twice  # type: ignore[method-assign]
    await bus.put(0, b"1")
    await subscribe(sink)
    await until(lambda: sink.count == 1)
    assert sink.log == ["assigned", (0, 0)]


async def test_records_of_aborted_transactions_are_not_taken(subscribe, topic, kafka_bootstrap, until):
    sink = Takes(f"{topic}.a", topic)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=topic) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed", partition=0)
    await subscribe(sink)
    await until(lambda: sink.count == 1)
    assert sink.values(0) == [b"committed"]


async def test_the_lag_is_measured_up_to_nothing(subscribe, topic, kafka_bootstrap, until, bus):
    sink = Takes(f"{topic}.a", topic, fails=lambda partition, _: partition == 1)
    await bus.put(0, b"1", b"2")
    await bus.put(1, b"1", b"2", b"3")
    await subscribe(sink)

    def lag(partition: int) -> float | None:
        return REGISTRY.get_sample_value(
            "mentorstream_subscription_lag",
            {"service": "test", "subscription": sink.subscription, "topic": topic, "partition": str(partition)},
        )

    await until(lambda: lag(0) == 0 and lag(1) == 3)
    assert (sink.values(0), sink.values(1)) == ([b"1", b"2"], [])


class Overlapping(Takes):
    """One that is given the next records before it has taken the last ones, and takes all in their order."""

    overlaps = True

    async def take(self, topic: str, partition: int, records: Sequence[ConsumerRecord]) -> None:
        self.records_inside += len(records)
        self.most_inside = max(self.most_inside, self.records_inside)
        try:
            async with self.turn:
                if partition in self.stopped:
                    raise NotTried("planted")
                try:
                    await super().take(topic, partition, records)
                except OSError:
                    self.stopped.add(partition)
                    raise
        finally:
            self.records_inside -= len(records)


async def test_a_sink_that_overlaps_gets_the_next_records_before_it_has_taken_the_last_and_only_so_many(
    subscribe, bus, topic, until, offsets
):
    sink = Overlapping(f"{topic}.a", topic)
    sink.gate.clear()
    for number in range(40):
        await bus.put(number % 2, b"%d" % number)
    subscriptions = await subscribe(sink, max_records=4, ahead=10)
    await until(lambda: sink.records_inside >= 10)
    await asyncio.sleep(0.3)
    assert sink.most_inside < 10 + 4
    assert await offsets(sink.subscription) == {}
    sink.gate.set()
    await until(lambda: sink.count == 40)
    await subscriptions.stop()
    assert sink.most_inside < 10 + 4
    assert await offsets(sink.subscription) == {0: 20, 1: 20}


async def test_where_an_overlapping_take_fails_its_partition_is_read_again_from_there_and_nothing_passes(
    subscribe, bus, topic, until, offsets
):
    sink = Overlapping(f"{topic}.a", topic)
    sink.fails = lambda partition, records: (
        partition == 1 and sink.refusals < 3 and records[0].offset >= 8 * (sink.refusals + 1)
    )
    for number in range(120):
        await bus.put(number % 3, b"%d" % number)
    subscriptions = await subscribe(sink, max_records=5, ahead=20)
    await until(lambda: sink.count == 120)
    await subscriptions.stop()
    assert sink.refusals == 3
    for partition in range(3):
        assert [record.offset for record in sink.taken[topic, partition]] == list(range(40))
    assert await offsets(sink.subscription) == {0: 40, 1: 40, 2: 40}


@pytest.mark.parametrize("drain", [5.0, 0.01])
async def test_members_come_and_go_while_takes_overlap_and_each_record_is_taken_in_order(
    subscribe, bus, topic, until, drain
):
    group = f"{topic}.a"
    sinks = [Overlapping(group, topic) for _ in range(3)]
    for number in range(160):
        await bus.put(number % 8, b"%d" % number)
    for sink in sinks:
        sink.gate.clear()
    members = [await subscribe(sinks[0], drain=drain, max_records=5, ahead=20)]
    await until(lambda: sinks[0].records_inside >= 20)
    joining = asyncio.create_task(subscribe(sinks[1], drain=drain, max_records=5, ahead=20))
    await asyncio.sleep(0.2)
    for sink in sinks:
        sink.gate.set()
    members.append(await joining)
    await until(lambda: any(len(held) == 4 for held in sinks[1].assignments))
    await members[0].stop()
    members.append(await subscribe(sinks[2], drain=drain, max_records=5, ahead=20))
    for number in range(160, 240):
        await bus.put(number % 8, b"%d" % number)
    await until(
        lambda: (
            {value for sink in sinks for partition in range(8) for value in sink.values(partition)}
            == {b"%d" % number for number in range(240)}
        )
    )
    assert not any(sink.told_too_soon for sink in sinks)
    for sink in sinks:
        for owned in _ownerships(sink.log):
            for partition in range(8):
                read = [offset for number, offset in owned if number == partition]
                assert read == list(range(read[0], read[0] + len(read))) if read else True


@pytest.mark.parametrize("kind", [Takes, Overlapping])
async def test_a_sink_is_told_of_its_partitions_though_no_record_comes(subscribe, bus, topic, until, kind):
    """Also where it could not be told when they were assigned, since something was under way."""
    group = f"{topic}.a"
    first, second = kind(group, topic), kind(group, topic)
    first.gate.clear()
    await bus.put(0, b"1")
    await subscribe(first, drain=0.05, member="member-1")
    await until(lambda: first.inside == 1)
    await subscribe(second, member="member-2")
    await until(lambda: second.assignments)
    await asyncio.sleep(0.3)
    first.gate.set()
    await until(lambda: len(first.assignments) >= 2 and len(first.assignments[-1]) == 4)
    assert not first.told_too_soon
