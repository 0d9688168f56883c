"""Operators' acts and the copies of read models in memory."""

import asyncio
from dataclasses import replace

from eventkernel.messages import Act, Copies
from eventkernel.ports import ActLog, CopyStore
from eventkernel.store.stored_form import milliseconds


class MemoryActs(ActLog):
    """What operators did."""

    def __init__(self) -> None:
        self._acts: list[Act] = []

    async def record(self, act: Act) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        self._acts.append(replace(act, at=milliseconds(act.at)))

    async def newest(self, tenant: str | None, limit: int) -> list[Act]:
        """As the port says."""
        await asyncio.sleep(0)
        found = [act for act in self._acts if tenant in (None, act.tenant)]
        return sorted(found, key=lambda act: act.at, reverse=True)[:limit]


class MemoryCopies(CopyStore):
    """Which copy serves."""

    def __init__(self) -> None:
        self._copies: dict[str, Copies] = {}

    async def load(self, read_model: str) -> Copies:
        """As the port says."""
        await asyncio.sleep(0)
        return self._copies.get(read_model, Copies())

    async def change(self, read_model: str, copies: Copies) -> bool:
        """As the port says."""
        await asyncio.sleep(0)
        if self._copies.get(read_model, Copies()).revision + 1 != copies.revision:
            return False
        at = copies.changed_at
        self._copies[read_model] = replace(copies, changed_at=milliseconds(at) if at else None)
        return True
