"""The store: acknowledged writes survive a kill, data stays between runs, and every way in which a start fails."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from mentorstream.embedded import StartFailure, StartFailureCode, StoreEmbedded
from mentorstream.embedded.directory import DirectoryLock
from mentorstream.embedded.testing import eventually, is_alive
from pymongo import AsyncMongoClient, WriteConcern

pytestmark = pytest.mark.usefixtures("no_orphans")


async def write(uri: str, *numbers: int) -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    numbers_kept = client["test"].get_collection("numbers", write_concern=WriteConcern(w="majority", j=True))
    await numbers_kept.insert_many([{"_id": number} for number in numbers])
    await client.close()


async def read(uri: str) -> list[int]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    found = [row["_id"] async for row in client["test"]["numbers"].find().sort("_id")]
    await client.close()
    return found


async def failure_of(store: StoreEmbedded) -> StartFailure:
    with pytest.raises(StartFailure) as caught:
        await store.start()
    assert store.pid is None
    return caught.value


async def test_data_stays_from_run_to_run(tmp_path: Path) -> None:
    async with StoreEmbedded(tmp_path) as store:
        await write(store.uri, 1, 2)
    async with StoreEmbedded(tmp_path) as store:
        assert await read(store.uri) == [1, 2]


async def test_an_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    async with StoreEmbedded(tmp_path) as store:
        await write(store.uri, 1, 2, 3)
        assert store.pid
        os.kill(store.pid, signal.SIGKILL)
    async with StoreEmbedded(tmp_path) as store:
        assert await read(store.uri) == [1, 2, 3]


async def test_two_stores_run_side_by_side_and_share_nothing(tmp_path: Path) -> None:
    async with StoreEmbedded(tmp_path / "a") as one, StoreEmbedded(tmp_path / "b") as other:
        await write(one.uri, 1)
        assert await read(other.uri) == []


async def test_a_configuration_in_the_home_directory_does_not_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "home" / ".secantus"
    settings.mkdir(parents=True)
    (settings / "secantusd.toml").write_text("this is not [toml")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with StoreEmbedded(tmp_path / "store") as store:
        assert await read(store.uri) == []


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failure = await failure_of(StoreEmbedded(tmp_path, port=port))
    assert failure.code is StartFailureCode.PORT_IN_USE
    assert str(port) in failure.what


async def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    failure = await failure_of(StoreEmbedded(tmp_path, space_needed=2**60))
    assert failure.code is StartFailureCode.NO_DISK_SPACE
    assert os.listdir(tmp_path) == ["lock"]


async def test_a_second_run_on_the_same_directory_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with StoreEmbedded(tmp_path) as store:
        failure = await failure_of(StoreEmbedded(tmp_path))
        assert failure.code is StartFailureCode.DATA_DIR_LOCKED
        await write(store.uri, 1)
        assert await read(store.uri) == [1]


async def test_the_directory_stays_locked_while_the_process_lives(tmp_path: Path) -> None:
    """So a store that outlives a killed parent by a moment keeps the next run out, instead of sharing its files."""
    store = StoreEmbedded(tmp_path)
    await store.start()
    pid = store.pid
    assert pid
    store._lock.release()
    with pytest.raises(StartFailure) as caught:
        await DirectoryLock(tmp_path).acquire(patience=0)
    assert caught.value.code is StartFailureCode.DATA_DIR_LOCKED

    await store.stop()
    assert await eventually(lambda: not is_alive(pid))
    again = DirectoryLock(tmp_path)
    await again.acquire(patience=0)
    again.release()


async def test_a_store_that_ends_by_itself_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    failure = await failure_of(StoreEmbedded(tmp_path))
    assert failure.code is StartFailureCode.STORE_NOT_READY
    assert "Error" in failure.what
    assert str(tmp_path / "store.log") in failure.do


async def test_a_store_that_is_too_slow_is_stopped(tmp_path: Path) -> None:
    failure = await failure_of(StoreEmbedded(tmp_path, ready_within=0))
    assert failure.code is StartFailureCode.STORE_NOT_READY
    assert "within 0 s" in failure.what
