"""One trace from the RPC through the commit, the record and the projection to the mail. Text never goes into an attribute."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
# The flags end the header; of their hexadecimal digits the odd ones have the bit.
_RECORDED = frozenset("13579bdf")
_TRACER = trace.get_tracer("eventkernel")
_UNRECORDED: AbstractContextManager[None] = nullcontext()


def context_of(traceparent: str) -> otel_context.Context:
    """The remote context that a W3C `traceparent` names; an empty one where it is empty or malformed."""
    return _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, otel_context.Context())


def is_recorded(traceparent: str) -> bool:
    """Whether a W3C `traceparent` says that its trace is recorded: the last bit of its flags."""
    return traceparent[-1:] in _RECORDED


def current_traceparent() -> str:
    """The W3C `traceparent` of the current span; empty outside one."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return ""
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags:02x}"


@contextmanager
def span(
    name: str, *, traceparent: str | None = None, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int
) -> Iterator[Span]:
    """A span below the current one, or below `traceparent` where that is given. Of an error it keeps the type, never the text.

    For where a trace may begin; within one, `step` costs nothing while nobody records it.
    """
    parent = None if traceparent is None else context_of(traceparent)
    with _TRACER.start_as_current_span(
        name, context=parent, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def step(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int
) -> AbstractContextManager[Span | None]:
    """A part of what the current span is about; nothing where that is not recorded."""
    if not trace.get_current_span().is_recording():
        return _UNRECORDED
    return span(name, traceparent=None, kind=kind, **attributes)


def past_span(
    name: str,
    *,
    traceparent: str,
    start_ns: int,
    end_ns: int,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: str | int,
) -> None:
    """A span that is over already: how each event of a batch shows its part. Nothing where its trace is not recorded."""
    if not is_recorded(traceparent):
        return
    recorded = _TRACER.start_span(
        name, context=context_of(traceparent), kind=kind, attributes=attributes, start_time=start_ns
    )
    recorded.end(end_time=end_ns)
