"""Sinks that overlap, on a real broker: given the next records before the last are taken, only so many, and none out of order."""

import asyncio

import pytest

from .sinks import Overlapping, ownerships


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
        for owned in ownerships(sink.log):
            for partition in range(8):
                read = [offset for number, offset in owned if number == partition]
                assert read == list(range(read[0], read[0] + len(read))) if read else True
