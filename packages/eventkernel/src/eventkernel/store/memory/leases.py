"""Leases in memory: at one time a name has at most one holder."""

import asyncio
from datetime import datetime, timedelta

from eventkernel.messages import Lease
from eventkernel.ports import LeaseStore
from eventkernel.store.stored_form import milliseconds


class MemoryLeases(LeaseStore):
    """Leases by name."""

    def __init__(self) -> None:
        self._leases: dict[str, tuple[str, datetime]] = {}

    async def acquire(self, name: str, holder: str, now: datetime, ttl: timedelta) -> bool:
        """As the port says."""
        await asyncio.sleep(0)
        held = self._leases.get(name)
        if held is not None and held[0] != holder and now < held[1] <= now + 2 * ttl:
            return False
        self._leases[name] = (holder, milliseconds(now + ttl))
        return True

    async def release(self, name: str, holder: str) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        if name in self._leases and self._leases[name][0] == holder:
            del self._leases[name]

    async def holder(self, name: str) -> str | None:
        """As the port says."""
        await asyncio.sleep(0)
        return self._leases[name][0] if name in self._leases else None

    async def held(self, name: str) -> Lease | None:
        """As the port says."""
        await asyncio.sleep(0)
        return Lease(*self._leases[name]) if name in self._leases else None
