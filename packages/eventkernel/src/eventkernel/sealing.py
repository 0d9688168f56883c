"""Sealed text: readable with one person's key alone, and only where it was put. Nothing here writes plaintext anywhere but back to its caller."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.options.v1 import options_pb2

from eventkernel import metrics
from eventkernel.keys import NONCE_BYTES, DataKeys, KeyUnknown, bound

CONFIDENTIAL = "[confidential]"


class Tampered(Exception):
    """A sealed text is not what was sealed for this tenant, person, event and field: altered, moved, or its key never was."""


class SubjectMissing(Exception):
    """A field is to be sealed and nothing says for whom."""


class Sealer:
    """Seals and opens the text of one service.

    Args:
        keys: the service's data keys.
        service: its name, for the count of what is opened.
    """

    def __init__(self, keys: DataKeys, service: str) -> None:
        self._keys = keys
        self._opened = metrics.SEALED_OPENED.labels(service)

    async def seal(
        self, text: str, *, tenant: str, subject_id: str, event_type: str, event_id: str, field: str
    ) -> Sealed:
        """The text sealed with the subject's key, for this field of this event alone.

        Raises:
            SubjectMissing: `subject_id` is empty.
            KeyDestroyed: the subject was erased.
        """
        if not subject_id:
            raise SubjectMissing(
                f"{event_type}: `{field}` is to be sealed and the field that names its subject is empty"
            )
        version, key = await self._keys.current(tenant, subject_id)
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = AESGCM(key).encrypt(nonce, text.encode(), bound(event_type, event_id, field, tenant, subject_id))
        return Sealed(subject_id=subject_id, key_version=version, nonce=nonce, ciphertext=ciphertext)

    async def open(self, sealed: Sealed, *, tenant: str, event_type: str, event_id: str, field: str) -> str:
        """The text. The caller has checked that it may be read, and has recorded that it is.

        Raises:
            KeyDestroyed: the subject was erased.
            Tampered: it is not what was sealed for this tenant, subject, event and field.
        """
        where = f"{event_type} {event_id}: `{field}`"
        try:
            key = await self._keys.key(tenant, sealed.subject_id, sealed.key_version)
            text = AESGCM(key).decrypt(
                sealed.nonce, sealed.ciphertext, bound(event_type, event_id, field, tenant, sealed.subject_id)
            )
        except KeyUnknown as error:
            raise Tampered(f"{where} names a key that never was: {error}") from error
        except (InvalidTag, ValueError) as error:
            raise Tampered(f"{where} is not what was sealed there: it was altered, or moved from elsewhere") from error
        self._opened.inc()
        return text.decode()

    async def seal_event(self, event: Message, *, tenant: str, event_type: str, event_id: str) -> None:
        """Seals in place every field that `unsealed_fields` lists; what is sealed already is left as it is.

        A field is sealed for the person that its `sealed_for` names beside it, else for the subject of the message it is in,
        else for the event's. A Sealed that is present and empty is the empty text, and is sealed like any other.

        Raises:
            SubjectMissing: nothing says for whom; the text names the event type and the field.
            KeyDestroyed: the person was erased.
        """
        for found in _sealed_in(event):
            if _is_open(found.sealed):
                sealed = await self.seal(
                    found.sealed.to_be_sealed,
                    tenant=tenant,
                    subject_id=_subject_of(found, event, event_type),
                    event_type=event_type,
                    event_id=event_id,
                    field=found.path,
                )
                found.sealed.CopyFrom(sealed)


def sealed_at(event: Message, path: str) -> Sealed | None:
    """The Sealed at a path as `unsealed_fields` tells it, `advice[0].text`; None where nothing is set there.

    Raises ValueError where the event has no field that the path begins with.
    """
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    if first not in event.DESCRIPTOR.fields_by_name:
        raise ValueError(f"{event.DESCRIPTOR.full_name} has no field {first}")
    return next((found.sealed for found in _sealed_in(event) if found.path == path), None)


def unsealed_fields(event: Message) -> list[str]:
    """The fields, at any depth, that still hold plaintext or that nobody has sealed: an event with any of them is not stored."""
    return [found.path for found in _sealed_in(event) if _is_open(found.sealed)]


def confidential_plaintext(descriptor: Descriptor) -> list[str]:
    """The fields of an event, at any depth, that its contract calls confidential and keeps as plain text: none is allowed."""
    return list(_confidential_in(descriptor, "", frozenset({Sealed.DESCRIPTOR.full_name})))


def redacted(message: Message) -> dict[str, object]:
    """The message for a log: what is set in it, with `[confidential]` for what its contract says is so, and for all that is sealed."""
    if isinstance(message, Sealed):
        return {"sealed": CONFIDENTIAL}
    return {
        field.name: CONFIDENTIAL if _is_confidential(field) else _shown(field, value)
        for field, value in message.ListFields()
    }


def holds_confidential(message: Message) -> bool:
    """Whether anything is set in it, at any depth, that its contract calls confidential."""
    return any(
        _is_confidential(field) or any(holds_confidential(part) for _, part in _messages(field, value))
        for field, value in message.ListFields()
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A Sealed within an event: its path, and the message and field that hold it."""

    path: str
    holder: Message
    field: FieldDescriptor
    sealed: Sealed


def may_hold_sealed(descriptor: Descriptor) -> bool:
    """Whether a message of this type has a field, at any depth, that is Sealed."""
    return descriptor in _leads_to_sealed(descriptor)


@cache
def _leads_to_sealed(descriptor: Descriptor) -> frozenset[Descriptor]:
    """Of this type and those that it may hold, the ones through which a Sealed is reached."""
    held: dict[Descriptor, set[Descriptor]] = {}
    unseen = [descriptor]
    while unseen:
        one = unseen.pop()
        if one not in held:
            held[one] = {field.message_type for field in one.fields if field.message_type is not None}
            unseen += held[one]
    leading = {one for one in held if one is Sealed.DESCRIPTOR}
    while more := {one for one, parts in held.items() if parts & leading} - leading:
        leading |= more
    return frozenset(leading)


def _sealed_in(message: Message, prefix: str = "") -> Iterator[_Found]:
    leading = _leads_to_sealed(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if field.message_type not in leading:
            continue
        for name, part in _messages(field, value):
            path = prefix + name
            if isinstance(part, Sealed):
                yield _Found(path, message, field, part)
            else:
                yield from _sealed_in(part, f"{path}.")


def _messages(field: FieldDescriptor, value: Any) -> Iterator[tuple[str, Message]]:
    """The messages that a field holds, each with its place: `field`, `field[0]`, `field[key]`."""
    if isinstance(value, Message):
        yield field.name, value
    elif isinstance(value, Mapping):
        yield from ((f"{field.name}[{key}]", part) for key, part in value.items() if isinstance(part, Message))
    elif field.is_repeated and field.message_type is not None:
        yield from ((f"{field.name}[{index}]", part) for index, part in enumerate(value))


def _is_open(sealed: Sealed) -> bool:
    # An empty text has a ciphertext too, of its tag alone: none at all means that nobody has sealed it.
    return bool(sealed.to_be_sealed) or not sealed.ciphertext


def _subject_of(found: _Found, event: Message, event_type: str) -> str:
    named = found.field.GetOptions().Extensions[options_pb2.field].sealed_for
    if named:
        return _id_in(found.holder, named, f"{event_type}: `{found.path}` is sealed for `{named}`")
    for message in (found.holder, event):
        for field in message.DESCRIPTOR.fields:
            if field.GetOptions().Extensions[options_pb2.field].subject:
                return _id_in(message, field.name, f"{event_type}: the subject of `{found.path}` is `{field.name}`")
    raise SubjectMissing(
        f"{event_type}: `{found.path}` is to be sealed and nothing says for whom: mark a field as `subject`, or name one by `sealed_for`"
    )


def _id_in(message: Message, name: str, why: str) -> str:
    value = getattr(message, name, None)
    if not isinstance(value, str):
        raise SubjectMissing(f"{why}, and that is no text field beside it")
    return value


def _confidential_in(descriptor: Descriptor, prefix: str, above: frozenset[str]) -> Iterator[str]:
    above |= {descriptor.full_name}
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_STRING and _is_confidential(field):
            yield prefix + field.name
        elif field.message_type is not None and field.message_type.full_name not in above:
            yield from _confidential_in(field.message_type, f"{prefix}{field.name}.", above)


def _is_confidential(field: FieldDescriptor) -> bool:
    confidentiality: int = field.GetOptions().Extensions[options_pb2.field].confidentiality
    return confidentiality == options_pb2.CONFIDENTIALITY_CONFIDENTIAL


def _shown(field: FieldDescriptor, value: Any) -> object:
    if field.message_type is not None and isinstance(value, Mapping):
        of_value = field.message_type.fields_by_name["value"]
        return {str(key): _shown_one(of_value, part) for key, part in value.items()}
    if field.is_repeated:
        return [_shown_one(field, part) for part in value]
    return _shown_one(field, value)


def _shown_one(field: FieldDescriptor, value: Any) -> object:
    if isinstance(value, Sealed):
        return CONFIDENTIAL
    if isinstance(value, Timestamp | Duration | FieldMask):
        # A caller may have sent one that is out of range: its log entry has to stand it.
        with suppress(ValueError):
            return value.ToJsonString()
    if isinstance(value, Message):
        return redacted(value)
    if isinstance(value, bytes):
        # Bytes may be anybody's message: their number is all that a log needs.
        return f"[{len(value)} bytes]"
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known is not None else value
    return value
