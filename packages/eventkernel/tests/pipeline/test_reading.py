"""Reading: within one's own tenant, not before one's own write, and no sealed text without an entry in the access log."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventkernel import reading
from eventkernel.keys import DataKeys, KeyDestroyed, KeyFile
from eventkernel.messages import Access, Checkpoint, DocumentWrite, Principal, Recorded
from eventkernel.node import Node
from eventkernel.projector import Projector
from eventkernel.reading import After, Behind, Reader, TooMany
from eventkernel.sealing import Tampered
from eventkernel.store.memory import MemoryStore

from .library import (
    ADA,
    CONTRACT,
    NOON,
    OPEN,
    REMARK,
    TENANT,
    BookBought,
    Bus,
    CloseLoanRequest,
    Giver,
    Hand,
    LoanRemarked,
    OpenLoanRequest,
    ReaderDocument,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    limit,
    loan,
    readers,
    someone,
)


class Reading:
    """One process, and a projection that comes along only when it is told to."""

    def __init__(self, node: Node, store: MemoryStore, bus: Bus, clock: Hand) -> None:
        self.node, self.store, self.bus = node, store, bus
        self.give = Giver(node)
        self.projector = Projector(
            readers, service="library", contract=CONTRACT, documents=store.documents, parked=store.parked, clock=clock
        )

    def reader(self, after: After | None = None, **who: str) -> Reader:
        return self.reader_of(someone("mia", **who), after)

    def reader_of(self, principal: Principal, after: After | None = None) -> Reader:
        return self.node.reader(principal, after=after, correlation_id="correlation-1")

    async def project(self, *streams: str, tenant: str = TENANT) -> None:
        for stream in streams:
            records = [
                record
                for commit in await all_commits(self.store, stream, tenant)
                for record in self.bus.records(commit)
            ]
            await self.projector.take(self.bus.topic, 0, records)

    async def remarks(self, stream: str = "loan-l1", tenant: str = TENANT) -> list[tuple[Recorded, str]]:
        history = await self.reader(tenant=tenant).history(stream)
        return [(item, "text") for item in history if isinstance(item.event, LoanRemarked)]


@pytest.fixture
def library(node: Node, store: MemoryStore, bus: Bus, clock: Hand) -> Reading:
    return Reading(node, store, bus, clock)


# --- tenants ----------------------------------------------------------------------------------------------------------------


async def test_a_reader_sees_nothing_of_another_tenant(library: Reading) -> None:
    other = someone("moe", tenant="provider-2")
    await library.give(OPEN, by=other)
    await library.give(RenewLoanRequest(loan_id="l1", days=9), by=other)
    await library.project("loan-l1", tenant="provider-2")
    mine, theirs = library.reader(), library.reader(tenant="provider-2")
    assert await mine.document(readers, "ada") is None
    assert await mine.documents(readers) == []
    assert await mine.documents(readers, reader_id="ada") == []
    assert await mine.history("loan-l1") == []
    assert await mine.state(loan, "loan-l1") == loan.initial
    assert (await theirs.state(loan, "loan-l1")).days == 9
    assert [document.days for document in await theirs.documents(readers)] == [9]


async def test_nothing_that_is_asked_for_widens_a_query_to_another_tenant(library: Reading) -> None:
    await library.give(OPEN, by=someone("moe", tenant="provider-2"))
    await library.project("loan-l1", tenant="provider-2")
    assert await library.reader().documents(readers, tenant="provider-2") == []


async def test_a_key_that_looks_like_another_tenants_document_finds_nothing(library: Reading) -> None:
    await library.give(OPEN, by=someone("moe", tenant="provider-2"))
    await library.project("loan-l1", tenant="provider-2")
    assert await library.reader().document(readers, "../provider-2/ada") is None
    assert await library.reader(tenant="provider").document(readers, "2/ada") is None


async def test_a_text_of_another_tenant_is_not_opened_even_by_who_holds_its_event(library: Reading) -> None:
    await library.give(REMARK, by=someone("ada", "learner", tenant="provider-2"))
    await library.give(REMARK, by=ADA)
    theirs = await library.remarks(tenant="provider-2")
    with pytest.raises(Tampered):
        await library.reader().open(theirs)


# --- one's own write --------------------------------------------------------------------------------------------------------


async def test_a_read_waits_until_it_shows_the_callers_own_write(library: Reading) -> None:
    reply = await library.give(OPEN)
    read = asyncio.create_task(library.reader(After("loan-l1", reply.version, 20)).document(readers, "ada"))
    await asyncio.sleep(0.03)
    assert not read.done()
    await library.project("loan-l1")
    found = await read
    assert found is not None
    assert found.opened == 1


async def test_a_read_that_waited_too_long_says_that_it_is_behind(library: Reading) -> None:
    await library.give(OPEN)
    await library.project("loan-l1")
    reply = await library.give(CloseLoanRequest(loan_id="l1"))
    with pytest.raises(Behind, match="loan-l1@2"):
        await library.reader(After("loan-l1", reply.version, 0.05)).document(readers, "ada")


async def test_a_list_waits_for_the_callers_own_write_too(library: Reading) -> None:
    await library.give(OPEN)
    await library.project("loan-l1")
    reply = await library.give(OpenLoanRequest(loan_id="l2", reader_id="bob"))
    with pytest.raises(Behind):
        await library.reader(After("loan-l2", reply.version, 0.05)).documents(readers)
    await library.project("loan-l2")
    found = await library.reader(After("loan-l2", reply.version, 20)).documents(readers)
    assert [document.reader_id for document in found] == ["ada", "bob"]


async def test_a_list_that_the_write_is_not_part_of_waits_for_it_all_the_same(library: Reading) -> None:
    reply = await library.give(OPEN)
    with pytest.raises(Behind):
        await library.reader(After("loan-l1", reply.version, 0.05)).documents(readers, reader_id="bob")
    await library.project("loan-l1")
    assert await library.reader(After("loan-l1", reply.version, 20)).documents(readers, reader_id="bob") == []


async def test_a_read_does_not_wait_for_what_its_projection_never_hears(library: Reading) -> None:
    """Of an internal event, or a stream of other events, or of another document's, nothing will ever come."""
    await library.give(OPEN)
    await library.project("loan-l1")
    remarked = await library.give(REMARK, by=ADA)
    limited = await library.give(SetLimitRequest(reader_id="ada", loans=2))
    others = await library.give(OpenLoanRequest(loan_id="l2", reader_id="bob"))
    for reply, writer in ((remarked, ADA), (limited, someone()), (others, someone())):
        after = After(reply.stream, reply.version, 0.0)
        found = await library.reader_of(writer, after).document(readers, "ada")
        assert found is not None
        assert found.opened == 1
    assert len(await library.reader(After(limited.stream, limited.version, 0.0)).documents(readers)) == 1


async def test_anothers_write_is_answered_as_one_that_does_not_exist(library: Reading) -> None:
    """A version tells that a stream is there: a DSL could learn so of a concern that names them."""
    await library.give(OPEN, by=someone("noah"))
    for stream in ("loan-l1", "loan-never"):
        with pytest.raises(Behind):
            await library.reader(After(stream, 1, 0.05)).documents(readers)


async def test_a_read_waits_for_a_version_that_is_yet_to_come(library: Reading) -> None:
    await library.give(OPEN)
    await library.project("loan-l1")
    with pytest.raises(Behind):
        await library.reader(After("loan-l1", 2, 0.05)).document(readers, "ada")


async def test_a_read_waits_for_a_write_of_another_service(library: Reading) -> None:
    shop = Bus("sample.shop.v1")
    record = shop.event("order-1", BookBought(reader_id="ada"))
    for read in (
        library.reader(After("order-1", 1, 0.05)).document(readers, "ada"),
        library.reader(After("order-1", 1, 0.05)).documents(readers),
    ):
        with pytest.raises(Behind):
            await read
    await library.projector.take(shop.topic, 0, [record])
    found = await library.reader(After("order-1", 1, 0.05)).document(readers, "ada")
    assert found is not None
    assert found.bought == 1
    assert len(await library.reader(After("order-1", 1, 0.05)).documents(readers)) == 1


async def test_a_state_is_what_is_stored_now_whatever_another_process_wrote(
    library: Reading, another: Callable[..., Node]
) -> None:
    there = Giver(another())
    assert (await library.reader().state(limit, "limit-ada")).loans == 3
    await there(SetLimitRequest(reader_id="ada", loans=1))
    assert (await library.reader().state(limit, "limit-ada")).loans == 1
    await there(SetLimitRequest(reader_id="ada", loans=2))
    assert (await library.reader().state(limit, "limit-ada")).loans == 2


# --- many documents ---------------------------------------------------------------------------------------------------------


async def test_more_documents_than_an_answer_holds_are_refused_and_never_cut_off(
    library: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST", 5)
    for count in (5, 6):
        names = [f"r{number}" for number in range(count)]
        writes = [
            DocumentWrite(
                f"{TENANT}/{name}", 0, {**ReaderDocument(reader_id=name).model_dump(), "tenant": TENANT, "opened": 1}
            )
            for name in names[-1 if count == 6 else 0 :]
        ]
        await library.store.documents.write("readers_v1", writes, [Checkpoint("s", "t", 0, count)])
        if count == 5:
            assert len(await library.reader().documents(readers)) == 5
    with pytest.raises(TooMany, match="ask for fewer"):
        await library.reader().documents(readers)
    assert len(await library.reader().documents(readers, reader_id="r3")) == 1


# --- sealed texts -----------------------------------------------------------------------------------------------------------


async def test_a_text_is_opened_and_the_access_log_says_by_whom(library: Reading) -> None:
    await library.give(REMARK, by=ADA)
    items = await library.remarks()
    assert await library.reader().open(items) == ["a torn page"]
    (entry,) = await library.store.access_log.about(TENANT, "ada")
    assert entry == Access(
        tenant=TENANT, actor="mia", subject_id="ada", stream="loan-l1", event_id=items[0][0].meta.event_id, field="text", at=NOON,
        correlation_id="correlation-1",
    )  # fmt: skip


async def test_every_opening_is_in_the_log_before_any_text_is_opened(
    library: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await library.give(REMARK, by=ADA)
    items = await library.remarks()
    opened_with: list[int] = []
    open_ = library.node._sealer.open

    async def watched(*arguments: Any, **named: Any) -> str:
        opened_with.append(len(await library.store.access_log.about(TENANT, "ada")))
        return await open_(*arguments, **named)

    monkeypatch.setattr(library.node._sealer, "open", watched)
    assert await library.reader().open(items) == ["a torn page"] * 3
    assert opened_with == [3, 3, 3]


async def test_an_opening_that_fails_is_in_the_log(
    library: Reading, tmp_path: Path, another: Callable[..., Node]
) -> None:
    await library.give(REMARK, by=ADA)
    items = await library.remarks()
    await DataKeys(library.store.keys, KeyFile(tmp_path / "key")).destroy(TENANT, "ada")
    with pytest.raises(KeyDestroyed):
        await another().reader(someone()).open(items)
    assert len(await library.store.access_log.about(TENANT, "ada")) == 1


async def test_without_the_log_no_text_is_opened(library: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    await library.give(REMARK, by=ADA)
    items = await library.remarks()
    opened: list[str] = []

    async def away(_: Any) -> None:
        raise ConnectionError("the log cannot be written")

    async def open_(*_: Any, **__: Any) -> str:
        opened.append("")
        return ""

    monkeypatch.setattr(library.store.access_log, "record", away)
    monkeypatch.setattr(library.node._sealer, "open", open_)
    with pytest.raises(ConnectionError):
        await library.reader().open(items)
    assert opened == []


async def test_a_text_that_was_never_written_is_empty_and_no_reading_of_anybody(library: Reading) -> None:
    await library.give(REMARK, by=ADA)
    ((item, field),) = await library.remarks()
    empty = Recorded(LoanRemarked(loan_id="l1", reader_id="ada"), item.meta)
    assert await library.reader().open([(empty, field), (item, field), (empty, field)]) == ["", "a torn page", ""]
    assert len(await library.store.access_log.about(TENANT, "ada")) == 1
    assert await library.reader().open([]) == []
