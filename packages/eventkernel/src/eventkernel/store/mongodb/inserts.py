"""Inserts where some of the documents may be there already: those are told, any other error is raised."""

from collections.abc import Sequence

from pymongo.errors import BulkWriteError

from eventkernel.store.mongodb.driver import Collection, Document

_DUPLICATE_KEY = 11000


async def insert_new(collection: Collection, documents: Sequence[Document]) -> frozenset[int]:
    """Inserts each by itself, in one write; the places of those that a unique index refused."""
    if not documents:
        return frozenset()
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return duplicates(error)
    return frozenset()


def duplicates(error: BulkWriteError) -> frozenset[int]:
    """The places of the writes that were refused as duplicates; raises the error where it says anything more.

    A write that was done but not confirmed by a majority counts as more: it may yet be lost.
    """
    failed = error.details["writeErrors"]
    if error.details["writeConcernErrors"] or any(failure["code"] != _DUPLICATE_KEY for failure in failed):
        raise error
    return frozenset(failure["index"] for failure in failed)
