"""How a service reads: its own documents, streams and sealed texts, always within the caller's tenant.

Every opening of a sealed text is in the access log before the text is given.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page, Sealed
from pydantic import BaseModel, TypeAdapter, ValidationError

from eventkernel.aggregate import Aggregate
from eventkernel.contract import Contract
from eventkernel.documents import SEEN, document_id
from eventkernel.messages import Access, Metadata, Principal, Recorded, Selection
from eventkernel.paging import CursorInvalid, list_name, read_cursor, size_of, write_cursor
from eventkernel.ports import Store
from eventkernel.projection import Projection, stream_mark, topics_of
from eventkernel.sealing import Sealer, sealed_at
from eventkernel.serving import Serving
from eventkernel.states import Loaded, States, recorded
from eventkernel.timing import Clock

Document = TypeVar("Document", bound=BaseModel)
State = TypeVar("State")
_MOST = 10_000
_AT_ONCE = 100
_LOOK_AGAIN = 0.02


_Body: TypeAlias = dict[str, object]


class TooMany(Exception):
    """More documents answer a query than one answer can hold."""


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
        serving: Serving, after: After | None = None, correlation_id: str = "",
    ) -> None:  # fmt: skip
        self.principal = principal
        self._service = service
        self._contract = contract
        self._store = store
        self._states = states
        self._sealer = sealer
        self._clock = clock
        self._serving = serving
        self._after = after
        self._correlation_id = correlation_id
        self._read: dict[str, Loaded[Any]] = {}

    @property
    def now(self) -> datetime:
        """What time it is, by the clock of the process."""
        return self._clock()

    async def document(self, projection: Projection[Document], key: str) -> Document | None:
        """One document of a read model; None where nothing has happened under this key.

        Raises Behind where the caller's own write is not in it in time.
        """

        projection = await self._serving.copy_of(projection)

        async def look() -> list[_Body]:
            found = await self._store.documents.load(projection.collection, [document_id(self.principal.tenant, key)])
            return [body for _, body in found.values()]

        found = await self._showing(projection, look, key)
        return projection.document.model_validate(found[0]) if found else None

    async def documents(self, projection: Projection[Document], **equal: object) -> list[Document]:
        """The tenant's documents whose fields equal these; a frozenset: any of them.

        Raises Behind where the caller's own write is not among the tenant's documents in time, and TooMany where there are
        more than one answer can hold: part of them would look like all of them.
        """

        projection = await self._serving.copy_of(projection)

        async def look() -> list[_Body]:
            return await self._store.documents.find(
                projection.collection, {**equal, "tenant": self.principal.tenant}, _MOST + 1
            )

        found = await self._showing(projection, look)
        if len(found) > _MOST:
            raise TooMany(f"more than {_MOST} documents of {projection.name} would answer this; ask for fewer")
        return [projection.document.model_validate(body) for body in found]

    async def each(self, projection: Projection[Document]) -> AsyncIterator[Document]:
        """All of the tenant's documents in the order of their keys, however many there are, a hundred in memory at a time.

        What is written meanwhile may or may not be among them, and another's write is not waited for.
        """
        projection = await self._serving.copy_of(projection)
        own = document_id(self.principal.tenant, "")
        after: str | None = own
        while after is not None:
            found = await self._store.documents.page(projection.collection, after, _AT_ONCE)
            for identity, body in found:
                if not identity.startswith(own):
                    return
                yield projection.document.model_validate(body)
            after = found[-1][0] if len(found) == _AT_ONCE else None

    async def page(
        self, projection: Projection[Document], page: Page, *, order: str, descending: bool = False, since: object = None,
        before: object = None, **equal: object,
    ) -> tuple[list[Document], str]:  # fmt: skip
        """One page of the tenant's documents, ordered by a field, and the next page's cursor; "" where this is the last.

        Args:
            order: the field; documents with the same value come in the order of their keys.
            since: only documents whose field is at least this; `before`: only those below.
            equal: only documents whose fields equal these; a frozenset: any of them; an `InSight`: any of what the caller may see now.

        Raises Behind as `documents` does, and CursorInvalid for a cursor of another list.
        """
        tenant, size = self.principal.tenant, size_of(page)
        values = TypeAdapter[Any](cast("Any", projection.document.model_fields[order].annotation))
        of = list_name(projection.name, order, descending, since, before, equal)
        selection = Selection(
            {**equal, "tenant": tenant}, order, descending, since, before, _reached(page.cursor, of, values, tenant)
        )
        projection = await self._serving.copy_of(projection)

        async def look() -> list[_Body]:
            found = await self._store.documents.select(projection.collection, selection, size + 1)
            return [body for _, body in found]

        bodies = await self._showing(projection, look)
        shown = [projection.document.model_validate(body) for body in bodies[:size]]
        if len(bodies) <= size:
            return shown, ""
        last = shown[-1]
        place = [values.dump_python(getattr(last, order), mode="json"), getattr(last, projection.key)]
        return shown, write_cursor(place, of)

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        """The state of a stream as it was stored when this reader first asked for it: who asks again sees the same."""
        if stream not in self._read:
            self._read[stream] = await self._states.load(self.principal.tenant, stream, aggregate)
        state: State = self._read[stream].state
        return state

    async def history(self, stream: str) -> list[Recorded]:
        """Everything that happened in a stream, in order."""
        commits = await self._store.commits.read(self.principal.tenant, stream)
        return [item for commit in commits for item in recorded(commit, self._contract)]

    async def accesses(self, subject_id: str) -> list[Access]:
        """Who has opened sealed texts about this person in this service, oldest first."""
        return await self._store.access_log.about(self.principal.tenant, subject_id)

    async def open(self, items: Sequence[tuple[Recorded, str]]) -> list[str]:
        """The texts of sealed fields, each named by its event and path (`reason`, `advice[0].text`); "" where it was never set.

        Raises KeyDestroyed where the person was erased.
        """
        found = [(item, field, sealed_at(item.event, field)) for item, field in items]
        accesses = [
            self._access(item.meta, field, sealed.subject_id) for item, field, sealed in found if sealed is not None
        ]
        await self._store.access_log.record(accesses)
        return [await self._open(item, field, sealed) for item, field, sealed in found]

    async def note(self, item: Recorded, field: str, subject_id: str) -> None:
        """Records in the access log that the caller reads what is stored elsewhere, and that this event tells of."""
        await self._store.access_log.record([self._access(item.meta, field, subject_id)])

    async def _open(self, item: Recorded, field: str, sealed: Sealed | None) -> str:
        if sealed is None:
            return ""
        meta = item.meta
        return await self._sealer.open(
            sealed, tenant=self.principal.tenant, event_type=meta.type, event_id=meta.event_id, field=field
        )

    def _access(self, meta: Metadata, field: str, subject_id: str) -> Access:
        return Access(
            tenant=self.principal.tenant, actor=self.principal.person_id, subject_id=subject_id, stream=meta.stream,
            event_id=meta.event_id, field=field, at=self._clock(), correlation_id=self._correlation_id,
        )  # fmt: skip

    async def _showing(
        self, projection: Projection[Any], look: Callable[[], Awaitable[list[_Body]]], key: str | None = None
    ) -> list[_Body]:
        """What `look` finds, once the write that the caller asked to see is in it, or wherever it goes."""
        after, found = self._after, await look()
        if after is None or self._has_seen(projection, found, after):
            return found
        wanted = await self._wanted(projection, after, key)
        deadline = asyncio.get_running_loop().time() + after.seconds
        while True:
            shown = wanted is not None and await self._are_shown(projection, wanted, after)
            found = await look()
            if shown or self._has_seen(projection, found, after):
                return found
            if asyncio.get_running_loop().time() >= deadline:
                raise Behind(f"{projection.name} has not seen {after.stream}@{after.version} yet")
            await asyncio.sleep(_LOOK_AGAIN)

    async def _wanted(self, projection: Projection[Any], after: After, key: str | None) -> dict[str, int] | None:
        """The documents that a write of an own stream goes to, with its version in each; none where it is nothing to this projection.

        None where that is no write of the caller's in this service: then it can only be waited for.
        """
        commits = await self._store.commits.read(self.principal.tenant, after.stream)
        # Another's write is answered as one that does not exist: a version says that a stream is there, and how far it is.
        if not any(
            commit.first_version <= after.version <= commit.version and commit.actor == self.principal.person_id
            for commit in commits
        ):
            return None
        wanted: dict[str, int] = {}
        for item in (item for commit in commits for item in recorded(commit, self._contract)):
            if item.meta.version <= after.version and type(item.event) in projection.folds:
                its_key = projection.key_of(item.event, item.meta)
                if key in (None, its_key):
                    wanted[document_id(self.principal.tenant, its_key)] = item.meta.version
        return wanted

    async def _are_shown(self, projection: Projection[Any], wanted: Mapping[str, int], after: After) -> bool:
        found = await self._store.documents.load(projection.collection, list(wanted))
        return all(
            identity in found and self._seen(projection, found[identity][1], after.stream) >= version
            for identity, version in wanted.items()
        )

    def _has_seen(self, projection: Projection[Any], bodies: Sequence[_Body], after: After) -> bool:
        return any(self._seen(projection, body, after.stream) >= after.version for body in bodies)

    def _seen(self, projection: Projection[Any], body: _Body, stream: str) -> int:
        seen = body.get(SEEN)
        if not isinstance(seen, dict):
            return 0
        return max(
            int(seen.get(stream_mark(topic, stream), 0)) for topic in topics_of(projection.folds, self._contract)
        )


def _reached(cursor: str, of: str, values: TypeAdapter[Any], tenant: str) -> tuple[object, str] | None:
    if not cursor:
        return None
    match read_cursor(cursor, of):
        case [value, str(key)]:
            try:
                return values.validate_python(value), document_id(tenant, key)
            except ValidationError:
                raise CursorInvalid from None
    raise CursorInvalid


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
