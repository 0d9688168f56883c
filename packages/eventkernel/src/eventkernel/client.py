"""A caller of a contract: for tests, the demo, and any program that wants the contract's own words and no generated stubs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from eventkernel.contract import CallContract, Contract

Answer = TypeVar("Answer", bound=Message)


@dataclass
class CallFailed(Exception):
    """A call that was not done: its status, its stable reason code, its text, and the fields at fault."""

    status: grpc.StatusCode
    reason: str
    text: str
    fields: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.status.name} {self.reason}: {self.text}"


class Client:
    """Calls one service over a channel as whoever the token names."""

    def __init__(self, channel: grpc.aio.Channel, contract: Contract, token: str) -> None:
        self._channel = channel
        self._contract = contract
        self._token = token

    async def call(
        self, request: Message, answer: type[Answer], *, key: str = "", after: str = "", correlation_id: str = "",
        traceparent: str = "", seconds: float = 10.0,
    ) -> Answer:  # fmt: skip
        """Calls the RPC that takes this request.

        Args:
            answer: the type of the answer that is expected.
            key: the idempotency key; repeat a command under the same one.
            after: `<stream>@<version>` that a query's answer has to show.
            seconds: how long it may take; passed on as the call's deadline.

        Raises:
            CallFailed: it was not done, or not in time.
        """
        contract = self._of(type(request))
        named = {
            "idempotency-key": key,
            "read-after": after,
            "correlation-id": correlation_id,
            "traceparent": traceparent,
        }
        unary: Any = self._channel.unary_unary(
            contract.path,
            request_serializer=contract.request.SerializeToString,
            response_deserializer=contract.response.FromString,
        )
        try:
            answered = await unary(request, metadata=self._metadata(named), timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise _failed(error) from error
        if not isinstance(answered, answer):
            raise TypeError(f"{contract.method} answers with {contract.response.DESCRIPTOR.name}")
        return answered

    async def stream(self, request: Message, answer: type[Answer], *, seconds: float = 3600.0) -> AsyncIterator[Answer]:
        """Calls the RPC that takes this request and answers in parts; raises as `call` does."""
        contract = self._of(type(request))
        unary: Any = self._channel.unary_stream(
            contract.path,
            request_serializer=contract.request.SerializeToString,
            response_deserializer=answer.FromString,
        )
        answering = unary(request, metadata=self._metadata({}), timeout=seconds)
        try:
            async for part in answering:
                yield part
        except grpc.aio.AioRpcError as error:
            raise _failed(error) from error
        finally:
            # Whoever stops listening ends the call: the service would go on with it until the deadline.
            answering.cancel()

    async def upload(
        self, parts: AsyncIterator[Message], first: type[Message], answer: type[Answer], *, seconds: float = 3600.0
    ) -> Answer:
        """Calls the RPC that takes its request in parts of this type; raises as `call` does."""
        contract = self._of(first)
        sending: Any = self._channel.stream_unary(
            contract.path,
            request_serializer=contract.request.SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            answered: Answer = await sending(parts, metadata=self._metadata({}), timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise _failed(error) from error
        return answered

    def _metadata(self, named: Mapping[str, str]) -> list[tuple[str, str]]:
        given = {"authorization": f"Bearer {self._token}" if self._token else "", **named}
        return [(name, value) for name, value in given.items() if value]

    def _of(self, request: type[Message]) -> CallContract:
        contract = self._contract
        return contract.commands.get(request) or contract.transfers.get(request) or contract.queries[request]


def _failed(error: grpc.aio.AioRpcError) -> CallFailed:
    trailers = {str(name): value for name, value in error.trailing_metadata() or ()}
    fields: dict[str, str] = {}
    packed = trailers.get("grpc-status-details-bin")
    if isinstance(packed, bytes):
        for detail in status_pb2.Status.FromString(packed).details:
            bad = error_details_pb2.BadRequest()
            if detail.Unpack(bad):
                for violation in bad.field_violations:
                    before = f"{fields[violation.field]}; " if violation.field in fields else ""
                    fields[violation.field] = before + violation.description
    return CallFailed(error.code(), str(trailers.get("reason", error.code().name)), error.details() or "", fields)
