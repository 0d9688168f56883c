"""A real database for the kernel's tests: the one that MONGODB_URI names, else one in a container, else an embedded one."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from mentorstream.embedded import locate
from mentorstream.embedded.testing import beside
from pymongo import MongoClient

pytest.register_assert_rewrite("eventkernel.testing.store_suite")


class StartSecantusd(Protocol):
    def __call__(self, storage: Path, port: int) -> "subprocess.Popen[bytes]": ...


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def find() -> int:
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def start_secantusd() -> Iterator[StartSecantusd]:
    """Starts an embedded database over a storage path, and waits until it answers. All are ended with the session.

    For tests that kill it: no test may do that to a database that others use, or to one that the environment names.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(storage: Path, port: int) -> "subprocess.Popen[bytes]":
        program = Path(sys.executable).with_name("secantusd-py")
        options = ["--port", str(port), "--storage-path", str(storage), "--log-level", "ERROR", "--sync-on-commit"]
        log = storage.with_suffix(".log")
        with log.open("ab") as output:
            process = subprocess.Popen([program, *options], stdout=output, stderr=output)
        started.append(process)
        deadline = time.monotonic() + 30
        with MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=200) as client:
            while True:
                try:
                    client.admin.command("ping")
                except Exception:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"the embedded database did not start: {log.read_text()}") from None
                    time.sleep(0.05)
                else:
                    return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database that lives through the session. Tests share it: each takes a database name of its own."""
    with beside(locate.store(tmp_path_factory.mktemp("mongodb"))) as uri:
        yield uri
