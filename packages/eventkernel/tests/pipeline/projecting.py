"""A projector over the library's readers: records that it can and cannot fold, writes that fail, and what came of it all."""

from collections.abc import Sequence
from typing import Any

from eventkernel.documents import document_id
from eventkernel.messages import Checkpoint
from eventkernel.projection import Projection
from eventkernel.projector import Projector
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message

from .library import (
    CONTRACT,
    NOON,
    TENANT,
    TOO_MANY_FOR_A_DOCUMENT,
    UNLUCKY,
    Bus,
    Hand,
    LoanOpened,
    LoanRenewed,
    ReaderDocument,
    new_readers,
)

BEHIND = "BEHIND_A_PARKED_RECORD"


class StoreAway(Exception):
    """What a driver would raise."""


class Documents:
    """The store's documents, failing as they are told: before a write, after it, or half-way through."""

    def __init__(self, store: MemoryStore) -> None:
        self._inner = store.documents
        self.fails = ""
        self.writes = 0

    async def write(self, collection: str, documents: Sequence[Any], checkpoints: Sequence[Checkpoint]) -> None:
        fails, self.fails = self.fails, ""
        self.writes += 1
        if fails == "before":
            raise StoreAway(fails)
        if fails == "half-way":
            start = [Checkpoint(each.subscription, each.topic, each.partition, 0) for each in checkpoints]
            await self._inner.write(collection, documents[: len(documents) // 2 + 1], start)
            raise StoreAway(fails)
        await self._inner.write(collection, documents, checkpoints)
        if fails == "after":
            raise StoreAway(fails)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def projector(
    store: MemoryStore, projection: Projection[Any] | None = None, *, keep: int = 10_000, changed: int = 10_000, documents: Any = None,
) -> Projector:  # fmt: skip
    return Projector(
        projection or new_readers(), service="library", contract=CONTRACT, documents=documents or store.documents, parked=store.parked,
        clock=Hand(NOON), keep=keep, changed=changed,
    )  # fmt: skip


async def document(store: MemoryStore, reader_id: str = "ada", tenant: str = TENANT) -> ReaderDocument:
    wanted = document_id(tenant, reader_id)
    found = await store.documents.load("readers_v1", [wanted])
    return ReaderDocument.model_validate(found[wanted][1]) if wanted in found else ReaderDocument(reader_id=reader_id)


async def parked(store: MemoryStore) -> list[tuple[str, int, str]]:
    return [
        (record.stream, record.offset, record.reason.partition(":")[0])
        for record in await store.parked.list("library.readers.v1")
    ]


def opened(reader_id: str = "ada", loan_id: str = "l1") -> Message:
    return LoanOpened(loan_id=loan_id, reader_id=reader_id)


def renewed(days: int, reader_id: str = "ada") -> Message:
    return LoanRenewed(loan_id="l1", reader_id=reader_id, days=days)


def poison(bus: Bus, kind: str, stream: str = "loan-l1") -> Any:
    good = bus.event(stream, renewed(UNLUCKY if kind == "fold raises" else 20))
    headers, value = dict(good.headers), good.value
    if kind == "unreadable":
        value = b"\xff\xff\xff"
    if kind == "not text":
        value = b"\x0a\x02\xff\xfe"
    if kind == "unknown type":
        headers["ce_type"] = b"sample.library.loan-burnt"
    if kind == "malformed":
        headers["ce_sequence"] = b"second"
    if kind == "no value":
        value = None
    if kind == "unstorable":
        value = renewed(TOO_MANY_FOR_A_DOCUMENT).SerializeToString()
    return type(good)(
        good.topic,
        good.partition,
        good.offset,
        0,
        0,
        good.key,
        value,
        0,
        len(good.key),
        len(value or b""),
        tuple(headers.items()),
    )


REASONS = {
    "fold raises": "HANDLER_FAILED", "unreadable": "UNREADABLE_EVENT", "not text": "UNREADABLE_EVENT", "unknown type": "UNKNOWN_EVENT_TYPE",
    "malformed": "MALFORMED_RECORD", "no value": "MALFORMED_RECORD", "unstorable": "HANDLER_FAILED",
}  # fmt: skip
