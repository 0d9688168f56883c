"""Verifying that the topic holds what the log says: each planted fault is found, and what is published meanwhile is none."""

import pytest
from eventkernel.messages import Commit, StoredEvent

from .library import NOON, TENANT, CloseLoanRequest, OpenLoanRequest
from .world import TOPIC, World, replace_header, texts


async def test_a_doubled_record_is_found(world: World) -> None:
    partition, records = world.of("ada")
    world.topics.put(records[0], partition.partition)
    (text,) = texts(await world.i2())
    assert text == f"{TOPIC} {TENANT}/{dict(records[0].headers)['ce_subject'].decode()}: version 1 is there 2 times"


@pytest.mark.parametrize("place", [0, 1])
async def test_a_missing_record_is_found(world: World, place: int) -> None:
    partition, records = world.of("ada")
    stream = [record for record in records if dict(record.headers)["ce_subject"] == b"loan-ada-0"]
    world.topics.order(partition, [record for record in records if record is not stream[place]])
    assert texts(await world.i2()) == [f"{TOPIC} {TENANT}/loan-ada-0: version {place + 1} is missing"]


async def test_a_stream_that_is_missing_whole_is_found(world: World) -> None:
    partition, records = world.of("ada")
    world.topics.order(partition, [one for one in records if dict(one.headers)["ce_subject"] != b"loan-ada-0"])
    assert len(texts(await world.i2())) == 2


async def test_a_swapped_order_is_found(world: World) -> None:
    partition, records = world.of("ada")
    (first, second) = [place for place, one in enumerate(records) if dict(one.headers)["ce_subject"] == b"loan-ada-0"]
    swapped = [*records]
    swapped[first], swapped[second] = records[second], records[first]
    world.topics.order(partition, swapped)
    (text,) = texts(await world.i2())
    assert text.startswith(f"{TOPIC} {TENANT}/loan-ada-0: version 1 (partition {partition.partition}, offset {second})")
    assert text.endswith("comes behind version 2")


async def test_an_event_that_is_not_in_the_log_is_found(world: World) -> None:
    partition, records = world.of("ada")
    foreign = replace_header(records[0], "ce_id", b"made-up")
    world.topics.put(replace_header(foreign, "ce_sequence", b"3"), partition.partition)
    world.topics.put(replace_header(foreign, "ce_subject", b"loan-never"), partition.partition)
    found = texts(await world.i2())
    assert len(found) == 2
    assert all("is not in the log" in text for text in found)


async def test_an_event_in_another_partition_is_found(world: World) -> None:
    partition, records = world.of("ada")
    stream = [one for one in records if dict(one.headers)["ce_subject"] == b"loan-ada-0"]
    world.topics.order(partition, [one for one in records if one not in stream])
    for record in stream:
        world.topics.put(record, 1 - partition.partition)
    assert sum("is in another partition" in text for text in texts(await world.i2())) == 2


async def test_what_is_pending_is_left_out_and_what_is_published_meanwhile_is_no_fault(world: World) -> None:
    await world.more()
    findings = await world.i2()
    assert (findings.checked, findings.violations) == (16, 0)

    async def published() -> None:
        await world.publish()
        await world.give(CloseLoanRequest(loan_id="bob-0"))
        await world.give(OpenLoanRequest(loan_id="new", reader_id="eva"))
        await world.publish()

    async def published_again() -> None:
        await world.more()
        await world.publish()

    # The second comes while what did not agree is being looked at closely.
    world.topics.meanwhile = [published, published_again]
    findings = await world.i2()
    assert (findings.checked, findings.violations, texts(findings)) == (19, 0, [])


async def test_a_commit_that_was_cleared_and_never_published_is_found(world: World) -> None:
    await world.more()
    await world.store.commits.clear([commit.id for commit in await world.store.commits.pending(range(4), 10)])
    assert texts(await world.i2()) == [f"{TOPIC} {TENANT}/loan-ada-0: version 3 is missing"]


async def test_internal_events_are_not_looked_for(world: World) -> None:
    event = StoredEvent("e", "sample.library.limit-set", 1, b"", published=False)
    await world.store.commits.append([Commit("p/1", TENANT, "limit-ada", (event,), "limit-ada", NOON, "mia", 0)])
    assert (await world.i2()).violations == 0


async def test_foreign_bytes_on_the_topic_are_not_judged(world: World) -> None:
    world.topics.put(world.bus.raw(b"", b"\xff", ()), 0)
    findings = await world.i2()
    assert (findings.violations, findings.not_judged) == (0, 1)
