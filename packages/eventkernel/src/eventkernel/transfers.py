"""What moves stored bytes between a caller and the service, in parts: within limits, and ended cleanly whatever the caller does."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import protovalidate
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply

from eventkernel.blobs.sealed import SealedBlobs
from eventkernel.commands import Commands, Order
from eventkernel.messages import DueRow, Principal, derived_id
from eventkernel.ports import DueStore
from eventkernel.reading import Reader
from eventkernel.store.grouping import Overloaded
from eventkernel.timing import Clock

Result = TypeVar("Result")


class TransferStalled(Exception):
    """The caller sent nothing, or took nothing, for too long; or the whole took too long. What was kept stays: go on from there."""


class TransferEmpty(Exception):
    """The caller ended a request in parts without sending any."""


class TooManyTransfers(Overloaded):
    """As many transfers, or calls that go on, are under way as may be, for this caller or for all."""


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """How many transfers may be under way in a process, and how long each waits for its caller, and lasts as a whole, in seconds."""

    at_once: int = 64
    at_once_each: int = 4
    idle_seconds: float = 30.0
    seconds: float = 3600.0


class Places:
    """Counts the calls of a kind that are under way. They hold places of their own: a slow caller keeps no other call from being answered.

    Args:
        what: they are called, in the plural.
        at_once: how many may be under way; `at_once_each`: of one person's.
    """

    def __init__(self, what: str, at_once: int, at_once_each: int) -> None:
        self._what = what
        self._at_once = at_once
        self._at_once_each = at_once_each
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one(self, principal: Principal) -> Iterator[None]:
        """A place for this caller. Raises TooManyTransfers."""
        whose = (principal.tenant, principal.person_id)
        if self._taken[whose] >= self._at_once_each:
            raise TooManyTransfers(
                f"{self._taken[whose]} {self._what} of yours are under way here: end one, then come again"
            )
        if self._taken.total() >= self._at_once:
            raise TooManyTransfers(f"{self._taken.total()} {self._what} are under way here: come again later")
        self._taken[whose] += 1
        try:
            yield
        finally:
            self._taken[whose] -= 1
            if not self._taken[whose]:
                del self._taken[whose]


class Transfer:
    """What a service's transfer may use, for one call.

    Args:
        received: the parts of the request after the first, each checked against its contract; none where it came whole.
    """

    def __init__(
        self, *, read: Reader, blobs: SealedBlobs, commands: Commands, due: DueStore, clock: Clock, correlation_id: str,
        received: AsyncIterator[Any],
    ) -> None:  # fmt: skip
        self.read = read
        self.blobs = blobs
        self.received = received
        self.clock = clock
        self._commands = commands
        self._due = due
        self._correlation_id = correlation_id

    @property
    def principal(self) -> Principal:
        """Who calls."""
        return self.read.principal

    async def command(self, request: Message) -> CommandReply:
        """Gives a command of the own service as the platform. The same request is given once, however often it is said."""
        order = Order(request, Principal.system(self.principal.tenant), self._key(request), self._correlation_id)
        return await self._commands.give(order)

    async def later(self, at: datetime, request: Message) -> None:
        """Has the platform do this at a time, as a reaction's `Later` would; the same request once. What is kept of it tells nobody who called.

        It is for what no published event may tell of: the time is kept before this returns, and so before what it is to end.
        """
        await self._due.schedule(
            [
                DueRow(
                    self._key(request),
                    self.principal.tenant,
                    at,
                    request.DESCRIPTOR.full_name,
                    request.SerializeToString(),
                )
            ]
        )

    def _key(self, request: Message) -> str:
        content = request.SerializeToString(deterministic=True).hex()
        return derived_id("transfer", self.principal.tenant, request.DESCRIPTOR.full_name, content)


async def in_time(work: Awaitable[Result], seconds: float) -> Result:
    """What this comes to. Raises TransferStalled where it does not in so many seconds."""
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise TransferStalled(f"nothing moved for {seconds:g} s: begin again where it stopped") from None


async def first_of(parts: AsyncIterator[Message], seconds: float) -> Message:
    """The first part of a request. Raises TransferEmpty, TransferStalled."""
    try:
        return await in_time(anext(parts), seconds)
    except StopAsyncIteration:
        raise TransferEmpty("the request ended before its first part: send at least one") from None


async def checked(parts: AsyncIterator[Message], seconds: float) -> AsyncIterator[Message]:
    """The parts as they come, each valid by its contract. Raises TransferStalled, and protovalidate's ValidationError."""
    while True:
        try:
            part = await in_time(anext(parts), seconds)
        except StopAsyncIteration:
            return
        protovalidate.validate(part)
        yield part


async def nothing() -> AsyncIterator[Message]:
    """No parts: of a request that came whole."""
    return
    yield
