"""Where spans and figures go. What is recorded before `shutdown` returns is out of the process by then."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server

_LOG = structlog.stdlib.get_logger(__name__)
_FILE_DELAY_MS = 200


class AlreadyConfigured(Exception):
    """Tracing was set up before in this process: OpenTelemetry allows it once."""


def configure(service: str, *, otlp_endpoint: str | None, trace_file: Path | None, ratio: float) -> None:
    """Sets up tracing for this process, once.

    Args:
        service: the resource's `service.name`.
        otlp_endpoint: a collector for OTLP over gRPC, `http://host:4317` or `https://...`; None: none.
        trace_file: a file that gets one JSON object a span; None: none.
        ratio: the share of traces that begin here and are recorded, 0 to 1. One that began elsewhere is decided there.

    Raises:
        AlreadyConfigured: it was set up before.
        ValueError: the ratio is not between 0 and 1.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        raise AlreadyConfigured("tracing is set up already: configure it once a process")
    trace.set_tracer_provider(provider(service, otlp_endpoint=otlp_endpoint, trace_file=trace_file, ratio=ratio))


def provider(service: str, *, otlp_endpoint: str | None, trace_file: Path | None, ratio: float) -> TracerProvider:
    """A tracer provider as `configure` makes it the process's; its `shutdown` flushes it."""
    made = TracerProvider(
        resource=Resource.create({SERVICE_NAME: service}), sampler=ParentBased(TraceIdRatioBased(ratio))
    )
    if otlp_endpoint is not None:
        # Imported where it is used: it would cost every other process a tenth of a second at its start.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_endpoint)))
    if trace_file is not None:
        made.add_span_processor(BatchSpanProcessor(JsonLines(trace_file), schedule_delay_millis=_FILE_DELAY_MS))
    return made


def shutdown() -> None:
    """Flushes what is recorded and ends tracing; nothing where it was never set up."""
    current = trace.get_tracer_provider()
    if isinstance(current, TracerProvider):
        current.shutdown()


class JsonLines(SpanExporter):
    """Appends one JSON object a span to a file, which several processes may share."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._open = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Writes the spans in one go, so that no other process's lines come between."""
        lines = "".join(json.dumps(_line(span)) + "\n" for span in spans).encode()
        with self._lock:
            if not self._open:
                return SpanExportResult.FAILURE
            try:
                written = os.write(self._descriptor, lines)
            except OSError as error:
                _LOG.warning("spans not written", file=self._path, reason=error.strerror)
                return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if written == len(lines) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Closes the file. Nothing is buffered here."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._descriptor)


class MetricsEndpoint:
    """The figures at `/metrics`, until it is closed. `port` is the one that is bound."""

    def __init__(self, port: int, address: str, registry: CollectorRegistry) -> None:
        self._server, self._thread = start_http_server(port, addr=address, registry=registry)
        self.port = self._server.server_port

    def close(self) -> None:
        """Stops answering and frees the port; takes up to half a second."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def serve_metrics(port: int, address: str = "127.0.0.1", registry: CollectorRegistry = REGISTRY) -> MetricsEndpoint:
    """Serves `/metrics` from a thread of its own on this address; port 0 takes a free one. Raises OSError where it is taken."""
    return MetricsEndpoint(port, address, registry)


def _line(span: ReadableSpan) -> dict[str, object]:
    context = span.get_span_context()
    if context is None:
        raise ValueError(f"the span {span.name} has no context")
    return {
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
        "parent_id": trace.format_span_id(span.parent.span_id) if span.parent is not None else None,
        "name": span.name,
        "service": span.resource.attributes.get(SERVICE_NAME),
        "kind": span.kind.name,
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "attributes": dict(span.attributes or {}),
        "status": span.status.status_code.name,
    }
