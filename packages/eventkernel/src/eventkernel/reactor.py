"""Runs a reaction: for each event, its commands are given, with ids that follow from the event, and its due rows are kept.

Whatever is repeated, after a crash or a rebalance, repeats the same ids and so changes nothing.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from aiokafka import TopicPartition
from google.protobuf.message import Message

from eventkernel import metrics, tracing
from eventkernel.access import Denied
from eventkernel.aggregate import NotYet, Refusal
from eventkernel.commands import Commands, DecisionFailed, Order
from eventkernel.contract import Contract, ContractFault
from eventkernel.inbox import Delivery, Fault, Inbox, Record
from eventkernel.messages import DueRow, Metadata, Principal, derived_id
from eventkernel.ports import DueStore, ParkedStore
from eventkernel.projection import topics_of
from eventkernel.reaction import Later, Reaction
from eventkernel.timing import Clock

_log = structlog.get_logger(__name__)


class Reactor:
    """A sink that lets one reaction answer events with commands, each stream in order, streams side by side.

    Args:
        scheduled: called when due rows were kept.
        side_by_side: how many streams of a batch are answered at the same time.
    """

    overlaps = False

    def __init__(
        self, reaction: Reaction, *, service: str, contract: Contract, commands: Commands, due: DueStore, parked: ParkedStore,
        clock: Clock, scheduled: "asyncio.Event", side_by_side: int = 32,
    ) -> None:  # fmt: skip
        self.subscription = f"{service}.{reaction.name}.v{reaction.version}"
        self.topics = topics_of(reaction.policies, contract)
        self._reaction = reaction
        self._service = service
        self._commands = commands
        self._due = due
        self._clock = clock
        self._scheduled = scheduled
        self._places = asyncio.Semaphore(side_by_side)
        handled = [contract.of(event).type for event in reaction.policies]
        self._inbox = Inbox(
            self.subscription, service=service, contract=contract, handled=handled, parked=parked, clock=clock
        )

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:  # noqa: ARG002
        """Reads anew which streams are parked."""
        self._inbox.forget()

    def revoked(self) -> None:
        """Nothing goes on beside `take`."""

    async def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:  # noqa: ARG002 - the records say it
        """Answers records of one partition; raises what is transient, and then all of them come again."""
        items = await self._inbox.opened(records)
        streams: dict[tuple[str, str], list[Delivery]] = {}
        for item in items:
            if isinstance(item, Delivery):
                streams.setdefault((item.meta.tenant, item.meta.stream), []).append(item)
        # Faults that were there before are durable first; what fails now is parked with the rest of its own stream.
        await self._inbox.park([item for item in items if isinstance(item, Fault)])
        async with asyncio.TaskGroup() as group:
            for deliveries in streams.values():
                group.create_task(self._answer_stream(deliveries))

    async def _answer_stream(self, deliveries: Sequence[Delivery]) -> None:
        async with self._places:
            for place, delivery in enumerate(deliveries):
                fault = await self._answer(delivery)
                if fault is not None:
                    await self._inbox.park(
                        [f for f in self._inbox.behind([fault, *deliveries[place + 1 :]]) if isinstance(f, Fault)]
                    )
                    return

    async def _answer(self, delivery: Delivery) -> Fault | None:
        meta = delivery.meta
        with tracing.span(
            f"react {self._reaction.name}", traceparent=meta.traceparent, event_id=meta.event_id, event_type=meta.type
        ):
            started = time.monotonic()
            try:
                replies = list(self._reaction.policies[type(delivery.event)](delivery.event, meta))
            except Exception as failed:  # pure code: it would fail again
                return self._inbox.fault(delivery, f"HANDLER_FAILED: {type(failed).__name__}: {failed}")
            for index, reply in enumerate(replies):
                try:
                    await self._carry_out(reply, meta, derived_id(self.subscription, meta.event_id, str(index)))
                except (Refusal, Denied) as refused:
                    code = refused.code if isinstance(refused, Refusal) else "DENIED"
                    return self._inbox.fault(delivery, f"{code}: {refused}")
                except (ContractFault, DecisionFailed) as failed:  # it would fail again
                    return self._inbox.fault(delivery, f"HANDLER_FAILED: {failed}")
            age = (self._clock() - meta.at).total_seconds()
            metrics.EVENT_AGE.labels(self._service, self.subscription).observe(max(0.0, age))
            _log.debug(
                "reacted", reaction=self._reaction.name, event_id=meta.event_id, seconds=time.monotonic() - started
            )
        return None

    async def _carry_out(self, reply: Message | Later, meta: Metadata, key: str) -> None:
        if isinstance(reply, Later):
            await self._keep(reply, meta, key)
            return
        order = Order(reply, Principal.system(meta.tenant), key, meta.correlation_id, meta.event_id)
        try:
            await self._commands.give(order)
        except NotYet:
            # What it needs has not been heard of yet. It waits as a due row, so that nothing else waits for it.
            await self._keep(Later(self._clock(), reply), meta, key)

    async def _keep(self, later: Later, meta: Metadata, key: str) -> None:
        row = DueRow(
            id=key, tenant=meta.tenant, due=_whole_milliseconds(later.at), request_type=later.request.DESCRIPTOR.full_name,
            request=later.request.SerializeToString(), correlation_id=meta.correlation_id, causation_id=meta.event_id,
            traceparent=tracing.current_traceparent() or meta.traceparent, urgent=later.urgent,
        )  # fmt: skip
        await self._due.schedule([row])
        self._scheduled.set()


def _whole_milliseconds(at: datetime) -> datetime:
    # A store keeps whole milliseconds. Rounded down, a row would fall due before its time, and its decision would see that.
    return at + timedelta(microseconds=-at.microsecond % 1000)
