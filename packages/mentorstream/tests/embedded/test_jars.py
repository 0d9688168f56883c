"""The cache holds exactly the listed jars or nothing; what differs is deleted and named."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from mentorstream.embedded import StartFailure, StartFailureCode
from mentorstream.embedded.jars import KAFKA_VERSION, Resolve, expected_checksums, kafka_jars

CONTENT = {"one.jar": b"one", "two.jar": b"two"}
EXPECTED = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


def serving(content: dict[str, bytes]) -> Resolve:
    async def resolve(directory: Path) -> None:
        for name, octets in content.items():
            (directory / name).write_bytes(octets)

    return resolve


async def never(directory: Path) -> None:
    raise AssertionError("nothing needs to be downloaded")


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name != "lock")


def test_the_list_in_the_repository_is_of_this_version() -> None:
    expected = expected_checksums()
    assert f"kafka_2.13-{KAFKA_VERSION}.jar" in expected
    assert all(len(checksum) == 64 for checksum in expected.values())


async def test_the_jars_are_downloaded_once(tmp_path: Path) -> None:
    directory = await kafka_jars(tmp_path, EXPECTED, serving({**CONTENT, "unlisted.jar": b"x"}))
    assert sorted(path.name for path in directory.iterdir()) == sorted(CONTENT)
    assert await kafka_jars(tmp_path, EXPECTED, never) == directory


async def test_a_download_with_another_checksum_is_named_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(StartFailure) as caught:
        await kafka_jars(tmp_path, EXPECTED, serving({**CONTENT, "two.jar": b"tampered"}))
    assert caught.value.code is StartFailureCode.CHECKSUM_DIFFERS
    for part in ("two.jar", EXPECTED["two.jar"], hashlib.sha256(b"tampered").hexdigest()):
        assert part in caught.value.what
    assert left_in(tmp_path) == []


async def test_a_jar_that_changed_in_the_cache_is_deleted_and_running_again_mends_it(tmp_path: Path) -> None:
    directory = await kafka_jars(tmp_path, EXPECTED, serving(CONTENT))
    (directory / "one.jar").write_bytes(b"tampered")

    with pytest.raises(StartFailure) as caught:
        await kafka_jars(tmp_path, EXPECTED, never)
    assert caught.value.code is StartFailureCode.CHECKSUM_DIFFERS
    assert not (directory / "one.jar").exists()

    await kafka_jars(tmp_path, EXPECTED, serving(CONTENT))
    assert (directory / "one.jar").read_bytes() == b"one"
    assert left_in(tmp_path) == [directory.name]


async def test_a_jar_that_was_not_served_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartFailure) as caught:
        await kafka_jars(tmp_path, EXPECTED, serving({"one.jar": b"one"}))
    assert caught.value.code is StartFailureCode.DOWNLOAD_FAILED
    assert "two.jar" in caught.value.what


async def test_an_interrupted_download_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def resolve(directory: Path) -> None:
        (directory / "one.jar").write_bytes(b"on")
        begun.set()
        await asyncio.Event().wait()

    download = asyncio.create_task(kafka_jars(tmp_path, EXPECTED, resolve))
    await begun.wait()
    download.cancel()
    with pytest.raises(asyncio.CancelledError):
        await download
    assert left_in(tmp_path) == []


async def test_what_a_killed_download_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "download-killed" / "jars").mkdir(parents=True)
    directory = await kafka_jars(tmp_path, EXPECTED, serving(CONTENT))
    assert left_in(tmp_path) == [directory.name]


async def test_without_a_connection_the_failure_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(StartFailure) as caught:
        await kafka_jars(tmp_path)
    assert caught.value.code is StartFailureCode.DOWNLOAD_FAILED
    assert "Error" in caught.value.what
    assert left_in(tmp_path) == []
