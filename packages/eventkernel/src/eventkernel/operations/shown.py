"""What an operator is shown of a parked record: enough to find the cause, and nothing of what it says about a person.

Texts that came from outside (a reason, a header, a name) are shown only where they have the form of a code or an id.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.operations.v1 import operations_pb2 as pb
from mentoring.options.v1 import options_pb2

from eventkernel import messages
from eventkernel.contract import Contract, UnknownEventType

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,119}")
_NAME = re.compile(r"[A-Za-z0-9._:/~-]{1,300}")
_UNREADABLE = "[unreadable]"
SEALED, CONFIDENTIAL, PERSON = "[sealed]", "[confidential]", "[person]"


def summary(record: messages.ParkedRecord) -> pb.ParkedRecord:
    """A record as lists tell it."""
    asked = record.asked
    shown = pb.ParkedRecord(
        id=record.id, subscription=record.subscription, tenant=_named(record.tenant), stream=_named(record.stream), topic=_named(record.topic),
        partition=record.partition, offset=record.offset, event_type=_type_of(record), version=_version_of(record), reason=reason(record.reason),
        attempts=record.attempts,
    )  # fmt: skip
    shown.parked_at.FromDatetime(record.at)
    if asked is not None:
        shown.asked = pb.ASKED_DISCARD if asked.discard else pb.ASKED_REPLAY
    return shown


def reason(text: str) -> str:
    """The code a reason begins with, and the kind of what was wrong where it is named: what follows may quote anything."""
    code, _, rest = text.partition(": ")
    if not _CODE.fullmatch(code):
        return _UNREADABLE
    kind = rest.partition(":")[0]
    told = code in {"HANDLER_FAILED", "UNKNOWN_EVENT_TYPE"} and _KIND.fullmatch(kind)
    return f"{code}: {kind}" if told else code


def content(record: messages.ParkedRecord, contract: Contract) -> str:
    """What a record holds, as JSON; empty where it cannot be read."""
    try:
        message = _parsed(record, contract)
    except (UnknownEventType, DecodeError):
        return ""
    return "" if message is None else json.dumps(_fields(message, _names_of_people(contract)), indent=2)


def _parsed(record: messages.ParkedRecord, contract: Contract) -> Message | None:
    requests = {str(request.DESCRIPTOR.full_name): request for request in contract.commands}
    request = requests.get(record.topic.partition("/")[0])
    if request is not None:
        return request.FromString(record.value or b"")
    return None if record.value is None else contract.parse(_type_of(record), record.value)


def _type_of(record: messages.ParkedRecord) -> str:
    if "/" in record.topic:
        return _named(record.topic.partition("/")[0])
    said = _header(record, "ce_type")
    return said if _KIND.fullmatch(said) else ""


def _version_of(record: messages.ParkedRecord) -> int:
    said = _header(record, "ce_sequence")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0


def _header(record: messages.ParkedRecord, name: str) -> str:
    return dict(record.headers).get(name, b"").decode(errors="replace")


def _named(text: str) -> str:
    return text if not text or _NAME.fullmatch(text) else _UNREADABLE


def _names_of_people(contract: Contract) -> frozenset[str]:
    """The fields by which any event of the contract says whose data it is: they say it under the same names everywhere."""
    return frozenset(
        name
        for event in contract.events.values()
        for name in _people_in(cast("Descriptor", event.message.DESCRIPTOR), frozenset())
    )


def _people_in(descriptor: Descriptor, above: frozenset[str]) -> Iterator[str]:
    for field in descriptor.fields:
        option = _option(field)
        if option.subject:
            yield field.name
        if option.sealed_for:
            yield option.sealed_for
        inner = field.message_type
        if inner is not None and inner.full_name not in above:
            yield from _people_in(inner, above | {descriptor.full_name, inner.full_name})


def _fields(message: Message, people: frozenset[str]) -> dict[str, object]:
    return {field.name: _field(field, value, people) for field, value in message.ListFields()}


def _field(field: FieldDescriptor, value: Any, people: frozenset[str]) -> object:
    if _option(field).confidentiality == options_pb2.CONFIDENTIALITY_CONFIDENTIAL:
        return CONFIDENTIAL
    if field.name in people:
        return PERSON
    if isinstance(value, Mapping):
        return {str(key): _one(field, part, people) for key, part in value.items()}
    if field.is_repeated:
        return [_one(field, part, people) for part in value]
    return _one(field, value, people)


def _one(field: FieldDescriptor, value: Any, people: frozenset[str]) -> object:
    if isinstance(value, Sealed):
        return SEALED
    if isinstance(value, Timestamp | Duration):
        return value.ToJsonString()
    if isinstance(value, Message):
        return _fields(value, people)
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known is not None else value
    return value


def _option(field: FieldDescriptor) -> options_pb2.FieldOptions:
    return field.GetOptions().Extensions[options_pb2.field]
