"""Ready: from a service's process start until it says SERVING, with Kafka and its store up."""

import asyncio
import os
import sys
import time
from pathlib import Path

from eventkernel.issuer import AUDIENCE, ISSUER, LocalIssuer
from mentorstream.embedded import Infrastructure, create_topics, infrastructure, read_topics
from mentorstream.embedded.child import Child
from mentorstream.embedded.ports import choose_port
from mentorstream.platform import serving
from mentorstream.topics import topics_file

from bench.measure import Asked, Figure, Wrong, by_turns, check

_PATIENCE, _LOOK_AGAIN, _DRAIN = 30.0, 0.01, 20.0


async def run(asked: Asked) -> list[Figure]:
    """The sessions service, all its roles; against a process that loads the same libraries and says SERVING."""
    folder = Path(asked.folder) / "ready"
    async with infrastructure(folder, databases=["sessions"]) as found:
        await create_topics(found.kafka_bootstrap, read_topics(topics_file()))
        environment = await asyncio.to_thread(_environment, folder, found)

        async def ours(_: int) -> float:
            return await _start("sessions", folder, environment)

        async def bare(_: int) -> float:
            return await _start("bench.bare_service", folder, environment)

        kept = await by_turns(asked.rounds, ours, bare)
    return [Figure("ready", "a bare process: same libraries, both servers pinged, health served", "s", *kept, most=2)]


async def _start(module: str, folder: Path, environment: dict[str, str]) -> float:
    address = f"127.0.0.1:{choose_port()}"
    own = {"GRPC_ADDRESS": f"127.0.0.1:{choose_port()}", "HEALTH_ADDRESS": address, "METRICS_PORT": str(choose_port())}
    began = time.perf_counter()
    child = Child.start(
        [sys.executable, "-m", module], log=folder / f"{module}.log", directory=folder, environment=environment | own
    )
    try:
        while not await serving(address):
            if child.exit_code is not None or time.perf_counter() - began > _PATIENCE:
                raise Wrong(f"{module} is not ready: {child.tail()}")
            await asyncio.sleep(_LOOK_AGAIN)
        seconds = time.perf_counter() - began
    finally:
        await child.stop(_DRAIN)
    check(child.exit_code, 0, f"how {module} ended")
    return seconds


def _environment(folder: Path, found: Infrastructure) -> dict[str, str]:
    issuer = LocalIssuer(folder, "local")
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "KAFKA_BOOTSTRAP": found.kafka_bootstrap,
        "MONGODB_URI": found.mongodb_uris["sessions"],
        "METRICS_HOST": "127.0.0.1",
        "KEY_FILE": str(folder / "key"),
        "JWKS_FILE": str(issuer.jwks),
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_AUDIENCE": AUDIENCE,
    }
