"""What a request takes, as whoever types it as JSON needs to know it, and in plain words what is wrong with one."""

import re
from collections.abc import Iterator

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.json_format import ParseError
from mentoring.options.v1 import options_pb2

# Messages that are a text in JSON.
_AS_TEXT = {
    "google.protobuf.Timestamp": "a time, 2026-03-02T10:00:00Z",
    "google.protobuf.Duration": "a duration, 3600s",
}
_JSON_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    **dict.fromkeys(
        (
            FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT32,
            FieldDescriptor.CPPTYPE_UINT64,
        ),
        "a whole number",
    ),
    **dict.fromkeys((FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT), "a number"),
}  # fmt: skip
# What the parser says, and what a person needs to hear.
_UNKNOWN = re.compile(r'has no field named "([^"]*)".*?Available Fields\(except extensions\): "\[(.*)\]"', re.DOTALL)
_TOLD = (
    (re.compile(r"time data|parse timestamp|valid timestamp", re.IGNORECASE), "a time as 2026-03-02T10:00:00Z"),
    (re.compile(r"Invalid enum value"), "none of its values"),
    (re.compile(r"Couldn't parse integer"), "a whole number"),
    (re.compile(r"expected string|expected str"), "a text"),
    (
        re.compile(r"duration|invalid literal for int", re.IGNORECASE),
        "a duration in seconds as 3600s, or a whole number",
    ),
)
_FIELD = re.compile(r"Failed to parse (\w+) field")


def fields_of(message: Descriptor) -> Iterator[str]:
    """A line a field, with its type and whether it is required; those of a message inside it are below it. An enum is listed once."""
    yield from _fields(message, (), set())


def in_words(error: ParseError) -> str:
    """What is wrong with a request in JSON, and what it would take; the parser's own words where no better ones are known."""
    text = str(error)
    if found := _UNKNOWN.search(text):
        known = ", ".join(_as_in_the_contract(name.strip(" '")) for name in found[2].split(","))
        return f"{found[1]}: no such field; there are {known}"
    within = _FIELD.findall(text)
    for pattern, wanted in _TOLD:
        if within and pattern.search(text):
            return f"{within[-1]}: {wanted}"
    return text


def _fields(message: Descriptor, within: tuple[Descriptor, ...], listed: set[str]) -> Iterator[str]:
    for field in message.fields:
        several = "several, each " if field.is_repeated else ""
        inside = field.message_type
        shown = _AS_TEXT.get(inside.full_name, "") if inside is not None else _plain(field, listed)
        yield f"{'  ' * len(within)}{field.name}: {several}{shown or 'an object'}{_needed(field)}"
        # A message that holds itself is shown once.
        if inside is not None and not shown and inside not in within:
            yield from _fields(inside, (*within, message), listed)


def _plain(field: FieldDescriptor, listed: set[str]) -> str:
    if field.enum_type is None:
        return _JSON_TYPES[field.cpp_type]
    return _values(field.enum_type, listed)


def _values(of: EnumDescriptor, listed: set[str]) -> str:
    if of.name in listed:
        return f"{of.name}, as above"
    listed.add(of.name)
    return " | ".join(value.name for value in of.values if value.number)


def _needed(field: FieldDescriptor) -> str:
    """Whether an empty one is refused, as the contract says it."""
    options = field.GetOptions()
    if options.Extensions[options_pb2.field].generated:
        return " (made where it is left out)"
    rules = options.Extensions[validate_pb2.field]
    allowed = getattr(rules.enum, "in")
    needed = (
        rules.required
        or rules.string.min_len > 0
        or (rules.string.HasField("pattern") and not re.search(rules.string.pattern, ""))
        or rules.repeated.min_items > 0
        or 0 in rules.enum.not_in
        or (allowed and 0 not in allowed)
        or rules.uint32.gte > 0
        or rules.bytes.len > 0
    )
    return " (required)" if needed else ""


def _as_in_the_contract(name: str) -> str:
    """The parser lists names as JSON has them, `concernId`; the contract and `--fields` have `concern_id`."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", name)
