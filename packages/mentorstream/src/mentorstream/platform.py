"""The whole platform on this machine: Kafka, the stores, a mail server, and the four services, each a process of its own.

Whatever is started here ends with this process. The services share nothing but contracts, topics and the keys of tokens.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from eventkernel.client import Client
from eventkernel.issuer import AUDIENCE, ISSUER, LocalIssuer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mentorstream.contracts import CONTRACTS, SERVICES
from mentorstream.embedded import (
    Infrastructure,
    StartFailure,
    StartFailureCode,
    create_topics,
    infrastructure,
    read_topics,
)
from mentorstream.embedded.child import Child
from mentorstream.embedded.errors import not_ready
from mentorstream.embedded.ports import choose_port
from mentorstream.listening import LOCALHOST, OPERATIONS_TENANT
from mentorstream.topics import topics_file

_READY_WITHIN = 30.0
_LOOK_AGAIN = 0.05
_DRAIN_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one service listens."""

    grpc: str
    health: str
    metrics_port: int
    pages: str = ""


@dataclass
class ServiceProcess:
    """One service process, started with some roles."""

    name: str
    addresses: Addresses
    child: Child
    roles: str = ""

    async def drain(self) -> None:
        """SIGTERM, then the end of the process."""
        await self.child.stop(_DRAIN_WITHIN)

    def kill(self) -> None:
        """SIGKILL: what a crash is."""
        self.child.kill()


@dataclass
class Platform:
    """A running platform."""

    data_dir: Path
    infrastructure: Infrastructure
    issuer: LocalIssuer
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, ServiceProcess] = field(default_factory=dict)
    _channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)

    @property
    def traces(self) -> Path:
        """The folder with one file of spans a service."""
        return self.data_dir / "traces"

    def log_of(self, key: str) -> Path:
        """A service process's log."""
        return self.data_dir / "logs" / f"{key}.log"

    async def start_service(self, name: str, *, roles: str = "", addresses: Addresses | None = None) -> ServiceProcess:
        """Starts a service, or some roles of it, and waits until it says that it is ready.

        Raises StartFailure with the last lines of its log where it does not.
        """
        key = f"{name}-{roles.replace(',', '-')}" if roles else name
        known = self.processes.get(key)
        where = addresses or (known.addresses if known else Addresses(_free(), _free(), choose_port(), _free()))
        log = self.log_of(key)
        command = [sys.executable, "-m", name, *(["--roles", roles] if roles else [])]
        child = Child.start(command, log=log, directory=self.data_dir, environment=self._environment(name, where))
        process = ServiceProcess(name, where, child, roles)
        self.processes[key] = process
        await self._ready(process, log)
        return process

    def client(self, service: str, person_id: str, roles: Sequence[str], *, provider: str) -> Client:
        """A caller of one service as this person."""
        if service not in self._channels:
            self._channels[service] = grpc.aio.insecure_channel(self.processes[service].addresses.grpc)
        token = self.issuer.token(person_id, provider, roles)
        return Client(self._channels[service], CONTRACTS[service], token)

    def require_all(self) -> None:
        """Raises StartFailure where a service has ended by itself."""
        for key, process in self.processes.items():
            if process.child.exit_code is not None:
                raise not_ready(
                    StartFailureCode.SERVICE_ENDED,
                    f"The {process.name} service",
                    None,
                    self.log_of(key),
                    process.child.tail(),
                )

    async def stop(self) -> None:
        """Drains every service, side by side."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        self._channels.clear()
        await asyncio.gather(*(process.drain() for process in self.processes.values()))

    def _environment(self, name: str, where: Addresses) -> dict[str, str]:
        found = self.infrastructure
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP": found.kafka_bootstrap,
            "MONGODB_URI": found.mongodb_uris[name],
            "GRPC_ADDRESS": where.grpc,
            "HEALTH_ADDRESS": where.health,
            "PAGES_ADDRESS": where.pages,
            "METRICS_HOST": LOCALHOST,
            "METRICS_PORT": str(where.metrics_port),
            "KEY_FILE": str(self.data_dir / "keys" / f"{name}.key"),
            "BLOBS": str(self.data_dir / "blobs" / name),
            "JWKS_FILE": str(self.data_dir / "issuer" / "jwks.json"),
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "OPERATIONS_TENANT": OPERATIONS_TENANT,
            "TRACE_FILE": str(self.traces / f"{name}.jsonl"),
            "TRACE_RATIO": "1",
            "SMTP_HOST": found.smtp_host,
            "SMTP_PORT": str(found.smtp_port),
            **self.environment,
        }

    async def _ready(self, process: ServiceProcess, log: Path) -> None:
        until = asyncio.get_running_loop().time() + _READY_WITHIN
        while process.child.exit_code is None and asyncio.get_running_loop().time() < until:
            if await serving(process.addresses.health):
                return
            await asyncio.sleep(_LOOK_AGAIN)
        waited = _READY_WITHIN if process.child.exit_code is None else None
        raise not_ready(
            StartFailureCode.SERVICE_NOT_READY, f"The {process.name} service", waited, log, process.child.tail()
        )


@contextlib.asynccontextmanager
async def platform(
    data_dir: Path, *, ports: Mapping[str, Addresses] | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Platform]:
    """Starts everything below `data_dir`, which is kept, and stops everything at the end, however it comes.

    Args:
        ports: where each service listens; free ports where none are given.
        environment: more variables for the services.
    """
    await asyncio.to_thread(_make_folders, data_dir)
    async with infrastructure(data_dir, databases=list(SERVICES)) as found:
        await create_topics(found.kafka_bootstrap, read_topics(topics_file()))
        issuer = LocalIssuer(data_dir / "issuer", os.environ.get("MENTORSTREAM_MODE", "local"))
        running = Platform(data_dir, found, issuer, environment or {})
        try:
            await asyncio.gather(*(running.start_service(name, addresses=(ports or {}).get(name)) for name in SERVICES))
            yield running
        finally:
            await running.stop()


def _make_folders(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("keys", "issuer", "traces", "logs"):
            (data_dir / folder).mkdir(exist_ok=True)
    except OSError as error:
        raise StartFailure(
            StartFailureCode.DATA_DIR_NOT_USABLE,
            f"The data directory {data_dir} cannot be used: {error.strerror}.",
            "Give another one with --data-dir, or MENTORSTREAM_DATA.",
        ) from error


async def serving(address: str) -> bool:
    """Whether gRPC's health service at this address says that it serves."""
    # A channel waits longer after each failed attempt: a new one asks at once.
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _free() -> str:
    return f"{LOCALHOST}:{choose_port()}"
