"""A sink that fails on a real broker: its partition is not passed, the others flow on, and the lag tells of it."""

import asyncio
from collections.abc import Iterable

from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from .sinks import Takes


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
