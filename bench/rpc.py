"""RPC: what a command costs through gRPC on a real store, against an echo of the same messages, and against the inserts alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import grpc
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.store.mongodb.driver import Collection
from eventkernel.store.mongodb.layout import commit_document
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1.sessions_pb2 import PlanSessionRequest
from mentorstream.embedded.ports import choose_port

from bench import samples
from bench.append import drop, store_uri
from bench.measure import Asked, Figure, by_turns, check
from bench.sessions import on_store

CALLERS, EACH = 64, 10
_PLAN = "/mentoring.sessions.v1.SessionsService/PlanSession"
_ECHO = "/bench.Echo/Echo"
_REPLY = CommandReply(
    stream="session-run-0-000", version=1, published_version=1, event_types=["mentoring.sessions.session-planned"]
)
Metadata = tuple[tuple[str, str], ...]


async def run(asked: Asked) -> list[Figure]:
    """64 callers over one channel, client and server in this process: both sides are in ours and in the echo's figure."""
    folder = Path(asked.folder)
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(store_uri(folder / "store"))
        service = await stack.enter_async_context(on_store(folder / "rpc", uri))
        ours_to = await stack.enter_async_context(grpc.aio.insecure_channel(service.address))
        bare_to = await stack.enter_async_context(grpc.aio.insecure_channel(await _echoing(stack)))
        raw = await _raw(stack, uri)
        bearer = ("authorization", f"Bearer {service.token}")
        echoes: list[float] = []
        inserts: list[float] = []

        async def ours(number: int) -> float:
            rate = await _calls(ours_to, _PLAN, number, lambda key: (bearer, ("idempotency-key", key)))
            last = await service.store.commits.read(samples.TENANT, f"session-run-{number}-{CALLERS * EACH - 1}")
            check(len(last), 1, "commits of the last session")
            return rate

        async def bare(number: int) -> float:
            echoes.append(await _calls(bare_to, _ECHO, number, lambda key: (bearer, ("idempotency-key", key))))
            inserts.append(await _insert(raw, number))
            return min(echoes[-1], inserts[-1])

        kept = await by_turns(asked.rounds, ours, bare)
    parts = {"a bare echo": median(echoes[1:]), "raw inserts of 64 documents": median(inserts[1:])}
    against = "the lower of a bare grpc.aio echo of the same messages and raw inserts of 64 documents each"
    return [Figure("rpc", against, "commands/s", *kept, parts, least_ratio=0.5)]


async def _echoing(stack: AsyncExitStack) -> str:
    echo = grpc.aio.server()
    echo.add_generic_rpc_handlers((_Echo(),))
    address = f"127.0.0.1:{choose_port()}"
    echo.add_insecure_port(address)
    await echo.start()
    stack.push_async_callback(echo.stop, None)
    return address


async def _raw(stack: AsyncExitStack, uri: str) -> Collection:
    """The platform's collection of commits, with its indexes, in a database of its own."""
    driver, name = connect(uri), f"bench_raw_{uuid4().hex[:8]}"
    store = MongoStore(driver, name)
    stack.push_async_callback(store.close)
    stack.push_async_callback(drop, driver, name)
    await store.start()
    return driver.database(name)["commits"]


async def _insert(raw: Collection, run_number: int) -> float:
    documents = [commit_document(samples.commit(one, f"run-{run_number}")) for one in range(CALLERS * EACH)]
    began = time.perf_counter()
    for first in range(0, len(documents), CALLERS):
        await raw.insert_many(documents[first : first + CALLERS], ordered=False)
    rate = len(documents) / (time.perf_counter() - began)
    check(await raw.count_documents({}), CALLERS * EACH * (run_number + 1), "documents inserted")
    return rate


async def _calls(channel: grpc.aio.Channel, path: str, run_number: int, metadata: Callable[[str], Metadata]) -> float:
    call: Any = channel.unary_unary(
        path, request_serializer=PlanSessionRequest.SerializeToString, response_deserializer=CommandReply.FromString
    )
    stored = 0

    async def caller(first: int) -> None:
        nonlocal stored
        for place in range(first, CALLERS * EACH, CALLERS):
            name = f"run-{run_number}-{place}"
            reply = await call(samples.plan(place, name), metadata=metadata(name), timeout=30)
            stored += len(reply.event_types)

    began = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    rate = CALLERS * EACH / (time.perf_counter() - began)
    check(stored, CALLERS * EACH, "events answered")
    return rate


class _Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:  # noqa: ARG002
        """One handler for any path."""

        async def answer(_request: PlanSessionRequest, _context: object) -> CommandReply:
            return _REPLY

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=PlanSessionRequest.FromString,
            response_serializer=CommandReply.SerializeToString,
        )
