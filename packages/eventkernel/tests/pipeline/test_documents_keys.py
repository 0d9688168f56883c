"""Which document an event belongs to, where one field does not say it: that of its stream, whatever it holds, or of two fields together."""

import pytest
from eventkernel.contract import ContractFault
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore
from pydantic import BaseModel

from .library import CONTRACT, NOON, TENANT, Bus, LoanOpened, LoanRenewed, build
from .projecting import renewed


class Trail(BaseModel):
    stream: str
    readers: list[str] = []


trails = Projection("trails", version=1, document=Trail, key="stream", of_streams=True)


def keep(document: Trail, event: LoanOpened | LoanRenewed, meta: Metadata) -> None:
    document.readers.append(f"{event.reader_id}@{meta.version}")


trails.on_each([LoanOpened, LoanRenewed], keep)


class Borrowing(BaseModel):
    place: str
    days: list[int] = []


borrowings = Projection("borrowings", version=1, document=Borrowing, key="place", key_fields=("reader_id", "loan_id"))


@borrowings.on
def renew(document: Borrowing, event: LoanRenewed, _meta: Metadata) -> None:
    document.days.append(event.days)


async def test_what_shares_one_of_two_fields_has_documents_of_its_own(store: MemoryStore, bus: Bus) -> None:
    projector = Projector(
        borrowings, service="library", contract=CONTRACT, documents=store.documents, parked=store.parked, clock=lambda: NOON
    )  # fmt: skip
    records = [
        bus.event("loan-l1", renewed(20)),
        bus.event("loan-l1", renewed(30, "bob")),
        bus.event("loan-l1", renewed(40)),
    ]
    await projector.take(bus.topic, 0, records)
    found = await store.documents.find(borrowings.collection, {"tenant": TENANT}, 9)
    assert sorted((body["place"], body["days"]) for body in found) == [("ada.l1", [20, 40]), ("bob.l1", [30])]


def test_events_have_each_of_the_fields_that_make_the_key() -> None:
    build(projections=[borrowings]).check()
    strange = Projection("strange", version=1, document=Borrowing, key="place", key_fields=("reader_id", "shelf_id"))
    strange.on(renew)
    with pytest.raises(ContractFault) as found:
        build(projections=[strange]).check()
    assert "strange: LoanRenewed has no field shelf_id" in str(found.value)


async def test_each_stream_has_a_document_and_what_comes_again_has_no_second_effect(
    store: MemoryStore, bus: Bus
) -> None:
    records = [
        bus.event("loan-l1", renewed(20)),
        bus.event("loan-l2", renewed(30)),
        bus.event("loan-l1", renewed(40, "bob")),
    ]
    for _ in range(2):
        projector = Projector(
            trails, service="library", contract=CONTRACT, documents=store.documents, parked=store.parked, clock=lambda: NOON
        )  # fmt: skip
        await projector.take(bus.topic, 0, records)
    found = await store.documents.find(trails.collection, {"tenant": TENANT}, 9)
    assert [(body["stream"], body["readers"]) for body in found] == [
        ("loan-l1", ["ada@1", "bob@2"]),
        ("loan-l2", ["ada@1"]),
    ]


def test_it_needs_no_field_of_its_name_in_the_events() -> None:
    build(projections=[trails]).check()
