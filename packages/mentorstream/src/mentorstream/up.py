"""The platform until it is stopped, at addresses that stay the same, with data that is kept."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mentorstream.contracts import SERVICES
from mentorstream.embedded.ports import require_free
from mentorstream.listening import APART, LOCALHOST, PAGES, REMEMBERED, first_port
from mentorstream.platform import Addresses, Platform, platform

_LOOK_AGAIN = 0.5


async def up(console: Console, data_dir: Path) -> None:
    """Runs until SIGINT or SIGTERM. Raises StartFailure where a part cannot start, or ends by itself."""
    ports = _ports()
    console.print("Starting the four services, and what the environment does not name ...")
    console.print(f"Data: {_from_here(data_dir)}", soft_wrap=True)
    async with platform(data_dir, ports=ports) as running:
        (data_dir / REMEMBERED).write_text(json.dumps({"first_port": first_port()}))
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


def _ports() -> dict[str, Addresses]:
    found = {}
    for place, name in enumerate(SERVICES):
        grpc, health, metrics, pages = (first_port() + APART * place + part for part in (0, 1, 2, PAGES))
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
