"""What a broker on this machine is started with: its properties and its JVM's options.

Invariant: one set of properties for the embedded broker and the one in Docker, so that both behave alike. Few
partitions in the internal topics and no rebalance delay make it quick to start; durability is Kafka's default.
"""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mentorstream.embedded.ports import HOST

INTERNAL_PARTITIONS = 4
# -X options as measured: 300 to 340 MB resident, ready in 1 to 2 seconds on two cores.
JVM_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    # Kafka 4.3 and its codecs use both; without the options every log opens with the JVM's warnings.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)
# They would change the JVM behind our back, or print into its log.
FOREIGN_JVM_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


@dataclass(frozen=True, slots=True)
class Node:
    """One Kafka process, both broker and controller.

    Attributes:
        number: from 1.
        port: for clients and the other brokers.
        controller_port: for the controllers' quorum.
        side_port: a second way in for clients, 0 for none.
        told_port: where clients that came in by it are told to find this broker: what listens there passes on to it.
    """

    number: int
    port: int
    controller_port: int
    side_port: int = 0
    told_port: int = 0


def properties(node: Node, nodes: Sequence[Node], data: str) -> Mapping[str, str]:
    """The broker's properties.

    Args:
        node: the node they are for.
        nodes: the whole cluster, `node` included.
        data: the log directory.
    """
    copies = str(min(3, len(nodes)))
    in_sync = "2" if len(nodes) >= 3 else "1"
    side = node.side_port
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in nodes),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}"
        + (f",SIDE://{HOST}:{side}" if side else ""),
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}"
        + (f",SIDE://{HOST}:{node.told_port}" if side else ""),
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
        + (",SIDE:PLAINTEXT" if side else ""),
        "log.dirs": data,
        # A misspelt topic is an error, not a new topic.
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.num.partitions": str(INTERNAL_PARTITIONS),
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.num.partitions": str(INTERNAL_PARTITIONS),
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": str(INTERNAL_PARTITIONS),
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed is taken back only when its old session has run out: 9 seconds by default.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def cluster_id(octets: bytes) -> str:
    """16 octets in Kafka's form: 22 characters of URL-safe base64.

    The first is never a dash: Kafka's own tool would take it for an option.
    """
    text = base64.urlsafe_b64encode(octets).decode().rstrip("=")
    return f"A{text[1:]}" if text.startswith("-") else text


def as_text(settings: Mapping[str, str]) -> str:
    """The properties as a file; a backslash is the only character of ours that the format would swallow."""
    return "".join(f"{key}={value}\n".replace("\\", "\\\\") for key, value in settings.items())


def jvm_environment() -> dict[str, str]:
    """This process's environment without what would change the JVM."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN_JVM_VARIABLES}


@dataclass(frozen=True, slots=True)
class Runtime:
    """A JRE and Kafka's jars, and the archive of linked classes that halves the start once it exists."""

    java: Path
    jars: Path

    @property
    def archive(self) -> Path:
        """The archive's place. Its name holds what it depends on, so a new JRE or option makes a new one."""
        release = (self.java.parent.parent / "release").read_bytes()
        mark = hashlib.sha256(release + repr(JVM_OPTIONS).encode()).hexdigest()[:12]
        return self.jars / f"broker-{mark}.aot"

    def command(self, main: str, *arguments: str, record: Path | None = None) -> list[str]:
        """The command line of a Java program in Kafka's jars.

        Args:
            main: the class.
            arguments: its arguments.
            record: where to write an archive of linked classes when the program ends, if there is none yet.
        """
        # Sorted: the archive holds for one order of the class path only.
        classpath = os.pathsep.join(str(jar) for jar in sorted(self.jars.glob("*.jar")))
        options = [*JVM_OPTIONS]
        if self.archive.is_file():
            options += [f"-XX:AOTCache={self.archive}", "-Xlog:aot*=off"]
        elif record:
            options += [f"-XX:AOTCacheOutput={record}", "-Xlog:aot*=off"]
        return [str(self.java), *options, "-cp", classpath, main, *arguments]
