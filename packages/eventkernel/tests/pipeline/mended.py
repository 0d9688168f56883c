"""A read model whose fold can be mended, with a stream of which records are parked, and what an operator asks for them."""

from typing import Any

from aiokafka import TopicPartition
from eventkernel.mending import MendingSink
from eventkernel.messages import Asked, ParkedRecord
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message

from .library import CONTRACT, UNLUCKY, Bus, Hand, LoanClosed, LoanOpened, LoanRenewed, new_readers
from .projecting import document

READERS = "library.readers.v1"
ALL = Asked("act-1", onwards=True)
ONE = Asked("act-1")
DISCARD = Asked("act-2", discard=True)


class Mended:
    """One process of the read model, whose fold of an unlucky renewal is mended at will."""

    def __init__(self, store: MemoryStore, bus: Bus, clock: Hand) -> None:
        self.store, self.bus = store, bus
        self.readers = new_readers()
        self.broken = self.readers.folds[LoanRenewed]
        self.clock = clock
        self.sink = MendingSink(self._make(store.parked), self._make, store.parked, clock)

    def _make(self, parked: Any) -> Projector:
        return Projector(
            self.readers, service="library", contract=CONTRACT, documents=self.store.documents, parked=parked, clock=self.clock
        )  # fmt: skip

    async def hold(self, *partitions: int) -> "Mended":
        await self.sink.assigned([TopicPartition(self.bus.topic, number) for number in partitions or (0,)])
        return self

    def mend_code(self) -> None:
        def renewed(document: Any, event: Any, meta: Any) -> None:
            document.days += event.days
            document.trail.append(f"{meta.stream}@{meta.version}")

        self.readers.folds[LoanRenewed] = renewed

    async def take(self, *records: Any) -> None:
        await self.sink.take(self.bus.topic, records[0].partition, records)

    async def parked(self) -> list[ParkedRecord]:
        return await self.store.parked.list(READERS)

    async def offsets(self) -> list[int]:
        return [record.offset for record in await self.parked()]

    async def ask(self, asked: Asked, *offsets: int) -> None:
        chosen = [record.id for record in await self.parked() if not offsets or record.offset in offsets]
        assert await self.store.parked.ask(chosen, asked) == len(chosen)

    async def trail(self, reader_id: str = "ada") -> list[str]:
        return (await document(self.store, reader_id)).trail


def opened(loan: str = "l1") -> Message:
    return LoanOpened(loan_id=loan, reader_id="ada")


def renewed(days: int, loan: str = "l1") -> Message:
    return LoanRenewed(loan_id=loan, reader_id="ada", days=days)


async def poisoned(mended: Mended) -> Mended:
    """A stream whose second event is parked, and two more behind it."""
    events = [opened(), renewed(UNLUCKY), renewed(20), LoanClosed(loan_id="l1", reader_id="ada")]
    await mended.take(*(mended.bus.event("loan-l1", event) for event in events))
    assert await mended.offsets() == [1, 2, 3]
    return mended
