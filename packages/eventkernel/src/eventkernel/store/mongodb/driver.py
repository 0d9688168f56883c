"""Which MongoDB driver is underneath, hidden from the store. Both write durably, read what is durable, and know time zones."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Protocol, cast

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from eventkernel.store.stored_form import BSON_DATES

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Database = AsyncDatabase[Document]

_TIMEOUT = timedelta(seconds=10)
# The defaults of either could lose, or show, what a new primary rolls back.
_DURABLE = WriteConcern(w="majority", j=True)
_COMMITTED = ReadConcern("majority")


class Driver(Protocol):
    """What differs between the drivers. Everything else they call the same."""

    def database(self, name: str) -> Database:
        """The database, with majority writes in the journal and majority reads."""
        ...

    async def aggregate(self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """All results of a pipeline."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...


def connect(uri: str, *, driver: Literal["pymongo", "motor"] = "pymongo", timeout: timedelta = _TIMEOUT) -> Driver:
    """A driver for this address. It connects with the first call; `timeout` bounds each call, its retries included.

    Motor, which the driver's makers have given up, needs the extra `motor`.
    """
    milliseconds = int(timeout.total_seconds() * 1000)
    if driver == "motor":
        return _Motor(uri, milliseconds)
    return _PyMongo(uri, milliseconds)


class _PyMongo(Driver):
    def __init__(self, uri: str, timeout: int) -> None:
        self._client: AsyncMongoClient[Document] = AsyncMongoClient(uri, timeoutMS=timeout)

    def database(self, name: str) -> Database:
        return self._client.get_database(
            name, codec_options=BSON_DATES, write_concern=_DURABLE, read_concern=_COMMITTED
        )

    async def aggregate(self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        cursor = await collection.aggregate(pipeline)
        return await cursor.to_list()

    async def close(self) -> None:
        await self._client.close()


class _Motor(Driver):
    def __init__(self, uri: str, timeout: int) -> None:
        from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - an optional extra

        self._client: Any = AsyncIOMotorClient(uri, timeoutMS=timeout)

    def database(self, name: str) -> Database:
        owned = self._client.get_database(
            name, codec_options=BSON_DATES, write_concern=_DURABLE, read_concern=_COMMITTED
        )
        return cast("Database", owned)

    async def aggregate(self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        cursor = cast("Any", collection).aggregate(pipeline)
        return cast("list[Document]", await cursor.to_list(None))

    async def close(self) -> None:
        self._client.close()
