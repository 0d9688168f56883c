"""One event's path through the platform, read from the traces that the services wrote."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when it began after the first, and how long it took, in milliseconds."""

    service: str
    name: str
    begins: float
    takes: float
    depth: int


def new_traceparent() -> str:
    """A W3C traceparent of a new trace that is recorded."""
    return f"00-{token_hex(16)}-{token_hex(8)}-01"


def path_of(traces: Path, traceparent: str) -> list[Step]:
    """The steps of a trace over all services, by their beginnings; each below the one that caused it."""
    trace_id = traceparent.split("-")[1]
    spans = [span for span in _spans(traces) if span["trace_id"] == trace_id]
    if not spans:
        return []
    by_id = {str(span["span_id"]): span for span in spans}
    first = min(_int(span["start_ns"]) for span in spans)
    steps = [
        Step(
            service=str(span["service"]),
            name=str(span["name"]),
            begins=(_int(span["start_ns"]) - first) / 1e6,
            takes=(_int(span["end_ns"]) - _int(span["start_ns"])) / 1e6,
            depth=_depth(span, by_id),
        )
        for span in spans
    ]
    return sorted(steps, key=lambda step: (step.begins, step.depth))


def _spans(traces: Path) -> Iterator[dict[str, object]]:
    for file in sorted(traces.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            try:
                span = json.loads(line)
            except json.JSONDecodeError:
                continue  # the last line of a process that was killed while it wrote
            if isinstance(span, dict):
                yield span


def _depth(span: dict[str, object], by_id: dict[str, dict[str, object]]) -> int:
    parent = by_id.get(str(span.get("parent_id")))
    return 0 if parent is None else _depth(parent, by_id) + 1


def _int(value: object) -> int:
    return int(str(value))
