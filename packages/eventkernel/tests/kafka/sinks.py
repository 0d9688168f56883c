"""Sinks for the tests of subscriptions: they remember what they took, and fail or wait where they are told to."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from aiokafka import ConsumerRecord, TopicPartition
from eventkernel.inbox import NotTried


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


def ownerships(log: Sequence[str | tuple[int, int]]) -> Iterable[list[tuple[int, int]]]:
    """What was taken, by partition and offset, from one assignment to the next."""
    owned: list[tuple[int, int]] = []
    for entry in log:
        if isinstance(entry, str):
            yield owned
            owned = []
        else:
            owned.append(entry)
    yield owned
