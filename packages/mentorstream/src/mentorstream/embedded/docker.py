"""Kafka and MongoDB in containers, when a Docker daemon answers.

Invariant: the containers go with this process (testcontainers' reaper removes them even after a kill -9); their data
is in named volumes, one set a data directory, and stays.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from mentorstream.embedded.errors import StartFailure, StartFailureCode
from mentorstream.embedded.jars import KAFKA_VERSION
from mentorstream.embedded.kafka_settings import Node, cluster_id, properties
from mentorstream.embedded.polling import becomes
from mentorstream.embedded.ports import HOST, choose_port
from mentorstream.embedded.topics import brokers_answering

KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
MONGODB_IMAGE = "mongo:8.0"
CONTROLLER_PORT = 9093
DAEMON_SECONDS = 5.0
READY_SECONDS = 90.0


async def docker_answers(within: float = DAEMON_SECONDS) -> bool:
    """Whether containers can be started: the daemon answers `docker info`, and testcontainers is installed.

    A client on PATH says nothing: it may have no daemon to talk to.

    Args:
        within: seconds to wait for the daemon.
    """
    program = shutil.which("docker")
    if program is None or importlib.util.find_spec("testcontainers") is None:
        return False
    process = await asyncio.create_subprocess_exec(
        program, "info", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(within):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def kafka_environment(node: Node, data_dir: Path) -> dict[str, str]:
    """The Kafka image's environment: the embedded broker's properties, listening on every address of the container."""
    settings = dict(properties(node, [node], "/var/lib/kafka/data"))
    settings["listeners"] = settings["listeners"].replace(HOST, "0.0.0.0")  # noqa: S104  inside the container
    named = {f"KAFKA_{key.replace('.', '_').upper()}": value for key, value in settings.items()}
    # The id must be the same in every run: the volume is formatted with it.
    return {**named, "CLUSTER_ID": cluster_id(hashlib.sha256(_name(data_dir, "kafka").encode()).digest()[:16])}


@contextlib.asynccontextmanager
async def kafka_container(data_dir: Path) -> AsyncIterator[str]:
    """A Kafka container; gives its bootstrap address.

    Raises:
        StartFailure: BROKER_NOT_READY.
    """
    node = Node(1, choose_port(), CONTROLLER_PORT)
    container = _container(KAFKA_IMAGE).with_bind_ports(node.port, node.port)
    for key, value in kafka_environment(node, data_dir).items():
        container = container.with_env(key, value)
    container = container.with_volume_mapping(_name(data_dir, "kafka"), "/var/lib/kafka/data", "rw")
    bootstrap = f"{HOST}:{node.port}"

    async def answering() -> bool:
        return await brokers_answering(bootstrap) > 0

    async with _running(container, StartFailureCode.BROKER_NOT_READY, answering):
        yield bootstrap


@contextlib.asynccontextmanager
async def mongodb_container(data_dir: Path) -> AsyncIterator[str]:
    """A MongoDB container, a replica set of one member (transactions and change streams need one); gives its URI.

    Raises:
        StartFailure: STORE_NOT_READY.
    """
    port = choose_port()
    container = (
        _container(MONGODB_IMAGE).with_bind_ports(27017, port).with_command(["--replSet", "rs0", "--bind_ip_all"])
    )
    container = container.with_volume_mapping(_name(data_dir, "mongodb"), "/data/db", "rw")
    uri = f"mongodb://{HOST}:{port}/?directConnection=true"
    async with _running(container, StartFailureCode.STORE_NOT_READY, lambda: _is_primary(uri)):
        yield uri


async def _is_primary(uri: str) -> bool:
    """Whether it takes writes; on the way there, the replica set is made if it is new."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, serverSelectionTimeoutMS=1000)
    members = {"_id": "rs0", "members": [{"_id": 0, "host": "127.0.0.1:27017"}]}
    try:
        hello = await client.admin.command("hello")
        if "setName" not in hello:
            await client.admin.command("replSetInitiate", members)
        return bool(hello.get("isWritablePrimary"))
    except PyMongoError:  # it is still starting
        return False
    finally:
        await client.close()


def _container(image: str) -> Any:
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415  an optional dependency

    return DockerContainer(image)


def _name(data_dir: Path, part: str) -> str:
    return f"mentorstream-{hashlib.sha256(os.fsencode(data_dir.absolute())).hexdigest()[:12]}-{part}"


@contextlib.asynccontextmanager
async def _running(container: Any, code: StartFailureCode, ready: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Start the container, wait until it is ready, and remove it in the end."""
    try:
        await asyncio.to_thread(container.start)
        if not await becomes(ready, within=READY_SECONDS, every=0.2):
            raise StartFailure(
                code,
                f"The container of {container.image} did not get ready within {READY_SECONDS:g} s.",
                "Read its log (docker logs), or set the address of a running server in the environment.",
            )
        yield
    finally:
        await asyncio.to_thread(container.stop)
