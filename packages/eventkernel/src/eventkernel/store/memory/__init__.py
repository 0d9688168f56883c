"""The whole store in memory, for tests: it keeps the promises of the ports until the object is gone."""

from eventkernel.ports import AccessLog, CommitStore, DocumentStore, DueStore, KeyStore, LeaseStore, ParkedStore, Store
from eventkernel.store.memory.commits import MemoryCommits
from eventkernel.store.memory.documents import MemoryDocuments
from eventkernel.store.memory.due import MemoryDue
from eventkernel.store.memory.leases import MemoryLeases
from eventkernel.store.memory.parked import MemoryParked
from eventkernel.store.memory.sealed import MemoryAccessLog, MemoryKeys


class MemoryStore(Store):
    """One service's database. Every call gives way once, so that concurrent callers meet as they would over a network."""

    def __init__(self) -> None:
        self._commits = MemoryCommits()
        self._leases = MemoryLeases()
        self._documents = MemoryDocuments()
        self._due = MemoryDue()
        self._parked = MemoryParked()
        self._keys = MemoryKeys()
        self._access_log = MemoryAccessLog()

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
        """Nothing to make."""

    async def close(self) -> None:
        """Nothing to let go of."""
