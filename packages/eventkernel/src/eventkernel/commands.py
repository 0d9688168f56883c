"""The way of a command: access, state, decision, sealing, one commit. What it answered once it answers again.

A decision is never trusted to an old state: what a known state refuses, or finds done already, is decided again on the stored one. So
nothing need be read before a first decision: where a stream is not known, it is taken for new, and the store refuses a commit that is wrong.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from opentelemetry import trace

from eventkernel import metrics, tracing
from eventkernel.access import Denied, admit, denied
from eventkernel.aggregate import Aggregate, AlreadyDone, Context, Refusal
from eventkernel.contract import CallContract, ContractFault
from eventkernel.keys import KeyDestroyed
from eventkernel.messages import SYSTEM, Appended, Commit, Principal, Repeated, StoredEvent, event_id, newest_published
from eventkernel.ports import CommitStore
from eventkernel.reading import Ask, Reader, Readers
from eventkernel.sealing import Sealer, holds_confidential, unsealed_fields
from eventkernel.service import Service
from eventkernel.states import Loaded, States
from eventkernel.store.grouping import GroupedAppends
from eventkernel.timing import Clock

_TRIES = 19
_MOST_BYTES = 512 * 1024
_TICK = timedelta(milliseconds=1)


class Contended(Exception):
    """Too many others write this stream just now; the same command may be given again."""


class _Conflict(Exception):
    """Another commit took a version of the stream since its state was read."""


class _Repeat(Exception):
    """The decision says that all of the request is what was done."""


class DecisionFailed(Exception):
    """A decision raised what none may: a mistake in the code. Giving the command again would fail again."""


@dataclass(frozen=True, slots=True)
class Order:
    """One command as it was given: by whom, under which idempotency key, and as part of what.

    `not_before` is the time that it fell due: it is decided at that time at the earliest, even where the clock went back since.
    """

    request: Message
    principal: Principal
    key: str
    correlation_id: str = ""
    causation_id: str = ""
    not_before: datetime | None = None

    @property
    def commit_id(self) -> str:
        """Where its commit is stored: within the tenant, so that no tenant can meet another's key.

        The platform's keys lie apart: they follow from event ids, which a caller can work out, and so take before the platform does.
        """
        apart = "~" if self.principal.person_id == SYSTEM else ""
        return f"{self.principal.tenant}/{apart}{self.key}"


class Commands:
    """Gives commands to the aggregates of one service.

    Args:
        fingerprint_key: keys the hash of a request that is kept with its commit; the hash tells nothing without it.
        committed: called after every commit that is to be published.
    """

    def __init__(
        self, service: Service, *, states: States, commits: CommitStore, appends: GroupedAppends, sealer: Sealer, readers: Readers, clock: Clock,
        fingerprint_key: bytes, committed: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._service = service
        self._states = states
        self._commits = commits
        self._appends = appends
        self._sealer = sealer
        self._readers = readers
        self._clock = clock
        self._fingerprint_key = fingerprint_key
        self._committed = committed
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def give(self, order: Order) -> CommandReply:
        """Decides and stores. The reply is the first one, however often the order is repeated.

        Raises Denied, Refusal (the domain's no), Contended, Overloaded, DecisionFailed or ContractFault (a mistake in the code,
        for good), or what the store raises: then it is unknown whether it was stored, and repeating the order is safe.
        """
        call = self._service.contract.commands.get(type(order.request))
        if call is None:
            raise ContractFault(f"{order.request.DESCRIPTOR.full_name} is no command of {self._service.name}")
        with metrics.COMMAND_SECONDS.labels(self._service.name, call.method).time():
            outcome = "failed"
            try:
                reply = await self._give(order, call)
                outcome = "stored" if reply.event_types else "unchanged"
            except Denied:
                outcome = "denied"
                raise
            except Refusal as refusal:
                outcome = "refused"
                trace.get_current_span().set_attribute("refusal", refusal.code)
                raise
            else:
                return reply
            finally:
                metrics.COMMANDS.labels(self._service.name, call.method, outcome).inc()

    async def _give(self, order: Order, call: CallContract) -> CommandReply:
        admit(order.principal, call)
        aggregate = self._service.deciders[call.request]
        stream = call.stream_of(order.request)
        # Commands of one process on one stream take turns: decided side by side, all but one would be decided for nothing.
        turn = self._turns.setdefault((order.principal.tenant, stream), asyncio.Lock())
        async with turn:
            return await self._give_in_turn(order, call, aggregate, stream)

    async def _give_in_turn(
        self, order: Order, call: CallContract, aggregate: Aggregate[Any], stream: str
    ) -> CommandReply:
        tenant, reader = order.principal.tenant, self._reader(order)
        known = self._states.known(tenant, stream, aggregate)
        try:
            # What a known state refuses, finds done, or stumbles over, may be so because it is old.
            with suppress(Denied, Refusal, DecisionFailed, _Repeat):
                if (reply := await self._attempt(order, call, aggregate, known, reader)) is not None:
                    return reply
        except _Conflict:
            reader = self._reader(order)
        for _ in range(_TRIES):
            loaded = await self._states.load(tenant, stream, aggregate)
            try:
                reply = await self._attempt(order, call, aggregate, loaded, reader)
            except _Conflict:
                reader = self._reader(order)
                continue
            except _Repeat:
                return await self._stored_before(order, call) or _reply(stream, loaded)
            except (Denied, Refusal):
                if (before := await self._stored_before(order, call)) is None:
                    raise
                return before
            return reply or await self._stored_before(order, call) or await self._unchanged(order, call, stream, loaded)
        raise Contended(
            f"{stream} is being written by many at once; give the command again with the same idempotency key"
        )

    async def _attempt(
        self, order: Order, call: CallContract, aggregate: Aggregate[Any], loaded: Loaded[Any], reader: Reader
    ) -> CommandReply | None:
        """Decides on this state, and stores it; None where there was nothing to do.

        Raises _Repeat where the decision knows the request for what was done, and _Conflict where the state was old.
        """
        events = await self._decide(order, call, aggregate, loaded, reader)
        if isinstance(events, AlreadyDone):
            raise _Repeat
        if not events:
            return None
        commit = await self._commit(order, call, loaded, events)
        with tracing.step("commit", events=len(events)) as span:
            # It is in the caller's own trace, and must not join that with a stream that is to stay unlinked.
            if span is not None and self._linked(events):
                span.set_attribute("stream", commit.stream)
            outcome = await self._appends.append_one(commit)
        if isinstance(outcome, Repeated):
            return self._reply_of(outcome.commit, order, call)
        if outcome is Appended.STORED:
            return self._stored(aggregate, loaded, commit)
        # A stream that was only taken for new had nobody come in between.
        if loaded.head is not None:
            metrics.CONFLICTS.labels(self._service.name).inc()
        raise _Conflict

    def _reader(self, order: Order) -> Reader:
        return self._readers(order.principal, correlation_id=order.correlation_id)

    async def _decide(
        self, order: Order, call: CallContract, aggregate: Aggregate[Any], loaded: Loaded[Any], reader: Reader
    ) -> Sequence[Message]:
        await self._check_relation(order, call, reader)
        beside = [
            await reader.state(other, stream) if stream else other.initial
            for other, stream in zip(
                map(self._service.aggregate, call.loads), call.loads_of(order.request), strict=True
            )
        ]
        now = self._clock()
        context = Context(
            principal=order.principal,
            now=now if order.not_before is None else max(now, order.not_before),
            command_id=order.commit_id,
            loaded={type(other): other for other in beside},
            digest_key=self._fingerprint_key,
        )
        with tracing.step("decide", command=call.method):
            try:
                return aggregate.decisions[call.request](loaded.state, order.request, context)
            except (Denied, Refusal):
                raise
            except Exception as mistake:
                raise DecisionFailed(f"{call.method}: {type(mistake).__name__}: {mistake}") from mistake

    async def _check_relation(self, order: Order, call: CallContract, reader: Reader) -> None:
        if not call.needs:
            return
        if not await self._service.relations[call.needs](Ask(order.principal, order.request, reader)):
            raise denied(call)

    async def _commit(self, order: Order, call: CallContract, loaded: Loaded[Any], events: Sequence[Message]) -> Commit:
        now, stream = self._clock(), call.stream_of(order.request)
        # The outbox is read in the order of `at`: within a stream it must never go back, whatever this clock says.
        at = max(now, loaded.head.at + _TICK) if loaded.head else now
        stored = tuple(
            [
                await self._sealed(order, loaded.version + index, index, event)
                for index, event in enumerate(events, start=1)
            ]
        )
        # What would join these events with others of the same caller stays off the bus, and so out of the commit.
        linked = self._linked(events)
        return Commit(
            id=order.commit_id, tenant=order.principal.tenant, stream=stream, events=stored,
            partition_key=loaded.head.partition_key if loaded.head else self._partition_key(stream, events[0]),
            at=at, actor=order.principal.person_id, fingerprint=self._fingerprint(order, call),
            published_version=newest_published(stored, loaded.head.published_version if loaded.head else 0),
            correlation_id=order.correlation_id if linked else "", causation_id=order.causation_id,
            traceparent=tracing.current_traceparent() if linked else "",
        )  # fmt: skip

    def _linked(self, events: Sequence[Message]) -> bool:
        return not any(self._service.contract.of(event).unlinked for event in events)

    async def _sealed(self, order: Order, version: int, index: int, event: Message) -> StoredEvent:
        contract = self._service.contract.of(event)
        # With the topic: a caller may use one idempotency key for two services, and their events must not share an id.
        identity = event_id(f"{self._service.contract.topic}/{order.commit_id}", index)
        data = event.SerializeToString()
        if contract.seals:
            # A decision may give part of the request; what is sealed is a copy.
            data = await self._seal(type(event).FromString(data), order.principal.tenant, contract.type, identity)
        if len(data) > _MOST_BYTES:
            # The relay could never publish it, and everything behind it in its slot would wait for ever.
            raise Refusal(
                "REQUEST_TOO_LARGE",
                f"What is to be stored has {len(data)} bytes, of {_MOST_BYTES} at the most: ask for less at once.",
            )
        return StoredEvent(identity, contract.type, version, data, contract.published)

    async def _seal(self, copy: Message, tenant: str, event_type: str, identity: str) -> bytes:
        try:
            await self._sealer.seal_event(copy, tenant=tenant, event_type=event_type, event_id=identity)
        except KeyDestroyed as erased:
            raise Refusal(
                "PERSON_ERASED", "This person was erased: nothing can be recorded about them any more."
            ) from erased
        if plain := unsealed_fields(copy):
            raise ValueError(f"{event_type} would be stored with text in plain: {', '.join(plain)}")
        return copy.SerializeToString()

    def _partition_key(self, stream: str, first: Message) -> str:
        field = self._service.contract.of(first).partition_by
        return str(getattr(first, field)) if field else stream

    def _stored(self, aggregate: Aggregate[Any], before: Loaded[Any], commit: Commit) -> CommandReply:
        after = self._states.folded(aggregate, before, commit)
        self._states.keep(commit.tenant, commit.stream, after)
        self._states.snapshot_soon(aggregate, before.version, after)
        for event in commit.events:
            metrics.EVENTS_STORED.labels(self._service.name, event.type).inc()
        if commit.pending:
            self._committed()
        return _reply_to(commit)

    async def _stored_before(self, order: Order, call: CallContract) -> CommandReply | None:
        commit = await self._commits.find(order.commit_id)
        return None if commit is None else self._reply_of(commit, order, call)

    async def _unchanged(self, order: Order, call: CallContract, stream: str, loaded: Loaded[Any]) -> CommandReply:
        """Nothing was left to do. Sealed text cannot be compared, so a decision that says no more does not see new text beside what was done."""
        if SYSTEM not in order.principal.roles and holds_confidential(order.request):
            said = self._fingerprint(order, call)
            commits = await self._commits.read(order.principal.tenant, stream)
            if not any(hmac.compare_digest(commit.fingerprint, said) for commit in commits):
                raise Refusal(
                    "DONE_WITH_OTHER_TEXT",
                    "This was done before, but not with the text that was sent now, which is not kept. "
                    "Read what is recorded, and record what is new under a new id.",
                )
        return _reply(stream, loaded)

    def _reply_of(self, commit: Commit, order: Order, call: CallContract) -> CommandReply:
        if SYSTEM in order.principal.roles:
            # The platform's keys are derived and nobody else can use them. What a reaction says of an event may differ after a
            # release; the answer that the event had before stands.
            return _reply_to(commit)
        if not hmac.compare_digest(commit.fingerprint, self._fingerprint(order, call)):
            raise Refusal(
                "IDEMPOTENCY_KEY_REUSED",
                "This idempotency key was used for another request. Use a new key for each command, and the same one only to repeat it.",
            )
        return _reply_to(commit)

    def _fingerprint(self, order: Order, call: CallContract) -> bytes:
        content = order.request.SerializeToString(deterministic=True)
        spoken = "\n".join((call.path, order.principal.person_id, "")).encode() + content
        return hmac.new(self._fingerprint_key, spoken, hashlib.sha256).digest()


def _reply_to(commit: Commit) -> CommandReply:
    return CommandReply(
        stream=commit.stream,
        version=commit.version,
        published_version=commit.published_version,
        event_types=[event.type for event in commit.events],
    )


def _reply(stream: str, loaded: Loaded[Any]) -> CommandReply:
    return CommandReply(
        stream=stream, version=loaded.version, published_version=loaded.head.published_version if loaded.head else 0
    )
