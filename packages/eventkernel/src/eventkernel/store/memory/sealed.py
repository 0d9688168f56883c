"""Wrapped keys and the access log in memory: what is destroyed stays empty, and an entry of the log stays."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from eventkernel.messages import Access, WrappedKey
from eventkernel.ports import AccessLog, KeyStore
from eventkernel.store.stored_form import milliseconds


class MemoryKeys(KeyStore):
    """Wrapped data keys."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str, int], WrappedKey] = {}

    async def keys(self, tenant: str, subject_id: str) -> list[WrappedKey]:
        """As the port says."""
        await asyncio.sleep(0)
        return [self._keys[place] for place in self._places(tenant, subject_id)]

    async def add(self, tenant: str, key: WrappedKey) -> WrappedKey:
        """As the port says."""
        await asyncio.sleep(0)
        return self._keys.setdefault((tenant, key.subject_id, key.version), key)

    async def destroy(self, tenant: str, subject_id: str) -> int:
        """As the port says."""
        await asyncio.sleep(0)
        held = [place for place in self._places(tenant, subject_id) if self._keys[place].wrapped]
        for place in held:
            self._keys[place] = replace(self._keys[place], wrapped=b"")
        return len(held)

    def _places(self, tenant: str, subject_id: str) -> list[tuple[str, str, int]]:
        return sorted(place for place in self._keys if place[:2] == (tenant, subject_id))


class MemoryAccessLog(AccessLog):
    """Who read what that was sealed."""

    def __init__(self) -> None:
        self._entries: list[Access] = []

    async def record(self, entries: Sequence[Access]) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        self._entries += [replace(entry, at=milliseconds(entry.at)) for entry in entries]

    async def about(self, tenant: str, subject_id: str) -> list[Access]:
        """As the port says."""
        await asyncio.sleep(0)
        found = [entry for entry in self._entries if (entry.tenant, entry.subject_id) == (tenant, subject_id)]
        return sorted(found, key=lambda entry: entry.at)
