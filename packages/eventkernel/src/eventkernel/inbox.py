"""What a subscription makes of raw records: events to handle, or records to set aside with the rest of their stream.

A record that cannot be handled never stops the others, and never lets a later event of its stream pass it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import structlog
from aiokafka import ConsumerRecord
from google.protobuf.message import DecodeError, Message

from eventkernel import metrics
from eventkernel.cloudevents import Malformed, decode
from eventkernel.contract import Contract, UnknownEventType
from eventkernel.messages import Metadata, ParkedRecord, ParkedStream
from eventkernel.ports import ParkedStore
from eventkernel.timing import Clock

Record: TypeAlias = ConsumerRecord[bytes, bytes]
BEHIND = "BEHIND_A_PARKED_RECORD"
_log = structlog.get_logger(__name__)


class NotTried(Exception):
    """Records that were not looked at, since something that came before them failed. They come again after it."""


class Delivery(NamedTuple):
    """One record with what it says."""

    record: Record
    event: Message
    meta: Metadata


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that cannot be handled, and why: a stable code, then what was wrong."""

    record: Record
    tenant: str
    stream: str
    reason: str


class Inbox:
    """Opens records for one subscription, and parks what it cannot.

    Args:
        handled: the event types that the subscription takes; others that the contract knows are passed over.
    """

    def __init__(
        self,
        subscription: str,
        *,
        service: str,
        contract: Contract,
        handled: Iterable[str],
        parked: ParkedStore,
        clock: Clock,
    ) -> None:
        self.subscription = subscription
        self._service = service
        self._contract = contract
        self._handled = frozenset(handled)
        self._parked = parked
        self._clock = clock
        # Where each parked stream stops: what lies before its first parked record goes on, whenever it comes again.
        self._blocked: dict[ParkedStream, _Place] | None = None

    def forget(self) -> None:
        """Reads anew which streams are parked before the next records: partitions changed hands, or an operator mended."""
        self._blocked = None

    async def opened(self, records: Sequence[Record]) -> list[Delivery | Fault]:
        """The records that matter here, in order; those of a parked stream are faults already."""
        if self._blocked is None:
            self._blocked = await self._parked.streams(self.subscription)
        found = [item for record in records if (item := self._open(record)) is not None]
        return self._behind(found, self._blocked)

    def behind(self, items: Sequence[Delivery | Fault]) -> list[Delivery | Fault]:
        """The same with every delivery that follows a fault of its stream made a fault too."""
        return self._behind(items, {})

    def _behind(
        self, items: Sequence[Delivery | Fault], blocked: Mapping[ParkedStream, "_Place"]
    ) -> list[Delivery | Fault]:
        if not blocked and not any(isinstance(item, Fault) for item in items):
            return list(items)
        shut = dict(blocked)
        result: list[Delivery | Fault] = []
        for item in items:
            stream, place = _stream_of(item), (item.record.partition, item.record.offset)
            if isinstance(item, Fault):
                _stop(shut, stream, place)
                result.append(item)
            elif stream in shut and (place[0] != shut[stream][0] or place >= shut[stream]):
                result.append(self.fault(item, BEHIND))
            else:
                result.append(item)
        return result

    @staticmethod
    def fault(delivery: Delivery, reason: str) -> Fault:
        """A delivery that could not be handled after all."""
        return Fault(delivery.record, delivery.meta.tenant, delivery.meta.stream, reason)

    async def park(self, faults: Sequence[Fault]) -> None:
        """Sets records aside, durably, and holds their streams from now on."""
        if not faults:
            return
        now = self._clock()
        await self._parked.park(
            [
                ParkedRecord(
                    subscription=self.subscription, tenant=fault.tenant, stream=fault.stream, topic=fault.record.topic,
                    partition=fault.record.partition, offset=fault.record.offset, key=fault.record.key or b"",
                    value=fault.record.value, headers=tuple((name, value or b"") for name, value in fault.record.headers),
                    reason=fault.reason, attempts=1, at=now,
                )
                for fault in faults
            ]
        )  # fmt: skip
        for fault in faults:
            if self._blocked is not None:
                _stop(self._blocked, _stream_of(fault), (fault.record.partition, fault.record.offset))
            _log.error(
                "record parked", subscription=self.subscription, stream=fault.stream, topic=fault.record.topic,
                partition=fault.record.partition, offset=fault.record.offset, reason=fault.reason,
            )  # fmt: skip
        metrics.PARKED.labels(self._service, self.subscription).inc(len(faults))

    def _open(self, record: Record) -> Delivery | Fault | None:
        try:
            meta = decode(record)
        except Malformed as malformed:
            tenant, stream = _claimed(record)
            return Fault(record, tenant, stream, f"MALFORMED_RECORD: {malformed.reason}")
        if meta.type not in self._handled and meta.type in self._contract.events:
            return None
        try:
            event = self._contract.parse(meta.type, record.value or b"")
        except UnknownEventType:
            return Fault(record, meta.tenant, meta.stream, f"UNKNOWN_EVENT_TYPE: {meta.type}")
        except DecodeError as error:
            return Fault(record, meta.tenant, meta.stream, f"UNREADABLE_EVENT: {error}")
        return Delivery(record, event, meta)


_Place: TypeAlias = tuple[int, int]


def _stream_of(item: Delivery | Fault) -> ParkedStream:
    said = item.meta if isinstance(item, Delivery) else item
    return ParkedStream(item.record.topic, said.tenant, said.stream)


def _stop(blocked: dict[ParkedStream, _Place], stream: ParkedStream, place: _Place) -> None:
    blocked[stream] = min(place, blocked.get(stream, place))


def _claimed(record: Record) -> tuple[str, str]:
    """The stream that a malformed record seems to be of; one of its own where it does not say."""
    said = {name: value.decode(errors="replace") for name, value in record.headers if value}
    alone = f"unknown:{record.topic}/{record.partition}/{record.offset}"
    return said.get("ce_tenant", ""), said.get("ce_subject", alone)
