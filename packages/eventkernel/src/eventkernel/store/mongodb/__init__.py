"""The whole store on MongoDB: what it acknowledged is on a majority's disks, and what it reads cannot be rolled back."""

from eventkernel.ports import AccessLog, CommitStore, DocumentStore, DueStore, KeyStore, LeaseStore, ParkedStore, Store
from eventkernel.store.mongodb.commits import MongoCommits
from eventkernel.store.mongodb.documents import MongoDocuments
from eventkernel.store.mongodb.driver import Driver, connect
from eventkernel.store.mongodb.due import MongoDue
from eventkernel.store.mongodb.leases import MongoLeases
from eventkernel.store.mongodb.parked import MongoParked
from eventkernel.store.mongodb.sealed import MongoAccessLog, MongoKeys

__all__ = ["Driver", "MongoStore", "connect"]


class MongoStore(Store):
    """One service's database.

    Args:
        driver: from `connect`; this store closes it.
        database: the database's name. A service owns its database.
    """

    def __init__(self, driver: Driver, database: str) -> None:
        self._driver = driver
        owned = driver.database(database)
        self._commits = MongoCommits(driver, owned)
        self._leases = MongoLeases(owned)
        self._documents = MongoDocuments(owned)
        self._due = MongoDue(owned)
        self._parked = MongoParked(driver, owned)
        self._keys = MongoKeys(owned)
        self._access_log = MongoAccessLog(owned)

    @property
    def commits(self) -> CommitStore:
        """Commits."""
        return self._commits

    @property
    def leases(self) -> LeaseStore:
        """Leases."""
        return self._leases

    @property
    def documents(self) -> DocumentStore:
        """Projections' documents."""
        return self._documents

    @property
    def due(self) -> DueStore:
        """Due rows."""
        return self._due

    @property
    def parked(self) -> ParkedStore:
        """Parked records."""
        return self._parked

    @property
    def keys(self) -> KeyStore:
        """Wrapped keys."""
        return self._keys

    @property
    def access_log(self) -> AccessLog:
        """The access log."""
        return self._access_log

    async def start(self) -> None:
        """Makes the indexes; raises StoreUnavailable where the database cannot be reached."""
        for part in (self._commits, self._due, self._parked, self._keys, self._access_log):
            await part.prepare()

    async def close(self) -> None:
        """Closes the driver's connections."""
        await self._driver.close()
