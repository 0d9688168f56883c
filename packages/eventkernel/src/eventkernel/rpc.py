"""One servicer for every contract: each RPC of it is served by what its options say. Adding a command adds nothing here.

Every error says what was wrong and what to do, in the text, in a stable reason code, and in google.rpc's details.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import protovalidate
import structlog
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from eventkernel import logs, metrics, tracing
from eventkernel.access import admit, denied
from eventkernel.blobs.sealed import SealedBlobs
from eventkernel.commands import Commands, Order
from eventkernel.contract import CallContract, Contract
from eventkernel.faults import Fault, MetadataInvalid, fault_of
from eventkernel.following import Following, FollowLimits
from eventkernel.messages import Principal, derived_id
from eventkernel.ports import DueStore
from eventkernel.reading import After, Ask, Reader, Readers
from eventkernel.service import Service
from eventkernel.store.grouping import Overloaded
from eventkernel.timing import Clock
from eventkernel.tokens import Tokens, Unauthenticated
from eventkernel.transfers import Places, Transfer, TransferLimits, TransferStalled, checked, first_of, in_time, nothing

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_AFTER = re.compile(r"([^@]{1,300})@([0-9]{1,18})")
_LONGEST_WAIT = 5.0
_WAITING_SHARE = 0.8
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what was asked, by whom, with which metadata, and the seconds that are left for it."""

    contract: CallContract
    request: Message
    principal: Principal
    correlation_id: str
    given: Mapping[str, str]
    remaining: float | None


class Calls(grpc.GenericRpcHandler):
    """Answers the calls of one contract: who calls, whether what they ask is well formed, and how a failure is told.

    Args:
        limits: of its transfers; `following`: of its queries that go on. Both take no places of other calls.
        calls_at_once: how many calls may be under way. One more is told at once to come again: taken in, it would wait behind
            all the others until its caller gave up, and the next ones too, until nothing was answered in time any more.
    """

    def __init__(
        self, contract: Contract, tokens: Tokens, calls_at_once: int, limits: TransferLimits | None = None,
        following: FollowLimits | None = None,
    ) -> None:  # fmt: skip
        self._contract = contract
        self._limits = limits or TransferLimits()
        self._transfers = Places("transfers", self._limits.at_once, self._limits.at_once_each)
        self._following = following or FollowLimits()
        self._followers = Places("calls that go on", self._following.at_once, self._following.at_once_each)
        self._tokens = tokens
        self._calls_at_once = calls_at_once
        self._under_way = 0
        self._methods = {call.path: self._handler(call) for call in contract.calls.values()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a path; None where the contract has no such RPC."""
        return self._methods.get(str(handler_call_details.method))

    async def _serve(self, asked: Call) -> Message:
        raise NotImplementedError

    def _serve_stream(self, asked: Call) -> AsyncIterator[Message]:
        raise NotImplementedError

    async def _take(self, asked: Call, parts: AsyncIterator[Message]) -> Message:
        raise NotImplementedError

    def _handler(self, call: CallContract) -> grpc.RpcMethodHandler[Any, Any]:
        idle = self._limits.idle_seconds

        async def answer(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
            async with self._answering(call, _whole(request), context) as asked:
                return await self._serve(asked)
            raise AssertionError("abort raises")

        async def stream(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            async with self._answering(call, _whole(request), context) as asked, self._lasting(call):
                async for part in self._serve_stream(asked):
                    await in_time(context.write(part), idle)

        async def take(parts: AsyncIterator[Message], context: grpc.aio.ServicerContext[Any, Any]) -> Message:
            async with self._answering(call, lambda: first_of(parts, idle), context) as asked, self._lasting(call):
                return await self._take(asked, checked(parts, idle))
            raise AssertionError("abort raises")

        make, method = (
            (grpc.stream_unary_rpc_method_handler, take)
            if call.uploads
            else (grpc.unary_stream_rpc_method_handler, stream)
            if call.streams
            else (grpc.unary_unary_rpc_method_handler, answer)
        )
        return make(
            method, request_deserializer=call.request.FromString, response_serializer=call.response.SerializeToString
        )

    @asynccontextmanager
    async def _answering(
        self,
        call: CallContract,
        request: Callable[[], Awaitable[Message]],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[Call]:
        given = {
            str(name): str(value)
            for name, value in context.invocation_metadata() or ()
            if not str(name).endswith("-bin")
        }
        correlation_id = given.get("correlation-id", "")[:128] or str(uuid4())
        with (
            logs.correlated(correlation_id),
            tracing.span(call.method, traceparent=given.get("traceparent", ""), kind=SpanKind.SERVER) as span,
        ):
            try:
                places = self._transfers if call.transfers else self._followers if call.streams else None
                with self._a_place() if places is None else nullcontext():
                    principal = self._principal(given)
                    # Who calls is known before anything is waited for, or counted.
                    with nullcontext() if places is None else places.one(principal):
                        asked = await request()
                        _generate(call, asked, principal, given)
                        protovalidate.validate(asked)
                        yield Call(call, asked, principal, correlation_id, given, context.time_remaining())
            except Exception as error:
                fault = fault_of(error, str(self._contract.topic), correlation_id)
                span.set_attribute("fault", fault.code)
                self._tell(call, fault, error)
            else:
                return
            context.set_trailing_metadata(fault.trailers())
            await context.abort(fault.status, fault.text)

    @asynccontextmanager
    async def _lasting(self, call: CallContract) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.seconds if call.transfers else None):
                yield
        except TimeoutError:
            raise TransferStalled(
                f"it was not done in {self._limits.seconds:g} s: begin again where it stopped"
            ) from None

    @contextmanager
    def _a_place(self) -> Iterator[None]:
        if self._under_way >= self._calls_at_once:
            raise Overloaded(f"{self._under_way} calls are under way here: send this one again, more slowly")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def _principal(self, given: Mapping[str, str]) -> Principal:
        scheme, _, token = given.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("TOKEN_MISSING", "Send the metadata `authorization: Bearer <token>`.")
        return self._tokens.verify(token)

    def _tell(self, call: CallContract, fault: Fault, error: Exception) -> None:
        if fault.status is grpc.StatusCode.INTERNAL:
            _log.error("call failed", method=call.method, code=fault.code, exc_info=error)
        else:
            _log.info("call not done", method=call.method, code=fault.code)


class Servicer(Calls):
    """Serves one service's contract."""

    def __init__(
        self, service: Service, *, commands: Commands, readers: Readers, blobs: SealedBlobs, due: DueStore, clock: Clock,
        tokens: Tokens, calls_at_once: int, limits: TransferLimits | None = None, following: FollowLimits | None = None,
    ) -> None:  # fmt: skip
        super().__init__(service.contract, tokens, calls_at_once, limits, following)
        self._over = asyncio.Event()
        self._blobs = blobs
        self._due = due
        self._clock = clock
        self._service = service
        self._commands = commands
        self._readers = readers

    def end_following(self) -> None:
        """The process ends: the calls that go on would last as long as their callers, and are told to go on elsewhere."""
        self._over.set()

    async def _serve(self, asked: Call) -> Message:
        if asked.contract.transfers:
            return await self._take(asked, nothing())
        return await (self._command if asked.contract.is_command else self._query)(asked)

    async def _take(self, asked: Call, parts: AsyncIterator[Message]) -> Message:
        async with self._transfer(asked, parts) as transfer:
            answer: Message = await self._service.moves[asked.contract.request](asked.request, transfer)
            return answer

    async def _serve_stream(self, asked: Call) -> AsyncIterator[Message]:
        if not asked.contract.transfers:
            async with aclosing(self._follow(asked)) as parts:
                async for part in parts:
                    yield part
            return
        async with self._transfer(asked, nothing()) as transfer:
            async for part in self._service.moves[asked.contract.request](asked.request, transfer):
                yield part

    async def _follow(self, asked: Call) -> AsyncGenerator[Message, None]:
        call, outcome = asked.contract, "failed"

        async def look() -> Reader:
            self._principal(asked.given)
            await self._admit(asked)
            return self._readers(asked.principal, correlation_id=asked.correlation_id)

        try:
            following = Following(look, self._following, self._over)
            async for part in self._service.goes_on[call.request](asked.request, following):
                yield part
            outcome = "answered"
        finally:
            metrics.QUERIES.labels(self._service.name, call.method, outcome).inc()

    @asynccontextmanager
    async def _transfer(self, asked: Call, parts: AsyncIterator[Message]) -> AsyncIterator[Transfer]:
        call, principal, outcome = asked.contract, asked.principal, "failed"
        try:
            await self._admit(asked)
            transfer = Transfer(
                read=self._readers(principal, correlation_id=asked.correlation_id), blobs=self._blobs, commands=self._commands,
                due=self._due, clock=self._clock, correlation_id=asked.correlation_id, received=parts,
            )  # fmt: skip
            yield transfer
            outcome = "done"
        finally:
            metrics.TRANSFERS.labels(self._service.name, call.method, outcome).inc()

    async def _admit(self, asked: Call) -> None:
        call, principal = asked.contract, asked.principal
        admit(principal, call)
        if call.needs:
            ask = Ask(principal, asked.request, self._readers(principal, correlation_id=asked.correlation_id))
            if not await self._service.relations[call.needs](ask):
                raise denied(call)

    async def _command(self, asked: Call) -> Message:
        key = asked.given["idempotency-key"]
        if not _KEY.fullmatch(key):
            raise MetadataInvalid("idempotency-key", "idempotency-key has to be 1 to 128 letters, digits or . _ : -")
        return await self._commands.give(Order(asked.request, asked.principal, key, asked.correlation_id))

    async def _query(self, asked: Call) -> Message:
        call, principal = asked.contract, asked.principal
        outcome = "failed"
        try:
            await self._admit(asked)
            after = _after(asked.given.get("read-after", ""), asked.remaining)
            reader = self._readers(principal, after=after, correlation_id=asked.correlation_id)
            with tracing.step("answer", query=call.method):
                answer = await self._service.answers[call.request](asked.request, reader)
            outcome = "answered"
            return answer
        finally:
            metrics.QUERIES.labels(self._service.name, call.method, outcome).inc()


def _generate(call: CallContract, request: Message, principal: Principal, given: dict[str, str]) -> None:
    """Gives the ids that the caller left empty, the same ones where the call is repeated under its key."""
    key = given.setdefault("idempotency-key", str(uuid4()))
    for name in call.generated:
        if not getattr(request, name):
            setattr(request, name, derived_id(principal.tenant, principal.person_id, key, name))


def _whole(request: Message) -> Callable[[], Awaitable[Message]]:
    async def came() -> Message:
        return request

    return came


def _after(text: str, remaining: float | None) -> After | None:
    if not text:
        return None
    found = _AFTER.fullmatch(text)
    if found is None:
        raise MetadataInvalid("read-after", "read-after has to be <stream>@<version>, as a command's reply gives them")
    # A part of the time that is left is for the answer: a caller is to hear that it is behind, and not nothing at all.
    left = _LONGEST_WAIT if remaining is None else remaining * _WAITING_SHARE
    return After(found[1], int(found[2]), min(_LONGEST_WAIT, left))
