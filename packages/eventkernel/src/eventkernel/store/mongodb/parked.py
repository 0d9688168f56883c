"""Parked records on MongoDB: each is kept once, however often it is delivered."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from eventkernel.messages import Asked, AskedStream, ParkedRecord, ParkedStream
from eventkernel.ports import ParkedStore
from eventkernel.store.mongodb.driver import Database, Document, Driver
from eventkernel.store.mongodb.inserts import insert_new
from eventkernel.store.mongodb.unavailable import translated

# There only while something is asked, so that looking for it costs nothing.
_WANTED = "wanted"
_IN_ORDER = [("subscription", 1), ("topic", 1), ("partition", 1), ("offset", 1)]
_STREAM = {"_id": {"topic": "$topic", "tenant": "$tenant", "stream": "$stream"}}


@translated
class MongoParked(ParkedStore):
    """What could not be handled."""

    def __init__(self, driver: Driver, database: Database) -> None:
        self._driver = driver
        self._records = database["parked"]

    async def prepare(self) -> None:
        """Makes the index in the order of listing."""
        await self._records.create_index(_IN_ORDER, name="in_order")
        await self._records.create_index("subscription", name=_WANTED, partialFilterExpression={_WANTED: True})

    async def park(self, records: Sequence[ParkedRecord]) -> None:
        """As the port says."""
        await insert_new(self._records, [_document(record) for record in records])

    async def count(self) -> dict[str, int]:
        """As the port says."""
        # The condition lets the index answer it, and no record is looked at.
        each = {"$group": {"_id": "$subscription", "records": {"$sum": 1}}}
        found = await self._driver.aggregate(self._records, [{"$match": {"subscription": {"$gte": ""}}}, each])
        return {group["_id"]: group["records"] for group in found}

    async def streams(self, subscription: str) -> dict[ParkedStream, tuple[int, int]]:
        """As the port says."""
        first = {"partition": {"$first": "$partition"}, "offset": {"$first": "$offset"}}
        found = await self._driver.aggregate(
            self._records,
            [{"$match": {"subscription": subscription}}, {"$sort": dict(_IN_ORDER)}, {"$group": _STREAM | first}],
        )
        return {ParkedStream(**group["_id"]): (group["partition"], group["offset"]) for group in found}

    async def list(
        self,
        subscription: str | None = None,
        *,
        topic: str | None = None,
        tenant: str | None = None,
        stream: str | None = None,
        limit: int = 0,
    ) -> list[ParkedRecord]:
        """As the port says."""
        given = {"subscription": subscription, "topic": topic, "tenant": tenant, "stream": stream}
        wanted = {name: value for name, value in given.items() if value is not None}
        return [_record(document) async for document in self._records.find(wanted).sort(_IN_ORDER).limit(limit)]

    async def ask(self, ids: Iterable[str], asked: Asked) -> int:
        """As the port says."""
        noted = {"$set": {_WANTED: True, "asked": asdict(asked)}}
        updates = [UpdateOne({"_id": one, _WANTED: {"$exists": False}}, noted) for one in ids]
        # In order: the first of a stream is never asked after what follows it.
        return (await self._records.bulk_write(updates, ordered=True)).matched_count if updates else 0

    async def asked(self) -> frozenset[str]:
        """As the port says."""
        found = await self._records.find({_WANTED: True}, {"subscription": 1}).to_list(None)
        return frozenset(record["subscription"] for record in found)

    async def asked_streams(self, subscription: str) -> Sequence[AskedStream]:
        """As the port says."""
        place = {"topic": 1, "partition": 1, "offset": 1}
        told = {"tenant": 1, "stream": 1, "asked.act_id": 1}
        wanted = self._records.find({"subscription": subscription, _WANTED: True}, place | told).sort(_IN_ORDER)
        found: dict[ParkedStream, AskedStream] = {}
        async for record in wanted:
            stream = ParkedStream(record["topic"], record["tenant"], record["stream"])
            asked = found.setdefault(stream, AskedStream(stream, record["partition"], frozenset()))
            found[stream] = asked._replace(acts=asked.acts | {record["asked"]["act_id"]})
        return list(found.values())

    async def settle(self, record_id: str, act_id: str) -> bool:
        """As the port says."""
        return (await self._records.delete_one({"_id": record_id, "asked.act_id": act_id})).deleted_count == 1

    async def park_again(self, record: ParkedRecord, act_id: str = "") -> None:
        """As the port says."""
        kept = _document(replace(record, asked=None))
        if act_id:
            await self._records.replace_one({"_id": record.id, "asked.act_id": act_id}, kept)
            return
        not_later = {"_id": record.id, "attempts": {"$lte": record.attempts}}
        try:
            await self._records.replace_one(not_later, kept, upsert=True)
        except DuplicateKeyError:
            # One is there: of a later attempt, or kept by another process in this moment.
            await self._records.replace_one(not_later, kept)

    async def withdraw(self, subscription: str, stream: ParkedStream, acts: Iterable[str]) -> None:
        """As the port says."""
        asked = {"subscription": subscription, **stream._asdict(), _WANTED: True, "asked.act_id": {"$in": list(acts)}}
        await self._records.update_many(asked, {"$unset": {_WANTED: "", "asked": ""}})

    async def drop(self, subscription: str) -> None:
        """As the port says."""
        await self._records.delete_many({"subscription": subscription})


def _document(record: ParkedRecord) -> Document:
    asked: Document = {} if record.asked is None else {_WANTED: True, "asked": asdict(record.asked)}
    return asked | {
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
        asked=Asked(**document["asked"]) if "asked" in document else None,
    )
