"""The stores of bytes, each through the same suite; and sealing over them."""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from eventkernel.blobs.folder import FolderBlobs
from eventkernel.blobs.memory import MemoryBlobs
from eventkernel.blobs.open import BlobsFault, open_blobs
from eventkernel.blobs.port import BlobExists, Blobs, BlobsUnavailable
from eventkernel.blobs.sealed import BlobDamaged, Place, SealedBlobs
from eventkernel.keys import DataKeys, KeyDestroyed, KeyFile
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.blobs_suite import BlobsSuite

SERVER = shutil.which("versitygw") or shutil.which("versitygw", path=str(Path.home() / "go" / "bin"))
NAMED = os.environ.get("S3_ENDPOINT", "")
BUCKET = "mentorstream-test"


class TestMemory(BlobsSuite):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return MemoryBlobs()


class TestFolder(BlobsSuite):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return FolderBlobs(tmp_path / "blobs")

    async def test_nobody_else_may_read_the_files(self, tmp_path: Path, blobs: Blobs) -> None:
        await blobs.put("provider-1/e/000000", b"1")
        path = tmp_path / "blobs" / "provider-1" / "e" / "000000"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    async def test_a_draft_that_nobody_finished_is_no_blob(self, tmp_path: Path, blobs: Blobs) -> None:
        await blobs.put("provider-1/e/000000", b"1")
        (tmp_path / "blobs" / "provider-1" / "e" / ".000001.abcdef").write_bytes(b"half")
        assert list(await blobs.sizes("provider-1/e")) == ["provider-1/e/000000"]
        await blobs.delete("provider-1/e")
        assert not (tmp_path / "blobs" / "provider-1" / "e").exists()

    async def test_a_folder_that_cannot_be_used_is_told_so(self, tmp_path: Path) -> None:
        (tmp_path / "blobs").write_text("a file")
        with pytest.raises((BlobsUnavailable, NotADirectoryError)):
            await FolderBlobs(tmp_path / "blobs").put("provider-1/e/000000", b"1")


@pytest.mark.skipif(not (SERVER or NAMED), reason="needs versitygw on the path, or S3_ENDPOINT with AWS_* of a server")
class TestS3(BlobsSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[str]:
        if NAMED:
            yield NAMED
            return
        folder, port = tmp_path_factory.mktemp("s3"), free_port()
        (folder / BUCKET).mkdir()
        environment = {**os.environ, "ROOT_ACCESS_KEY": "test", "ROOT_SECRET_KEY": "testtest"}
        with (folder.parent / "s3.log").open("wb") as log:
            server = subprocess.Popen(
                [str(SERVER), "--port", f"127.0.0.1:{port}", "posix", str(folder)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        time.sleep(2)
        assert server.poll() is None
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.wait(10)

    @pytest.fixture
    def blobs(self, endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Blobs:
        if not NAMED:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
            monkeypatch.setenv("AWS_REGION", "us-east-1")
        return open_blobs(f"s3://{BUCKET}/{uuid4()}", beside=tmp_path / "key", endpoint=endpoint)

    async def test_a_server_that_is_not_there_is_told_so(self, free_port: Callable[[], int], tmp_path: Path) -> None:
        nobody = open_blobs(f"s3://{BUCKET}", beside=tmp_path / "key", endpoint=f"http://127.0.0.1:{free_port()}")
        with pytest.raises(BlobsUnavailable):
            await nobody.get("provider-1/e/000000")


def test_the_setting_names_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert isinstance(open_blobs("", beside=tmp_path / "key"), FolderBlobs)
    with pytest.raises(BlobsFault, match="names no bucket"):
        open_blobs("s3:///prefix", beside=tmp_path / "key")


PLACE = Place("provider-1", "learner-1", "evidence-1/artefact-1")


@pytest.fixture
def kept() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def keys(tmp_path: Path) -> DataKeys:
    return DataKeys(MemoryStore().keys, KeyFile(tmp_path / "key"))


@pytest.fixture
def sealed(kept: MemoryBlobs, keys: DataKeys) -> SealedBlobs:
    return SealedBlobs(kept, keys)


async def test_what_is_stored_says_nothing_and_opens_again(sealed: SealedBlobs, kept: MemoryBlobs) -> None:
    await sealed.put(PLACE, 0, b"CONFIDENTIAL report" * 10)
    await sealed.put(PLACE, 1, b"")
    assert not any(b"CONFIDENTIAL" in content for content in kept.kept.values())
    assert await sealed.get(PLACE, 0) == b"CONFIDENTIAL report" * 10
    assert await sealed.lengths(PLACE) == [190, 0]


async def test_parts_count_up_to_the_first_that_is_missing(sealed: SealedBlobs) -> None:
    for index in (0, 1, 3):
        await sealed.put(PLACE, index, b"x" * 10)
    assert await sealed.lengths(PLACE) == [10, 10]
    with pytest.raises(BlobExists):
        await sealed.put(PLACE, 1, b"y" * 10)


async def test_a_part_opens_only_where_and_for_whom_it_was_put(sealed: SealedBlobs, kept: MemoryBlobs) -> None:
    await sealed.put(PLACE, 0, b"first")
    await sealed.put(PLACE, 1, b"second")
    first = kept.kept[PLACE.part(0)]
    others = (
        (PLACE, 2), (Place("provider-1", "learner-1", "evidence-1/artefact-2"), 0),
        (Place("provider-1", "learner-2", "evidence-2/artefact-1"), 0), (Place("provider-2", "learner-1", PLACE.name), 0),
    )  # fmt: skip
    for place, index in others:
        await sealed.put(Place(place.tenant, place.subject_id, "somewhere/else"), 0, b"so that they have a key")
        kept.kept.pop(f"{place.tenant}/somewhere/else/000000")
        kept.kept[place.part(index)] = first
        with pytest.raises(BlobDamaged):
            await sealed.get(place, index)


async def test_what_was_altered_or_cut_or_taken_away_is_damaged(sealed: SealedBlobs, kept: MemoryBlobs) -> None:
    await sealed.put(PLACE, 0, b"first")
    whole = kept.kept[PLACE.part(0)]
    for altered in (whole[:-1], whole[:10], b"", whole[:-1] + bytes([whole[-1] ^ 1]), whole[:2] + b"\x09" + whole[3:]):
        kept.kept[PLACE.part(0)] = altered
        with pytest.raises(BlobDamaged):
            await sealed.get(PLACE, 0)
    del kept.kept[PLACE.part(0)]
    with pytest.raises(BlobDamaged):
        await sealed.get(PLACE, 0)


async def test_with_the_key_the_bytes_are_gone(sealed: SealedBlobs, keys: DataKeys) -> None:
    await sealed.put(PLACE, 0, b"first")
    await keys.destroy("provider-1", "learner-1")
    with pytest.raises(KeyDestroyed):
        await sealed.get(PLACE, 0)
    with pytest.raises(KeyDestroyed):
        await sealed.put(PLACE, 1, b"more")
