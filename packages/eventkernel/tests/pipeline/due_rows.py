"""Rows that fall due in the library, and a process that does them."""

import asyncio
from datetime import timedelta
from typing import Any

from eventkernel.due import DueRunner
from eventkernel.messages import DueRow
from eventkernel.node import Node
from google.protobuf.message import Message

from .library import CONTRACT, NOON, TENANT, Hand, loan, someone

LEASE = timedelta(seconds=30)
REQUESTS = {str(request.DESCRIPTOR.full_name): request for request in CONTRACT.commands}


def row(request: Message, name: str = "row-1", due: Any = NOON, *, urgent: bool = False) -> DueRow:
    return DueRow(
        id=name, tenant=TENANT, due=due, request_type=request.DESCRIPTOR.full_name, request=request.SerializeToString(),
        correlation_id="correlation-1", causation_id="event-1", urgent=urgent,
    )  # fmt: skip


class Due:
    """One process that does what is due."""

    def __init__(self, node: Node, store: Any, clock: Hand, effects: Any = None, **settings: Any) -> None:
        self.node, self.store, self.clock = node, store, clock
        self.scheduled = asyncio.Event()
        self.runner = DueRunner(
            "library", store=store, commands=node.commands, readers=node.reader, effects=effects or {}, requests=REQUESTS, clock=clock,
            scheduled=self.scheduled, lease=LEASE, **settings,
        )  # fmt: skip

    async def work(self) -> None:
        """Does all that is due now."""
        await self.runner._claim_all()
        await asyncio.gather(*self.runner._running)

    async def loan(self) -> Any:
        return await self.node.reader(someone()).state(loan, "loan-l1")

    async def parked(self) -> list[tuple[str, str]]:
        return [
            (record.stream, record.reason.partition(":")[0]) for record in await self.store.parked.list("library.due")
        ]
