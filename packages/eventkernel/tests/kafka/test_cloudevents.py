"""The binding: what is encoded is decoded, and what is wrong with a foreign record is named."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiokafka import ConsumerRecord
from eventkernel.cloudevents import Malformed, decode, encode
from eventkernel.messages import Commit, Metadata, StoredEvent
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
TIMES = st.datetimes(  # hypothesis wants the bounds without a zone
    datetime(1971, 1, 1),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.builds(lambda h: timezone(timedelta(hours=h)), st.integers(-12, 12)),
)
EVENTS = st.builds(StoredEvent, NAME, NAME, st.integers(1, 2**53), st.binary(max_size=50), st.just(True))
COMMITS = st.builds(
    Commit,
    id=NAME,
    tenant=NAME,
    stream=NAME,
    events=st.tuples(EVENTS),
    partition_key=NAME,
    at=TIMES,
    actor=TEXT,
    published_version=st.integers(0),
    correlation_id=TEXT,
    causation_id=TEXT,
    traceparent=TEXT,
)


def record(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> ConsumerRecord:
    return ConsumerRecord("t", 0, 0, 0, 0, key, value, None, 0, 0, tuple(headers))


@given(COMMITS)
def test_what_is_encoded_is_decoded(commit: Commit):
    event = commit.events[0]
    key, value, headers = encode(commit, event, "/mentoring/sessions")
    assert key == commit.partition_key.encode()
    assert value is event.data
    assert decode(record(key, value, headers)) == Metadata(
        event_id=event.id,
        type=event.type,
        tenant=commit.tenant,
        stream=commit.stream,
        version=event.version,
        at=commit.at,
        correlation_id=commit.correlation_id,
        causation_id=commit.causation_id,
        traceparent=commit.traceparent,
    )
    assert all(value for _, value in headers)
    assert len({name for name, _ in headers}) == len(headers)


COMMIT = Commit(
    id="acme/c-1",
    tenant="acme",
    stream="session-7",
    events=(StoredEvent("e-1", "mentoring.sessions.session-held", 4, b"\x0a\x01x", True),),
    partition_key="learner-9",
    at=datetime(2026, 11, 2, 9, 30, 0, 125000, tzinfo=UTC),
    actor="mentor-3",
    published_version=4,
    correlation_id="cor",
)


def test_the_headers_are_those_of_the_binding():
    _, _, headers = encode(COMMIT, COMMIT.events[0], "/mentoring/sessions", dataschema="https://example.org/schema")
    assert dict(headers) == {
        "content-type": b"application/protobuf",
        "ce_specversion": b"1.0",
        "ce_id": b"e-1",
        "ce_source": b"/mentoring/sessions",
        "ce_type": b"mentoring.sessions.session-held",
        "ce_time": b"2026-11-02T09:30:00.125000Z",
        "ce_recordedtime": b"2026-11-02T09:30:00.125000Z",
        "ce_subject": b"session-7",
        "ce_sequence": b"4",
        "ce_partitionkey": b"learner-9",
        "ce_tenant": b"acme",
        "ce_correlationid": b"cor",
        "ce_dataschema": b"https://example.org/schema",
    }


def changed(**headers: bytes | None) -> ConsumerRecord:
    key, value, given = encode(COMMIT, COMMIT.events[0], "/mentoring/sessions")
    kept = dict(given) | {name.replace("__", "-"): value for name, value in headers.items()}
    return record(key, value, kept.items())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"ce_id": b""}, "ce_id is missing"),
        ({"ce_id": None, "ce_type": b""}, "ce_id is missing; ce_type is missing"),
        ({"ce_sequence": b"four"}, "ce_sequence is 'four', not a version from 1 up"),
        ({"ce_sequence": b"-4"}, "ce_sequence is '-4'"),
        ({"ce_sequence": "٤".encode()}, "ce_sequence is '٤'"),
        ({"ce_sequence": b"9" * 5000}, "ce_sequence is '999"),
        ({"ce_specversion": b"0.3"}, "ce_specversion is '0.3', not 1.0"),
        ({"ce_time": b"yesterday"}, "ce_time is 'yesterday'"),
        ({"ce_time": b"2026-11-02T09:30:00"}, "not an RFC 3339 time with its offset"),
        ({"ce_tenant": b"\xff"}, "ce_tenant is not UTF-8"),
        ({"content__type": b"application/json"}, "content-type is 'application/json', not application/protobuf"),
        ({"content__type": None}, "content-type is ''"),
        # Structured mode, though the headers of binary mode are there as well.
        (
            {"content__type": b"application/CloudEvents+json; charset=UTF-8"},
            "structured mode (application/cloudevents+json)",
        ),
    ],
)
def test_what_is_wrong_is_named(headers: dict[str, bytes | None], reason: str):
    with pytest.raises(Malformed) as refused:
        decode(changed(**headers))
    assert reason in refused.value.reason


def test_a_record_without_a_value_is_refused_and_an_empty_event_is_not():
    key, _, headers = encode(COMMIT, COMMIT.events[0], "/s")
    assert decode(record(key, b"", headers)).event_id == "e-1"
    with pytest.raises(Malformed, match="no value"):
        decode(record(key, None, headers))


def test_foreign_headers_are_left_alone():
    assert decode(changed(x=b"\xff\xfe", y=None, content__type=b"application/protobuf; x=y")).stream == "session-7"


@given(
    st.lists(
        st.tuples(st.sampled_from(["content-type", "ce_id", "ce_time", "ce_sequence", "x"]), st.binary() | st.none())
    )
)
def test_nothing_but_malformed_is_raised(headers: list[tuple[str, bytes | None]]):
    with pytest.raises(Malformed):
        decode(record(None, b"", headers))
