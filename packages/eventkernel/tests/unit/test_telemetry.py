import json
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from eventkernel import telemetry
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry, Counter


def spans(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_trace_file_shows_each_span_with_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "traces" / "spans.jsonl"
    provider = telemetry.provider("unit", otlp_endpoint=None, trace_file=path, ratio=1.0)
    tracer = provider.get_tracer("t")
    attributes = {"stream": "s-1", "versions": (1, 2)}
    with (
        tracer.start_as_current_span("command", kind=SpanKind.SERVER, attributes=attributes) as outer,
        tracer.start_as_current_span("append") as inner,
    ):
        inner.set_status(StatusCode.ERROR)
    provider.shutdown()
    append, command = spans(path)
    assert command == {
        "trace_id": f"{outer.get_span_context().trace_id:032x}",
        "span_id": f"{outer.get_span_context().span_id:016x}",
        "parent_id": None,
        "name": "command",
        "service": "unit",
        "kind": "SERVER",
        "start_ns": command["start_ns"],
        "end_ns": command["end_ns"],
        "attributes": {"stream": "s-1", "versions": [1, 2]},
        "status": "UNSET",
    }
    assert (append["trace_id"], append["parent_id"], append["status"]) == (
        command["trace_id"],
        command["span_id"],
        "ERROR",
    )
    assert command["start_ns"] <= append["start_ns"] <= append["end_ns"] <= command["end_ns"]
    assert abs(command["start_ns"] - time.time_ns()) < 60 * 10**9


def test_a_span_is_in_the_file_soon_without_a_flush(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    provider = telemetry.provider("unit", otlp_endpoint=None, trace_file=path, ratio=1.0)
    try:
        provider.get_tracer("t").start_span("alone").end()
        deadline = time.monotonic() + 3
        while not path.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [span["name"] for span in spans(path)] == ["alone"]
    finally:
        provider.shutdown()


def test_several_services_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    providers = [telemetry.provider(name, otlp_endpoint=None, trace_file=path, ratio=1.0) for name in ("a", "b")]
    for number in range(300):
        for provider in providers:
            provider.get_tracer("t").start_span(f"span {number}", attributes={"padding": "x" * 200}).end()
    for provider in providers:
        provider.shutdown()
    assert sorted((span["service"], span["name"]) for span in spans(path)) == sorted(
        (s, f"span {n}") for s in "ab" for n in range(300)
    )


@pytest.mark.parametrize(("parent_sampled", "recorded"), [(True, 1), (False, 0), (None, 0)])
def test_the_ratio_decides_where_a_trace_begins_and_the_parent_after_that(
    tmp_path: Path, parent_sampled: bool | None, recorded: int
) -> None:
    path = tmp_path / "spans.jsonl"
    provider = telemetry.provider("unit", otlp_endpoint=None, trace_file=path, ratio=0.0)
    parent = None
    if parent_sampled is not None:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if parent_sampled else trace.TraceFlags.DEFAULT)
        remote = trace.SpanContext(trace_id=1, span_id=2, is_remote=True, trace_flags=flags)
        parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    provider.get_tracer("t").start_span("work", context=parent).end()
    provider.shutdown()
    assert len(spans(path)) == recorded


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=r"(?i)probability|rate|range"):
        telemetry.provider("unit", otlp_endpoint=None, trace_file=None, ratio=ratio)


def test_a_disk_that_is_full_costs_the_spans_and_nothing_else() -> None:
    exporter = telemetry.JsonLines(Path("/dev/full"))
    provider = telemetry.provider("unit", otlp_endpoint=None, trace_file=None, ratio=1.0)
    span = provider.get_tracer("t").start_span("lost")
    assert exporter.export([span]) is SpanExportResult.FAILURE  # type: ignore[list-item]
    exporter.shutdown()


def test_nothing_is_written_after_the_shutdown(tmp_path: Path) -> None:
    exporter = telemetry.JsonLines(tmp_path / "spans.jsonl")
    exporter.shutdown()
    exporter.shutdown()
    span = telemetry.provider("unit", otlp_endpoint=None, trace_file=None, ratio=1.0).get_tracer("t").start_span("late")
    assert exporter.export([span]) is SpanExportResult.FAILURE  # type: ignore[list-item]
    assert (tmp_path / "spans.jsonl").read_text() == ""


# OpenTelemetry's provider is set once a process: each of these has one of its own.
def _in_a_process(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_process_traces_through_what_was_configured_and_shutdown_flushes(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from eventkernel import telemetry, tracing
        telemetry.configure("unit", otlp_endpoint=None, trace_file=Path(sys.argv[1]), ratio=1.0)
        with tracing.span("command", stream="s-1"):
            print(tracing.current_traceparent())
        telemetry.shutdown()
    """
    traceparent = _in_a_process(code, tmp_path / "spans.jsonl").strip()
    (span,) = spans(tmp_path / "spans.jsonl")
    assert traceparent.startswith(f"00-{span['trace_id']}-{span['span_id']}-0")


def test_a_step_is_recorded_below_what_is_recorded_and_costs_nothing_elsewhere(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from eventkernel import telemetry, tracing
        telemetry.configure("unit", otlp_endpoint=None, trace_file=Path(sys.argv[1]), ratio=1.0)
        with tracing.step("nowhere"):
            assert tracing.current_traceparent() == ""
        with tracing.span("call") as call, tracing.step("decide", command="c") as step:
            assert step is not call
        unrecorded = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        with tracing.span("call", traceparent=unrecorded):
            before = tracing.current_traceparent()
            with tracing.step("decide"):
                assert tracing.current_traceparent() == before
            assert before[3:35] == unrecorded[3:35] and before.endswith("-00")
        telemetry.shutdown()
    """
    _in_a_process(code, tmp_path / "spans.jsonl")
    decide, call = spans(tmp_path / "spans.jsonl")
    assert (decide["name"], call["name"]) == ("decide", "call")
    assert decide["parent_id"] == call["span_id"]


def test_configuring_twice_is_refused_and_shutting_down_nothing_is_fine() -> None:
    code = """
        from eventkernel import telemetry
        telemetry.shutdown()
        telemetry.configure("unit", otlp_endpoint=None, trace_file=None, ratio=1.0)
        try:
            telemetry.configure("unit", otlp_endpoint=None, trace_file=None, ratio=1.0)
        except telemetry.AlreadyConfigured as told:
            print(told)
        telemetry.shutdown()
    """
    assert "once a process" in _in_a_process(code)


def test_spans_go_to_a_collector_over_grpc() -> None:
    code = """
        from concurrent.futures import ThreadPoolExecutor
        import grpc
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb, trace_service_pb2_grpc as rpc
        from eventkernel import telemetry, tracing

        class Collector(rpc.TraceServiceServicer):
            def Export(self, request, context):
                for of in request.resource_spans:
                    service = {a.key: a.value.string_value for a in of.resource.attributes}["service.name"]
                    print(service, [s.name for scope in of.scope_spans for s in scope.spans], flush=True)
                return pb.ExportTraceServiceResponse()

        server = grpc.server(ThreadPoolExecutor(2))
        rpc.add_TraceServiceServicer_to_server(Collector(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        telemetry.configure("unit", otlp_endpoint=f"http://127.0.0.1:{port}", trace_file=None, ratio=1.0)
        with tracing.span("command"):
            pass
        telemetry.shutdown()
        server.stop(None)
    """
    assert _in_a_process(code).strip() == "unit ['command']"


def test_figures_are_served_on_the_address_until_closed() -> None:
    registry = CollectorRegistry()
    Counter("things_total", "Things", registry=registry).inc(3)
    with telemetry.serve_metrics(0, "127.0.0.1", registry) as endpoint:
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=5) as answer:
            assert "things_total 3.0" in answer.read().decode()
        with pytest.raises(OSError, match="in use"):
            telemetry.serve_metrics(endpoint.port, "127.0.0.1", registry)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=5)
    telemetry.serve_metrics(endpoint.port, "127.0.0.1", registry).close()
