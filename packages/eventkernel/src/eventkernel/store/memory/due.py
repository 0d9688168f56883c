"""Due rows in memory: a row is claimed by one at a time, and finished once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from eventkernel.messages import DueRow
from eventkernel.ports import DueStore
from eventkernel.store.stored_form import milliseconds


@dataclass(slots=True)
class _Kept:
    row: DueRow
    leased_until: datetime | None = None
    done: bool = False

    def is_due(self, now: datetime) -> bool:
        return not self.done and self.row.due <= now


class MemoryDue(DueStore):
    """Rows that fall due."""

    def __init__(self) -> None:
        self._rows: dict[str, _Kept] = {}

    async def schedule(self, rows: Sequence[DueRow]) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        for row in rows:
            self._rows.setdefault(row.id, _Kept(replace(row, due=milliseconds(row.due))))

    async def claim(self, now: datetime, lease: timedelta, *, urgent: bool = False) -> DueRow | None:
        """As the port says."""
        await asyncio.sleep(0)
        free = [
            kept
            for kept in self._rows.values()
            if kept.row.urgent == urgent
            and kept.is_due(now)
            and (kept.leased_until is None or not now < kept.leased_until <= now + 2 * lease)
        ]
        if not free:
            return None
        oldest = min(free, key=lambda kept: (kept.row.due, kept.row.id))
        oldest.row = replace(oldest.row, attempts=oldest.row.attempts + 1)
        oldest.leased_until = now + lease
        return oldest.row

    async def finish(self, row: DueRow) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        kept = self._rows.get(row.id)
        if kept is not None and kept.row.attempts == row.attempts:
            kept.done = True

    async def postpone(self, row: DueRow, due: datetime) -> None:
        """As the port says."""
        await asyncio.sleep(0)
        kept = self._rows.get(row.id)
        if kept is not None and not kept.done and kept.row.attempts == row.attempts:
            kept.row = replace(kept.row, due=milliseconds(due))
            kept.leased_until = None

    async def reopen(self, row_id: str, attempts: int) -> bool:
        """As the port says."""
        await asyncio.sleep(0)
        kept = self._rows.get(row_id)
        if kept is None or kept.row.attempts != attempts:
            return kept is not None and kept.row.attempts > attempts
        if not kept.done:
            return False
        kept.done = False
        kept.leased_until = None
        return True

    async def count_overdue(self, now: datetime) -> int:
        """As the port says."""
        await asyncio.sleep(0)
        return sum(kept.is_due(now) for kept in self._rows.values())
