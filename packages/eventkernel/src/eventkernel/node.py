"""One process of one service: builds the parts its roles need, runs them, and drains them in the right order."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from uuid import uuid4

import grpc
import structlog
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from mentoring.common.v1.common_pb2 import CommandReply

from eventkernel import metrics
from eventkernel.blobs.open import open_blobs
from eventkernel.blobs.port import Blobs
from eventkernel.blobs.sealed import SealedBlobs
from eventkernel.commands import Commands, Order
from eventkernel.due import DueRunner
from eventkernel.ending import end
from eventkernel.feeding import Feed, Feeding
from eventkernel.intake import Sink
from eventkernel.keys import DataKeys, KeyFile
from eventkernel.mending import MendingSink
from eventkernel.messages import Principal
from eventkernel.operations.contract import CONTRACT as operations_contract  # noqa: N811 - the one beside the service's own
from eventkernel.operations.rpc import OperationsServicer
from eventkernel.pages import Pages
from eventkernel.ports import Store
from eventkernel.projector import Projector
from eventkernel.reactor import Reactor
from eventkernel.reading import After, Reader
from eventkernel.relay import Relay
from eventkernel.rpc import Servicer
from eventkernel.sealing import Sealer
from eventkernel.service import Service, document_indexes
from eventkernel.serving import Serving
from eventkernel.settings import Role, Settings
from eventkernel.states import States
from eventkernel.store.grouping import GroupedAppends
from eventkernel.timing import Clock, SharedClock
from eventkernel.tokens import Tokens

_MEASURE_SECONDS = 5.0
_LOOK_SECONDS = 1.0
# What each step of the drain gets even when those before it used up the time: enough to give back a lease.
_LAST_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class AddressInUse(Exception):
    """A port that the process was told to listen on is taken."""


class Node:
    """A running service process.

    Args:
        service: what it is made of; checked complete before anything starts.
        store: its database.
        clock: the time, for everything in it that asks; the store's where none is given.
        blobs: where stored bytes are; what the settings say where none is given.
    """

    def __init__(
        self, service: Service, settings: Settings, store: Store, clock: Clock | None = None, blobs: Blobs | None = None
    ) -> None:
        service.check()
        self._service = service
        self._settings = settings
        self._store = store
        self._shared_clock = SharedClock(store.time)
        self._clock = clock or self._shared_clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._scheduled = asyncio.Event()
        self._health = health.aio.HealthServicer()
        self._api: grpc.aio.Server | None = None
        self._servicer: Servicer | None = None
        self._pages: Pages | None = None
        self._health_server: grpc.aio.Server | None = None
        self._feeding: Feeding | None = None
        self._relay: Relay | None = None
        self._due: DueRunner | None = None
        self._stop_by = 0.0
        kek = KeyFile(settings.key_file)
        keys = DataKeys(store.keys, kek)
        self._sealer = Sealer(keys, service.name)
        self.blobs = SealedBlobs(
            blobs or open_blobs(settings.blobs, beside=settings.key_file, endpoint=settings.s3_endpoint), keys
        )
        self._serving = Serving(store.copies)
        self.states = States(store.commits, service.contract)
        self.appends = GroupedAppends(store.commits)
        self.commands = Commands(
            service, states=self.states, commits=store.commits, appends=self.appends, sealer=self._sealer, readers=self.reader,
            clock=self._clock, fingerprint_key=kek.derive("request fingerprint"), committed=self._committed,
        )  # fmt: skip

    def reader(self, principal: Principal, *, after: After | None = None, correlation_id: str = "") -> Reader:
        """A reader for one caller."""
        return Reader(
            principal=principal, service=self._service.name, contract=self._service.contract, store=self._store, states=self.states,
            sealer=self._sealer, clock=self._clock, serving=self._serving, after=after, correlation_id=correlation_id,
        )  # fmt: skip

    async def start(self) -> None:
        """Starts what the roles ask for, and says that it is ready. Kafka may come later: commands do not need it."""
        parts = self._settings.parts
        await self._store.start()
        await self._shared_clock.ask()
        self._spawn(self._shared_clock.follow())
        for projection in self._service.projections:
            await self._store.documents.prepare(projection.collection, document_indexes(projection))
        if Role.RELAY in parts:
            self._relay = self._make_relay()
            self._spawn(self._relay.run())
        if Role.REACTOR in parts:
            self._due = self._make_due()
            self._spawn(self._due.run())
        if parts & {Role.PROJECTOR, Role.REACTOR}:
            self._feeding = self._make_feeding(parts)
            self._spawn(self._feeding.run())
            self._spawn(self._mend(self._feeding))
        if Role.API in parts:
            await self._serve_api()
            await self._serve_pages()
        await self._serve_health()
        self._spawn(self._measure())
        _log.info("ready", roles=sorted(parts), grpc=self._settings.grpc_address if Role.API in parts else None)

    async def stop(self) -> None:
        """Drains: not ready, no new calls, no new records; what is in flight is finished, published and committed."""
        seconds = self._settings.shutdown_seconds
        self._stop_by = asyncio.get_running_loop().time() + seconds
        await self._health.enter_graceful_shutdown()
        _log.info("draining", seconds=seconds)
        await asyncio.gather(*self._calls_end(seconds))
        if self._feeding is not None:
            await self._within(self._feeding.stop(), "subscriptions")
        if self._due is not None:
            await self._within(self._due.stop(), "due rows")
        await self._within(self.appends.close(), "appends")
        if self._relay is not None:
            await self._within(self._relay.stop(), "relay")
        await self._within(self.states.close(), "snapshots")
        await end(self._tasks, _LAST_SECONDS)
        # Health is answered to the end: not ready, and alive.
        if self._health_server is not None:
            await self._health_server.stop(0)
        await self._within(self._store.close(), "store")
        _log.info("stopped")

    def _calls_end(self, seconds: float) -> list[Coroutine[Any, Any, None]]:
        if self._servicer is not None:
            self._servicer.end_following()
        api = [self._api.stop(seconds)] if self._api is not None else []
        return api + ([self._within(self._pages.stop(), "pages")] if self._pages is not None else [])

    async def failed(self) -> None:
        """Waits until a part of the process ends by itself, and raises what ended it: the process must not go on half."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise RuntimeError("a part of the process ended by itself")

    def _committed(self) -> None:
        if self._relay is not None:
            self._relay.wake()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _within(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Waits for this, and not for its end where it takes too long: whatever it waits for may have missed its cancellation."""
        task = asyncio.create_task(work)
        seconds = max(_LAST_SECONDS, self._stop_by - asyncio.get_running_loop().time())
        done, _ = await asyncio.wait([task], timeout=seconds)
        task.cancel()
        error = task.exception() if done and not task.cancelled() else TimeoutError(f"{seconds:.1f} s")
        if error is not None:
            # What was not finished is found again: commits stay pending, offsets uncommitted, rows leased.
            _log.warning("not drained in time", what=what, error=repr(error))

    def _make_relay(self) -> Relay:
        topic = self._service.contract.topic
        source = self._settings.source or "/" + "/".join(topic.split(".")[:-1])
        holder = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        return Relay(
            self._store.commits, self._store.leases, topic=topic, source=source, bootstrap=self._settings.kafka_bootstrap,
            service=self._service.name, holder=holder, clock=self._clock,
        )  # fmt: skip

    def _make_due(self) -> DueRunner:
        requests = {str(request.DESCRIPTOR.full_name): request for request in self._service.contract.commands}
        return DueRunner(
            self._service.name, store=self._store, commands=self.commands, readers=self.reader, effects=self._service.effects,
            requests=requests, clock=self._clock, scheduled=self._scheduled, blobs=self.blobs,
        )  # fmt: skip

    def _make_feeding(self, parts: frozenset[Role]) -> Feeding:
        service, contract, store = self._service, self._service.contract, self._store
        projector = partial(
            Projector, service=service.name, contract=contract, documents=store.documents, clock=self._clock
        )
        reactor = partial(
            Reactor, service=service.name, contract=contract, commands=self.commands, due=store.due, clock=self._clock,
            scheduled=self._scheduled,
        )  # fmt: skip
        return Feeding(
            service.name, store=store, clock=self._clock,
            feed=lambda sinks: Feed(sinks, self._settings.kafka_bootstrap, service.name),
            reactions=[self._mended(partial(reactor, each)) for each in service.reactions if Role.REACTOR in parts],
            projections=service.projections if Role.PROJECTOR in parts else (),
            sink=lambda copy: self._mended(partial(projector, copy)),
        )  # fmt: skip

    def _mended(self, make: Callable[..., Sink]) -> MendingSink:
        parked = self._store.parked
        return MendingSink(make(parked=parked), lambda trial: make(parked=trial), parked, self._clock)

    async def _mend(self, feeding: Feeding) -> None:
        """Sees that what operators ask is done, also while nothing comes."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                asked = await self._store.parked.asked()
            except Exception as error:
                _log.warning("nobody can say what operators ask", error=repr(error))
                continue
            for sink in feeding.sinks:
                if sink.subscription in asked:
                    try:
                        await sink.mend()
                    except Exception:
                        _log.exception("parked records not settled; trying again", subscription=sink.subscription)

    async def _serve_api(self) -> None:
        tokens = Tokens(
            self._settings.jwks_file, issuer=self._settings.token_issuer, audience=self._settings.token_audience,
            tenant_claim=self._settings.tenant_claim,
        )  # fmt: skip
        server = _server()
        operations = OperationsServicer(
            self._service, store=self._store, clock=self._clock, tokens=tokens, everywhere=self._settings.operations_tenant,
            bootstrap=self._settings.kafka_bootstrap,
        )  # fmt: skip
        self._servicer = Servicer(
            self._service, commands=self.commands, readers=self.reader, blobs=self.blobs, due=self._store.due, clock=self._clock,
            tokens=tokens, calls_at_once=self._settings.calls_at_once, limits=self._settings.transfer_limits, following=self._settings.follow_limits,
        )  # fmt: skip
        server.add_generic_rpc_handlers((self._servicer, operations))
        contracts = (self._service.contract, operations_contract)
        own = [str(service.full_name) for contract in contracts for service in contract.services]
        names = (*own, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        await _listen(server, self._settings.grpc_address, "GRPC_ADDRESS")
        self._api = server

    async def _serve_pages(self) -> None:
        address, service = self._settings.pages_address, self._service
        if not (address and service.pages):
            return
        pages = Pages(
            service.name, service.pages, self.reader, give=self._asked_by_a_page, at_once=self._settings.pages_at_once, seconds=self._settings.page_seconds,
            drain_seconds=self._settings.shutdown_seconds,
        )  # fmt: skip
        self._pages = pages
        try:
            await pages.start(address)
        except OSError as fault:
            await pages.stop()
            raise _in_use(address, "PAGES_ADDRESS") from fault

    async def _asked_by_a_page(self, request: Message, tenant: str) -> CommandReply:
        # Each asking is one of its own: what was asked before may have been taken back since.
        return await self.commands.give(Order(request, Principal.system(tenant), secrets.token_hex(16)))

    async def _serve_health(self) -> None:
        server = _server()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        for name in ("", *(str(service.full_name) for service in self._service.contract.services)):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        reflection.enable_server_reflection((health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        await _listen(server, self._settings.health_address, "HEALTH_ADDRESS")
        self._health_server = server

    async def _measure(self) -> None:
        # Those that had anything parked are told of afterwards too.
        known = {part.subscription(self._service.name) for part in self._service.projections}
        while True:
            try:
                parked = await self._store.parked.count()
                known |= parked.keys()
                for subscription in known:
                    metrics.PARKED_NOW.labels(self._service.name, subscription).set(parked.get(subscription, 0))
            except Exception as error:
                _log.warning("parked records cannot be counted", error=repr(error))
            await asyncio.sleep(_MEASURE_SECONDS)


def _server() -> grpc.aio.Server:
    # Without this, two processes would share a port in silence.
    return grpc.aio.server(options=(("grpc.so_reuseport", 0),))


async def _listen(server: grpc.aio.Server, address: str, variable: str) -> None:
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if not bound:
        raise _in_use(address, variable)
    await server.start()


def _in_use(address: str, variable: str) -> AddressInUse:
    return AddressInUse(f"{address} is in use: end what listens there, or set {variable} to a free address")
