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
import protovalidate
from eventkernel.commands import Order
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.store.mongodb.driver import Collection
from eventkernel.store.mongodb.layout import commit_document
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1.sessions_pb2 import PlanSessionRequest
from mentorstream.embedded.ports import choose_port

from bench import samples
from bench.append import drop, store_uri
from bench.measure import Asked, Figure, Parts, added_up, by_turns, check
from bench.sessions import AS_MENTOR, Measured, in_memory, on_store

CALLERS, EACH = 64, 10
_PLAN = "/mentoring.sessions.v1.SessionsService/PlanSession"
_ECHO = "/bench.Echo/Echo"
_REPLY = CommandReply(
    stream="session-run-0-000", version=1, published_version=1, event_types=["mentoring.sessions.session-planned"]
)
_STEPS = (
    "a bare echo", "raw inserts of as many as ours has in one write", "validation", "commands on the memory store, without gRPC",
)  # fmt: skip
_ADDED_UP = "if these four only added up"
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
        without = await stack.enter_async_context(in_memory(folder / "memory"))
        bearer = ("authorization", f"Bearer {service.token}")
        parts, together = Parts(), CALLERS

        async def ours(number: int) -> float:
            nonlocal together
            service.groups.mean()
            worked = time.process_time()
            rate = await _calls(ours_to, _PLAN, number, lambda key: (bearer, ("idempotency-key", key)))
            busy = (time.process_time() - worked) * rate / (CALLERS * EACH)
            grouped = service.groups.mean()
            together = round(grouped)
            parts.note(
                {
                    "ours: commits in one write; commits": grouped,
                    "ours: cores that this process, caller and service, keeps busy; cores": busy,
                }
            )
            last = await service.store.commits.read(samples.TENANT, f"session-run-{number}-{CALLERS * EACH - 1}")
            check(len(last), 1, "commits of the last session")
            return rate

        async def bare(number: int) -> float:
            echo = await _calls(bare_to, _ECHO, number, lambda key: (bearer, ("idempotency-key", key)))
            inserts, grouped = await _insert(raw, number, CALLERS), await _insert(raw, number, together)
            steps = (echo, grouped, _validate(number), await _give(without, number))
            parts.note({f"raw inserts of {CALLERS} documents each": inserts, **dict(zip(_STEPS, steps, strict=True))})
            return min(echo, inserts)

        kept = await by_turns(asked.rounds, ours, bare)
    found = parts.medians()
    found[_ADDED_UP] = added_up(*(found[name] for name in _STEPS))
    found["ours, as a part of that; times"] = median(kept[0]) / found[_ADDED_UP]
    against = f"the lower of a bare grpc.aio echo of the same messages and raw inserts of {CALLERS} documents each"
    return [Figure("rpc", against, "commands/s", *kept, found, least_ratio=0.5)]


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


async def _insert(raw: Collection, run_number: int, together: int) -> float:
    run = f"run-{run_number}-{uuid4().hex[:8]}"
    documents = [commit_document(samples.commit(one, run)) for one in range(CALLERS * EACH)]
    before = await raw.count_documents({})
    began = time.perf_counter()
    for first in range(0, len(documents), together):
        await raw.insert_many(documents[first : first + together], ordered=False)
    rate = len(documents) / (time.perf_counter() - began)
    check(await raw.count_documents({}), before + len(documents), "documents inserted")
    return rate


def _validate(run_number: int) -> float:
    requests = [samples.plan(place, f"run-{run_number}-{place}") for place in range(CALLERS * EACH)]
    began = time.perf_counter()
    for request in requests:
        protovalidate.validate(request)
    return len(requests) / (time.perf_counter() - began)


async def _give(service: Measured, run_number: int) -> float:
    """The same commands, given without a call, to a store that costs next to nothing."""

    async def caller(first: int) -> None:
        for place in range(first, CALLERS * EACH, CALLERS):
            name = f"run-{run_number}-{place}"
            await service.node.commands.give(Order(samples.plan(place, name), AS_MENTOR, name))

    began = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    rate = CALLERS * EACH / (time.perf_counter() - began)
    last = await service.store.commits.read(samples.TENANT, f"session-run-{run_number}-{CALLERS * EACH - 1}")
    check(len(last), 1, "commits of the last session in memory")
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
