"""Consumer groups in unrest: members that come and go every second, offsets that go back, records that come again and out of turn."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from tests.fault.checker.evidence import INJECTED, service_of
from tests.fault.fault import Run, fault

_COMINGS = 10
_GROUPS = {
    "sessions.learner_sessions.v3": ("sessions",),
    "evidence.ksb_progress.v7": ("evidence", "sessions"),
    "notifications.telling.v1": ("evidence", "notifications", "safeguarding", "sessions"),
    "notifications.ledger.v1": ("evidence", "sessions"),
    "notifications.sending.v1": ("notifications",),
    "notifications.suppressing.v1": ("notifications",),
    "notifications.acknowledging.v1": ("safeguarding",),
    "notifications.digesting.v1": ("notifications",),
    "notifications.verifying.v1": ("notifications",),
    "safeguarding.escalation.v1": ("safeguarding",),
    "safeguarding.merging.v1": ("safeguarding",),
}
_PARTITIONS = range(8)


@fault("members join every group and leave it, every second")
async def members_come_and_go(run: Run) -> None:
    await run.under_way(0.1)
    run.note(f"a member joins and leaves {', '.join(_GROUPS)}, {_COMINGS} times")
    await asyncio.gather(*(_come_and_go(run, group, topics_of(sources)) for group, sources in _GROUPS.items()))


@fault("every offset goes back to the beginning, and old records come again, last ones first")
async def redelivered(run: Run) -> None:
    await run.under_way()
    consumers = [*run.world.of_role("projector"), *run.world.of_role("reactor")]
    names = {process.name for process in consumers}
    ended = await asyncio.gather(*(run.world.end(run.world.processes[name], within=30.0) for name in names))
    run.note(f"{sum(ended)} of {len(names)} consuming processes were ended in order")
    for group, sources in _GROUPS.items():
        await _back_to_the_beginning(run, group, topics_of(sources))
    again = await _put_again(run)
    run.note(
        f"{len(_GROUPS)} groups begin at offset 0; {again} records lie on the topics a second time, in reverse order"
    )
    await run.world.revive()


def topics_of(services: Sequence[str]) -> list[str]:
    """These services' topics."""
    return [service_of(name).contract.topic for name in services]


async def _come_and_go(run: Run, group: str, topics: list[str]) -> None:
    for _ in range(_COMINGS):
        consumer = AIOKafkaConsumer(
            *topics, bootstrap_servers=run.world.kafka.bootstrap, group_id=group, enable_auto_commit=False,
            partition_assignment_strategy=[RangePartitionAssignor], heartbeat_interval_ms=500,
        )  # fmt: skip
        await consumer.start()
        try:
            await run.last(1.0)
        finally:
            await consumer.stop()


async def _back_to_the_beginning(run: Run, group: str, topics: list[str]) -> None:
    partitions = [TopicPartition(topic, number) for topic in topics for number in _PARTITIONS]
    consumer = AIOKafkaConsumer(bootstrap_servers=run.world.kafka.bootstrap, group_id=group, enable_auto_commit=False)
    async with consumer:
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))


async def _put_again(run: Run) -> int:
    """Copies of this provider's records of sessions, each stream's last one first, behind all that is there."""
    topic = service_of("sessions").contract.topic
    partitions = [TopicPartition(topic, number) for number in _PARTITIONS]
    consumer = AIOKafkaConsumer(bootstrap_servers=run.world.kafka.bootstrap, isolation_level="read_committed")
    copied = 0
    async with consumer, AIOKafkaProducer(bootstrap_servers=run.world.kafka.bootstrap) as producer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        unread = {partition for partition in partitions if ends[partition]}
        while unread:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [record for record in records if ("ce_tenant", run.tenant.encode()) in record.headers]
            unread = {partition for partition in unread if await consumer.position(partition) < ends[partition]}
        for record in reversed(found):
            headers = [*record.headers, (INJECTED, b"again")]
            await producer.send_and_wait(
                topic,
                record.value,
                record.key,
                partition=record.partition,
                timestamp_ms=record.timestamp,
                headers=headers,
            )
            copied += 1
    return copied
