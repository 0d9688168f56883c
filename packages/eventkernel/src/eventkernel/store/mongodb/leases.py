"""Leases on MongoDB: at one time a name has at most one holder, whoever asks at once."""

from datetime import datetime, timedelta

from eventkernel.messages import Lease
from eventkernel.ports import LeaseStore
from eventkernel.store.mongodb.driver import Database
from eventkernel.store.mongodb.inserts import insert_new
from eventkernel.store.mongodb.unavailable import translated


@translated
class MongoLeases(LeaseStore):
    """Leases by name."""

    def __init__(self, database: Database) -> None:
        self._leases = database["leases"]
        self._made: set[str] = set()

    async def acquire(self, name: str, holder: str, now: datetime, ttl: timedelta) -> bool:
        """As the port says."""
        await self._make(name)
        free = {
            "_id": name,
            "$or": [{"holder": {"$in": [None, holder]}}, {"until": {"$lte": now}}, {"until": {"$gt": now + 2 * ttl}}],
        }
        taken = await self._leases.update_one(free, {"$set": {"holder": holder, "until": now + ttl}})
        return taken.matched_count == 1

    async def _make(self, name: str) -> None:
        # First made free, then taken: parallel upserts of one new id are where stores go wrong.
        if name not in self._made:
            await insert_new(self._leases, [{"_id": name, "holder": None}])
            self._made.add(name)

    async def release(self, name: str, holder: str) -> None:
        """As the port says."""
        await self._leases.update_one({"_id": name, "holder": holder}, {"$set": {"holder": None}})

    async def holder(self, name: str) -> str | None:
        """As the port says."""
        lease = await self._leases.find_one({"_id": name})
        return None if lease is None else lease["holder"]

    async def held(self, name: str) -> Lease | None:
        """As the port says."""
        lease = await self._leases.find_one({"_id": name})
        return None if lease is None or lease["holder"] is None else Lease(lease["holder"], lease["until"])
