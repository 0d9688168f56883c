"""Kafka, a MongoDB-protocol store and an SMTP server on this machine, without Docker.

Invariant: whatever is started here ends with the process that started it, and its data is never half-written.

Public API:

    async with infrastructure(data_dir, databases=["sessions", ...]) as infra:   # Infrastructure
        infra.kafka_bootstrap            "127.0.0.1:PORT"
        infra.mongodb_uris["sessions"]   one URI a service
        infra.smtp_host, infra.smtp_port
        infra.mailbox                    the SmtpEmbedded, or None when SMTP_URL is set
        infra.found["kafka"]             "environment" | "docker" | "embedded" (also "mongodb", "smtp")
        infra.start_seconds["kafka"]     seconds each part took (also "mongodb", "smtp")

    KafkaEmbedded(data_dir, ports=(), brokers=1)    .bootstrap
    StoreEmbedded(data_dir, port=None)              .uri
    SmtpEmbedded(port=None, maildir=None)           .host, .port, .messages (of Received: sender, recipients, message)
        each an async context manager, or `await start()` and `await stop()`

    await create_topics(bootstrap, read_topics(path))    idempotent; returns the names it created
    StartFailure(code, what, do)                         the one exception; codes in StartFailureCode
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentorstream.embedded.errors import StartFailure, StartFailureCode
    from mentorstream.embedded.kafka import KafkaEmbedded
    from mentorstream.embedded.locate import Found, Infrastructure, infrastructure
    from mentorstream.embedded.smtp import Received, SmtpEmbedded
    from mentorstream.embedded.store import StoreEmbedded
    from mentorstream.embedded.topics import Topic, create_topics, read_topics

__all__ = [
    "Found",
    "Infrastructure",
    "KafkaEmbedded",
    "Received",
    "SmtpEmbedded",
    "StartFailure",
    "StartFailureCode",
    "StoreEmbedded",
    "Topic",
    "create_topics",
    "infrastructure",
    "read_topics",
]
_IN = {
    "StartFailure": "errors", "StartFailureCode": "errors", "KafkaEmbedded": "kafka", "Found": "locate", "Infrastructure": "locate",
    "infrastructure": "locate", "Received": "smtp", "SmtpEmbedded": "smtp", "StoreEmbedded": "store", "Topic": "topics",
    "create_topics": "topics", "read_topics": "topics",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # Whoever needs the one exception alone, as every command does, does not wait for the drivers.
    if name not in _IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_IN[name]}"), name)
