"""Projections' documents in memory: each write is of the document that was loaded, and the checkpoints come last."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import bson

from eventkernel.messages import Checkpoint, DocumentWrite, Selection
from eventkernel.ports import DocumentStore, DocumentTooLarge, RevisionConflict
from eventkernel.store.stored_form import BSON_DATES, check_fields, is_too_large

_Place = tuple[str, str, str, int]
# Whether the field has a value, the value, and the id.
_Ordered = tuple[bool, Any, str]


class MemoryDocuments(DocumentStore):
    """Documents as BSON bytes, so that nobody holds a part of one, and none passes here that MongoDB would refuse."""

    def __init__(self) -> None:
        self._documents: defaultdict[str, dict[str, tuple[int, bytes]]] = defaultdict(dict)
        self._checkpoints: dict[_Place, int] = {}

    async def prepare(self, collection: str, indexes: Sequence[str]) -> None:  # noqa: ARG002 - the port's names
        """Nothing to make: here every field is searched the same."""
        await asyncio.sleep(0)

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:
        """As the port says."""
        await asyncio.sleep(0)
        stored = self._documents[collection]
        return {name: (stored[name][0], _body(stored[name][1])) for name in ids if name in stored}

    async def write(
        self, collection: str, documents: Sequence[DocumentWrite], checkpoints: Sequence[Checkpoint]
    ) -> None:
        """As the port says."""
        for document in documents:
            check_fields(document.body)
        await asyncio.sleep(0)
        stored = self._documents[collection]
        for document in documents:
            if document.id in stored and stored[document.id][0] != document.revision:
                raise RevisionConflict(f"{document.id} in {collection} is no longer at revision {document.revision}")
            if is_too_large(document):
                raise DocumentTooLarge(f"{document.id} in {collection}")
            stored[document.id] = (document.revision + 1, bson.encode(document.body))
        for each in checkpoints:
            place = (collection, each.subscription, each.topic, each.partition)
            self._checkpoints[place] = max(each.offset, self._checkpoints.get(place, each.offset))

    async def find(self, collection: str, equal: Mapping[str, object], limit: int) -> list[dict[str, object]]:
        """As the port says."""
        check_fields(equal)
        await asyncio.sleep(0)
        bodies = (_body(encoded) for _, (_, encoded) in sorted(self._documents[collection].items()))
        found = [body for body in bodies if all(_equals(body.get(field), value) for field, value in equal.items())]
        return found[:limit]

    async def select(self, collection: str, selection: Selection, limit: int) -> list[tuple[str, dict[str, object]]]:
        """As the port says."""
        check_fields([*selection.equal, selection.order])
        await asyncio.sleep(0)
        found = [
            (name, body)
            for name, body in ((name, _body(encoded)) for name, (_, encoded) in self._documents[collection].items())
            if _is_selected(body, selection)
        ]

        def place(at: tuple[str, dict[str, object]]) -> _Ordered:
            return _ordered(at[1].get(selection.order), at[0])

        found.sort(key=place, reverse=selection.descending)
        if selection.after is not None:
            reached = _ordered(*selection.after)
            found = [one for one in found if (place(one) < reached if selection.descending else place(one) > reached)]
        return found[:limit]

    async def checkpoint(self, collection: str, subscription: str, topic: str, partition: int) -> int | None:
        """As the port says."""
        await asyncio.sleep(0)
        return self._checkpoints.get((collection, subscription, topic, partition))

    async def checkpoints(self, collection: str, subscription: str) -> dict[tuple[str, int], int]:
        """As the port says."""
        await asyncio.sleep(0)
        return {
            (topic, partition): offset
            for (where, whose, topic, partition), offset in self._checkpoints.items()
            if (where, whose) == (collection, subscription)
        }

    async def page(self, collection: str, after: str, limit: int) -> list[tuple[str, dict[str, object]]]:
        """As the port says."""
        await asyncio.sleep(0)
        behind = sorted(name for name in self._documents[collection] if name > after)
        return [(name, _body(self._documents[collection][name][1])) for name in behind[:limit]]

    async def drop(self, collection: str) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        self._documents.pop(collection, None)
        self._checkpoints = {place: offset for place, offset in self._checkpoints.items() if place[0] != collection}


def _body(encoded: bytes) -> dict[str, object]:
    return dict(bson.decode(encoded, BSON_DATES))


def _equals(stored: object, wanted: object) -> bool:
    if isinstance(wanted, frozenset):
        return any(_equals(stored, one) for one in wanted)
    return stored == wanted or (isinstance(stored, list) and wanted in stored)


def _is_selected(body: Mapping[str, object], selection: Selection) -> bool:
    value: Any = body.get(selection.order)
    since: Any = selection.since
    before: Any = selection.before
    return (
        all(_equals(body.get(field), wanted) for field, wanted in selection.equal.items())
        and (since is None or (value is not None and value >= since))
        and (before is None or (value is not None and value < before))
    )


def _ordered(value: object, name: str) -> _Ordered:
    return value is not None, value, name
