"""Parked records on MongoDB: each is kept once, however often it is delivered."""

from collections.abc import Sequence

from eventkernel.messages import ParkedRecord
from eventkernel.ports import ParkedStore
from eventkernel.store.mongodb.driver import Database, Document, Driver
from eventkernel.store.mongodb.inserts import insert_new
from eventkernel.store.mongodb.unavailable import translated

_IN_ORDER = [("subscription", 1), ("topic", 1), ("partition", 1), ("offset", 1)]


@translated
class MongoParked(ParkedStore):
    """What could not be handled."""

    def __init__(self, driver: Driver, database: Database) -> None:
        self._driver = driver
        self._records = database["parked"]

    async def prepare(self) -> None:
        """Makes the index in the order of listing."""
        await self._records.create_index(_IN_ORDER, name="in_order")

    async def park(self, records: Sequence[ParkedRecord]) -> None:
        """As the port says."""
        await insert_new(self._records, [_document(record) for record in records])

    async def streams(self, subscription: str) -> frozenset[tuple[str, str]]:
        """As the port says."""
        each = {"$group": {"_id": {"tenant": "$tenant", "stream": "$stream"}}}
        found = await self._driver.aggregate(self._records, [{"$match": {"subscription": subscription}}, each])
        return frozenset((group["_id"]["tenant"], group["_id"]["stream"]) for group in found)

    async def list(self, subscription: str | None = None) -> list[ParkedRecord]:
        """As the port says."""
        wanted = {} if subscription is None else {"subscription": subscription}
        return [_record(document) async for document in self._records.find(wanted).sort(_IN_ORDER)]


def _document(record: ParkedRecord) -> Document:
    return {
        "_id": record.id,
        "subscription": record.subscription,
        "tenant": record.tenant,
        "stream": record.stream,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key,
        "value": record.value,
        "headers": [[name, value] for name, value in record.headers],
        "reason": record.reason,
        "attempts": record.attempts,
        "at": record.at,
    }


def _record(document: Document) -> ParkedRecord:
    return ParkedRecord(
        subscription=document["subscription"],
        tenant=document["tenant"],
        stream=document["stream"],
        topic=document["topic"],
        partition=document["partition"],
        offset=document["offset"],
        key=document["key"],
        value=document["value"],
        headers=tuple((name, value) for name, value in document["headers"]),
        reason=document["reason"],
        attempts=document["attempts"],
        at=document["at"],
    )
