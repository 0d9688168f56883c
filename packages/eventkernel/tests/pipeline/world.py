"""A library whose events are on a topic and in a read model, all of which can be tampered with, and what verifying finds."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.node import Node
from eventkernel.operations.findings import Findings
from eventkernel.operations.verify_documents import DocumentCheck
from eventkernel.operations.verify_log import LogCheck
from eventkernel.operations.verify_topic import TopicCheck
from eventkernel.placement import partition_of
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore

from .library import CONTRACT, TENANT, Bus, Giver, Hand, OpenLoanRequest, RenewLoanRequest
from .library import readers as read_model

TOPIC = "sample.library.v1"
PARTITIONS = 2
READERS = ("ada", "bob", "cyd", "dan")


class Topics:
    """What the real one reads from a broker, from lists; and what happens while it reads."""

    def __init__(self) -> None:
        self.records: dict[TopicPartition, list[Any]] = {TopicPartition(TOPIC, each): [] for each in range(PARTITIONS)}
        self.meanwhile: list[Callable[[], Any]] = []

    async def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        return [partition for partition in self.records if partition.topic in topics]

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        return {each: len(self.records[each]) for each in partitions}

    async def read(
        self, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> AsyncIterator[list[Any]]:
        for partition, end in ends.items():
            for start in range(starts.get(partition, 0), end, 3):
                yield self.records[partition][start : min(start + 3, end)]

    def put(self, record: Any, partition: int) -> None:
        """Puts a record at the end of a partition."""
        records = self.records[TopicPartition(TOPIC, partition)]
        records.append(
            ConsumerRecord(
                TOPIC, partition, len(records), 0, 0, record.key, record.value, 0, 0, len(record.value or b""), record.headers
            )
        )  # fmt: skip

    def order(self, partition: TopicPartition, records: list[Any]) -> None:
        """Makes the partition hold these, in this order."""
        self.records[partition] = []
        for record in records:
            self.put(record, partition.partition)


class World:
    """A library whose events are on a topic and in a read model."""

    def __init__(self, node: Node, store: MemoryStore, bus: Bus, model: Projection[Any] = read_model) -> None:
        self.store, self.bus, self.topics = store, bus, Topics()
        self.give = Giver(node)
        self.model = model
        self.projector = Projector(
            model, service="library", contract=CONTRACT, documents=store.documents, parked=store.parked, clock=Hand()
        )  # fmt: skip
        self.taken = dict.fromkeys(self.topics.records, 0)

    async def work(self) -> None:
        """Some loans, published and projected."""
        for reader in READERS:
            for loan in range(2):
                await self.give(OpenLoanRequest(loan_id=f"{reader}-{loan}", reader_id=reader))
                await self.give(RenewLoanRequest(loan_id=f"{reader}-{loan}", days=7))
        await self.publish()
        await self.project()

    async def more(self) -> None:
        await self.give(RenewLoanRequest(loan_id="ada-0", days=30))

    async def publish(self) -> None:
        for commit in await self.store.commits.pending(range(4), 1000):
            number = partition_of(commit.partition_key, PARTITIONS)
            for record in self.bus.records(commit):
                self.topics.put(record, number)
            await self.store.commits.clear([commit.id])

    async def project(self) -> None:
        for partition, records in self.topics.records.items():
            if new := records[self.taken[partition] :]:
                await self.projector.take(TOPIC, partition.partition, new)
                self.taken[partition] = len(records)

    async def i1_and_i2(self) -> tuple[Findings, Findings]:
        log = LogCheck(self.store.commits)
        check = TopicCheck(self.store.commits, TOPIC, self.topics, log)  # type: ignore[arg-type]
        async for _ in check.run():
            pass
        return log.findings, check.findings

    async def i1(self) -> Findings:
        return (await self.i1_and_i2())[0]

    async def i2(self) -> Findings:
        return (await self.i1_and_i2())[1]

    async def i4(self) -> Findings:
        check = DocumentCheck(
            self.model, service="library", contract=CONTRACT, store=self.store, topics=self.topics  # type: ignore[arg-type]
        )  # fmt: skip
        async for _ in check.run():
            pass
        return check.findings

    def of(self, reader: str) -> tuple[TopicPartition, list[Any]]:
        """The partition of a reader, and its records."""
        partition = TopicPartition(TOPIC, partition_of(reader, PARTITIONS))
        return partition, self.topics.records[partition]

    async def change(self, reader: str, **fields: Any) -> None:
        """Edits a document by hand."""
        ((revision, body),) = (await self.store.documents.load("readers_v1", [f"{TENANT}/{reader}"])).values()
        write = DocumentWrite(f"{TENANT}/{reader}", revision, body | fields)
        await self.store.documents.write("readers_v1", [write], [Checkpoint("by hand", TOPIC, 0, 0)])


def texts(findings: Findings) -> list[str]:
    return [
        f"{one.violation.about}: {one.violation.text}"
        for one in findings.told()
        if one.WhichOneof("told") == "violation"
    ]


def replace_header(record: Any, name: str, value: bytes) -> Any:
    return replace(record, headers=tuple((each, value if each == name else old) for each, old in record.headers))
