"""The platform as real processes, each of which can be killed, stopped and started again: brokers, stores, and services by role.

Services reach brokers, stores and mail through proxies, so that the network can fail too; the checker goes straight to them.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from eventkernel.client import Client
from eventkernel.issuer import AUDIENCE, ISSUER, LocalIssuer
from eventkernel.operations.contract import CONTRACT as OPERATIONS
from mentorstream.contracts import CONTRACTS, SERVICES
from mentorstream.embedded import KafkaEmbedded, SmtpEmbedded, StoreEmbedded, create_topics, read_topics
from mentorstream.embedded.child import Child
from mentorstream.embedded.polling import becomes
from mentorstream.embedded.ports import HOST, choose_port
from mentorstream.embedded.store import answers
from mentorstream.platform import Addresses, serving
from mentorstream.topics import topics_file

from tests.fault import planted
from tests.fault.proxy import Proxy
from tests.fault.switches import FOLDER, PROCESS, Switches

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 90.0
ROLES_OF_ALL = "relay,projector,reactor"
_STARTING_AT_ONCE = 4
_DISK_MB = 512
STORE_WITH_A_DISK = "safeguarding"
# A channel whose server was killed has to find the next one soon.
_CHANNEL = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))


class NotInTime(Exception):
    """What the suite waited for did not come; says what."""


@dataclass
class Process:
    """One service process: `sessions.relay`, or a second of it, `sessions.relay#2`."""

    name: str
    roles: str
    addresses: Addresses
    switches: Switches
    child: Child | None = None

    @property
    def service(self) -> str:
        """Whose process it is."""
        return self.name.partition(".")[0]

    @property
    def pid(self) -> int:
        """Its process id."""
        if self.child is None:
            raise RuntimeError(f"{self.name} was never started")
        return self.child.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.exit_code is None


@dataclass
class World:
    """Everything that runs. Whatever was started is ended with it, by its id."""

    folder: Path
    kafka: KafkaEmbedded
    stores: dict[str, StoreEmbedded]
    mailbox: SmtpEmbedded
    issuer: LocalIssuer
    brokers: int
    bug: bool = False
    disks: dict[str, Path] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    broker_proxies: list[Proxy] = field(default_factory=list)
    store_proxies: dict[str, Proxy] = field(default_factory=dict)
    mail_proxy: Proxy | None = None
    _channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    _starting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_STARTING_AT_ONCE))

    def of_role(self, role: str) -> list[Process]:
        """The running processes that have this role."""
        return [process for process in self.processes.values() if role in process.roles.split(",") and process.alive]

    def having(self, service: str, role: str) -> Process:
        """The first process of a service with a role."""
        return next(process for process in self.of_role(role) if process.service == service)

    async def start(self, name: str, roles: str = "", *, ready: bool = True) -> Process:
        """Starts a process, or starts it again, with what its switches say; waits until it is ready.

        Args:
            name: `<service>.<anything>`.
            roles: its roles; what it had before where they are not given.
        """
        known = self.processes.get(name)
        process = known or Process(name, roles, _free_addresses(), Switches(self.folder / "switches", name))
        self.processes[name] = process
        async with self._starting:
            command = [sys.executable, "-m", "tests.fault.process", process.service, "--roles", process.roles]
            process.child = Child.start(
                command, log=self.log_of(name), directory=self.folder, environment=self._environment(process)
            )
            if ready:
                await self.until_ready(process)
        return process

    async def until_ready(self, process: Process) -> None:
        """Waits until it says that it serves; raises NotInTime with its last words where it does not."""

        async def ready() -> bool:
            return not process.alive or await serving(process.addresses.health)

        if not await becomes(ready, within=READY_WITHIN) or not process.alive:
            raise NotInTime(f"{process.name} did not start:\n{process.child.tail() if process.child else ''}")

    async def revive(self) -> list[str]:
        """Starts every process again that has ended; their names."""
        ended = [process for process in self.processes.values() if not process.alive]
        await asyncio.gather(*(self.start(process.name) for process in ended))
        return [process.name for process in ended]

    def kill(self, process: Process) -> None:
        """SIGKILL; returns when it is gone."""
        if process.child is not None:
            process.child.kill()

    async def end(self, process: Process, within: float) -> bool:
        """SIGTERM, and whether it ended by itself within so many seconds."""
        os.kill(process.pid, signal.SIGTERM)
        return process.child is not None and await process.child.ended_within(within)

    async def forget(self, process: Process) -> None:
        """Ends a process that was only there for a fault."""
        if process.child is not None:
            await process.child.stop(20.0)
        del self.processes[process.name]
        if channel := self._channels.pop(process.name, None):
            await channel.close()

    async def until_ended(self, process: Process, within: float = 60.0) -> None:
        """Waits until a process has died by itself, as at a crash point."""
        if process.child is None or not await process.child.ended_within(within):
            raise NotInTime(f"{process.name} was to die and still runs")

    def signal(self, number: signal.Signals, *pids: int | None) -> None:
        """Sends a signal to processes by their ids."""
        for pid in pids:
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    async def restart_store(self, service: str) -> None:
        """Starts a store again that was killed, on its port and its data."""
        store = self.stores[service]
        await store.stop()
        await store.start()

    async def mend(self) -> None:
        """Puts right whatever a fault that broke off has left behind, so that the next one finds a whole platform."""
        for proxy in self._proxies():
            proxy.heal()
        for disk in self.disks.values():
            (disk / "filler").unlink(missing_ok=True)
        pids = [process.pid for process in self.processes.values() if process.alive]
        self.signal(signal.SIGCONT, *pids, *self.kafka.pids, *(store.pid for store in self.stores.values()))
        await self.kafka.revive()
        for service, store in self.stores.items():
            if not await answers(store.uri, within=5.0):
                await self.restart_store(service)
        await self.revive()

    def client(self, process: Process, person_id: str, roles: Sequence[str], tenant: str) -> Client:
        """A caller of one API process."""
        token = self.issuer.token(person_id, tenant, roles)
        return Client(self._channel(process), CONTRACTS[process.service], token)

    def operator(self, service: str, tenant: str) -> Client:
        """A caller of the operations RPC of a service, as an operator of one provider."""
        token = self.issuer.token("operator", tenant, ["operator"])
        return Client(self._channel(self.having(service, "api")), OPERATIONS, token)

    def log_of(self, name: str) -> Path:
        """A process's log."""
        return self.folder / "logs" / f"{name}.log"

    async def stop(self) -> None:
        """Ends everything, at once where it does not end in order."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            self.kill(process)
        for proxy in self._proxies():
            await proxy.stop()
        for number in range(1, len(self.kafka.pids) + 1):
            self.kafka.kill(number)
        self.signal(signal.SIGKILL, *(store.pid for store in self.stores.values()))
        await asyncio.gather(self.kafka.stop(), self.mailbox.stop(), *(store.stop() for store in self.stores.values()))
        for disk in self.disks.values():
            await asyncio.to_thread(_unmount, disk)

    def _channel(self, process: Process) -> grpc.aio.Channel:
        if process.name not in self._channels:
            self._channels[process.name] = grpc.aio.insecure_channel(process.addresses.grpc, options=_CHANNEL)
        return self._channels[process.name]

    def _proxies(self) -> list[Proxy]:
        mail = [self.mail_proxy] if self.mail_proxy else []
        return [*self.broker_proxies, *self.store_proxies.values(), *mail]

    def _environment(self, process: Process) -> dict[str, str]:
        service, where, mail = process.service, process.addresses, self.mail_proxy
        return {
            **{name: value for name, value in os.environ.items() if name not in ("OTLP_ENDPOINT", "TRACE_FILE")},
            "PYTHONPATH": str(ROOT),
            FOLDER: str(self.folder / "switches"),
            PROCESS: process.name,
            planted.VARIABLE: "1" if self.bug else "",
            "KAFKA_BOOTSTRAP": ",".join(f"{HOST}:{proxy.port}" for proxy in self.broker_proxies),
            "MONGODB_URI": f"mongodb://{HOST}:{self.store_proxies[service].port}/?directConnection=true",
            "GRPC_ADDRESS": where.grpc,
            "HEALTH_ADDRESS": where.health,
            "METRICS_HOST": HOST,
            "METRICS_PORT": str(where.metrics_port),
            "KEY_FILE": str(self.folder / "keys" / f"{service}.key"),
            "JWKS_FILE": str(self.folder / "issuer" / "jwks.json"),
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "SMTP_HOST": HOST,
            "SMTP_PORT": str(mail.port if mail else 0),
            # Together well within the lease of a due row, as `seams` sets it.
            "SMTP_SECONDS": "2",
            "SMTP_ANSWER_SECONDS": "3",
            "MAIL_RETRY_FIRST_SECONDS": "0.5",
            "MAIL_RETRY_LONGEST_SECONDS_SAFEGUARDING": "5",
            "SHUTDOWN_SECONDS": "4",
        }


@contextlib.asynccontextmanager
async def world(folder: Path, *, brokers: int = 1, bug: bool = False, apart: bool = True) -> AsyncIterator[World]:
    """The whole platform in a folder of its own, started, and ended however this ends.

    Args:
        folder: where everything is kept.
        brokers: 1 or 3.
        bug: whether the planted bugs are in the services, each for the tenant that it is named after.
        apart: every role in a process of its own; else the API, and all the rest of a service in one.
    """
    disks = await asyncio.to_thread(_prepare, folder)
    told = [choose_port() for _ in range(brokers)]
    made = World(
        folder,
        KafkaEmbedded(folder / "kafka", brokers=brokers, told_ports=told, space_needed=0),
        {name: StoreEmbedded(folder / "stores" / name, space_needed=0) for name in SERVICES},
        SmtpEmbedded(),
        LocalIssuer(folder / "issuer", "local"),
        brokers,
        bug,
        disks,
    )
    try:
        await asyncio.gather(
            made.kafka.start(), made.mailbox.start(), *(store.start() for store in made.stores.values())
        )
        made.broker_proxies = [Proxy(port, node.side_port) for port, node in zip(told, made.kafka.nodes, strict=True)]
        made.store_proxies = {name: Proxy(choose_port(), store.port) for name, store in made.stores.items()}
        made.mail_proxy = Proxy(choose_port(), made.mailbox.port)
        for proxy in [*made.broker_proxies, *made.store_proxies.values(), made.mail_proxy]:
            await proxy.start()
        await create_topics(made.kafka.bootstrap, read_topics(topics_file()))
        await asyncio.gather(*(made.start(name, roles) for name, roles in _layout(apart)))
        yield made
    finally:
        await made.stop()


def _layout(apart: bool) -> list[tuple[str, str]]:
    if not apart:
        return [row for service in SERVICES for row in ((f"{service}.api", "api"), (f"{service}.work", ROLES_OF_ALL))]
    return [(f"{service}.{role}", role) for service in SERVICES for role in ("api", "relay", "projector", "reactor")]


def _free_addresses() -> Addresses:
    return Addresses(f"{HOST}:{choose_port()}", f"{HOST}:{choose_port()}", choose_port())


def _prepare(folder: Path) -> dict[str, Path]:
    """Makes the folders, and puts the first broker's data and one store on small disks of their own, where that is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("keys", "issuer", "logs", "switches"):
        (folder / name).mkdir(exist_ok=True)
    disks = {}
    for name, place in (("broker", folder / "kafka"), ("store", folder / "stores" / STORE_WITH_A_DISK)):
        place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            disks[name] = place
    return disks


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)
