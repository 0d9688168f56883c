"""Wrapped keys and the access log on MongoDB: what is destroyed stays empty, and an entry of the log is never changed."""

from collections.abc import Sequence

from eventkernel.messages import Access, WrappedKey
from eventkernel.ports import AccessLog, KeyStore
from eventkernel.store.mongodb.driver import Database
from eventkernel.store.mongodb.inserts import insert_new
from eventkernel.store.mongodb.unavailable import translated

_ACCESS_FIELDS = ("tenant", "actor", "subject_id", "stream", "event_id", "field", "at", "correlation_id")


@translated
class MongoKeys(KeyStore):
    """Wrapped data keys, a document for each version."""

    def __init__(self, database: Database) -> None:
        self._keys = database["data_keys"]

    async def prepare(self) -> None:
        """Makes the unique index that lets only one key stand under a version."""
        await self._keys.create_index(
            [("tenant", 1), ("subject_id", 1), ("version", 1)], unique=True, name="subject_version"
        )

    async def keys(self, tenant: str, subject_id: str) -> list[WrappedKey]:
        """As the port says."""
        found = self._keys.find({"tenant": tenant, "subject_id": subject_id}).sort("version", 1)
        return [WrappedKey(key["subject_id"], key["version"], key["wrapped"]) async for key in found]

    async def add(self, tenant: str, key: WrappedKey) -> WrappedKey:
        """As the port says."""
        place = {"tenant": tenant, "subject_id": key.subject_id, "version": key.version}
        if not await insert_new(self._keys, [{**place, "wrapped": key.wrapped}]):
            return key
        stands = await self._keys.find_one(place)
        if stands is None:
            raise LookupError("a key of this version is being added by another and is not durable yet: try again")
        return WrappedKey(key.subject_id, key.version, stands["wrapped"])

    async def destroy(self, tenant: str, subject_id: str) -> int:
        """As the port says."""
        holding = {"tenant": tenant, "subject_id": subject_id, "wrapped": {"$ne": b""}}
        return (await self._keys.update_many(holding, {"$set": {"wrapped": b""}})).modified_count


@translated
class MongoAccessLog(AccessLog):
    """Who read what that was sealed."""

    def __init__(self, database: Database) -> None:
        self._entries = database["access_log"]

    async def prepare(self) -> None:
        """Makes the index by person."""
        await self._entries.create_index([("tenant", 1), ("subject_id", 1), ("at", 1), ("_id", 1)], name="subject")

    async def record(self, entries: Sequence[Access]) -> None:
        """As the port says."""
        if entries:
            documents = [{field: getattr(entry, field) for field in _ACCESS_FIELDS} for entry in entries]
            await self._entries.insert_many(documents)

    async def about(self, tenant: str, subject_id: str) -> list[Access]:
        """As the port says."""
        found = self._entries.find({"tenant": tenant, "subject_id": subject_id}).sort([("at", 1), ("_id", 1)])
        return [Access(**{field: entry[field] for field in _ACCESS_FIELDS}) async for entry in found]
