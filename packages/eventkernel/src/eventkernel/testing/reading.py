"""A reader of streams and documents that a test lays down, in place of a store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page
from pydantic import BaseModel

from eventkernel.aggregate import Aggregate
from eventkernel.messages import Metadata, Principal, Recorded
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.sealing import sealed_at
from eventkernel.testing.scenario import NOON

State = TypeVar("State")
Document = TypeVar("Document", bound=BaseModel)


class LaidDown(Reader):
    """Reads what it was given; `opened` says which sealed fields were opened."""

    def __init__(
        self,
        principal: Principal,
        streams: Mapping[str, Sequence[Message]] | None = None,
        documents: Sequence[BaseModel] = (),
        now: datetime = NOON,
    ) -> None:
        self.principal = principal
        self.streams = streams or {}
        self.laid = documents
        self.at = now
        self.opened: list[str] = []

    @property
    def now(self) -> datetime:
        """The time that was laid down."""
        return self.at

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        """What the laid down events fold to."""
        return aggregate.fold(aggregate.initial, self.streams.get(stream, ()))

    async def history(self, stream: str) -> list[Recorded]:
        """The laid down events, each with made up metadata."""
        return [
            Recorded(event, Metadata("id", "type", "provider-1", stream, index + 1, datetime.now(UTC)))
            for index, event in enumerate(self.streams.get(stream, ()))
        ]

    async def document(self, projection: Projection[Document], key: str) -> Document | None:
        """The laid down document with this key."""
        found = [one for one in await self.documents(projection) if getattr(one, projection.key) == key]
        return found[0] if found else None

    async def documents(self, projection: Projection[Document], **equal: object) -> list[Document]:
        """The laid down documents of the projection's kind."""
        assert all(name in projection.indexes for name in equal)
        return [
            one
            for one in self.laid
            if isinstance(one, projection.document) and all(_equals(getattr(one, name), equal[name]) for name in equal)
        ]

    async def each(self, projection: Projection[Document]) -> AsyncIterator[Document]:
        """The laid down documents of the projection's kind."""
        for one in await self.documents(projection):
            yield one

    async def page(
        self, projection: Projection[Document], page: Page, *, order: str, descending: bool = False, since: object = None,
        before: object = None, **equal: object,
    ) -> tuple[list[Document], str]:  # fmt: skip
        """The laid down documents of the projection's kind, in pages."""

        def value(one: Document) -> Any:
            return getattr(one, order)

        found = [
            one
            for one in self.laid
            if isinstance(one, projection.document)
            and all(_equals(getattr(one, name), wanted) for name, wanted in equal.items())
            and (since is None or value(one) >= since)
            and (before is None or value(one) < before)
        ]

        def place(one: Document) -> tuple[str | int, str]:
            at = value(one)
            return "" if at is None else at.isoformat() if isinstance(at, datetime) else at, getattr(
                one, projection.key
            )

        shown, cursor = cut(
            found,
            page,
            key=place,
            of=list_name(order, equal),
            descending=descending,
        )
        return list(shown), cursor

    async def open(self, items: Sequence[tuple[Recorded, str]]) -> list[str]:
        """What the texts were before they were sealed."""
        found = [(field, sealed_at(item.event, field)) for item, field in items]
        self.opened += [field for field, sealed in found if sealed is not None]
        return ["" if sealed is None else sealed.to_be_sealed for _, sealed in found]

    async def note(self, item: Recorded, field: str, subject_id: str) -> None:
        """Remembers it beside what was opened."""
        self.opened.append(f"{field} of {subject_id} in {item.meta.stream}")


def _equals(value: object, wanted: object) -> bool:
    """As stores compare: a frozenset means any of it, and a list equals whatever it contains."""
    anything = wanted if isinstance(wanted, frozenset) else frozenset({wanted})
    return any(one in anything for one in (value if isinstance(value, list) else [value]))
