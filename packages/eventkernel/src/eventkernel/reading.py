"""How a service reads: its own documents, streams and sealed texts, always within the caller's tenant.

Every opening of a sealed text is in the access log before the text is given.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from pydantic import BaseModel

from eventkernel.aggregate import Aggregate
from eventkernel.contract import Contract
from eventkernel.documents import SEEN, document_id, seen_key
from eventkernel.messages import Access, Metadata, Principal, Recorded
from eventkernel.ports import Store
from eventkernel.projection import Projection
from eventkernel.sealing import Sealer
from eventkernel.states import States, recorded
from eventkernel.timing import Clock

Document = TypeVar("Document", bound=BaseModel)
State = TypeVar("State")
_MOST = 10_000
_LOOK_AGAIN = 0.02


class Behind(Exception):
    """The read model has not yet seen what the caller asked to see; ask again."""


@dataclass(frozen=True, slots=True)
class After:
    """A reader's own write: the read waits until its document shows it."""

    stream: str
    version: int
    seconds: float


class Reader:
    """What a query and a relation may read, for one caller."""

    def __init__(
        self, *, principal: Principal, service: str, contract: Contract, store: Store, states: States, sealer: Sealer, clock: Clock,
        after: After | None = None, correlation_id: str = "",
    ) -> None:  # fmt: skip
        self.principal = principal
        self._service = service
        self._contract = contract
        self._store = store
        self._states = states
        self._sealer = sealer
        self._clock = clock
        self._after = after
        self._correlation_id = correlation_id

    async def document(self, projection: Projection[Document], key: str) -> Document | None:
        """One document of a read model; None where nothing has happened under this key.

        Raises Behind where the caller's own write is not in it in time.
        """
        found = await self._load(projection, key)
        if self._after is not None:
            deadline = asyncio.get_running_loop().time() + self._after.seconds
            while _seen(found, self._after.stream) < self._after.version:
                if asyncio.get_running_loop().time() >= deadline:
                    raise Behind(f"{projection.name} has not seen {self._after.stream}@{self._after.version} yet")
                await asyncio.sleep(_LOOK_AGAIN)
                found = await self._load(projection, key)
        return None if found is None else projection.document.model_validate(found)

    async def documents(self, projection: Projection[Document], **equal: object) -> list[Document]:
        """The tenant's documents whose fields equal these."""
        found = await self._store.documents.find(projection.collection, {"tenant": self.principal.tenant, **equal}, _MOST)
        return [projection.document.model_validate(body) for body in found]

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        """The state of a stream as it is now."""
        loaded = await self._states.load(self.principal.tenant, stream, aggregate, fresh=True)
        return loaded.state

    async def history(self, stream: str) -> list[Recorded]:
        """Everything that happened in a stream, in order."""
        commits = await self._store.commits.read(self.principal.tenant, stream)
        return [item for commit in commits for item in recorded(commit, self._contract)]

    async def open(self, items: Sequence[tuple[Recorded, str]]) -> list[str]:
        """The texts of sealed fields, each named by its event and field; "" where the field was never set.

        Raises KeyDestroyed where the person was erased.
        """
        sealed = [(item, field, getattr(item.event, field)) for item, field in items if item.event.HasField(field)]
        await self._store.access_log.record([self._access(item.meta, field, value) for item, field, value in sealed])
        return [await self._open(item, field) for item, field in items]

    async def _open(self, item: Recorded, field: str) -> str:
        if not item.event.HasField(field):
            return ""
        meta = item.meta
        return await self._sealer.open(
            getattr(item.event, field), tenant=meta.tenant, event_type=meta.type, event_id=meta.event_id, field=field
        )

    def _access(self, meta: Metadata, field: str, sealed: Sealed) -> Access:
        return Access(
            tenant=self.principal.tenant, actor=self.principal.person_id, subject_id=sealed.subject_id, stream=meta.stream,
            event_id=meta.event_id, field=field, at=self._clock(), correlation_id=self._correlation_id,
        )  # fmt: skip

    async def _load(self, projection: Projection[Any], key: str) -> dict[str, object] | None:
        wanted = document_id(self.principal.tenant, key)
        found = await self._store.documents.load(projection.collection, [wanted])
        return found[wanted][1] if wanted in found else None


class Readers(Protocol):
    """Makes a reader for a caller."""

    def __call__(self, principal: Principal, *, after: After | None = None, correlation_id: str = "") -> Reader:
        """A reader within the principal's tenant."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """The question whether a caller stands to a request as its contract needs."""

    principal: Principal
    request: Message
    read: Reader


def _seen(body: dict[str, object] | None, stream: str) -> int:
    seen = body.get(SEEN, {}) if body else {}
    return int(seen.get(seen_key(stream), 0)) if isinstance(seen, dict) else 0
