"""Events of a concern in plain words: whatever a contract says of one is told, but for what is said elsewhere in the document."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed

# Said on the first page, in the entry's own columns, or of use to machines alone.
_SAID_ELSEWHERE = frozenset(
    {
        "concern_id",
        "site_id",
        "person_at_risk_id",
        "from_issue_id",
        "at",
        "content_digest",
        "handling_id",
        "task_key",
        "part_bytes",
    }
    # Of other concerns: who reads this one may know nothing of them.
    | {"duplicate_id", "leading_id", "merged_id", "kept_away_ids"}
)


def happened(event_type: str) -> str:
    """What kind of thing it was: `action recorded`."""
    return event_type.rpartition(".")[2].removeprefix("concern-").replace("-", " ")


def details(event: Message) -> str:
    """The fields that are set, each with its name, but for texts."""
    return "; ".join(
        f"{_name(field.name)} {said}" for field, value in event.ListFields() for said in _said(field, value)
    )


def minute(at: datetime | Timestamp) -> str:
    """In UTC, to the second: what came after what may matter."""
    moment = at.ToDatetime(UTC) if isinstance(at, Timestamp) else at
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def words(enum: EnumDescriptor, number: int) -> str:
    """An enum's value in words; one that this version does not know as its number, and none as nothing."""
    if not number:
        return ""
    value = enum.values_by_number.get(number)
    return str(number) if value is None else value.name.removeprefix(_prefix(enum)).replace("_", " ").lower()


def _said(field: FieldDescriptor, value: Any) -> Iterator[str]:
    if field.name in _SAID_ELSEWHERE or isinstance(value, Sealed):
        return
    if field.is_repeated:
        yield ", ".join(str(one) for one in value)
    elif field.enum_type is not None:
        yield words(field.enum_type, value)
    elif isinstance(value, Timestamp):
        yield minute(value)
    elif isinstance(value, Duration):
        yield str(value.ToTimedelta())
    elif isinstance(value, bool):
        yield "yes"
    else:
        yield value.hex() if isinstance(value, bytes) else str(value)


def _name(field: str) -> str:
    return field.removesuffix("_ids").removesuffix("_id").replace("_", " ")


def _prefix(enum: EnumDescriptor) -> str:
    """`CONCERN_CATEGORY_` of `CONCERN_CATEGORY_UNSPECIFIED`, which each enum begins with."""
    return enum.values[0].name.removesuffix("UNSPECIFIED")
