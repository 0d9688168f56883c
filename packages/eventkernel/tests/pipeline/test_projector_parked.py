"""What cannot be folded is set aside with the rest of its stream; the other streams flow on, and nobody is held for good."""

import pytest
from aiokafka import TopicPartition
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.store import stored_form
from eventkernel.store.memory import MemoryStore

from .library import TENANT, TOO_MANY_FOR_A_DOCUMENT, UNLUCKY, BookBought, Bus, LoanOpened, LoanRenewed, ReaderDocument
from .projecting import BEHIND, REASONS, Documents, StoreAway, document, opened, parked, poison, projector, renewed


@pytest.mark.parametrize("kind", REASONS)
async def test_what_cannot_be_folded_is_parked_with_the_rest_of_its_stream_and_no_other(
    store: MemoryStore, bus: Bus, kind: str
) -> None:
    batch = [
        bus.event("loan-l1", opened()),
        bus.event("loan-l2", opened(loan_id="l2")),
        poison(bus, kind),
        bus.event("loan-l1", renewed(30)),
        bus.event("loan-l2", renewed(40)),
        bus.event("loan-l3", opened("bob", "l3")),
    ]
    running = projector(store)
    await running.take(bus.topic, 0, batch)
    expected = [("loan-l1", 2, REASONS[kind]), ("loan-l1", 3, BEHIND)]
    assert await parked(store) == expected
    found = await document(store)
    assert (found.opened, found.days, found.trail) == (2, 40, ["loan-l1@1", "loan-l2@1", "loan-l2@2"])
    assert (await document(store, "bob")).opened == 1

    later = [bus.event("loan-l1", renewed(50)), bus.event("loan-l2", renewed(60))]
    await running.take(bus.topic, 0, later[:1])
    restarted = projector(store)
    await restarted.take(bus.topic, 0, [*batch, *later])
    assert await parked(store) == [*expected, ("loan-l1", 6, BEHIND)]
    found = await document(store)
    assert (found.opened, found.days, found.closed) == (2, 100, 0)


async def test_after_a_restart_a_stream_is_held_though_its_parked_record_does_not_come_again(
    store: MemoryStore, bus: Bus
) -> None:
    await projector(store).take(bus.topic, 0, [bus.event("loan-l1", renewed(UNLUCKY))])
    await projector(store).take(bus.topic, 0, [bus.event("loan-l1", renewed(30)), bus.event("loan-l2", renewed(40))])
    assert await parked(store) == [("loan-l1", 0, "HANDLER_FAILED"), ("loan-l1", 1, BEHIND)]
    assert (await document(store)).days == 40


async def test_what_makes_a_document_too_large_for_the_store_is_parked_and_the_rest_flows(
    store: MemoryStore, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_form, "_MOST_BYTES", 400)
    other = bus.event("loan-b", renewed(20, "bob"))
    batch = [bus.event(f"loan-{number}", renewed(20)) for number in range(30)]
    running = projector(store)
    await running.take(bus.topic, 0, [other, *batch[:2]])
    await running.take(bus.topic, 0, batch[2:])
    folded = len((await document(store)).trail)
    assert 2 < folded < 30
    assert await parked(store) == [(f"loan-{number}", number + 1, "HANDLER_FAILED") for number in range(folded, 30)]
    assert (await document(store, "bob")).days == 20
    assert await store.documents.checkpoint("readers_v1", "library.readers.v1", bus.topic, 0) == 31


async def test_two_that_cannot_be_folded_park_two_streams(store: MemoryStore, bus: Bus) -> None:
    batch = [
        bus.event("loan-l1", renewed(UNLUCKY)),
        bus.event("loan-l2", renewed(TOO_MANY_FOR_A_DOCUMENT)),
        bus.event("loan-l1", renewed(20)),
        bus.event("loan-l2", renewed(21)),
        bus.event("loan-l3", renewed(22)),
    ]
    await projector(store).take(bus.topic, 0, batch)
    assert await parked(store) == [
        ("loan-l1", 0, "HANDLER_FAILED"),
        ("loan-l2", 1, "HANDLER_FAILED"),
        ("loan-l1", 2, BEHIND),
        ("loan-l2", 3, BEHIND),
    ]
    assert (await document(store)).trail == ["loan-l3@1"]


async def test_a_parked_record_is_kept_whole_for_a_replay(store: MemoryStore, bus: Bus) -> None:
    record = bus.event("loan-l1", renewed(UNLUCKY))
    await projector(store).take(bus.topic, 0, [record])
    (kept,) = await store.parked.list()
    assert (kept.topic, kept.partition, kept.offset, kept.key, kept.value) == (
        record.topic,
        0,
        0,
        record.key,
        record.value,
    )
    assert (kept.headers, kept.tenant, kept.stream, kept.attempts) == (tuple(record.headers), TENANT, "loan-l1", 1)
    assert kept.reason.startswith("HANDLER_FAILED: ArithmeticError")


async def test_what_came_before_a_parked_record_is_folded_when_it_comes_again(store: MemoryStore, bus: Bus) -> None:
    """The process died after it parked a record, and before it wrote what the batch made of those before it."""
    batch = [
        bus.event("loan-l1", renewed(20)),
        bus.event("loan-l1", renewed(UNLUCKY)),
        bus.event("loan-l1", renewed(30)),
    ]
    documents = Documents(store)
    documents.fails = "before"
    with pytest.raises(StoreAway):
        await projector(store, documents=documents).take(bus.topic, 0, batch)
    await projector(store).take(bus.topic, 0, batch)
    assert (await document(store)).days == 20
    assert await parked(store) == [("loan-l1", 1, "HANDLER_FAILED"), ("loan-l1", 2, BEHIND)]


async def test_a_parked_stream_holds_no_stream_of_another_service_or_tenant(store: MemoryStore, bus: Bus) -> None:
    shop, running = Bus("sample.shop.v1"), projector(store)
    await running.take(bus.topic, 0, [bus.event("order-1", renewed(UNLUCKY))])
    for _ in range(2):
        await running.take(shop.topic, 0, [shop.event("order-1", BookBought(reader_id="ada"))])
        await running.take(bus.topic, 0, [bus.event("order-1", renewed(20), tenant="provider-2")])
        await running.assigned([TopicPartition(bus.topic, 0)])
    assert (await document(store)).bought == 2
    assert (await document(store, tenant="provider-2")).days == 40


async def test_a_record_that_tells_nothing_of_itself_holds_up_nobody(store: MemoryStore, bus: Bus) -> None:
    await projector(store).take(
        bus.topic,
        0,
        [bus.raw(b"", b"\x00", ()), bus.raw(b"", None, (("ce_subject", b"\xff"),)), bus.event("loan-l1", renewed(20))],
    )
    assert [reason for _, _, reason in await parked(store)] == ["MALFORMED_RECORD"] * 2
    assert (await document(store)).days == 20


async def test_a_fold_whose_document_could_not_be_read_again_is_parked(store: MemoryStore, bus: Bus) -> None:
    """Else the stall would come later, with the next event of anybody in this partition, after a restart."""
    broken = Projection("readers", version=1, document=ReaderDocument, key="reader_id")

    @broken.on
    def spoil(document: ReaderDocument, event: LoanOpened, meta: Metadata) -> None:
        document.days = None  # type: ignore[assignment]

    @broken.on
    def count(document: ReaderDocument, event: LoanRenewed, meta: Metadata) -> None:
        document.days += event.days

    await projector(store, broken).take(
        bus.topic, 0, [bus.event("loan-l1", opened()), bus.event("loan-l2", renewed(20))]
    )
    await projector(store, broken).take(bus.topic, 0, [bus.event("loan-l2", renewed(30))])
    assert (await document(store)).days == 50
    assert await parked(store) == [("loan-l1", 0, "HANDLER_FAILED")]


async def test_streams_are_held_no_longer_once_an_operator_mended_them(store: MemoryStore, bus: Bus) -> None:
    running = projector(store)
    await running.take(bus.topic, 0, [bus.event("loan-l1", renewed(UNLUCKY))])
    store.parked._records.clear()
    await running.assigned([TopicPartition(bus.topic, 0)])
    await running.take(bus.topic, 0, [bus.event("loan-l1", renewed(30))])
    assert (await document(store)).days == 30


async def test_a_parked_store_that_fails_parks_and_folds_nothing(
    store: MemoryStore, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise StoreAway

    batch = [
        bus.event("loan-l2", renewed(20)),
        bus.event("loan-l1", renewed(UNLUCKY)),
        bus.event("loan-l1", renewed(30)),
    ]
    running = projector(store)
    with monkeypatch.context() as patch:
        patch.setattr(store.parked, "park", away)
        with pytest.raises(StoreAway):
            await running.take(bus.topic, 0, batch)
    assert (await document(store)).days == 0
    await running.take(bus.topic, 0, batch)
    assert (await document(store)).days == 20
    assert [offset for _, offset, _ in await parked(store)] == [1, 2]
