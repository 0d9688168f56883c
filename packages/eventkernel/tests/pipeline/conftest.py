"""A library over a store in memory: processes of it, a clock in the hand, and a bus that makes records of commits."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
from eventkernel import tracing
from eventkernel.issuer import LocalIssuer
from eventkernel.node import Node
from eventkernel.operations import verify_documents
from eventkernel.store.memory import MemoryStore
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from .due_rows import Due
from .library import Bus, Giver, Hand, process
from .mended import Mended
from .served import Api
from .world import World


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def another(tmp_path: Path, store: MemoryStore, clock: Hand) -> Callable[..., Node]:
    """One more process on the same store."""
    return lambda **changed: process(tmp_path, changed.pop("store", store), changed.pop("clock", clock), **changed)


@pytest.fixture
def node(another: Callable[..., Node]) -> Node:
    return another()


@pytest.fixture
def give(node: Node) -> Giver:
    return Giver(node)


@pytest.fixture
def due(another: Callable[..., Node], store: MemoryStore, clock: Hand) -> Callable[..., Due]:
    return lambda effects=None, **settings: Due(another(), settings.pop("store", store), clock, effects, **settings)


@pytest.fixture
async def api(
    another: Callable[..., Node],
    store: MemoryStore,
    tmp_path: Path,
    free_port: Callable[[], int],
    request: pytest.FixtureRequest,
) -> AsyncIterator[Api]:
    issuer = LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    address = f"127.0.0.1:{free_port()}"
    marked = request.node.get_closest_marker("calls_at_once")
    limit = {"calls_at_once": marked.args[0]} if marked else {}
    node = another(grpc_address=address, health_address=f"127.0.0.1:{free_port()}", **limit)
    await node.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield Api(node, store, channel, issuer)
    await node.stop()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    return exporter


@pytest.fixture
async def mended(store: MemoryStore, bus: Bus, clock: Hand) -> Mended:
    return await Mended(store, bus, clock).hold()


@pytest.fixture
async def world(node: Node, store: MemoryStore, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(verify_documents, "_ROUND_SECONDS", 0.0)
    made = World(node, store, bus)
    await made.work()
    return made
