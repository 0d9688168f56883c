"""Topics as a reader of committed records finds them, from any offset up to an end: for verification, without a consumer group."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from eventkernel.inbox import Record

_BATCH = 500
_SETTLE_SECONDS = 5.0
_READ_SECONDS = 30.0
_LOOK_AGAIN = 0.02


class Stalled(Exception):
    """The broker gave nothing for so long that the rest cannot be judged."""


class Topics:
    """Reads topics, one verification at a time."""

    def __init__(self, bootstrap: str) -> None:
        self._committed = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        self._written = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_uncommitted", enable_auto_commit=False
        )

        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._committed.start()
        await self._written.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._written.stop()
        await self._committed.stop()
        await self._admin.close()

    async def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """All partitions of these topics."""
        described = await self._admin.describe_topics(list(topics))
        return sorted(
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        )

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each ends for readers now, with every transaction in it that was committed before.

        A transaction is visible a moment after its commit has returned. One that stays open longer hides what follows: then the end is
        before it.
        """
        wanted = list(partitions)
        written = await self._written.end_offsets(wanted)
        until = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        while True:
            visible: dict[TopicPartition, int] = await self._committed.end_offsets(wanted)
            if all(visible[each] >= written[each] for each in wanted) or asyncio.get_running_loop().time() >= until:
                return visible
            await asyncio.sleep(_LOOK_AGAIN)

    async def read(
        self, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> AsyncIterator[list[Record]]:
        """Records from the starts (0 where none is given) up to the ends, batch by batch, each partition in its order."""
        reading = [partition for partition, end in ends.items() if starts.get(partition, 0) < end]
        self._committed.assign(reading)
        for partition in reading:
            if starts.get(partition, 0):
                self._committed.seek(partition, starts[partition])
            else:
                await self._committed.seek_to_beginning(partition)
        moved = asyncio.get_running_loop().time()
        while reading:
            found = await self._committed.getmany(*reading, timeout_ms=200, max_records=_BATCH)
            for partition, records in found.items():
                yield [record for record in records if record.offset < ends[partition]]
            before, reading = reading, [each for each in reading if await self._committed.position(each) < ends[each]]
            if found or reading != before:
                moved = asyncio.get_running_loop().time()
            elif asyncio.get_running_loop().time() > moved + _READ_SECONDS:
                raise Stalled(f"nothing came of {len(reading)} partitions for {_READ_SECONDS:.0f} seconds")
