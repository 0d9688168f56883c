"""RPC: what a command costs through gRPC, against an echo that does nothing with the same messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1.sessions_pb2 import PlanSessionRequest
from mentorstream.embedded.ports import choose_port

from bench import samples
from bench.measure import Asked, Figure, by_turns, check
from bench.sessions import in_memory

CALLERS, EACH = 64, 10
_PLAN = "/mentoring.sessions.v1.SessionsService/PlanSession"
_ECHO = "/bench.Echo/Echo"
_REPLY = CommandReply(
    stream="session-run-0-000", version=1, published_version=1, event_types=["mentoring.sessions.session-planned"]
)
Metadata = tuple[tuple[str, str], ...]


async def run(asked: Asked) -> list[Figure]:
    """64 callers over one channel, client and server in this process: both sides are in both figures."""
    async with in_memory(Path(asked.folder) / "rpc") as service:
        echo = grpc.aio.server()
        echo.add_generic_rpc_handlers((_Echo(),))
        port = choose_port()
        echo.add_insecure_port(f"127.0.0.1:{port}")
        await echo.start()
        ours_to, bare_to = (grpc.aio.insecure_channel(to) for to in (service.address, f"127.0.0.1:{port}"))
        bearer = ("authorization", f"Bearer {service.token}")

        async def ours(number: int) -> float:
            rate = await _calls(ours_to, _PLAN, number, lambda key: (bearer, ("idempotency-key", key)))
            last = await service.store.commits.read(samples.TENANT, f"session-run-{number}-{CALLERS * EACH - 1}")
            check(len(last), 1, "commits of the last session")
            return rate

        async def bare(number: int) -> float:
            return await _calls(bare_to, _ECHO, number, lambda key: (bearer, ("idempotency-key", key)))

        try:
            kept = await by_turns(asked.rounds, ours, bare)
        finally:
            await asyncio.gather(ours_to.close(), bare_to.close())
            await echo.stop(None)
    return [Figure("rpc", "a bare grpc.aio echo of the same messages", "commands/s", *kept)]


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
