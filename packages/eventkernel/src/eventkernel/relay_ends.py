"""What readers of committed records find in one slot's partitions, and what keeps them from the rest.

A broker that is killed right after it acknowledged a transaction can come back without the transaction's marker: its coordinator
takes the transaction for complete, and its partition for ever has it open (seen with Kafka 4.3, ADR 0002). Readers then stand still,
and the marker of the next transaction of the same producer decides both. So an acknowledgement alone says nothing here.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from eventkernel import cloudevents

_log = structlog.get_logger(__name__)
_EPOCH = datetime.fromtimestamp(0, UTC)
_LOOK_FIRST, _LOOK_LAST = 0.005, 0.1


class PartitionEnds:
    """The ends of one slot's partitions, from `start` to `stop`. How long it waits is its callers' to limit.

    Args:
        bootstrap: the brokers' addresses.
        topic: where the slot publishes.
        partitions: the slot's own, to which nobody but the holder of its transactional id writes.
    """

    def __init__(self, bootstrap: str, topic: str, partitions: Sequence[int]) -> None:
        self._bootstrap = bootstrap
        self._own = [TopicPartition(topic, partition) for partition in partitions]
        self._committed = self._reader("read_committed")

    async def start(self) -> None:
        """Connects. Raises aiokafka's errors."""
        await self._committed.start()

    async def stop(self) -> None:
        """Disconnects, also after a start that failed."""
        await self._committed.stop()

    async def close_what_is_open(self, producer: AIOKafkaProducer) -> None:
        """Aborts what the fenced holders before left open, and returns when readers can pass it.

        To abort is right whatever was acknowledged: nobody has read it, and the store has it as pending until `until_readable`.
        """
        while still_open := await self._open():
            _log.warning("relay_closes_open_transaction", partitions=[str(each) for each in still_open])
            await producer.begin_transaction()
            for partition in still_open:
                # A partition joins without a record, which aiokafka has no public way for. Its marker closes what is open in it.
                producer._txn_manager.maybe_add_partition_to_txn(partition)  # noqa: SLF001
            await producer.abort_transaction()
            await asyncio.sleep(_LOOK_LAST)

    async def until_readable(self, records: Collection[RecordMetadata]) -> None:
        """Returns when readers of committed records can read these."""
        wanted: dict[TopicPartition, int] = {}
        for record in records:
            if record.offset < 0:
                # The broker had it already and no longer knows where: the next holding's tail finds it.
                raise RuntimeError(f"a record of {record.topic_partition} went out at an offset that is not known")
            wanted[record.topic_partition] = max(record.offset, wanted.get(record.topic_partition, -1))
        wait = _LOOK_FIRST
        while wanted:
            ends = await self._committed.end_offsets(list(wanted))
            wanted = {partition: offset for partition, offset in wanted.items() if ends[partition] <= offset}
            if wanted:
                await asyncio.sleep(wait)
                wait = min(_LOOK_LAST, wait * 2)

    async def read_tail(self, since: datetime) -> frozenset[str]:
        """The ids of the events that the partitions hold from a commit's time on, up to where they end now."""
        ids: set[str] = set()
        async with self._reader("read_committed") as consumer:
            # A record carries its commit's time: the first at or after the oldest pending commit's comes before every record
            # of any pending commit, in whatever order the times lie in the partition.
            starts = await consumer.offsets_for_times(dict.fromkeys(self._own, milliseconds(since)))
            ends = await consumer.end_offsets(self._own)
            unread = {each for each in self._own if starts[each] and starts[each].offset < ends[each]}
            consumer.assign(unread)
            for partition in unread:
                consumer.seek(partition, starts[partition].offset)
            while unread:
                for records in (await consumer.getmany(timeout_ms=50)).values():
                    ids.update(event_id for record in records if (event_id := cloudevents.event_id_of(record)))
                unread = {partition for partition in unread if await consumer.position(partition) < ends[partition]}
        return frozenset(ids)

    async def _open(self) -> list[TopicPartition]:
        """Where something lies beyond what readers of committed records may read."""
        stable: Mapping[TopicPartition, int] = await self._committed.end_offsets(self._own)
        async with self._reader("read_uncommitted") as everything:
            ends = await everything.end_offsets(self._own)
        return [partition for partition in self._own if stable[partition] < ends[partition]]

    def _reader(self, isolation_level: str) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level=isolation_level,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )


def milliseconds(at: datetime) -> int:
    """A time as Kafka has it. The division is exact where a float's would not be."""
    return (at - _EPOCH) // timedelta(milliseconds=1)
