"""Where the platform on this machine listens: its ports, and what a command finds of them in the data directory."""

import contextlib
import json
import os
from pathlib import Path

from mentorstream.contracts import SERVICES
from mentorstream.embedded import StartFailure, StartFailureCode

LOCALHOST = "127.0.0.1"
# Whose operators see all providers.
OPERATIONS_TENANT = "operations"
# Between the ports of one service and those of the next.
APART = 10
# Behind a service's gRPC, health and metrics.
PAGES = 3
# In the data directory: where the platform listened, for commands that call it.
REMEMBERED = "listens.json"
# Below the range that outgoing connections take their ports from.
_FIRST_PORT = 21_051
_HIGHEST_FIRST_PORT = 65_000


def first_port() -> int:
    """The first of the platform's ports; raises StartFailure where MENTORSTREAM_PORT is none."""
    given = os.environ.get("MENTORSTREAM_PORT", str(_FIRST_PORT))
    if not given.isascii() or not given.isdecimal() or not 1024 <= int(given) <= _HIGHEST_FIRST_PORT:
        raise StartFailure(
            StartFailureCode.ADDRESS_NOT_VALID,
            f"MENTORSTREAM_PORT is {given!r}.",
            f"Set it to a number from 1024 to {_HIGHEST_FIRST_PORT}: the first of the platform's ports.",
        )
    return int(given)


def address_of(service: str, data_dir: Path) -> str:
    """Where the API of a service listens whose platform was last brought up with this data, on this machine."""
    return f"{LOCALHOST}:{_port_of(service, data_dir)}"


def pages_of(service: str, data_dir: Path) -> str:
    """The same of its HTTP pages: what their addresses begin with."""
    return f"http://{LOCALHOST}:{_port_of(service, data_dir) + PAGES}"


def _port_of(service: str, data_dir: Path) -> int:
    first = first_port()
    if "MENTORSTREAM_PORT" not in os.environ:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            first = int(json.loads((data_dir / REMEMBERED).read_text())["first_port"])
    return first + APART * SERVICES.index(service)
