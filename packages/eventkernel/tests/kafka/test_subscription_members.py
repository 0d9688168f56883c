"""Members of a group that come and go on a real broker: no record is skipped or taken out of order, whatever is under way."""

import asyncio

import pytest

from .sinks import Overlapping, Takes, ownerships


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
        for owned in ownerships(sink.log):
            for partition in range(8):
                read = [offset for number, offset in owned if number == partition]
                assert read == list(range(read[0], read[0] + len(read))) if read else True


async def test_a_take_that_outlives_its_partition_commits_nothing_and_the_next_owner_reads_it(
    subscribe, bus, topic, until, offsets
):
    group = f"{topic}.a"
    first, second = Takes(group, topic), Takes(group, topic)
    first.gate.clear()
    await bus.put(7, b"1", b"2")
    holding = await subscribe(first, drain=0.05, member="member-1")
    await until(lambda: first.inside == 1)
    second.gate.clear()
    await subscribe(second, member="member-2")
    await until(lambda: second.inside == 1)
    first.gate.set()
    await until(lambda: first.count == 2)
    # A stop commits what was taken: of what is another's by now, nothing.
    await holding.stop()
    assert 7 not in await offsets(group)
    second.gate.set()
    await until(lambda: second.count == 2)
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
