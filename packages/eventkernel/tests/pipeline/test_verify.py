"""Verifying: a sound service is found sound while it works, and each planted fault is found and named."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from eventkernel.messages import Checkpoint, Commit, DocumentWrite, StoredEvent
from eventkernel.node import Node
from eventkernel.operations import verify_documents, verify_topic
from eventkernel.operations.findings import Findings
from eventkernel.operations.verify_documents import DocumentCheck
from eventkernel.operations.verify_log import LogCheck
from eventkernel.operations.verify_topic import TopicCheck
from eventkernel.placement import partition_of
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore

from .conftest import Giver
from .library import CONTRACT, NOON, TENANT, UNLUCKY, Bus, CloseLoanRequest, Hand, OpenLoanRequest, RenewLoanRequest
from .library import readers as read_model
from .test_documents_keys import borrowings, trails

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


@pytest.fixture
async def world(node: Node, store: MemoryStore, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(verify_documents, "_ROUND_SECONDS", 0.0)
    made = World(node, store, bus)
    await made.work()
    return made


def texts(findings: Findings) -> list[str]:
    return [
        f"{one.violation.about}: {one.violation.text}"
        for one in findings.told()
        if one.WhichOneof("told") == "violation"
    ]


async def test_a_sound_service_is_found_sound(world: World) -> None:
    log, topic = await world.i1_and_i2()
    documents = await world.i4()
    assert (log.checked, log.violations, log.not_judged) == (16, 0, 0)
    assert (topic.checked, topic.violations, topic.not_judged) == (16, 0, 0)
    assert (documents.checked, documents.violations, documents.not_judged) == (4, 0, 0)


async def test_much_is_checked_in_several_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_topic, "_MOST_STREAMS", 3)
    monkeypatch.setattr(verify_topic, "_PAGE", 2)
    monkeypatch.setattr(verify_documents, "_MOST_DOCUMENTS", 1)
    monkeypatch.setattr(verify_documents, "_PAGE", 1)
    log, topic = await world.i1_and_i2()
    documents = await world.i4()
    assert (log.checked, log.violations) == (16, 0)
    assert (topic.checked, topic.violations) == (16, 0)
    assert (documents.checked, documents.violations) == (4, 0)


# --- I1 ---------------------------------------------------------------------------------------------------------------------


def stored(*versions: int) -> Commit:
    """A commit by hand, with internal events of these versions."""
    events = tuple(StoredEvent(f"e{each}", "sample.library.limit-set", each, b"", published=False) for each in versions)
    return Commit(f"p/{versions}", TENANT, "limit-ada", events, "limit-ada", NOON, "mia", 0)


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ([(1, 2), (3,)], []),
        ([(1,), (3, 5)], ["version 2 is missing", "version 4 is missing"]),
        ([(2,)], ["version 1 is missing"]),
        ([(1, 2), (2, 3)], ["version 2 is there 2 times"]),
    ],
)
async def test_a_gap_and_a_fork_in_a_stream_are_found(
    world: World, versions: list[tuple[int, ...]], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = world.store.commits._streams
    monkeypatch.setitem(kept, f"{TENANT}/limit-ada", [stored(*each) for each in versions])
    assert texts(await world.i1()) == [f"{TENANT}/limit-ada: {text}" for text in found]


# --- I2 ---------------------------------------------------------------------------------------------------------------------


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


def replace_header(record: Any, name: str, value: bytes) -> Any:
    return replace(record, headers=tuple((each, value if each == name else old) for each, old in record.headers))


# --- I4 ---------------------------------------------------------------------------------------------------------------------


async def test_a_document_edited_by_hand_is_found(world: World) -> None:
    await world.change("bob", days=999)
    assert texts(await world.i4()) == [f"readers_v1 {TENANT}/bob: differs from the fold in: days"]


@pytest.mark.parametrize("field", ["more", "tenant"])
async def test_a_field_that_no_fold_makes_is_found(world: World, field: str) -> None:
    await world.change("bob", **{field: "elsewhere"})
    assert texts(await world.i4()) == [f"readers_v1 {TENANT}/bob: differs from the fold in: {field}"]


async def test_a_lost_document_is_found(world: World) -> None:
    del world.store.documents._documents["readers_v1"][f"{TENANT}/bob"]
    (text,) = texts(await world.i4())
    assert text.startswith(f"readers_v1 {TENANT}/bob: is missing, and its checkpoint is past {TOPIC}/")


async def test_a_checkpoint_ahead_of_the_documents_is_found(world: World) -> None:
    await world.more()
    await world.publish()
    findings = await world.i4()
    # On its way: the checkpoint is not past it.
    assert (findings.violations, findings.not_judged) == (0, 1)
    partition, records = world.of("ada")
    ahead = Checkpoint("library.readers.v1", TOPIC, partition.partition, len(records))
    await world.store.documents.write("readers_v1", [], [ahead])
    (text,) = texts(await world.i4())
    assert text.startswith(f"readers_v1 {TENANT}/ada: does not show loan-ada-0@3, and its checkpoint is past")


async def test_a_document_that_nothing_makes_is_found(world: World) -> None:
    body: dict[str, object] = {"reader_id": "eva", "tenant": TENANT, "_seen": {"abc": 1}}
    write = DocumentWrite(f"{TENANT}/eva", 0, body)
    await world.store.documents.write("readers_v1", [write], [Checkpoint("by hand", TOPIC, 0, 0)])
    assert texts(await world.i4()) == [f"readers_v1 {TENANT}/eva: shows events that are not on the topics"]


async def test_a_document_that_moves_meanwhile_is_judged_by_what_it_shows_then(world: World) -> None:
    _move_while_it_is_checked(world)
    findings = await world.i4()
    assert (findings.checked, findings.violations, findings.not_judged) == (4, 0, 0)
    await world.change("ada", days=1)
    assert (await world.i4()).violations == 1


@pytest.mark.parametrize("model", [trails, borrowings], ids=lambda model: model.name)
async def test_a_document_without_a_key_field_in_events_may_move_meanwhile_too(
    world: World, node: Node, model: Projection[Any]
) -> None:
    other = World(node, world.store, world.bus, model)
    other.topics = world.topics
    await other.project()
    _move_while_it_is_checked(other)
    findings = await other.i4()
    assert (findings.checked, findings.violations, findings.not_judged) == (8, 0, 0)


def _move_while_it_is_checked(world: World) -> None:
    async def moved() -> None:
        await world.more()
        await world.publish()
        await world.project()

    # After the first ends were taken: what comes then is beyond them.
    async def nothing() -> None:
        return None

    world.topics.meanwhile = [nothing, moved, nothing, moved]
    read = world.topics.read
    moves = [moved]

    async def reads(starts: Any, ends: Any) -> AsyncIterator[list[Any]]:
        async for records in read(starts, ends):
            yield records
        if moves:
            await moves.pop()()

    world.topics.read = reads  # type: ignore[method-assign]


async def test_what_is_parked_is_not_looked_for_in_the_documents(world: World) -> None:
    await world.give(OpenLoanRequest(loan_id="bad", reader_id="ada"))
    await world.publish()
    await world.project()
    partition, records = world.of("ada")
    unlucky = [one for one in records if dict(one.headers)["ce_subject"] == b"loan-ada-1"][-1]
    event = CONTRACT.events["sample.library.loan-renewed"].message(loan_id="ada-1", reader_id="ada", days=UNLUCKY)
    poison = replace(replace_header(unlucky, "ce_sequence", b"3"), value=event.SerializeToString())
    world.topics.put(poison, partition.partition)
    await world.project()
    assert len(await world.store.parked.list("library.readers.v1")) == 1
    findings = await world.i4()
    assert (findings.checked, findings.violations) == (4, 0)


async def test_a_document_that_cannot_be_folded_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise LookupError

    kind = CONTRACT.events["sample.library.loan-renewed"].message
    monkeypatch.setitem(read_model.folds, kind, fails)
    found = texts(await world.i4())
    assert len(found) == 4
    assert all("cannot be folded: LookupError" in text for text in found)
