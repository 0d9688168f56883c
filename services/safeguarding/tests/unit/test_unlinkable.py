"""What is stored of a concern joins it with nothing else that its raiser did, and confirms no guess of its words."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from eventkernel import logs, tracing
from eventkernel.commands import Order
from eventkernel.messages import Commit, Principal
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.states import States
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from safeguarding.domain.concern import concern
from safeguarding.service import build

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RAISER = Principal("p", "mia", frozenset({"mentor"}))
CONCERN = calls.RaiseConcernRequest(
    concern_id="c1", site_id="s1", category=events.CONCERN_CATEGORY_PHYSICAL, severity=events.SEVERITY_SERIOUS,
    person_at_risk_id="ada", narrative="Her stepfather hits her", anonymous=True,
)  # fmt: skip

ROTA = calls.SetRotaRequest(site_id="s1", dsl_id="dan", senior_lead_id="sam")


async def test_a_concern_is_stored_without_the_correlation_and_the_trace_of_its_raiser(tmp_path: Path) -> None:
    commit = await _raised(tmp_path)
    assert (commit.correlation_id, commit.traceparent) == ("", "")


async def test_who_has_the_database_and_not_the_key_cannot_confirm_a_guessed_narrative(tmp_path: Path) -> None:
    said = events.ConcernRaised.FromString((await _raised(tmp_path)).events[0].data)
    guessed = hashlib.sha256(b"mia\n" + CONCERN.SerializeToString(deterministic=True)).hexdigest()
    assert said.content_digest
    assert said.content_digest != guessed


async def test_no_span_of_the_raisers_own_trace_names_the_concern(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    node = _node(tmp_path, MemoryStore())
    # As the RPC does for every call.
    with tracing.span("call", traceparent=TRACEPARENT):
        await node.commands.give(Order(CONCERN, RAISER, "k-1"))
        await node.commands.give(Order(calls.AddToConcernRequest(concern_id="c1", text="Again today"), RAISER, "k-2"))
        await node.commands.give(Order(ROTA, Principal("p", "sam", frozenset({"senior_lead"})), "k-3"))
    said = [
        (span.name, dict(span.attributes or {}))
        for span in spans.get_finished_spans()
        if span.context is not None and f"{span.context.trace_id:032x}" in TRACEPARENT
    ]
    # What is linked goes on saying where it was stored.
    assert ("commit", {"stream": "rota-s1", "events": 2}) in said
    assert [name for name, _ in said].count("commit") == 3
    assert [(name, attributes) for name, attributes in said if "c1" in str(attributes)] == []


async def test_a_concerns_snapshot_is_written_and_logged_as_no_part_of_the_raisers_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    await _node(tmp_path, store).commands.give(Order(CONCERN, RAISER, "k"))
    states = States(store.commits, build().contract, snapshot_every=1)
    loaded = await states.load("p", "concern-c1", concern)
    within: list[dict[str, object]] = []

    async def seen(_snapshot: object) -> None:
        within.append(structlog.contextvars.get_contextvars())
        raise OSError

    monkeypatch.setattr(store.commits, "save_snapshot", seen)
    with logs.correlated("the-raisers-own"):
        states.snapshot_soon(concern, 0, loaded)
        await states.close()
    assert within == [{}]


async def test_a_concerns_snapshot_that_cannot_be_read_is_logged_without_its_id(tmp_path: Path) -> None:
    store = MemoryStore()
    await _node(tmp_path, store).commands.give(Order(CONCERN, RAISER, "k"))
    states = States(store.commits, build().contract, snapshot_every=1)
    loaded = await states.load("p", "concern-c1", concern)
    states.snapshot_soon(concern, 0, loaded)
    await states.close()
    snapshot = await store.commits.load_snapshot("p", "concern-c1")
    assert snapshot is not None
    await store.commits.save_snapshot(replace(snapshot, state=b"{"))
    with structlog.testing.capture_logs() as entries:
        await States(store.commits, build().contract).load("p", "concern-c1", concern)
    assert [entry["aggregate"] for entry in entries] == ["concern"]
    assert "c1" not in str(entries)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


async def _raised(folder: Path) -> Commit:
    store = MemoryStore()
    await _node(folder, store).commands.give(replace(Order(CONCERN, RAISER, "k"), correlation_id="the-raisers-own"))
    (commit,) = await store.commits.read("p", "concern-c1")
    return commit


def _node(folder: Path, store: MemoryStore) -> Node:
    settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks")
    return Node(build(), settings, store, clock=lambda: NOON)
