"""Subscriptions on a real broker: records are taken in order and whole, and committed once they were taken, also at a stop."""

import asyncio

from aiokafka import AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from .sinks import Takes


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
