"""What an operator is shown of a parked record: enough to find the cause, and nothing of what it says about a person.

Texts that came from outside (a reason, a header, a name) are shown only where they have the form of a code or an id. Of its content what
is shown is listed, not what is hidden: codes, figures, times, and the id of its own stream. Any other text may be somebody's name or id.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
_IN_TEMPLATE = re.compile(r"(\w+)\}")
_UNREADABLE = "[unreadable]"
SEALED, CONFIDENTIAL, PERSON, TEXT = "[sealed]", "[confidential]", "[person]", "[text]"


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
    if message is None:
        return ""
    people = _names_of_people(contract)
    return json.dumps(_Shown(people, _own_id(record, message, contract, people)).fields(message), indent=2)


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


def _own_id(record: messages.ParkedRecord, message: Message, contract: Contract, people: frozenset[str]) -> str:
    """The id in the name of the stream that it is about; "" where nobody is told that name otherwise, and it names a person."""
    call = contract.commands.get(type(message))
    if call is None:
        # An event's stream is told with its record.
        return record.stream.partition("-")[2]
    return "" if people.intersection(_IN_TEMPLATE.findall(call.stream)) else call.stream_of(message).partition("-")[2]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message as it is shown.

    `people` are the fields that name whose data something is, `own_id` the one text that is shown.
    """

    people: frozenset[str]
    own_id: str

    def fields(self, message: Message) -> dict[str, object]:
        return {field.name: self._field(field, value) for field, value in message.ListFields()}

    def _field(self, field: FieldDescriptor, value: Any) -> object:
        if _option(field).confidentiality == options_pb2.CONFIDENTIALITY_CONFIDENTIAL:
            return CONFIDENTIAL
        if field.name in self.people:
            return PERSON
        if isinstance(value, Mapping):
            # A key may be anybody's name.
            entry = cast("Descriptor", field.message_type)
            return [self._one(entry.fields_by_name["value"], part) for part in value.values()]
        if field.is_repeated:
            return [self._one(field, part) for part in value]
        return self._one(field, value)

    def _one(self, field: FieldDescriptor, value: Any) -> object:
        if isinstance(value, Message):
            return self._message(value)
        if isinstance(value, bytes):
            return f"[{len(value)} bytes]"
        if isinstance(value, str):
            return value if value == self.own_id else TEXT
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            return known.name if known is not None else value
        return value

    def _message(self, value: Message) -> object:
        if isinstance(value, Sealed):
            return SEALED
        return value.ToJsonString() if isinstance(value, Timestamp | Duration) else self.fields(value)


def _option(field: FieldDescriptor) -> options_pb2.FieldOptions:
    return field.GetOptions().Extensions[options_pb2.field]
