"""Due rows on MongoDB: a row is claimed by one at a time, and finished once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pymongo import ReturnDocument

from eventkernel.messages import DueRow
from eventkernel.ports import DueStore
from eventkernel.store.mongodb.driver import Database, Document
from eventkernel.store.mongodb.inserts import insert_new
from eventkernel.store.mongodb.unavailable import translated

_BY_URGENCY = "open_by_urgency"
_NOT_LEASED = datetime(1970, 1, 1, tzinfo=UTC)


@translated
class MongoDue(DueStore):
    """Rows that fall due."""

    def __init__(self, database: Database) -> None:
        self._rows = database["due"]

    async def prepare(self) -> None:
        """Makes the indexes of open rows: to count all, and to claim of one kind."""
        await self._rows.create_index([("due", 1), ("_id", 1)], name="open", partialFilterExpression={"done": False})
        await self._rows.create_index(
            [("urgent", 1), ("due", 1), ("_id", 1)], name=_BY_URGENCY, partialFilterExpression={"done": False}
        )

    async def schedule(self, rows: Sequence[DueRow]) -> None:
        """As the port says."""
        await insert_new(self._rows, [_document(row) for row in rows])

    async def claim(self, now: datetime, lease: timedelta, *, urgent: bool = False) -> DueRow | None:
        """As the port says."""
        free = [{"leased_until": {"$lte": now}}, {"leased_until": {"$gt": now + 2 * lease}}]
        claimed = await self._rows.find_one_and_update(
            {"done": False, "urgent": True if urgent else None, "due": {"$lte": now}, "$or": free},
            {"$set": {"leased_until": now + lease}, "$inc": {"attempts": 1}},
            sort=[("due", 1), ("_id", 1)],
            # The other index fits too: through that, an urgent row would be found behind all others that are due.
            hint=_BY_URGENCY,
            return_document=ReturnDocument.AFTER,
        )
        return None if claimed is None else _row(claimed)

    async def finish(self, row: DueRow) -> None:
        """As the port says."""
        await self._rows.update_one({"_id": row.id, "attempts": row.attempts}, {"$set": {"done": True}})

    async def postpone(self, row: DueRow, due: datetime) -> None:
        """As the port says."""
        this_claim = {"_id": row.id, "done": False, "attempts": row.attempts}
        await self._rows.update_one(this_claim, {"$set": {"due": due, "leased_until": _NOT_LEASED}})

    async def reopen(self, row_id: str, attempts: int) -> bool:
        """As the port says."""
        at_this_attempt = {"_id": row_id, "done": True, "attempts": attempts}
        opened = await self._rows.update_one(at_this_attempt, {"$set": {"done": False, "leased_until": _NOT_LEASED}})
        if opened.matched_count:
            return True
        return await self._rows.find_one({"_id": row_id, "attempts": {"$gt": attempts}}, {"_id": 1}) is not None

    async def count_overdue(self, now: datetime) -> int:
        """As the port says."""
        return await self._rows.count_documents({"done": False, "due": {"$lte": now}})


def _document(row: DueRow) -> Document:
    document: Document = {
        "_id": row.id,
        "tenant": row.tenant,
        "due": row.due,
        "request_type": row.request_type,
        "request": row.request,
        "correlation_id": row.correlation_id,
        "causation_id": row.causation_id,
        "traceparent": row.traceparent,
        "attempts": row.attempts,
        "leased_until": _NOT_LEASED,
        "done": False,
    }
    if row.urgent:
        # Not there in any other row, so that one that was stored before there was urgency is found with the others.
        document["urgent"] = True
    return document


def _row(document: Document) -> DueRow:
    return DueRow(
        id=document["_id"],
        tenant=document["tenant"],
        due=document["due"],
        request_type=document["request_type"],
        request=document["request"],
        correlation_id=document["correlation_id"],
        causation_id=document["causation_id"],
        traceparent=document["traceparent"],
        attempts=document["attempts"],
        urgent=document.get("urgent", False),
    )
