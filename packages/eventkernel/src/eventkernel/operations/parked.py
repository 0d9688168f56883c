"""Parked records for operators: lists them, shows one, and notes on them what is to be done.

It does nothing to them itself: whoever consumes their partition does (`eventkernel.mending`). What is asked is recorded first, with its reason.
"""

import hashlib
from collections.abc import Sequence
from uuid import uuid4

from mentoring.operations.v1 import operations_pb2 as pb

from eventkernel.aggregate import Refusal
from eventkernel.contract import Contract
from eventkernel.messages import Act, Asked, ParkedRecord
from eventkernel.operations.operator import Operator
from eventkernel.operations.shown import content, summary
from eventkernel.ports import Store
from eventkernel.timing import Clock

_LISTED = 1000
# What one act may name: its record has to fit into one document of the store.
_MOST = 10_000


class ParkedRecords:
    """What operators may do about the parked records of one service."""

    def __init__(self, store: Store, contract: Contract, clock: Clock) -> None:
        self._store = store
        self._contract = contract
        self._clock = clock

    async def listed(self, request: pb.ListParkedRequest, operator: Operator) -> pb.ListParkedResponse:
        """The records that the operator may see."""
        limit = request.limit or _LISTED
        found = await self._store.parked.list(
            request.subscription or None, tenant=operator.sees, stream=request.stream or None, limit=limit + 1
        )
        return pb.ListParkedResponse(records=map(summary, found[:limit]), more=len(found) > limit)

    async def show(self, request: pb.ShowParkedRequest, operator: Operator) -> pb.ShowParkedResponse:
        """One record, as much of it as may be shown."""
        record, stream = await self._one(request.record_id, operator)
        return pb.ShowParkedResponse(
            record=summary(record), content=content(record, self._contract), value_bytes=len(record.value or b""),
            header_names=sorted({name for name, _ in record.headers if name.isascii() and name.isprintable() and len(name) <= 60}),
            of_stream=len(stream), before_it=stream.index(record),
        )  # fmt: skip

    async def replay(self, request: pb.ReplayParkedRequest, operator: Operator) -> pb.ReplayParkedResponse:
        """Asks that records are taken again."""
        chosen, about = await self._chosen(request.selection, operator)
        if request.dry_run:
            return pb.ReplayParkedResponse(records=map(summary, chosen))
        act = await self._ask("parked replay", about, request.reason, chosen, operator)
        # Asked of more than one, it goes on to whatever follows, also to what is parked behind them by then.
        onwards = request.selection.WhichOneof("records") != "record_id"
        await self._store.parked.ask([record.id for record in chosen], Asked(act, onwards=onwards))
        return pb.ReplayParkedResponse(records=map(summary, chosen), act_id=act)

    async def discard(self, request: pb.DiscardParkedRequest, operator: Operator) -> pb.DiscardParkedResponse:
        """Asks that records are removed: those that a dry run showed, and no others."""
        chosen, about = await self._chosen(request.selection, operator)
        seen = hashlib.sha256("\n".join(record.id for record in chosen).encode()).hexdigest()[:32]
        followers = await self._followers(chosen)
        if request.dry_run:
            return pb.DiscardParkedResponse(records=map(summary, chosen), seen=seen, followers=followers)
        if not request.seen:
            raise Refusal("DRY_RUN_FIRST", "a dry run says what would be discarded: send back its `seen`", field="seen")
        if request.seen != seen:
            raise Refusal("SELECTION_CHANGED", "other records are parked than the dry run showed: make another one")
        act = await self._ask("parked discard", about, request.reason, chosen, operator)
        await self._store.parked.ask([record.id for record in chosen], Asked(act, discard=True))
        return pb.DiscardParkedResponse(records=map(summary, chosen), act_id=act, followers=followers)

    async def _ask(
        self, action: str, about: str, reason: str, records: Sequence[ParkedRecord], operator: Operator
    ) -> str:
        reason = operator.reasoned(reason)
        act = Act(
            id=str(uuid4()), tenant=operator.principal.tenant, actor=operator.principal.person_id, action=action, about=about, reason=reason,
            at=self._clock(), records=tuple(record.id for record in records), correlation_id=operator.correlation_id,
        )  # fmt: skip
        await self._store.acts.record(act)
        return act.id

    async def _one(self, record_id: str, operator: Operator) -> tuple[ParkedRecord, list[ParkedRecord]]:
        """A record, and its whole stream as it is parked."""
        subscription = record_id.partition("/")[0]
        visible = await self._store.parked.list(subscription, tenant=operator.sees)
        found = next((record for record in visible if record.id == record_id), None)
        if found is None:
            raise Refusal("RECORD_UNKNOWN", "no such record is parked here: it may have been settled since")
        return found, [record for record in visible if _stream(record) == _stream(found)]

    async def _chosen(self, selection: pb.Selection, operator: Operator) -> tuple[list[ParkedRecord], str]:
        """The records that are meant and for which nothing is asked yet, and what to call them."""
        kind = selection.WhichOneof("records")
        if kind == "record_id":
            record, stream = await self._one(selection.record_id, operator)
            if record is not stream[0]:
                raise Refusal(
                    "NOT_FIRST_OF_STREAM", f"{stream.index(record)} records of its stream come first: {stream[0].id}"
                )
            found, about = [record], f"record {record.id}"
        elif kind == "stream":
            found, about = await self._of_stream(selection.stream, operator)
        else:
            subscription = selection.subscription or None
            found = await self._store.parked.list(subscription, tenant=operator.sees, limit=_MOST + 1)
            about = f"all of {subscription}" if subscription else "all"
        if len(found) > _MOST:
            raise Refusal("TOO_MANY_RECORDS", f"more than {_MOST} records are meant: choose a subscription or a stream")
        free = [record for record in found if record.asked is None]
        if not free:
            raise Refusal(*(_ASKED if found else _NONE))
        return free, about

    async def _of_stream(self, wanted: pb.StreamSelection, operator: Operator) -> tuple[list[ParkedRecord], str]:
        found = [
            record
            for record in await self._store.parked.list(
                wanted.subscription, tenant=operator.sees, stream=wanted.stream, limit=_MOST + 1
            )
            if wanted.topic in ("", record.topic) and wanted.tenant in ("", record.tenant)
        ]
        if len({_stream(record) for record in found}) > 1:
            raise Refusal("STREAM_AMBIGUOUS", "several topics or tenants have a stream of this name: name them too")
        return found, f"stream {wanted.stream} of {wanted.subscription}"

    async def _followers(self, chosen: Sequence[ParkedRecord]) -> int:
        ids, streams = {record.id for record in chosen}, {_stream(record) for record in chosen}
        followers = 0
        for subscription in {record.subscription for record in chosen}:
            parked = await self._store.parked.list(subscription)
            followers += sum(record.id not in ids and _stream(record) in streams for record in parked)
        return followers


_ASKED = ("ALREADY_ASKED", "something is asked for these records already, and is not done yet")
_NONE = ("NOTHING_PARKED", "nothing is parked that this means")


def _stream(record: ParkedRecord) -> tuple[str, str, str, str]:
    return record.subscription, record.topic, record.tenant, record.stream
