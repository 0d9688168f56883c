"""A process: it starts whole or says why not, and stops with nothing left half done."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel.client import CallFailed, Client
from eventkernel.contract import ContractFault
from eventkernel.issuer import LocalIssuer
from eventkernel.keys import SecretFileFault
from eventkernel.messages import DueRow
from eventkernel.node import AddressInUse, Node
from eventkernel.settings import Role, Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.timing import utc_now
from eventkernel.tokens import KeySetFault
from grpc_health.v1 import health_pb2, health_pb2_grpc
from mentoring.common.v1.common_pb2 import CommandReply

from .library import (
    CONTRACT,
    NOON,
    OPEN,
    TENANT,
    CloseLoanRequest,
    RenewLoanRequest,
    SendReminderRequest,
    all_commits,
    build,
    until,
)

Start = Callable[..., Any]


class Running:
    """A started process with its addresses."""

    def __init__(self, node: Node, grpc_address: str, health_address: str, issuer: LocalIssuer) -> None:
        self.node, self.grpc_address, self.health_address = node, grpc_address, health_address
        self.token = issuer.token("mia", TENANT, ["mentor"])

    async def give(self, request: Any, key: str = "") -> CommandReply:
        async with grpc.aio.insecure_channel(self.grpc_address) as channel:
            return await Client(channel, CONTRACT, self.token).call(request, CommandReply, key=key)

    async def health(self, service: str = "") -> int:
        async with grpc.aio.insecure_channel(self.health_address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            return int((await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)).status)

    async def is_not_ready(self) -> bool:
        return await self.health() == health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
async def running(another: Callable[..., Node], tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Start]:
    issuer = LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    started: list[Running] = []

    async def start(**changed: Any) -> Running:
        addresses = {"grpc_address": f"127.0.0.1:{free_port()}", "health_address": f"127.0.0.1:{free_port()}"} | changed
        process = Running(another(**addresses), addresses["grpc_address"], addresses["health_address"], issuer)
        started.append(process)
        await process.node.start()
        return process

    yield start
    for process in started:
        with contextlib.suppress(Exception):
            await process.node.stop()


async def test_a_process_starts_serves_and_stops_leaving_nothing_behind(running: Start) -> None:
    before = asyncio.all_tasks()
    process = await running()
    assert (await process.give(OPEN)).version == 1
    assert await process.health() == health_pb2.HealthCheckResponse.SERVING
    assert await process.health("sample.library.v1.LibraryService") == health_pb2.HealthCheckResponse.SERVING
    await process.node.stop()
    with pytest.raises(CallFailed):
        await process.give(OPEN)
    with pytest.raises(grpc.aio.AioRpcError):
        await process.health()
    await asyncio.sleep(0.05)
    assert {task for task in asyncio.all_tasks() - before if "eventkernel" in repr(task.get_coro())} == set()


async def test_a_process_follows_the_clock_of_its_store(running: Start) -> None:
    ahead = utc_now() + timedelta(days=1)

    class Ahead(MemoryStore):
        async def time(self) -> datetime:
            return ahead

    store = Ahead()
    process = await running(store=store, clock=None)
    await process.give(OPEN)
    (commit,) = await all_commits(store, "loan-l1")
    assert ahead <= commit.at < ahead + timedelta(minutes=1)


async def test_stopping_lets_a_due_row_under_way_end(
    another: Callable[..., Node], store: MemoryStore, free_port: Callable[[], int]
) -> None:
    under_way, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def effect(_request: Any, _doing: Any) -> None:
        under_way.set()
        await go_on.wait()
        ended.set()

    node = another(
        service=build(effects={SendReminderRequest: effect}),
        roles="reactor",
        health_address=f"127.0.0.1:{free_port()}",
    )
    await store.due.schedule(
        [
            DueRow(
                "row-1",
                TENANT,
                NOON,
                SendReminderRequest.DESCRIPTOR.full_name,
                SendReminderRequest(loan_id="l1").SerializeToString(),
            )
        ]
    )
    await node.start()
    await under_way.wait()
    stopping = asyncio.create_task(node.stop())
    # A stop that did not wait would be over by then; one that does cannot be, however long this takes.
    await asyncio.wait([stopping], timeout=0.5)
    assert not stopping.done()
    go_on.set()
    await stopping
    assert ended.is_set()


async def test_stopping_lets_a_slow_command_end_and_takes_no_other(
    running: Start, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await running()
    await process.give(OPEN)
    append, storing, go_on = store.commits.append, asyncio.Event(), asyncio.Event()

    async def slow(commits: Any) -> Any:
        storing.set()
        await go_on.wait()
        return await append(commits)

    monkeypatch.setattr(store.commits, "append", slow)
    given = asyncio.create_task(process.give(RenewLoanRequest(loan_id="l1", days=7), "k1"))
    await storing.wait()
    stopping = asyncio.create_task(process.node.stop())
    await until(process.is_not_ready)
    with pytest.raises(CallFailed) as refused:
        await process.give(CloseLoanRequest(loan_id="l1"))
    assert refused.value.status is grpc.StatusCode.UNAVAILABLE
    assert not stopping.done()
    go_on.set()
    assert (await given).version == 2
    await stopping
    assert [commit.id for commit in await all_commits(store, "loan-l1")][1:] == [f"{TENANT}/k1"]


async def test_a_command_that_never_ends_does_not_keep_a_process_from_stopping(
    running: Start, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await running(shutdown_seconds=0.2)
    storing = asyncio.Event()

    async def never(_: Any) -> Any:
        storing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(store.commits, "append", never)
    given = asyncio.create_task(process.give(OPEN))
    await storing.wait()
    async with asyncio.timeout(30):
        await process.node.stop()
    with pytest.raises(CallFailed):
        await given


async def test_a_process_without_an_api_answers_for_its_health_until_it_has_drained(
    running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await running(roles="reactor")
    go_on = asyncio.Event()
    close = process.node.appends.close

    async def slow() -> None:
        await go_on.wait()
        await close()

    monkeypatch.setattr(process.node.appends, "close", slow)
    assert await process.health() == health_pb2.HealthCheckResponse.SERVING
    stopping = asyncio.create_task(process.node.stop())
    await until(process.is_not_ready)
    await asyncio.sleep(0.05)
    assert await process.health() == health_pb2.HealthCheckResponse.NOT_SERVING
    go_on.set()
    await stopping


@pytest.mark.parametrize("variable", ["GRPC_ADDRESS", "HEALTH_ADDRESS"])
async def test_an_address_that_is_taken_is_named_with_its_variable(
    running: Start, free_port: Callable[[], int], variable: str
) -> None:
    taken = f"127.0.0.1:{free_port()}"
    first = await running(grpc_address=taken)
    with pytest.raises(AddressInUse, match=f"{taken} is in use.*{variable}"):
        await running(**{variable.lower(): taken})
    assert (await first.give(OPEN)).version == 1


async def test_an_address_held_by_something_else_is_in_use_too(running: Start) -> None:
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(AddressInUse):
            await running(grpc_address=f"127.0.0.1:{other.getsockname()[1]}")


def test_a_service_that_is_not_complete_does_not_start(another: Callable[..., Node]) -> None:
    with pytest.raises(ContractFault, match="library cannot start"):
        another(service=build(queries=[]))


async def test_keys_that_cannot_be_used_stop_the_start(
    another: Callable[..., Node], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    (tmp_path / "open").write_bytes(b"0" * 32)
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(SecretFileFault):
        another(key_file=tmp_path / "open")
    node = another(jwks_file=tmp_path / "none.json", grpc_address=f"127.0.0.1:{free_port()}")
    with pytest.raises(KeySetFault):
        await node.start()


async def test_a_part_that_ends_by_itself_is_told_so_that_the_process_ends(
    running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await running()

    async def broken() -> None:
        raise LookupError("a mistake")

    process.node._spawn(broken())
    with pytest.raises(LookupError):
        await process.node.failed()


# --- settings and the command line ------------------------------------------------------------------------------------------


def test_roles_are_read_with_or_without_spaces_and_an_unknown_or_no_role_is_refused(tmp_path: Path) -> None:
    def roles(text: str) -> frozenset[Role]:
        return Settings(kafka_bootstrap="", mongodb_uri="", key_file=tmp_path, jwks_file=tmp_path, roles=text).parts

    assert roles("api, relay") == {Role.API, Role.RELAY}
    for wrong in ("api,painter", "", " , "):
        with pytest.raises(ValueError, match=r"painter|no role"):
            roles(wrong)


GOOD = {
    "KAFKA_BOOTSTRAP": "127.0.0.1:1", "MONGODB_URI": "mongodb://127.0.0.1:1/", "KEY_FILE": "key", "JWKS_FILE": "jwks",
    "GRPC_ADDRESS": "127.0.0.1:0", "HEALTH_ADDRESS": "127.0.0.1:0", "METRICS_PORT": "0", "METRICS_HOST": "127.0.0.1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "code", "named"),
    [
        ({}, "SETTINGS_INVALID", ["KAFKA_BOOTSTRAP", "MONGODB_URI", "KEY_FILE", "JWKS_FILE"]),
        (GOOD | {"METRICS_PORT": "many"}, "SETTINGS_INVALID", ["METRICS_PORT"]),
        (GOOD | {"ROLES": "painter"}, "SETTINGS_INVALID", ["ROLES", "painter", "api, relay, projector, reactor"]),
        (GOOD | {"KEY_FILE": "/proc/none/key"}, "KEYS_UNUSABLE", ["KEY_FILE", "/proc/none"]),
        (GOOD | {"MONGODB_URI": "nonsense://me:secret@db"}, "SETTINGS_INVALID", ["MONGODB_URI"]),
    ],
    ids=["nothing set", "no number", "an unknown role", "no place for the key", "no address of a store"],
)  # fmt: skip
def test_a_process_that_cannot_start_as_told_says_why_and_which_variable(
    tmp_path: Path, environment: dict[str, str], code: str, named: list[str]
) -> None:
    program = f"import sys; sys.path[:0] = {[str(Path(__file__).parents[4]), *sys.path]!r}; from eventkernel.runtime import main; from {__package__}.library import build; main(build)"
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": os.environ["PATH"], **environment}, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(f"{code}: ")
    assert all(name in ended.stderr for name in named)
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


DEAF = """
import asyncio
from eventkernel import runtime
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

async def deaf():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def ends_another():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return

async def loses_one():
    await asyncio.create_task(ends_another())
    await asyncio.sleep(3600)

def spoilt():
    whole = Node.start
    async def start(self):
        await whole(self)
        {begin}
        print("started", flush=True)
    Node.start = start
    runtime.MongoStore = lambda driver, name: MemoryStore()

spoilt()
"""


@pytest.mark.parametrize(
    ("begin", "named"),
    [
        ("self._spawn(deaf())", "deaf"),
        ("self._due._running.add(asyncio.create_task(loses_one()))", "due rows"),
        ("self.states._writing.add(asyncio.create_task(loses_one()))", "snapshots"),
    ],
    ids=["a part", "a due row", "a snapshot"],
)
def test_a_process_ends_when_told_though_something_in_it_is_deaf_to_that(
    tmp_path: Path, begin: str, named: str
) -> None:
    spoilt = DEAF.replace("{begin}", begin)
    program = f"import sys; sys.path[:0] = {[str(Path(__file__).parents[4]), *sys.path]!r}\n{spoilt}\nfrom {__package__}.library import build\nruntime.main(build)"
    with subprocess.Popen(
        [sys.executable, "-c", program], env={"PATH": os.environ["PATH"], **GOOD, "ROLES": "reactor", "SHUTDOWN_SECONDS": "1"}, cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert any(line == "started\n" for line in process.stdout)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert named in said
