"""Logs: one JSON object a line, from this code and every library alike. What a contract or a name calls personal never gets into one."""

import copy
import dataclasses
import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping, Set
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import IO
from uuid import UUID

import faststream  # noqa: F401 - it gives its logger a handler as it is imported; that has to be over before it is replaced
import structlog
from google.protobuf.message import Message
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from eventkernel.sealing import redacted

REDACTED = "[redacted]"
# Whatever stands under these names is taken out, at any depth.
DENIED = frozenset({"name", "email", "narrative", "text", "shared_record", "token", "authorization"})

# A net below the names: addresses (and the credentials of a URI) and tokens that got into a sentence or an exception's text.
_ADDRESS = re.compile(r"[^\s@<>\"'(),;/]+@[^\s@<>\"'(),;/]+")
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")

# What structlog marks the records with that it makes: those are taken care of before they are records.
_OF_STRUCTLOG = "_logger"
# FastStream keeps its loggers to itself; the second is the one that its Kafka broker makes when it starts.
_APART = ("faststream", "faststream.access.kafka")
# Below INFO these show whole documents, records and calls.
_TOO_OPEN = ("aiokafka", "faststream", "grpc", "httpx", "pymongo")


def configure(service: str, level: int | str, stream: IO[str] | None = None) -> None:
    """Sends everything that is logged in this process to a stream, as JSON; replaces whatever was set before.

    The text of an exception is logged: never put personal data into one.

    Args:
        service: who logs.
        level: the least level that is shown, as the `logging` module names it (`INFO`).
        stream: where to; standard output where none is given.
    """
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_span,
    ]
    handler = _Lines(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *common],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_personal_data,
                _with_service(service),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TOO_OPEN:
        logging.getLogger(name).setLevel(max(root.level, logging.INFO))
    for name in _APART:
        apart = logging.getLogger(name)
        apart.handlers[:] = [handler]
        apart.propagate = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            _clean_positional,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A cached logger keeps the processors of its first use, whatever is configured later.
        cache_logger_on_first_use=False,
    )


def correlated(correlation_id: str) -> AbstractContextManager[None]:
    """While it lasts, everything that is logged in this context carries the correlation id."""
    return structlog.contextvars.bound_contextvars(correlation_id=correlation_id)


class _Lines(logging.StreamHandler[IO[str]]):
    """Writes records as lines; neither their arguments nor a fault in writing them lets anything through as it was."""

    def format(self, record: logging.LogRecord) -> str:
        cleaned = copy.copy(record)
        if not hasattr(record, _OF_STRUCTLOG) and not isinstance(record.msg, str):
            cleaned.msg = str(_clean(record.msg))
        if isinstance(record.args, Mapping):
            cleaned.args = _clean_fields(record.args.items())
        elif record.args:
            cleaned.args = tuple(_clean_argument(value) for value in record.args)
        return super().format(cleaned)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        # The inherited one prints the record's arguments as they are.
        fault = {
            "level": "error",
            "event": "a record could not be logged",
            "logger": record.name,
            "file": record.pathname,
            "line": record.lineno,
        }
        sys.stderr.write(json.dumps(fault) + "\n")


def _add_span(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        entry["trace_id"] = trace.format_trace_id(span.trace_id)
        entry["span_id"] = trace.format_span_id(span.span_id)
    return entry


def _with_service(service: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        entry["service"] = service
        return entry

    return add


def _clean_positional(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    if "positional_args" in entry:
        entry["positional_args"] = tuple(_clean_argument(value) for value in entry["positional_args"])
    return entry


def _without_personal_data(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    return _clean_fields(entry.items())


def _clean_argument(value: object) -> object:
    # Numbers and other plain values stay what they are, for the sake of %d.
    holds_more = isinstance(value, Message | Mapping | list | tuple | Set) or dataclasses.is_dataclass(value)
    return _clean(value) if holds_more else value


def _clean_fields(fields: Iterable[tuple[object, object]]) -> dict[str, object]:
    return {str(key): REDACTED if str(key).lower() in DENIED else _clean(value) for key, value in fields}


def _clean(value: object) -> object:
    if isinstance(value, Message):
        return _clean_fields(redacted(value).items())
    if isinstance(value, Mapping):
        return _clean_fields(value.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _clean_fields((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, list | tuple | Set):
        return [_clean(part) for part in value]
    return _clean_plain(value)


def _clean_plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return _clean_plain(f"{type(value).__name__}: {value}")
    if isinstance(value, str | date | timedelta | Decimal | UUID | Path):
        return _TOKEN.sub(REDACTED, _ADDRESS.sub(REDACTED, str(value)))
    # Bytes, or an object whose representation might tell anything.
    return f"<{type(value).__qualname__}>"
