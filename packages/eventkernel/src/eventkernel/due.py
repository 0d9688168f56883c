"""Gives what has fallen due: commands, and effects that reach outside. One process at a time holds a row.

A row is finished only when what it asked for is done for good. A process that dies leaves its row to the next, one attempt on.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply

from eventkernel import metrics, tracing
from eventkernel.access import Denied
from eventkernel.aggregate import Aggregate, NotYet, Refusal
from eventkernel.blobs.sealed import SealedBlobs
from eventkernel.commands import Commands, Order
from eventkernel.mending import give_back_due
from eventkernel.messages import DueRow, ParkedRecord, Principal, derived_id
from eventkernel.ports import Store
from eventkernel.reaction import Effect, TryAgain
from eventkernel.reading import Reader, Readers
from eventkernel.timing import Clock, at_most

SUBSCRIPTION = "due"
State = TypeVar("State")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an effect may use while it runs for a row: see `eventkernel.reaction.Doing`."""

    row: DueRow
    commands: Commands
    readers: Readers
    now: datetime
    stored: SealedBlobs | None = None

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        return self.row.attempts

    @property
    def row_id(self) -> str:
        """The same at every try."""
        return self.row.id

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.row.tenant

    @property
    def blobs(self) -> SealedBlobs:
        """The service's stored bytes."""
        if self.stored is None:
            raise RuntimeError("this process was given no stored bytes")
        return self.stored

    async def command(self, request: Message) -> CommandReply:
        """Gives a command as the platform. Its id follows from the row, the try and the request."""
        content = request.SerializeToString(deterministic=True).hex()
        key = derived_id(self.row.id, str(self.row.attempts), request.DESCRIPTOR.full_name, content)
        return await self.commands.give(_order(self.row, request, key))

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        """The state of a stream, as it is now."""
        return await self.reader().state(aggregate, stream)

    async def open_fields(self, stream: str, event_type: str, fields: Sequence[str], nth: int = 0) -> list[str] | None:
        """Opens sealed fields of the stream's nth event of this type, from 1, or of the newest; None without one."""
        reader = self.reader()
        found = [item for item in await reader.history(stream) if item.meta.type == event_type]
        if len(found) < max(nth, 1):
            return None
        return await reader.open([(found[nth - 1], field) for field in fields])

    def reader(self) -> Reader:
        """What the service may read, as it is now."""
        return self.readers(Principal.system(self.row.tenant), correlation_id=self.row.correlation_id)


@dataclass(slots=True)
class _Places:
    """How many more rows of one kind may be done at the same time."""

    urgent: bool
    free: int


class DueRunner:
    """Claims due rows and does them, several at a time. Urgent rows and the others have places of their own: neither waits for the other.

    Args:
        requests: the messages that rows may hold, by full name.
        scheduled: set by whoever keeps a new row in this process.
        poll: seconds between looks, where nothing wakes it.
        lease: how long one claim holds; longer than any effect may take.
        blobs: what effects may use of the service's stored bytes.
        side_by_side: how many urgent rows are done at the same time, and how many others.
    """

    def __init__(
        self, service: str, *, store: Store, commands: Commands, readers: Readers, effects: Mapping[type[Message], Effect],
        requests: Mapping[str, type[Message]], clock: Clock, scheduled: asyncio.Event, poll: float = 1.0,
        lease: timedelta = timedelta(seconds=30), side_by_side: int = 16, blobs: SealedBlobs | None = None,
    ) -> None:  # fmt: skip
        self._service = service
        self._store = store
        self._commands = commands
        self._readers = readers
        self._effects = effects
        self._requests = requests
        self._clock = clock
        self._scheduled = scheduled
        self._blobs = blobs
        self._poll = poll
        self._lease = lease
        self._places = (_Places(urgent=True, free=side_by_side), _Places(urgent=False, free=side_by_side))
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        """Works until it is stopped; an unreachable store only makes it wait."""
        self._ended.clear()
        try:
            await self._work()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Claims no more, and waits for what is under way, a claim that is just being made included."""
        self._stopping = True
        self._scheduled.set()
        await self._ended.wait()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._scheduled.clear()
            try:
                await give_back_due(self._store.parked, self._store.due, f"{self._service}.{SUBSCRIPTION}")
                # However many rows there are, what is overdue is told in between.
                all_claimed = await self._claim_all(until=loop.time() + self._poll)
                metrics.DUE_OVERDUE.labels(self._service).set(await self._store.due.count_overdue(self._clock()))
            except Exception:
                _log.exception("due rows cannot be claimed; looking again")
                all_claimed = True
            if all_claimed:
                await self._woken()

    async def _claim_all(self, until: float = math.inf) -> bool:
        """Claims until nothing more is due, or until this time of the loop; whether nothing more is."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._scheduled.clear()
            unfinished = [places for places in self._places if await self._fill(places)]
            if not unfinished:
                return True
            if loop.time() >= until:
                return False
            if not any(places.free for places in unfinished):
                await self._woken()
        return True

    async def _fill(self, places: _Places) -> bool:
        """Claims a row for each place that is free now; whether there may be more rows than that."""
        for _ in range(places.free):
            if self._stopping:
                return False
            row = await self._store.due.claim(self._clock(), self._lease, urgent=places.urgent)
            if row is None:
                return False
            places.free -= 1
            task = asyncio.create_task(self._do(row))
            self._running.add(task)
            task.add_done_callback(partial(self._done, places))
        return True

    async def _woken(self) -> None:
        """Waits until a row was kept or a place that was wanted is free, and looks for other processes' rows in any case."""
        await at_most(self._poll, self._scheduled)

    def _done(self, places: _Places, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not places.free:
            self._scheduled.set()
        places.free += 1

    async def _do(self, row: DueRow) -> None:
        name = row.request_type.rsplit(".", 1)[-1]
        with tracing.span(f"due {name}", traceparent=row.traceparent, attempt=row.attempts):
            try:
                await self._carry_out(row)
                await self._store.due.finish(row)
                metrics.DUE_DONE.labels(self._service, name).inc()
            except TryAgain as again:
                await self._again(row, again.seconds, str(again))
            except NotYet as unheard:
                await self._again(row, backoff(row.attempts), unheard.code)
            except (Refusal, Denied) as refused:
                await self._set_aside(row, refused)
            except Exception as error:
                # Unknown what came of it: the row stays leased, and is claimed again with the next attempt.
                _log.error(
                    "due row failed", row=row.id, request=name, attempt=row.attempts, error=repr(error), exc_info=True
                )

    async def _carry_out(self, row: DueRow) -> None:
        kind = self._requests[row.request_type]
        request = kind.FromString(row.request)
        effect = self._effects.get(kind)
        if effect is not None:
            await effect(request, Attempt(row, self._commands, self._readers, self._clock(), self._blobs))
            return
        await self._commands.give(_order(row, request, row.id))

    async def _again(self, row: DueRow, seconds: float, reason: str) -> None:
        _log.info("due row waits", row=row.id, reason=reason, attempt=row.attempts, seconds=seconds)
        await self._store.due.postpone(row, self._clock() + timedelta(seconds=seconds))

    async def _set_aside(self, row: DueRow, refused: Refusal | Denied) -> None:
        reason = f"{refused.code if isinstance(refused, Refusal) else 'DENIED'}: {refused}"
        _log.error("due row refused", row=row.id, request=row.request_type, reason=reason)
        # Again where it is parked already: an operator gave it back, and it is refused anew.
        await self._store.parked.park_again(
            ParkedRecord(
                subscription=f"{self._service}.{SUBSCRIPTION}", tenant=row.tenant, stream=row.id, topic=f"{row.request_type}/{row.id}", partition=0,
                offset=0, key=row.id.encode(), value=row.request, headers=(), reason=reason, attempts=row.attempts, at=self._clock(),
            )
        )  # fmt: skip
        metrics.PARKED.labels(self._service, f"{self._service}.{SUBSCRIPTION}").inc()
        await self._store.due.finish(row)


def _order(row: DueRow, request: Message, key: str) -> Order:
    return Order(request, Principal.system(row.tenant), key, row.correlation_id, row.causation_id, not_before=row.due)


def backoff(attempts: int, longest: float = 300.0) -> float:
    """Seconds to wait after so many attempts: a quarter at first, doubling."""
    return min(longest, 0.25 * math.pow(2, min(attempts, 20) - 1))
