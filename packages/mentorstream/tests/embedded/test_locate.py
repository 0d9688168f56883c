"""The order of the search, and that everything ends however the process ends."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from mentorstream.embedded import KafkaEmbedded, StartFailure, StartFailureCode, StoreEmbedded, infrastructure, locate
from mentorstream.embedded.directory import DirectoryLock
from mentorstream.embedded.docker import docker_answers, kafka_environment
from mentorstream.embedded.kafka_settings import Node
from mentorstream.embedded.smtp import SmtpEmbedded
from mentorstream.embedded.store import answers
from mentorstream.embedded.testing import Parent, beside, children_of, eventually, is_alive

STARTS_EVERYTHING = """
import asyncio, pathlib, sys
from mentorstream.embedded import infrastructure
async def main():
    async with infrastructure(pathlib.Path(sys.argv[1]), databases=["sessions"], environment={}) as found:
        print(found.kafka_bootstrap, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""

pytestmark = pytest.mark.usefixtures("no_orphans")


@pytest.fixture(autouse=True)
def no_docker_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_docker(tmp_path, monkeypatch, "exit 1")


def a_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """A Docker client on PATH that does only this, whatever is installed."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")


async def test_without_addresses_and_daemon_everything_is_embedded_and_ends(tmp_path: Path) -> None:
    before = children_of(os.getpid())
    async with infrastructure(tmp_path / "data", databases=["sessions", "evidence"], environment={}) as found:
        started = children_of(os.getpid()) - before
        assert dict(found.found) == {"kafka": "embedded", "mongodb": "embedded", "smtp": "embedded"}
        assert set(found.mongodb_uris) == {"sessions", "evidence"}
        assert len(set(found.mongodb_uris.values())) == 2
        assert set(found.start_seconds) == {"kafka", "mongodb", "smtp"}
        assert found.mailbox is not None
        assert len(started) == 3
    assert not any(is_alive(pid) for pid in started)


async def test_addresses_in_the_environment_come_first_and_are_not_stopped(tmp_path: Path) -> None:
    async with (
        KafkaEmbedded(tmp_path / "kafka") as kafka,
        StoreEmbedded(tmp_path / "store") as store,
        SmtpEmbedded() as mail,
    ):
        environment = {
            "KAFKA_BOOTSTRAP": kafka.bootstrap,
            "MONGODB_URI": store.uri,
            "SMTP_URL": f"smtp://{mail.host}:{mail.port}",
        }
        async with infrastructure(tmp_path / "data", databases=["a", "b"], environment=environment) as found:
            assert set(found.found.values()) == {"environment"}
            assert found.kafka_bootstrap == kafka.bootstrap
            assert dict(found.mongodb_uris) == {"a": store.uri, "b": store.uri}
            assert (found.smtp_host, found.smtp_port, found.mailbox) == (mail.host, mail.port, None)
        assert all(is_alive(pid) for pid in kafka.pids)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("KAFKA_BOOTSTRAP", "127.0.0.1:1", StartFailureCode.BROKER_NOT_READY),
        ("MONGODB_URI", "mongodb://127.0.0.1:1/?directConnection=true", StartFailureCode.STORE_NOT_READY),
        ("KAFKA_BOOTSTRAP", "127.0.0.1", StartFailureCode.ADDRESS_NOT_VALID),
        ("KAFKA_BOOTSTRAP", "127.0.0.1:1,broker:", StartFailureCode.ADDRESS_NOT_VALID),
        ("MONGODB_URI", "127.0.0.1:1", StartFailureCode.ADDRESS_NOT_VALID),
        ("SMTP_URL", "smtp://127.0.0.1:1", StartFailureCode.MAIL_NOT_READY),
        ("SMTP_URL", "mail.test:25", StartFailureCode.ADDRESS_NOT_VALID),
        ("SMTP_URL", "smtp://mail.test:many", StartFailureCode.ADDRESS_NOT_VALID),
    ],
)
async def test_an_address_that_leads_nowhere_is_an_error_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, code: StartFailureCode
) -> None:
    monkeypatch.setattr("mentorstream.embedded.locate.REACHED_WITHIN", 0.5)
    with pytest.raises(StartFailure) as caught:
        async with infrastructure(tmp_path / "data", databases=["a"], environment={variable: value}):
            pass
    assert caught.value.code is code
    assert variable in caught.value.what


async def test_one_part_that_fails_stops_the_others(tmp_path: Path) -> None:
    other_run = DirectoryLock(tmp_path / "data" / "stores" / "b")
    await other_run.acquire()
    try:
        with pytest.raises(StartFailure) as caught:
            async with infrastructure(tmp_path / "data", databases=["a", "b"], environment={}):
                pass
    finally:
        other_run.release()
    assert caught.value.code is StartFailureCode.DATA_DIR_LOCKED
    assert "stores/b" in caught.value.what
    free = DirectoryLock(tmp_path / "data" / "kafka")
    await free.acquire(patience=0)
    free.release()


async def test_an_error_inside_ends_everything_and_passes(tmp_path: Path) -> None:
    before = children_of(os.getpid())
    started: set[int] = set()

    async def fail_inside() -> None:
        async with infrastructure(tmp_path / "data", databases=["a"], environment={}):
            started.update(children_of(os.getpid()) - before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_inside()
    assert len(started) == 2
    assert not any(is_alive(pid) for pid in started)


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, {1, 130, -signal.SIGINT}), (signal.SIGTERM, {143}), (signal.SIGKILL, {-signal.SIGKILL})],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
async def test_no_process_is_left_however_the_parent_ends(
    tmp_path: Path, number: signal.Signals, status: set[int]
) -> None:
    parent = await Parent.running(STARTS_EVERYTHING, str(tmp_path / "data"))
    host, port = (await parent.line()).split(":")
    started = children_of(parent.process.pid)
    assert len(started) == 2

    parent.send(number)

    assert await parent.ended() in status
    assert await eventually(lambda: not any(is_alive(pid) for pid in started))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


async def test_a_handler_for_sigterm_that_the_caller_has_stays(tmp_path: Path) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    try:
        async with infrastructure(tmp_path / "data", databases=[], environment={}):
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(10):
                await told.wait()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_one_part_alone_is_found_in_the_same_order_and_ends(tmp_path: Path) -> None:
    before = children_of(os.getpid())
    async with (
        locate.kafka(tmp_path / "k", environment={}) as bootstrap,
        locate.store(tmp_path / "s", environment={}) as uri,
    ):
        started = children_of(os.getpid()) - before
        assert len(started) == 2
        named = {"KAFKA_BOOTSTRAP": bootstrap, "MONGODB_URI": uri}
        async with (
            locate.kafka(tmp_path / "n", environment=named) as again,
            locate.store(tmp_path / "n", environment=named) as same,
        ):
            assert (again, same) == (bootstrap, uri)
        assert all(is_alive(pid) for pid in started)
    assert not any(is_alive(pid) for pid in started)


async def test_where_a_daemon_answers_each_part_is_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_docker(tmp_path, monkeypatch, "exit 0")
    removed: list[str] = []

    def container(name: str) -> Callable[[Path], AbstractAsyncContextManager[str]]:
        @contextlib.asynccontextmanager
        async def running(data_dir: Path) -> AsyncIterator[str]:
            yield f"{name} of {data_dir.name}"
            removed.append(name)

        return running

    monkeypatch.setattr("mentorstream.embedded.docker.kafka_container", container("kafka"))
    monkeypatch.setattr("mentorstream.embedded.docker.mongodb_container", container("mongodb"))
    async with (
        locate.kafka(tmp_path / "k", environment={}) as bootstrap,
        locate.store(tmp_path / "s", environment={}) as uri,
    ):
        assert (bootstrap, uri) == ("kafka of k", "mongodb of s")
        assert removed == []
    assert sorted(removed) == ["kafka", "mongodb"]


def test_a_part_beside_the_tests_serves_loops_that_come_and_go(tmp_path: Path) -> None:
    with beside(locate.store(tmp_path / "s", environment={})) as uri:
        assert [asyncio.run(answers(uri, within=5.0)) for _ in range(2)] == [True, True]
    assert not asyncio.run(answers(uri))


@pytest.mark.parametrize(("does", "answers"), [("exit 0", True), ("exit 1", False), ("exec sleep 600", False)])
async def test_docker_is_its_daemon_and_not_the_client_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, answers: bool
) -> None:
    a_docker(tmp_path, monkeypatch, does)
    assert await docker_answers(within=1.0) is answers


async def test_without_a_docker_client_there_is_no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not await docker_answers()


def test_the_container_gets_the_embedded_brokers_properties_and_always_the_same_cluster(tmp_path: Path) -> None:
    environment = kafka_environment(Node(1, 25000, 9093), tmp_path)
    assert environment["KAFKA_LISTENERS"] == "PLAINTEXT://0.0.0.0:25000,CONTROLLER://0.0.0.0:9093"
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:25000"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert environment["CLUSTER_ID"] == kafka_environment(Node(1, 26000, 9093), tmp_path)["CLUSTER_ID"]
    assert environment["CLUSTER_ID"] != kafka_environment(Node(1, 25000, 9093), tmp_path / "other")["CLUSTER_ID"]
