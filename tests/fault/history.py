"""What was asked and what came of it, written down as it happens: one JSON object a line, and nothing is ever changed.

The checker reads this file and not the memory of whoever gave the commands.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class History:
    """A run's history, being written. Times are seconds since the run began, by a clock that never jumps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self._began = time.monotonic()

    def now(self) -> float:
        """Seconds since the run began."""
        return round(time.monotonic() - self._began, 4)

    def write(self, what: str, **facts: Any) -> None:
        """Adds one line."""
        line = {"t": self.now(), "what": what, **facts}
        self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Ends the file; it stays."""
        self._file.close()


@dataclass
class Operation:
    """One command as its caller saw it, from the first attempt to the last; all of them under one key."""

    key: str
    tenant: str
    service: str
    command: str
    invoked: float
    tries: int = 0
    acknowledged: float | None = None
    stream: str = ""
    version: int = 0
    types: tuple[str, ...] = ()
    refused: str = ""
    doubts: list[str] = field(default_factory=list)

    @property
    def certain(self) -> bool:
        """Whether the caller knows what became of it."""
        return self.acknowledged is not None or (bool(self.refused) and not self.doubts)


@dataclass(frozen=True, slots=True)
class Reading:
    """One read of a list: when it was asked for and answered, and what it showed."""

    of: str
    invoked: float
    answered: float
    found: tuple[str, ...]


@dataclass
class Told:
    """What a history file says of one tenant."""

    operations: dict[str, Operation] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    overloads: int = 0
    overloads_with_hint: int = 0


def told(path: Path, tenant: str) -> Told:
    """Reads a history file."""
    found = Told()
    for line in _lines(path):
        if line.get("tenant") != tenant:
            continue
        if line["what"] == "injected":
            found.injected.append(line["text"])
        elif line["what"] == "read":
            found.readings.append(Reading(line["of"], line["invoked"], line["t"], tuple(line["found"])))
        else:
            _operation(found, line)
    return found


def _operation(found: Told, line: dict[str, Any]) -> None:
    key = line["key"]
    if line["what"] == "invoked":
        known = found.operations.setdefault(
            key, Operation(key, line["tenant"], line["service"], line["command"], line["t"])
        )
        known.tries += 1
        return
    operation = found.operations[key]
    if line["what"] == "acknowledged":
        if operation.acknowledged is None:
            operation.acknowledged = line["t"]
            operation.stream, operation.version, operation.types = line["stream"], line["version"], tuple(line["types"])
        elif (operation.version, operation.types) != (line["version"], tuple(line["types"])):
            operation.doubts.append(f"a repeat was answered with version {line['version']}, not {operation.version}")
    elif line["what"] == "refused":
        operation.refused = line["reason"]
        if line["reason"] == "OVERLOADED":
            found.overloads += 1
            found.overloads_with_hint += bool(line.get("hint"))
    else:
        operation.doubts.append(line["reason"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
