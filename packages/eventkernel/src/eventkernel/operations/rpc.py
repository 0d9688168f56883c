"""The operations RPC: served by every service beside its own contract, for operators alone."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from google.protobuf.message import Message
from mentoring.operations.v1 import operations_pb2 as pb

from eventkernel import metrics
from eventkernel.access import admit
from eventkernel.messages import Act
from eventkernel.operations.contract import CONTRACT
from eventkernel.operations.copies import ReadModels
from eventkernel.operations.operator import Operator
from eventkernel.operations.parked import ParkedRecords
from eventkernel.operations.relay import relay_status
from eventkernel.operations.verify import Verification
from eventkernel.ports import Store
from eventkernel.rpc import Call, Calls
from eventkernel.service import Service
from eventkernel.timing import Clock
from eventkernel.tokens import Tokens

_ACTS = 100
# Counted apart from the service's own: an operator gets in where those are too many.
_CALLS_AT_ONCE = 32
_Answer = Callable[[Any, Operator], Awaitable[Message]]


class OperationsServicer(Calls):
    """Serves operators of one service.

    Args:
        everywhere: the tenant whose operators see all tenants; none where empty.
        bootstrap: the brokers' addresses, for verifying.
    """

    def __init__(
        self, service: Service, *, store: Store, clock: Clock, tokens: Tokens, everywhere: str, bootstrap: str
    ) -> None:
        super().__init__(CONTRACT, tokens, _CALLS_AT_ONCE)
        self._service = service
        self._store = store
        self._clock = clock
        self._everywhere = everywhere
        self._verification = Verification(service, store, bootstrap)
        models = ReadModels(service, store, clock)
        parked = ParkedRecords(store, service.contract, clock)
        self._answers: Mapping[type[Message], _Answer] = {
            pb.ListParkedRequest: parked.listed,
            pb.ShowParkedRequest: parked.show,
            pb.ReplayParkedRequest: parked.replay,
            pb.DiscardParkedRequest: parked.discard,
            pb.ListProjectionsRequest: models.listed,
            pb.RebuildProjectionRequest: models.rebuild,
            pb.SwitchProjectionRequest: models.switch,
            pb.DropProjectionCopyRequest: models.drop,
            pb.ListActsRequest: self._acts,
            pb.GetRelayStatusRequest: self._relay,
        }

    async def _serve(self, asked: Call) -> Message:
        outcome = "failed"
        try:
            answer = await self._answers[asked.contract.request](asked.request, self._operator(asked))
            outcome = "answered"
            return answer
        finally:
            metrics.QUERIES.labels(self._service.name, asked.contract.method, outcome).inc()

    async def _serve_stream(self, asked: Call) -> AsyncIterator[Message]:
        self._operator(asked).require_everywhere()
        async for told in self._verification.run():
            yield told

    def _operator(self, asked: Call) -> Operator:
        admit(asked.principal, asked.contract)
        everywhere = bool(self._everywhere) and asked.principal.tenant == self._everywhere
        return Operator(asked.principal, everywhere, asked.correlation_id)

    async def _acts(self, request: pb.ListActsRequest, operator: Operator) -> pb.ListActsResponse:
        acts = await self._store.acts.newest(operator.sees, request.limit or _ACTS)
        return pb.ListActsResponse(acts=map(_act, acts))

    async def _relay(self, _request: pb.GetRelayStatusRequest, operator: Operator) -> pb.GetRelayStatusResponse:
        operator.require_everywhere()
        return await relay_status(self._store, self._clock)


def _act(act: Act) -> pb.Act:
    shown = pb.Act(
        id=act.id, tenant=act.tenant, actor_id=act.actor, action=act.action, about=act.about, reason=act.reason, records=len(act.records)
    )  # fmt: skip
    shown.at.FromDatetime(act.at)
    return shown
