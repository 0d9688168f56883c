"""Operators' acts and the copies of read models on MongoDB: an act is never changed, and a pointer moves once for each revision."""

from dataclasses import asdict, fields

from pymongo.errors import DuplicateKeyError

from eventkernel.messages import Act, Copies
from eventkernel.ports import ActLog, CopyStore
from eventkernel.store.mongodb.driver import Database
from eventkernel.store.mongodb.unavailable import translated

_ACT = tuple(field.name for field in fields(Act) if field.name != "id")
_COPIES = tuple(field.name for field in fields(Copies))


@translated
class MongoActs(ActLog):
    """What operators did."""

    def __init__(self, database: Database) -> None:
        self._acts = database["acts"]

    async def prepare(self) -> None:
        """Makes the index in the order of time."""
        await self._acts.create_index([("at", -1), ("_id", 1)], name="newest")

    async def record(self, act: Act) -> None:
        """As the port says."""
        await self._acts.insert_one({"_id": act.id, **{name: getattr(act, name) for name in _ACT}})

    async def newest(self, tenant: str | None, limit: int) -> list[Act]:
        """As the port says."""
        wanted = {} if tenant is None else {"tenant": tenant}
        found = await self._acts.find(wanted).sort([("at", -1), ("_id", 1)]).limit(limit).to_list(None)
        return [
            Act(id=act["_id"], **{**{name: act[name] for name in _ACT}, "records": tuple(act["records"])})
            for act in found
        ]


@translated
class MongoCopies(CopyStore):
    """Which copy serves."""

    def __init__(self, database: Database) -> None:
        self._copies = database["copies"]

    async def load(self, read_model: str) -> Copies:
        """As the port says."""
        found = await self._copies.find_one({"_id": read_model})
        if found is None:
            return Copies()
        return Copies(**{**{name: found[name] for name in _COPIES}, "retired": tuple(found["retired"])})

    async def change(self, read_model: str, copies: Copies) -> bool:
        """As the port says."""
        document = {"_id": read_model, **asdict(copies)}
        if copies.revision == 1:
            try:
                await self._copies.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        before = {"_id": read_model, "revision": copies.revision - 1}
        return (await self._copies.replace_one(before, document)).matched_count == 1
