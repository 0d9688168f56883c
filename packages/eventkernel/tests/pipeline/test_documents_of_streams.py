"""A read model with a document a stream: each event is in its own stream's, whatever it holds."""

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore
from pydantic import BaseModel

from .library import CONTRACT, TENANT, Bus, LoanOpened, LoanRenewed, build
from .test_projector import NOON, renewed


class Trail(BaseModel):
    stream: str
    readers: list[str] = []


trails = Projection("trails", version=1, document=Trail, key="stream", of_streams=True)


def keep(document: Trail, event: LoanOpened | LoanRenewed, meta: Metadata) -> None:
    document.readers.append(f"{event.reader_id}@{meta.version}")


trails.on_each([LoanOpened, LoanRenewed], keep)


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
