"""Parked records in memory: each is kept once, however often it is delivered."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from eventkernel.messages import Asked, AskedStream, ParkedRecord, ParkedStream
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

    async def count(self) -> dict[str, int]:
        """As the port says."""
        await asyncio.sleep(0)
        return dict(Counter(record.subscription for record in self._records.values()))

    async def streams(self, subscription: str) -> dict[ParkedStream, tuple[int, int]]:
        """As the port says."""
        await asyncio.sleep(0)
        # The last to be put in is the first of its stream.
        return {record.of_stream: (record.partition, record.offset) for record in reversed(self._of(subscription))}

    async def list(
        self,
        subscription: str | None = None,
        *,
        topic: str | None = None,
        tenant: str | None = None,
        stream: str | None = None,
        limit: int = 0,
    ) -> list[ParkedRecord]:
        """As the port says."""
        await asyncio.sleep(0)
        wanted = (topic, tenant, stream)
        found = [
            record
            for record in self._of(subscription)
            if all(given in (None, held) for given, held in zip(wanted, record.of_stream, strict=True))
        ]
        return found[: limit or None]

    async def ask(self, ids: Iterable[str], asked: Asked) -> int:
        """As the port says."""
        await asyncio.sleep(0)
        free = [one for one in ids if one in self._records and self._records[one].asked is None]
        for one in free:
            self._records[one] = replace(self._records[one], asked=asked)
        return len(free)

    async def asked(self) -> frozenset[str]:
        """As the port says."""
        await asyncio.sleep(0)
        return frozenset(record.subscription for record in self._records.values() if record.asked)

    async def asked_streams(self, subscription: str) -> Sequence[AskedStream]:
        """As the port says."""
        await asyncio.sleep(0)
        found: dict[ParkedStream, AskedStream] = {}
        for record in self._of(subscription):
            if record.asked is not None:
                asked = found.setdefault(record.of_stream, AskedStream(record.of_stream, record.partition, frozenset()))
                found[record.of_stream] = asked._replace(acts=asked.acts | {record.asked.act_id})
        return list(found.values())

    async def settle(self, record_id: str, act_id: str) -> bool:
        """As the port says."""
        await asyncio.sleep(0)
        return self._is_asked(record_id, act_id) and self._records.pop(record_id) is not None

    async def park_again(self, record: ParkedRecord, act_id: str = "") -> None:
        """As the port says."""
        await asyncio.sleep(0)
        kept = self._records.get(record.id)
        is_older = kept is None or kept.attempts <= record.attempts
        if self._is_asked(record.id, act_id) if act_id else is_older:
            self._records[record.id] = replace(record, at=milliseconds(record.at), asked=None)

    async def withdraw(self, subscription: str, stream: ParkedStream, acts: Iterable[str]) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        taken_back = frozenset(acts)
        for record in self._of(subscription):
            if record.of_stream == stream and record.asked is not None and record.asked.act_id in taken_back:
                self._records[record.id] = replace(record, asked=None)

    async def drop(self, subscription: str) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        for record in self._of(subscription):
            del self._records[record.id]

    def _is_asked(self, record_id: str, act_id: str) -> bool:
        record = self._records.get(record_id)
        return record is not None and record.asked is not None and record.asked.act_id == act_id

    def _of(self, subscription: str | None) -> Sequence[ParkedRecord]:
        found = [record for record in self._records.values() if subscription in (None, record.subscription)]
        return sorted(found, key=lambda record: (record.subscription, record.topic, record.partition, record.offset))
