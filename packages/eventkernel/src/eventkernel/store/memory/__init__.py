"""The whole store in memory, for tests: it keeps the promises of the ports until the object is gone."""

import asyncio
from datetime import datetime

from eventkernel.ports import Store
from eventkernel.store.memory.commits import MemoryCommits
from eventkernel.store.memory.documents import MemoryDocuments
from eventkernel.store.memory.due import MemoryDue
from eventkernel.store.memory.leases import MemoryLeases
from eventkernel.store.memory.operations import MemoryActs, MemoryCopies
from eventkernel.store.memory.parked import MemoryParked
from eventkernel.store.memory.sealed import MemoryAccessLog, MemoryKeys
from eventkernel.timing import utc_now


class MemoryStore(Store):
    """One service's database. Every call gives way once, so that concurrent callers meet as they would over a network."""

    def __init__(self) -> None:
        self.commits = MemoryCommits()
        self.leases = MemoryLeases()
        self.documents = MemoryDocuments()
        self.due = MemoryDue()
        self.parked = MemoryParked()
        self.keys = MemoryKeys()
        self.access_log = MemoryAccessLog()
        self.acts = MemoryActs()
        self.copies = MemoryCopies()

    async def start(self) -> None:
        """Nothing to make."""

    async def time(self) -> datetime:
        """This machine's time."""
        await asyncio.sleep(0)
        return utc_now()

    async def close(self) -> None:
        """Nothing to let go of."""
