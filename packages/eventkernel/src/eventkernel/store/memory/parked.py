"""Parked records in memory: each is kept once, however often it is delivered."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from eventkernel.messages import ParkedRecord
from eventkernel.ports import ParkedStore
from eventkernel.store.stored_form import milliseconds


class MemoryParked(ParkedStore):
    """What could not be handled."""

    def __init__(self) -> None:
        self._records: dict[str, ParkedRecord] = {}

    async def park(self, records: Sequence[ParkedRecord]) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        for record in records:
            self._records.setdefault(record.id, replace(record, at=milliseconds(record.at)))

    async def streams(self, subscription: str) -> frozenset[tuple[str, str]]:
        """As the port says."""
        await asyncio.sleep(0)
        return frozenset((record.tenant, record.stream) for record in self._of(subscription))

    async def list(self, subscription: str | None = None) -> list[ParkedRecord]:
        """As the port says."""
        await asyncio.sleep(0)
        return sorted(
            self._of(subscription),
            key=lambda record: (record.subscription, record.topic, record.partition, record.offset),
        )

    def _of(self, subscription: str | None) -> Sequence[ParkedRecord]:
        return [record for record in self._records.values() if subscription in (None, record.subscription)]
