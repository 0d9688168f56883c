"""A data directory: one run at a time, and room on the disk before anything is written.

Invariant: the lock is held as long as any process that was given its descriptor lives, not merely as long as the
parent does. So a broker that outlives a killed parent by a moment still keeps a second run out.
"""

import fcntl
import os
import shutil
from pathlib import Path

from mentorstream.embedded.errors import StartFailure, StartFailureCode
from mentorstream.embedded.polling import becomes

MIB = 1024 * 1024
# A killed parent's children need a moment to go; a run that is really there stays.
PATIENCE_SECONDS = 2.0


class DirectoryLock:
    """An exclusive lock on a directory, held by open descriptors of the file `lock` inside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The descriptor a child inherits to keep the lock. Only while it is held."""
        if self._descriptor is None:
            raise RuntimeError(f"{self.directory} is not locked")
        return self._descriptor

    async def acquire(self, patience: float = PATIENCE_SECONDS) -> None:
        """Take the lock, making the directory first if it is missing.

        Args:
            patience: seconds to wait for a run that is just ending.

        Raises:
            StartFailure: DATA_DIR_LOCKED when another run keeps it.
        """
        descriptor = _open_lock_file(self.directory)
        try:
            locked = await becomes(lambda: _try_lock(descriptor), within=patience)
        except BaseException:
            os.close(descriptor)
            raise
        if not locked:
            os.close(descriptor)
            raise StartFailure(
                StartFailureCode.DATA_DIR_LOCKED,
                f"Another run uses the data directory {self.directory}.",
                "Stop that run, or give this one a directory of its own with --data-dir or MENTORSTREAM_DATA.",
            )
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. The lock ends when every child that inherited it has ended too."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def require_space(directory: Path, needed: int) -> None:
    """See that the disk below `directory` has `needed` bytes free.

    Raises:
        StartFailure: NO_DISK_SPACE, naming directory, needed and free.
    """
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise StartFailure(
            StartFailureCode.NO_DISK_SPACE,
            f"{directory} has {free // MIB} MiB free; {needed // MIB} MiB are needed.",
            "Free some space, or choose a directory on another disk.",
        )


def _open_lock_file(directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    return os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)


async def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
