"""The library served on a real socket, callers of it, and what a refused call tells them."""

from typing import Any

import grpc
import pytest
from eventkernel.client import Client
from eventkernel.issuer import LocalIssuer
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore
from google.rpc import error_details_pb2, status_pb2
from mentoring.common.v1.common_pb2 import CommandReply

from .library import CONTRACT, TENANT

SECRET = "she told me that"


class Api:
    """A running process, and callers of it."""

    def __init__(self, node: Node, store: MemoryStore, channel: grpc.aio.Channel, issuer: LocalIssuer) -> None:
        self.node, self.store, self.channel, self._issuer = node, store, channel, issuer

    def token(self, person_id: str = "mia", *roles: str, tenant: str = TENANT) -> str:
        return self._issuer.token(person_id, tenant, roles or ("mentor",))

    def client(self, person_id: str = "mia", *roles: str) -> Client:
        return Client(self.channel, CONTRACT, self.token(person_id, *roles))

    async def give(self, request: Any, key: str = "", **named: Any) -> CommandReply:
        return await self.client().call(request, CommandReply, key=key, **named)

    async def raw(self, request: Any, **metadata: str) -> grpc.aio.AioRpcError:
        """A call that fails, with the metadata as they are given."""
        contract = CONTRACT.commands.get(type(request)) or CONTRACT.queries[type(request)]
        call: Any = self.channel.unary_unary(
            contract.path,
            request_serializer=contract.request.SerializeToString,
            response_deserializer=contract.response.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(
                request, metadata=[(name.replace("_", "-"), value) for name, value in metadata.items()], timeout=20
            )
        return failed.value


def details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    trailers = {str(name): value for name, value in error.trailing_metadata() or ()}
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    found: dict[str, Any] = {"reason": trailers["reason"], "message": status.message, "code": status.code}
    for packed in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            detail = kind()
            if packed.Unpack(detail):
                found[kind.DESCRIPTOR.name] = detail
    return found
