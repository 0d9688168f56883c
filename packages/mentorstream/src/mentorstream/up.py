"""The platform until it is stopped, at addresses that stay the same, with data that is kept."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mentorstream.contracts import SERVICES
from mentorstream.embedded import StartFailure, StartFailureCode
from mentorstream.embedded.ports import require_free
from mentorstream.platform import LOCALHOST, Addresses, Platform, platform

# Below the range that outgoing connections take their ports from.
_FIRST_PORT = 21_051
_HIGHEST_FIRST_PORT = 65_000
_APART = 10
# Behind a service's gRPC, health and metrics.
_PAGES = 3
_LOOK_AGAIN = 0.5
# In the data directory: where the platform listened, for commands that call it.
_REMEMBERED = "listens.json"


async def up(console: Console, data_dir: Path) -> None:
    """Runs until SIGINT or SIGTERM. Raises StartFailure where a part cannot start, or ends by itself."""
    ports = _ports()
    console.print("Starting the four services, and what the environment does not name ...")
    console.print(f"Data: {_from_here(data_dir)}", soft_wrap=True)
    async with platform(data_dir, ports=ports) as running:
        (data_dir / _REMEMBERED).write_text(json.dumps({"first_port": first_port()}))
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        _tell(console, running, data_dir)
        while not stopping.is_set():
            running.require_all()
            try:
                await asyncio.wait_for(stopping.wait(), _LOOK_AGAIN)
            except TimeoutError:
                continue
        console.print("Draining ...")
    console.print("Stopped; the data is kept.")


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
    return f"http://{LOCALHOST}:{_port_of(service, data_dir) + _PAGES}"


def _port_of(service: str, data_dir: Path) -> int:
    first = first_port()
    if "MENTORSTREAM_PORT" not in os.environ:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            first = int(json.loads((data_dir / _REMEMBERED).read_text())["first_port"])
    return first + _APART * SERVICES.index(service)


def _ports() -> dict[str, Addresses]:
    found = {}
    for place, name in enumerate(SERVICES):
        grpc, health, metrics, pages = (first_port() + _APART * place + part for part in (0, 1, 2, _PAGES))
        for port, what in ((grpc, "gRPC"), (health, "health"), (metrics, "metrics"), (pages, "pages")):
            require_free(port, f"the {name} service's {what}", "MENTORSTREAM_PORT (the first of the platform's ports)")
        found[name] = Addresses(f"{LOCALHOST}:{grpc}", f"{LOCALHOST}:{health}", metrics, f"{LOCALHOST}:{pages}")
    return found


def _tell(console: Console, running: Platform, data_dir: Path) -> None:
    table = Table(title=f"The platform is up on {LOCALHOST}; Ctrl-C stops it", box=SIMPLE_HEAD)
    for name in ("Service", "gRPC", "Health (gRPC)", "Metrics (HTTP)"):
        table.add_column(name, justify="left" if name == "Service" else "right", no_wrap=True)
    for name, process in running.processes.items():
        where = process.addresses
        table.add_row(
            name, *(address.rpartition(":")[2] for address in (where.grpc, where.health)), str(where.metrics_port)
        )
    console.print(table)
    print("\n".join(_lines(running, data_dir)), flush=True)  # noqa: T201


def _lines(running: Platform, data_dir: Path) -> Iterator[str]:
    """Where the parts are, and the first command. Printed as it is: a line that is broken to fit the screen cannot be copied."""
    found = running.infrastructure
    yield f"Kafka {found.kafka_bootstrap} ({found.found['kafka']}), stores ({found.found['mongodb']})"
    yield f"Mail {found.smtp_host}:{found.smtp_port} ({found.found['smtp']})"
    yield f"Logs {_from_here(running.data_dir / 'logs')}, those of the run before as *.log.previous"
    yield ""
    yield "The first command on a new platform, by which the senior lead says how soon a"
    yield "concern is to be acknowledged, and who is asked where a site has nobody on duty"
    yield "(then: docs/first-hour.md):"
    yield ""
    yield f"  {_from_here(Path(sys.argv[0]))} call safeguarding SetRoutingPolicy \\"
    elsewhere = "" if data_dir == Path.cwd() / ".data" else f" --data-dir {data_dir}"
    yield f"    --as senior-lead-1 --role senior_lead{elsewhere} \\"
    yield """    '{"immediate_danger": "900s", "serious": "3600s", "other": "28800s","""
    yield """      "last_resort_id": "senior-lead-1"}'"""
    yield ""


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
