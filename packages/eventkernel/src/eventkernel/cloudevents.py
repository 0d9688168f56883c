"""CloudEvents 1.0.2 in Kafka's binary mode: what a record says about its event, in headers, beside the stored bytes.

The event's bytes are never touched, and what `encode` wrote, `decode` gives back.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from eventkernel.messages import Commit, Metadata, StoredEvent

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/protobuf"
_SPEC_VERSION, _CONTENT_TYPE = SPEC_VERSION.encode(), CONTENT_TYPE.encode()
# The binding tells structured mode by the content type alone. Headers that begin with `ce_` may be there in either mode.
_STRUCTURED = "application/cloudevents"
_REQUIRED = ("id", "source", "type", "time", "subject", "sequence", "tenant")

Headers = list[tuple[str, bytes]]


class Malformed(Exception):
    """A record that is no event of this platform; `reason` names everything that is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode(commit: Commit, event: StoredEvent, source: str, dataschema: str = "") -> tuple[bytes, bytes, Headers]:
    """The key, value and headers of an event's record.

    Who acted is not told: where that may be known, the event says it, and elsewhere it must stay unknown.

    Args:
        commit: the commit that holds the event.
        event: one of its events.
        source: `ce_source`, a URI reference that names the service's part of the platform, such as `/mentoring/sessions`.
        dataschema: `ce_dataschema`, the URI of the event's schema, where there is one.
    """
    at = _rfc3339(commit.at)
    attributes = {
        "specversion": SPEC_VERSION,
        "id": event.id,
        "source": source,
        "type": event.type,
        "time": at,
        # What is recorded is the commit: an event happened when it was recorded. A later import may tell the two apart.
        "recordedtime": at,
        "subject": commit.stream,
        "sequence": str(event.version),
        "partitionkey": commit.partition_key,
        "tenant": commit.tenant,
        "correlationid": commit.correlation_id,
        "causationid": commit.causation_id,
        "traceparent": commit.traceparent,
        "dataschema": dataschema,
    }
    headers: Headers = [("content-type", CONTENT_TYPE.encode())]
    headers += [(f"ce_{name}", value.encode()) for name, value in attributes.items() if value]
    return commit.partition_key.encode(), event.data, headers


def decode(record: ConsumerRecord[bytes, bytes]) -> Metadata:
    """What is known about a record's event.

    Raises:
        Malformed: the record is in structured mode, or lacks or garbles what an event of this platform has.
    """
    plain = _plain(record)
    return _carefully(record) if plain is None else plain


def _plain(record: ConsumerRecord[bytes, bytes]) -> Metadata | None:
    """The same for a record with nothing wrong, at a fraction of the cost; None where anything at all has to be looked at."""
    headers = dict(record.headers)
    get, sequence = headers.get, headers.get("ce_sequence") or b""
    if (
        record.value is None or get("content-type") != _CONTENT_TYPE or get("ce_specversion") != _SPEC_VERSION
        or not sequence.isdigit() or len(sequence) > 18
    ):  # fmt: skip
        return None
    try:
        found = Metadata(
            headers["ce_id"].decode(), headers["ce_type"].decode(), headers["ce_tenant"].decode(), headers["ce_subject"].decode(),
            int(sequence), datetime.fromisoformat(headers["ce_time"].decode()), "",
            get("ce_correlationid", b"").decode(), get("ce_causationid", b"").decode(), get("ce_traceparent", b"").decode(),
        )  # fmt: skip
        source = headers["ce_source"].decode()
    except (AttributeError, KeyError, ValueError):
        return None
    is_plain = (
        source and found[0] and found[1] and found[2] and found[3] and found[4] > 0 and found[5].tzinfo is not None
    )
    return found if is_plain else None


def _carefully(record: ConsumerRecord[bytes, bytes]) -> Metadata:
    problems: list[str] = []
    headers = _texts(record.headers, problems)
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith(_STRUCTURED):
        raise Malformed(
            f"structured mode ({content_type}) is not spoken here: send binary mode, with {CONTENT_TYPE} as content-type"
        )
    if content_type != CONTENT_TYPE:
        problems.append(f"content-type is {content_type!r}, not {CONTENT_TYPE}")
    if record.value is None:
        problems.append("there is no value: events are not deleted")
    found = {name: headers.get(f"ce_{name}", "") for name in _REQUIRED}
    problems += [f"ce_{name} is missing" for name, value in found.items() if not value]
    if (version := headers.get("ce_specversion", "")) != SPEC_VERSION:
        problems.append(f"ce_specversion is {version!r}, not {SPEC_VERSION}")
    at, sequence = _time(found["time"], problems), _version(found["sequence"], problems)
    if problems:
        raise Malformed("; ".join(problems))
    return Metadata(
        event_id=found["id"],
        type=found["type"],
        tenant=found["tenant"],
        stream=found["subject"],
        version=sequence,
        at=at,
        correlation_id=headers.get("ce_correlationid", ""),
        causation_id=headers.get("ce_causationid", ""),
        traceparent=headers.get("ce_traceparent", ""),
    )


def event_id_of(record: ConsumerRecord[bytes, bytes]) -> str | None:
    """The `ce_id` alone, whatever else the record holds; None where it has none."""
    for name, value in record.headers:
        if name == "ce_id" and value is not None:
            found: str = value.decode(errors="replace")
            return found
    return None


def _texts(headers: Sequence[tuple[str, bytes | None]], problems: list[str]) -> dict[str, str]:
    texts = {}
    for name, value in headers:
        if value is None:  # Kafka's null: the same as no header
            continue
        try:
            texts[name] = value.decode()
        except UnicodeDecodeError:
            # A foreign header may hold any bytes; only our own must be text.
            if name.startswith("ce_") or name == "content-type":
                problems.append(f"{name} is not UTF-8")
    return texts


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time(text: str, problems: list[str]) -> datetime:
    try:
        at: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is not None and at.tzinfo is not None:
        return at
    if text:
        problems.append(f"ce_time is {text!r}, not an RFC 3339 time with its offset")
    return datetime.min.replace(tzinfo=UTC)


def _version(text: str, problems: list[str]) -> int:
    # int() takes more than decimals: signs, underscores, other scripts' digits, and it gives up on thousands of them.
    if text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0:
        return int(text)
    if text:
        problems.append(f"ce_sequence is {text!r}, not a version from 1 up")
    return 0
