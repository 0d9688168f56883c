"""The platform until it is stopped, at addresses that stay the same, with data that is kept."""

import asyncio
import os
import signal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mentorstream.contracts import SERVICES
from mentorstream.embedded.ports import require_free
from mentorstream.platform import LOCALHOST, Addresses, Platform, platform

_FIRST_PORT = 50051
_LOOK_AGAIN = 0.5


async def up(console: Console, data_dir: Path) -> None:
    """Runs until SIGINT or SIGTERM. Raises StartFailure where a part cannot start, or ends by itself."""
    ports = _ports()
    console.print(f"Starting Kafka, four stores, a mail server and four services; data in {data_dir} ...")
    async with platform(data_dir, ports=ports) as running:
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
    first = int(os.environ.get("MENTORSTREAM_PORT", _FIRST_PORT))
    found = {}
    for number, name in enumerate(SERVICES):
        grpc, health, metrics = (first + 10 * number + part for part in range(3))
        for port, what in ((grpc, "gRPC"), (health, "health"), (metrics, "metrics")):
            require_free(port, f"{name}'s {what}", "MENTORSTREAM_PORT (the first of the platform's ports)")
        found[name] = Addresses(f"{LOCALHOST}:{grpc}", f"{LOCALHOST}:{health}", metrics)
    return found


def _tell(console: Console, running: Platform, data_dir: Path) -> None:
    table = Table(title="The platform is up; Ctrl-C stops it")
    for name in ("", "gRPC", "Health", "Metrics", "Log"):
        table.add_column(name)
    for name, process in running.processes.items():
        where = process.addresses
        table.add_row(
            name,
            where.grpc,
            where.health,
            f"http://{LOCALHOST}:{where.metrics_port}/metrics",
            str(running.log_of(name)),
        )
    console.print(table)
    found = running.infrastructure
    console.print(f"Kafka {found.kafka_bootstrap} ({found.found['kafka']}), mail {found.smtp_host}:{found.smtp_port}")
    data = "" if data_dir == Path.cwd() / ".data" else f" --data-dir {data_dir}"
    console.print("\nA first command: who is on duty at a site.\n", highlight=False)
    rota = '{"siteId": "riverside", "dslId": "dsl-1", "deputyIds": ["deputy-1"], "seniorLeadId": "lead-1"}'
    console.print(
        f"  grpcurl -plaintext -H \"authorization: Bearer $(mentorstream token lead-1 --role senior_lead{data})\" \\\n"
        f"    -d '{rota}' \\\n"
        f"    {running.processes['safeguarding'].addresses.grpc} mentoring.safeguarding.v1.SafeguardingService/SetRota\n",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
