"""Projections' documents on MongoDB: each write is of the document that was loaded, and the checkpoints come last.

A checkpoint lies among the documents that it is about, so that both travel in one write and are dropped together. It has
no revision, as every document has, and an id that begins as no tenant's name can.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain

from pymongo import InsertOne, ReplaceOne, UpdateOne, errors
from pymongo.errors import BulkWriteError

from eventkernel.messages import Checkpoint, DocumentWrite, Selection
from eventkernel.ports import DocumentStore, DocumentTooLarge, RevisionConflict
from eventkernel.store.mongodb.driver import Collection, Database, Document
from eventkernel.store.mongodb.inserts import duplicates
from eventkernel.store.mongodb.unavailable import translated
from eventkernel.store.stored_form import ID, REVISION, check_fields

_DOCUMENTS_ONLY = {"$exists": True}
_CHECKPOINT = "~checkpoint/"
# BSONObjectTooLarge, and what the server says where an update makes, or an upsert is, a document that is.
_TOO_LARGE = frozenset({10334, 17419, 17420})
# What it says of an insert that is: BadValue, which may mean other things too, and these words.
_BAD_VALUE, _TOO_LARGE_WORDS = 2, "too large"
# On the embedded store the time of an `$in` grows with the square of its length.
_IDS_A_QUERY = 50
# So many new documents are inserted, which costs a fifth of a replacement that finds nothing to replace; but all replacements,
# with the checkpoints, are one command to the server, and inserts one more (`python -m bench projector`).
_A_COMMAND = 4


@translated
class MongoDocuments(DocumentStore):
    """The documents of projections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self, collection: str, indexes: Sequence[str]) -> None:
        """As the port says."""
        for field in indexes:
            await self._database[collection].create_index(field)

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:
        """As the port says."""
        parts = [ids[start : start + _IDS_A_QUERY] for start in range(0, len(ids), _IDS_A_QUERY)]
        found = await asyncio.gather(*(self._load(self._database[collection], part) for part in parts))
        return {document[ID]: (document[REVISION], _body(document)) for document in chain.from_iterable(found)}

    async def _load(self, collection: Collection, ids: Sequence[str]) -> list[Document]:
        return await collection.find({ID: {"$in": list(ids)}}).batch_size(_IDS_A_QUERY).to_list(None)

    async def write(
        self, collection: str, documents: Sequence[DocumentWrite], checkpoints: Sequence[Checkpoint]
    ) -> None:
        """As the port says."""
        for document in documents:
            check_fields(document.body)
        inserts, documents = _inserts_first(documents)
        writes: list[InsertOne[Document] | ReplaceOne[Document] | UpdateOne] = [
            *map(_insert, documents[:inserts]),
            *map(_replace, documents[inserts:]),
        ]
        writes += [
            UpdateOne({ID: _checkpoint_id(each)}, {"$max": {"offset": each.offset}}, upsert=True)
            for each in checkpoints
        ]
        try:
            await self._database[collection].bulk_write(writes, ordered=True)
        except BulkWriteError as error:
            _raise_too_large(collection, documents, error)
            stale = [documents[index].id for index in duplicates(error) if index < len(documents)]
            named = stale or ["the checkpoint"]
            raise RevisionConflict(f"{named[0]} in {collection} was written by someone else") from error
        except errors.DocumentTooLarge:
            # The driver's own limit is a little higher than the server's. Its error, as the server's, may quote the document.
            raise DocumentTooLarge(f"a document in {collection}") from None

    async def find(self, collection: str, equal: Mapping[str, object], limit: int) -> list[dict[str, object]]:
        """As the port says."""
        check_fields(equal)
        if limit < 1:
            return []
        wanted = {REVISION: _DOCUMENTS_ONLY, **{field: _matching(value) for field, value in equal.items()}}
        query = self._database[collection].find(wanted).sort(ID, 1).limit(limit).batch_size(limit)
        return [_body(document) for document in await query.to_list(None)]

    async def select(self, collection: str, selection: Selection, limit: int) -> list[tuple[str, dict[str, object]]]:
        """As the port says."""
        check_fields([*selection.equal, selection.order])
        direction = -1 if selection.descending else 1
        query = self._database[collection].find(_wanted(selection))
        query = query.sort([(selection.order, direction), (ID, direction)]).limit(limit).batch_size(limit)
        return [(document[ID], _body(document)) for document in await query.to_list(None)]

    async def checkpoint(self, collection: str, subscription: str, topic: str, partition: int) -> int | None:
        """As the port says."""
        stored = await self._database[collection].find_one(
            {ID: _checkpoint_id(Checkpoint(subscription, topic, partition, 0))}
        )
        return None if stored is None else stored["offset"]

    async def checkpoints(self, collection: str, subscription: str) -> dict[tuple[str, int], int]:
        """As the port says."""
        whose = f"{_CHECKPOINT}{subscription}/"
        found = await self._database[collection].find({ID: {"$gte": whose, "$lt": f"{whose}~"}}).to_list(None)
        places = ((*checkpoint[ID].removeprefix(whose).rsplit("/", 1), checkpoint["offset"]) for checkpoint in found)
        return {(topic, int(partition)): offset for topic, partition, offset in places}

    async def page(self, collection: str, after: str, limit: int) -> list[tuple[str, dict[str, object]]]:
        """As the port says."""
        # A checkpoint's id comes behind every document's.
        wanted = {ID: {"$gt": after, "$lt": _CHECKPOINT}}
        query = self._database[collection].find(wanted).sort(ID, 1).limit(limit).batch_size(limit)
        return [(document[ID], _body(document)) for document in await query.to_list(None)]

    async def drop(self, collection: str) -> None:
        """As the port says."""
        await self._database[collection].drop()


def _wanted(selection: Selection) -> Document:
    """The filter of a selection."""
    wanted: list[Document] = [{REVISION: _DOCUMENTS_ONLY}]
    for field, value in selection.equal.items():
        wanted.append({field: _matching(value)})
    if selection.since is not None:
        wanted.append({selection.order: {"$gte": selection.since}})
    if selection.before is not None:
        wanted.append({selection.order: {"$lt": selection.before}})
    if selection.after is not None:
        wanted.append({"$or": _behind(selection.order, *selection.after, descending=selection.descending)})
    return {"$and": wanted}


def _matching(value: object) -> Document:
    """`$eq` is spelled out: a value that looks like an operator stays a value."""
    return {"$in": list(value)} if isinstance(value, frozenset) else {"$eq": value}


def _behind(field: str, value: object, name: str, *, descending: bool) -> list[Document]:
    """What comes behind a place. No value comes first, and the server compares none with any."""
    same: Document = {field: {"$eq": value}, ID: {"$lt" if descending else "$gt": name}}
    if value is None:
        return [same] if descending else [same, {field: {"$ne": None}}]
    return [same, {field: {"$lt": value}}, {field: {"$eq": None}}] if descending else [same, {field: {"$gt": value}}]


def _inserts_first(documents: Sequence[DocumentWrite]) -> tuple[int, Sequence[DocumentWrite]]:
    """How many are to be inserted, and all of them with these in front: the new ones, where they are worth a command of their own."""
    new = [document for document in documents if not document.revision]
    if len(new) < _A_COMMAND:
        return 0, documents
    return len(new), [*new, *(document for document in documents if document.revision)]


def _insert(document: DocumentWrite) -> InsertOne[Document]:
    return InsertOne(_stored(document))


def _replace(document: DocumentWrite) -> ReplaceOne[Document]:
    # A revision that is not there leads to the insert of an id that is: the server refuses it, and stops before the checkpoint.
    return ReplaceOne({ID: document.id, REVISION: document.revision}, _stored(document), upsert=True)


def _stored(document: DocumentWrite) -> Document:
    return {**document.body, ID: document.id, REVISION: document.revision + 1}


def _raise_too_large(collection: str, documents: Sequence[DocumentWrite], error: BulkWriteError) -> None:
    for failure in error.details["writeErrors"]:
        if failure["code"] in _TOO_LARGE or (failure["code"] == _BAD_VALUE and _TOO_LARGE_WORDS in failure["errmsg"]):
            raise DocumentTooLarge(f"{documents[failure['index']].id} in {collection}") from None


def _checkpoint_id(checkpoint: Checkpoint) -> str:
    # A string: looked up by a sub-document, the embedded store reads the whole collection.
    return f"{_CHECKPOINT}{checkpoint.subscription}/{checkpoint.topic}/{checkpoint.partition}"


def _body(document: Document) -> dict[str, object]:
    return {field: value for field, value in document.items() if field not in (ID, REVISION)}
