"""A store that speaks MongoDB's protocol (SecantusDB), one process a service database.

Invariant: an acknowledged write is on disk (`--sync-on-commit`). SecantusDB is GPL: it is only ever run as a process
of its own, never imported.
"""

import contextlib
import shutil
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from mentorstream.embedded.child import Child
from mentorstream.embedded.directory import MIB, DirectoryLock, require_space
from mentorstream.embedded.errors import StartFailure, StartFailureCode, not_ready
from mentorstream.embedded.jars import require_installed
from mentorstream.embedded.polling import becomes
from mentorstream.embedded.ports import HOST, choose_port, require_free
from mentorstream.embedded.topics import reachable

SPACE_NEEDED = 128 * MIB
# It takes 2 s, waiting for a thread that only a connection would wake; waking it that way sometimes hangs it (measured).
STOP_SECONDS = 10.0
# Calls that a service has under way at a time. The store is one process on one core: what it does side by side takes it longer than in turn.
_AT_ONCE = 2


class StoreEmbedded:
    """One store process on a directory of its own; data stays between runs.

    Args:
        data_dir: the store's directory, made if missing.
        port: a port on the loopback address; a free one when None.
        ready_within: seconds until it must answer.
        space_needed: bytes that must be free before it starts.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        ready_within: float = 30.0,
        space_needed: int = SPACE_NEEDED,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port or 0
        self._ready_within = ready_within
        self._space_needed = space_needed
        self._lock = DirectoryLock(self.data_dir)
        self._child: Child | None = None

    @property
    def uri(self) -> str:
        """The connection string; valid once started."""
        return f"mongodb://{HOST}:{self.port}/?directConnection=true&maxPoolSize={_AT_ONCE}"

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start the process and wait until it answers `ping`.

        Raises:
            StartFailure: DATA_DIR_LOCKED, NO_DISK_SPACE, PORT_IN_USE, STORE_NOT_READY or NOT_INSTALLED.
        """
        program = _program()
        await self._lock.acquire()
        try:
            require_space(self.data_dir, self._space_needed)
            self.port = require_free(self.port, "the store", "its port") if self.port else choose_port()
            self._child = self._launch(program)
            await self._ready(self._child)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the process and let go of the directory; harmless when it does not run."""
        try:
            if self._child:
                await self._child.stop(STOP_SECONDS)
        finally:
            self._child = None
            self._lock.release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _launch(self, program: str) -> Child:
        # An explicit, empty configuration: otherwise one found in the home directory would decide.
        configuration = self.data_dir / "secantusd.toml"
        configuration.write_text("", encoding="utf-8")
        storage = self.data_dir / "data"
        command = [program, "--config", str(configuration), "--host", HOST, "--port", str(self.port)]
        command += ["--storage-path", str(storage), "--sync-on-commit", "--cache-size", "64M"]
        return Child.start(
            [*command, "--log-level", "WARNING"],
            log=self.data_dir / "store.log",
            directory=self.data_dir,
            inherit=[self._lock.descriptor],
        )

    async def _ready(self, child: Child) -> None:
        part = f"The store in {self.data_dir}"

        async def answered() -> bool:
            if child.exit_code is not None:
                raise not_ready(StartFailureCode.STORE_NOT_READY, part, None, child.log, child.tail())
            # The driver waits half a second between attempts of its own: ask it once there is something to ask.
            return await reachable(f"{HOST}:{self.port}") and await answers(self.uri, within=5.0)

        if not await becomes(answered, within=self._ready_within):
            raise not_ready(StartFailureCode.STORE_NOT_READY, part, self._ready_within, child.log, child.tail())


async def answers(uri: str, within: float = 0.5) -> bool:
    """Whether a server answers `ping` at `uri` within `within` seconds."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, serverSelectionTimeoutMS=round(within * 1000))
    try:
        with contextlib.suppress(PyMongoError):
            await client.admin.command("ping")
            return True
        return False
    finally:
        await client.close()


def _program() -> str:
    require_installed("secantus")
    program = shutil.which("secantusd-py", path=sysconfig.get_path("scripts")) or shutil.which("secantusd-py")
    if program is None:
        raise StartFailure(
            StartFailureCode.NOT_INSTALLED,
            "SecantusDB is installed, but its program secantusd-py was not found.",
            "Install mentorstream with its extra `embedded` into the environment that runs this command.",
        )
    return program
