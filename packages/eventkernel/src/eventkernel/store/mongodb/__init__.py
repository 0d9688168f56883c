"""The whole store on MongoDB: what it acknowledged is on a majority's disks, and what it reads cannot be rolled back."""

from datetime import datetime
from typing import cast

from eventkernel.ports import Store
from eventkernel.store.mongodb.commits import MongoCommits
from eventkernel.store.mongodb.documents import MongoDocuments
from eventkernel.store.mongodb.driver import Driver, connect
from eventkernel.store.mongodb.due import MongoDue
from eventkernel.store.mongodb.leases import MongoLeases
from eventkernel.store.mongodb.operations import MongoActs, MongoCopies
from eventkernel.store.mongodb.parked import MongoParked
from eventkernel.store.mongodb.sealed import MongoAccessLog, MongoKeys
from eventkernel.store.mongodb.unavailable import translated
from eventkernel.store.stored_form import BSON_DATES

__all__ = ["Driver", "MongoStore", "connect"]


@translated
class MongoStore(Store):
    """One service's database.

    Args:
        driver: from `connect`; this store closes it.
        database: the database's name. A service owns its database.
    """

    def __init__(self, driver: Driver, database: str) -> None:
        self._driver = driver
        self._owned = owned = driver.database(database)
        self.commits = MongoCommits(driver, owned)
        self.leases = MongoLeases(owned)
        self.documents = MongoDocuments(owned)
        self.due = MongoDue(owned)
        self.parked = MongoParked(driver, owned)
        self.keys = MongoKeys(owned)
        self.access_log = MongoAccessLog(owned)
        self.acts = MongoActs(owned)
        self.copies = MongoCopies(owned)

    async def start(self) -> None:
        """Makes the indexes; raises StoreUnavailable where the database cannot be reached."""
        for part in (self.commits, self.due, self.parked, self.keys, self.access_log, self.acts):
            await part.prepare()

    async def time(self) -> datetime:
        """As the primary says it. Raises StoreUnavailable."""
        hello = await self._owned.command("hello", codec_options=BSON_DATES)
        return cast("datetime", hello["localTime"])

    async def close(self) -> None:
        """Closes the driver's connections."""
        await self._driver.close()
