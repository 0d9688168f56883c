import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog
from eventkernel import logs
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.safeguarding_pb2 import RaiseConcernRequest
from opentelemetry.sdk.trace import TracerProvider

SECRET = "he told me about it"


@pytest.fixture(autouse=True)
def _configuration_is_put_back() -> Iterator[None]:
    loggers = [
        logging.getLogger(name)
        for name in ("", "aiokafka", "faststream", "faststream.access.kafka", "grpc", "httpx", "pymongo")
    ]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("unit", "INFO", stream)
    return stream


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def last(out: io.StringIO) -> dict[str, Any]:
    return lines(out)[-1]


def concern() -> RaiseConcernRequest:
    return RaiseConcernRequest(concern_id="c1", person_at_risk_id="p1", narrative=SECRET)


def test_a_line_says_when_who_how_bad_and_what(out: io.StringIO) -> None:
    structlog.get_logger("some.module").warning("something happened", count=3)
    line = last(out)
    assert abs((datetime.fromisoformat(line.pop("timestamp")) - datetime.now(UTC)).total_seconds()) < 10
    assert line == {
        "service": "unit",
        "level": "warning",
        "logger": "some.module",
        "event": "something happened",
        "count": 3,
    }


def test_libraries_log_in_the_same_way(out: io.StringIO) -> None:
    for name in ("aiokafka.consumer", "grpc._cython", "faststream", "faststream.access.kafka", "pymongo.topology"):
        logging.getLogger(name).warning("took %d of %s", 3, "five", extra={"topic": "t.v1"})
        line = last(out)
        assert (line["logger"], line["event"], line["topic"], line["service"], line["level"]) == (
            name,
            "took 3 of five",
            "t.v1",
            "unit",
            "warning",
        )
    assert len(lines(out)) == 5


def test_what_is_below_the_level_is_not_logged(out: io.StringIO) -> None:
    structlog.get_logger("m").debug("quiet")
    logging.getLogger("m").debug("quiet")
    assert out.getvalue() == ""


def test_libraries_that_show_whole_documents_at_debug_are_kept_from_it() -> None:
    stream = io.StringIO()
    logs.configure("unit", "DEBUG", stream)
    logging.getLogger("pymongo.command").debug("insert %s", SECRET)
    logging.getLogger("aiokafka.conn").debug("request %s", SECRET)
    logging.getLogger("m").debug("shown")
    assert [line["event"] for line in lines(stream)] == ["shown"]


def test_configuring_again_replaces_the_first_even_for_loggers_in_use(out: io.StringIO) -> None:
    logger = structlog.get_logger("m")
    logger.info("one")
    second = io.StringIO()
    logs.configure("other", "INFO", second)
    logger.info("two")
    assert [line["event"] for line in lines(out)] == ["one"]
    assert [(line["event"], line["service"]) for line in lines(second)] == [("two", "other")]


def test_a_line_carries_the_current_span(out: io.StringIO) -> None:
    with TracerProvider().get_tracer("unit").start_as_current_span("work") as span:
        structlog.get_logger("m").info("inside")
        logging.getLogger("lib").info("inside too")
    structlog.get_logger("m").info("outside")
    context = span.get_span_context()
    assert [(line.get("trace_id"), line.get("span_id")) for line in lines(out)] == [
        (f"{context.trace_id:032x}", f"{context.span_id:016x}"),
        (f"{context.trace_id:032x}", f"{context.span_id:016x}"),
        (None, None),
    ]


def test_a_line_carries_the_correlation_id_while_it_lasts(out: io.StringIO) -> None:
    with logs.correlated("c-7"):
        structlog.get_logger("m").info("inside")
        logging.getLogger("lib").info("inside too")
    structlog.get_logger("m").info("outside")
    assert [line.get("correlation_id") for line in lines(out)] == ["c-7", "c-7", None]


@dataclass
class Order:
    request: Message
    email: str


def _log_in_every_way(request: Message) -> None:
    log, library = structlog.get_logger("m"), logging.getLogger("lib")
    log.info("received", request=request)
    log.info("received", nested={"requests": [(request,)]})
    log.info("received", order=Order(request, SECRET))
    log.info("received %s", request)
    log.info(request)
    log.bind(request=request).info("received")
    library.info("received %s", request)
    library.info("received %(request)s", {"request": request})
    library.info(request)
    library.info("received %s", [request])
    library.info("received", extra={"request": request})


def test_the_text_of_a_request_is_nowhere_in_the_output(out: io.StringIO) -> None:
    _log_in_every_way(concern())
    assert len(lines(out)) == 11
    assert SECRET not in out.getvalue()
    # It is the text that is missing, not the request.
    assert all("c1" in line for line in out.getvalue().splitlines())
    assert lines(out)[0]["request"] == {"concern_id": "c1", "person_at_risk_id": "p1", "narrative": "[redacted]"}


def test_nor_is_a_text_that_waits_to_be_sealed(out: io.StringIO) -> None:
    _log_in_every_way(Sealed(to_be_sealed=SECRET))
    assert len(lines(out)) == 11
    assert SECRET not in out.getvalue()


@pytest.mark.parametrize(
    "key", ["name", "email", "narrative", "text", "shared_record", "token", "authorization", "Authorization", "EMAIL"]
)
def test_what_stands_under_a_personal_name_is_taken_out_at_any_depth(out: io.StringIO, key: str) -> None:
    structlog.get_logger("m").info("x", **{key: SECRET})
    structlog.get_logger("m").info("x", metadata={"inner": [{key: [SECRET]}]})
    structlog.get_logger("m").info("x %s", {key: SECRET})
    logging.getLogger("lib").info({key: SECRET})
    logging.getLogger("lib").info("x %s", {key: SECRET})
    assert len(lines(out)) == 5
    assert SECRET not in out.getvalue()
    assert lines(out)[0][key] == "[redacted]"


def _fail(error: Exception) -> None:
    raise error


def test_addresses_and_tokens_in_a_sentence_or_an_exception_are_taken_out(out: io.StringIO) -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJwMSJ9.c2ln"
    structlog.get_logger("m").info(f"mail to jo@example.org refused, token {token}.")
    logging.getLogger("lib").info("to %s by %s", "jo@example.org", "mongodb://me:secret@db.example/x")
    try:
        _fail(ValueError("550 no such user: <jo@example.org>"))
    except ValueError as error:
        structlog.get_logger("m").exception("not sent", reason=error)
        logging.getLogger("lib").exception("not sent")
    written = out.getvalue()
    assert not any(part in written for part in ("jo@", "secret", token))
    assert lines(out)[0]["event"] == "mail to [redacted] refused, token [redacted]."
    assert lines(out)[2]["reason"] == "ValueError: 550 no such user: <[redacted]>"


def test_an_exception_is_shown_with_its_frames(out: io.StringIO) -> None:
    for log in (structlog.get_logger("m"), logging.getLogger("lib")):
        try:
            _fail(KeyError("missing"))
        except KeyError:
            log.exception("failed")
        assert last(out)["level"] == "error"
        assert "test_an_exception_is_shown_with_its_frames" in last(out)["exception"]
        assert "KeyError: 'missing'" in last(out)["exception"]


class Opaque:
    def __repr__(self) -> str:
        return SECRET


def test_plain_values_are_shown_and_an_object_only_by_its_type(out: io.StringIO) -> None:
    structlog.get_logger("m").info(
        "x",
        id=UUID(int=1),
        at=datetime(2026, 11, 24, tzinfo=UTC),
        flag=True,
        none=None,
        some={2},
        opaque=Opaque(),
        raw=SECRET.encode(),
    )
    line = last(out)
    assert (line["id"], line["at"]) == ("00000000-0000-0000-0000-000000000001", "2026-11-24 00:00:00+00:00")
    assert (line["flag"], line["none"], line["some"], line["opaque"], line["raw"]) == (
        True,
        None,
        [2],
        "<Opaque>",
        "<bytes>",
    )


def test_a_record_that_cannot_be_written_shows_none_of_its_arguments(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    # Through our handler alone: pytest's own would raise.
    (ours,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, logs._Lines)]
    ours.handle(logging.makeLogRecord({"name": "lib", "msg": "one %s", "args": ("a", SECRET)}))
    assert out.getvalue() == ""
    told = capsys.readouterr().err
    assert SECRET not in told
    assert json.loads(told)["event"] == "a record could not be logged"
