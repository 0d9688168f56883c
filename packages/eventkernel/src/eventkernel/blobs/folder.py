"""Blobs as files below one folder, of mode 0600. Several processes may share it where the file system has hard links."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from eventkernel.blobs.port import BlobExists, BlobMissing, BlobsUnavailable, segments

Found = TypeVar("Found")


class FolderBlobs:
    """As the port says. The folder is made with the first blob."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, content: bytes) -> None:
        """As the port says."""
        path = self._path(name)
        await _aside(lambda: _create(path, content))

    async def get(self, name: str) -> bytes:
        """As the port says."""
        path = self._path(name)
        try:
            return await _aside(path.read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise BlobMissing(name) from None

    async def sizes(self, prefix: str) -> dict[str, int]:
        """As the port says."""
        folder = self._path(prefix)

        def look() -> dict[str, int]:
            return {
                f"{prefix}/{path.relative_to(folder).as_posix()}": path.stat().st_size
                for path in folder.rglob("*")
                # What begins with a dot is a draft that nobody finished.
                if path.is_file() and not path.name.startswith(".")
            }

        return await _aside(look)

    async def delete(self, prefix: str) -> None:
        """As the port says."""
        folder = self._path(prefix)

        def remove() -> None:
            if folder.exists():
                shutil.rmtree(folder)

        await _aside(remove)

    def _path(self, name: str) -> Path:
        return self._folder.joinpath(*segments(name))


def _create(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and then linked: nobody sees half a blob, and the link fails where there is one.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            raise BlobExists(path.name) from None
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def _aside(work: Callable[[], Found]) -> Found:
    """In a thread: files are waited for, and other calls go on."""
    try:
        return await asyncio.to_thread(work)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise
    except OSError as error:
        raise BlobsUnavailable(f"files of stored bytes cannot be used: {error.strerror}") from error
