"""Where Kafka, MongoDB and the mail server are: the environment's addresses, else Docker, else embedded.

Invariant: whatever was started here is stopped when the context ends, however it ends; a server named in the
environment is only used.
"""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from mentorstream.embedded import docker
from mentorstream.embedded.errors import StartFailure, StartFailureCode
from mentorstream.embedded.kafka import KafkaEmbedded
from mentorstream.embedded.smtp import SmtpEmbedded
from mentorstream.embedded.store import StoreEmbedded, answers
from mentorstream.embedded.topics import reachable

T = TypeVar("T")
Found = Literal["environment", "docker", "embedded"]

KAFKA_VARIABLE, MONGODB_VARIABLE, SMTP_VARIABLE = "KAFKA_BOOTSTRAP", "MONGODB_URI", "SMTP_URL"
REACHED_WITHIN = 10.0
SMTP_PORT = 25
TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """Where everything is, and how it was found.

    Attributes:
        kafka_bootstrap: the brokers' addresses, separated by commas.
        mongodb_uris: one connection string a database, by the database's name.
        smtp_host: the mail server's host.
        smtp_port: its port.
        mailbox: the mail server itself, to read what it received; None when SMTP_URL names another.
        found: "environment", "docker" or "embedded", by part: "kafka", "mongodb", "smtp".
        start_seconds: how long each part took until it answered, by the same names. They start in parallel.
    """

    kafka_bootstrap: str
    mongodb_uris: Mapping[str, str]
    smtp_host: str
    smtp_port: int
    mailbox: SmtpEmbedded | None
    found: Mapping[str, Found]
    start_seconds: Mapping[str, float]


@contextlib.asynccontextmanager
async def infrastructure(
    data_dir: Path, *, databases: Sequence[str], brokers: int = 1, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Infrastructure]:
    """Find or start Kafka, a store a database, and a mail server.

    SIGTERM ends the context in order, as Ctrl-C does, and then the process with status 143, unless the caller has a
    handler of its own for it or runs outside the main thread.

    Args:
        data_dir: what is started keeps its data here, from run to run.
        databases: the databases' names, one a service.
        brokers: how many embedded brokers, 1 or 3; a container is always one.
        environment: KAFKA_BOOTSTRAP, MONGODB_URI and SMTP_URL are read from it; the process's own when None.

    Raises:
        StartFailure: the first part that did not start; the others have been stopped.
    """
    search = _Search(data_dir, tuple(databases), brokers, os.environ if environment is None else environment)
    with _terminable():
        try:
            yield await search.everything()
        finally:
            await search.stop()


@contextlib.asynccontextmanager
async def kafka(data_dir: Path, *, environment: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Find or start Kafka alone, as `infrastructure` does; gives its bootstrap addresses. Raises StartFailure."""
    search = _Search(data_dir, (), 1, os.environ if environment is None else environment)
    try:
        yield await search.kafka(await search.own(KAFKA_VARIABLE))
    finally:
        await search.stop()


@contextlib.asynccontextmanager
async def store(data_dir: Path, *, environment: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Find or start one store alone, as `infrastructure` does; gives its connection string. Raises StartFailure."""
    search = _Search(data_dir, ("store",), 1, os.environ if environment is None else environment)
    try:
        yield (await search.stores(await search.own(MONGODB_VARIABLE)))["store"]
    finally:
        await search.stop()


@dataclass(frozen=True, slots=True)
class _Mail:
    host: str
    port: int
    mailbox: SmtpEmbedded | None


class _Search:
    """Finds each part in the order of the module's first line, and remembers how to stop what it started."""

    def __init__(
        self, data_dir: Path, databases: tuple[str, ...], brokers: int, environment: Mapping[str, str]
    ) -> None:
        self._data_dir = data_dir
        self._databases = databases
        self._brokers = brokers
        self._environment = environment
        self._stops: list[Callable[[], Awaitable[object]]] = []
        self._found: dict[str, Found] = {}
        self._seconds: dict[str, float] = {}

    async def everything(self) -> Infrastructure:
        """All parts, started in parallel; the first failure cancels the others."""
        own = await self.own(KAFKA_VARIABLE, MONGODB_VARIABLE)
        try:
            async with asyncio.TaskGroup() as group:
                kafka = group.create_task(self._timed("kafka", self.kafka(own)))
                stores = group.create_task(self._timed("mongodb", self.stores(own)))
                mail = group.create_task(self._timed("smtp", self._mail()))
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        return Infrastructure(
            kafka_bootstrap=kafka.result(),
            mongodb_uris=stores.result(),
            smtp_host=mail.result().host,
            smtp_port=mail.result().port,
            mailbox=mail.result().mailbox,
            found=dict(self._found),
            start_seconds=dict(self._seconds),
        )

    async def stop(self) -> None:
        """Stop everything that was started, all at once; a cancellation meanwhile kills what is left."""
        stops, self._stops = self._stops, []
        for outcome in await asyncio.gather(*(stop() for stop in stops), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def own(self, *variables: str) -> Found:
        """How to start what the environment does not name; the daemon is asked only where something is left to start."""
        named = all(self._environment.get(name) for name in variables)
        return "docker" if not named and await docker.docker_answers() else "embedded"

    async def kafka(self, own: Found) -> str:
        """Its bootstrap addresses."""
        if bootstrap := self._environment.get(KAFKA_VARIABLE):
            self._found["kafka"] = "environment"
            if not all(_is_address(address) for address in bootstrap.split(",")):
                raise StartFailure(
                    StartFailureCode.ADDRESS_NOT_VALID,
                    f"{KAFKA_VARIABLE} is not of the form host:port, or several of these separated by commas.",
                    f"Correct {KAFKA_VARIABLE}, or unset it to have a broker started here.",
                )
            if not await reachable(bootstrap, REACHED_WITHIN):
                raise _unreachable(StartFailureCode.BROKER_NOT_READY, KAFKA_VARIABLE)
            return bootstrap
        self._found["kafka"] = own
        if own == "docker":
            return await self._enter(docker.kafka_container(self._data_dir))
        kafka = KafkaEmbedded(self._data_dir / "kafka", brokers=self._brokers)
        await kafka.start()
        self._stops.append(kafka.stop)
        return kafka.bootstrap

    async def stores(self, own: Found) -> Mapping[str, str]:
        """One connection string a database."""
        if uri := self._environment.get(MONGODB_VARIABLE):
            self._found["mongodb"] = "environment"
            if not uri.startswith(("mongodb://", "mongodb+srv://")):
                raise StartFailure(
                    StartFailureCode.ADDRESS_NOT_VALID,
                    f"{MONGODB_VARIABLE} does not begin with mongodb:// or mongodb+srv://.",
                    f"Correct {MONGODB_VARIABLE}, or unset it to have a store started here.",
                )
            if not await answers(uri, REACHED_WITHIN):
                raise _unreachable(StartFailureCode.STORE_NOT_READY, MONGODB_VARIABLE)
            return dict.fromkeys(self._databases, uri)
        self._found["mongodb"] = own
        if own == "docker":
            return dict.fromkeys(self._databases, await self._enter(docker.mongodb_container(self._data_dir)))
        stores = {name: StoreEmbedded(self._data_dir / "stores" / name) for name in self._databases}
        async with asyncio.TaskGroup() as group:
            for store in stores.values():
                group.create_task(self._start_store(store))
        return {name: store.uri for name, store in stores.items()}

    async def _start_store(self, store: StoreEmbedded) -> None:
        await store.start()
        self._stops.append(store.stop)

    async def _mail(self) -> _Mail:
        if url := self._environment.get(SMTP_VARIABLE):
            self._found["smtp"] = "environment"
            host, port = _smtp_address(url)
            if not await reachable(f"{host}:{port}", REACHED_WITHIN):
                raise _unreachable(StartFailureCode.MAIL_NOT_READY, SMTP_VARIABLE)
            return _Mail(host, port, mailbox=None)
        self._found["smtp"] = "embedded"
        server = SmtpEmbedded(maildir=self._data_dir / "mail")
        await server.start()
        self._stops.append(server.stop)
        return _Mail(server.host, server.port, server)

    async def _enter(self, context: AbstractAsyncContextManager[T]) -> T:
        value = await context.__aenter__()
        self._stops.append(lambda: context.__aexit__(None, None, None))
        return value

    async def _timed(self, part: str, start: Awaitable[T]) -> T:
        began = time.monotonic()
        value = await start
        self._seconds[part] = time.monotonic() - began
        return value


def _first(failures: BaseExceptionGroup) -> BaseException:
    """The first failure itself: a reader wants one reason and one advice."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _unreachable(code: StartFailureCode, variable: str) -> StartFailure:
    return StartFailure(
        code,
        f"Nothing answers at the address in {variable}; it was waited for {REACHED_WITHIN:g} s at the most.",
        f"Start the server there, correct {variable}, or unset it to have one started here.",
    )


def _is_address(address: str) -> bool:
    host, _, port = address.strip().rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal()


def _smtp_address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port or SMTP_PORT
    except ValueError:
        port = 0
    if parts.scheme != "smtp" or not parts.hostname or not port:
        raise StartFailure(
            StartFailureCode.ADDRESS_NOT_VALID,
            f"{SMTP_VARIABLE} is not an address of the form smtp://host:port.",
            f"Correct {SMTP_VARIABLE}, or unset it to have a mail server started here.",
        )
    return parts.hostname, port


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Make SIGTERM cancel the current task, so that everything is stopped, and then end the process."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # the caller's own handler stays
        yield
        return
    terminated = False

    def cancel(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal terminated
        terminated = True
        loop.call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGTERM, cancel)
    try:
        yield
    except asyncio.CancelledError:
        if terminated:
            raise SystemExit(TERMINATED) from None
        raise
    finally:
        if signal.getsignal(signal.SIGTERM) is cancel:  # unless the caller has set one since
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
