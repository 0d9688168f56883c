"""What stands around a projector that is measured: when it had taken all, and what became of its documents."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from aiokafka import ConsumerRecord
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.projector import Projector
from eventkernel.store.memory.documents import MemoryDocuments
from eventkernel.store.mongodb.documents import MongoDocuments
from eventkernel.store.mongodb.driver import Database


class Watched(Projector):
    """Notes when it was given its first records, and knows when it has taken all."""

    began = 0.0

    async def take(self, topic: str, partition: int, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """As the projector's."""
        self.began = self.began or time.perf_counter()
        await super().take(topic, partition, records)
        self.taken += len(records)
        self._all.set()

    async def done(self, events: int) -> None:
        """Waits for so many."""
        while self.taken < events:
            self._all.clear()
            await self._all.wait()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.taken = 0
        self._all = asyncio.Event()


class Counted(MongoDocuments):
    """Documents in a collection of their own; how many were written, in how many writes, and the last body of each."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._apart = uuid4().hex[:8]
        self.documents = self.writes = 0
        self.kept: dict[str, dict[str, object]] = {}

    async def prepare(self, collection: str, indexes: Sequence[str]) -> None:
        """In the collection of this run."""
        await super().prepare(f"{collection}_{self._apart}", indexes)

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:
        """From the collection of this run."""
        return await super().load(f"{collection}_{self._apart}", ids)

    async def write(
        self, collection: str, documents: Sequence[DocumentWrite], checkpoints: Sequence[Checkpoint]
    ) -> None:
        """Into the collection of this run."""
        self.documents += len(documents)
        self.writes += 1
        self.kept.update((document.id, document.body) for document in documents)
        await super().write(f"{collection}_{self._apart}", documents, checkpoints)


class Stub(MemoryDocuments):
    """Keeps what it is given, and encodes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.documents = 0
        self.kept: dict[str, dict[str, object]] = {}
        self._revisions: dict[str, int] = {}

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:  # noqa: ARG002
        """What was kept: a projector that let go of a document asks for it again."""
        return {name: (self._revisions[name], self.kept[name]) for name in ids if name in self.kept}

    async def write(
        self,
        collection: str,  # noqa: ARG002
        documents: Sequence[DocumentWrite],
        checkpoints: Sequence[Checkpoint],  # noqa: ARG002
    ) -> None:
        """Keeps the bodies."""
        self._revisions.update((document.id, document.revision + 1) for document in documents)
        self.documents += len(documents)
        self.kept.update((document.id, document.body) for document in documents)
