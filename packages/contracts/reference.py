"""Writes what the contracts say of every call and event as a page to read: docs/CONTRACTS.md. `lint.py` holds that it is up to date."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto
from mentoring.options.v1 import options_pb2

SERVICES = ("sessions", "evidence", "safeguarding", "notifications", "operations")
_OPTIONS = "mentoring.options.v1"
# Where a descriptor keeps what: the field numbers of descriptor.proto, which comments are found by.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_VALUE, _METHOD = 2, 2
_HEAD = """# Every call and every event

Made from `proto/` by `python packages/contracts/lint.py --baseline`, and checked by `make lint`: it is not written by hand.

A call is made with a token whose roles hold one of those named; `any` is everybody with a token of the provider. Beside the role, the last
column says how the caller has to stand to what the call is about. What the platform alone does is not listed. A command stores events, and is
answered by a `CommandReply`. What moves bytes takes its request in parts, or answers in parts, where `proto/` says `stream`. Text that is sealed in events, and what stays inside the service that stored it, is said in `proto/`.
"""


def reference(image: bytes) -> str:
    """The page."""
    files = FileDescriptorSet.FromString(image).file
    needs = _relationships(next(file for file in files if file.package == _OPTIONS))
    parts = [_HEAD]
    for service in SERVICES:
        own = [file for file in files if file.package == f"mentoring.{service}.v1"]
        parts.append(f"## {service}\n")
        for file in own:
            for place, offered in enumerate(file.service):
                parts.append("\n".join(_calls(file, place, offered, needs)))
        if events := [line for file in own for line in _events(file)]:
            parts.append(
                "\n".join([f"### Events of {service}\n", "| event | what happened |", "|---|---|", *events, ""])
            )
    return "\n".join(parts)


def _calls(
    file: FileDescriptorProto, place: int, offered: ServiceDescriptorProto, needs: dict[int, str]
) -> Iterator[str]:
    yield f"### {offered.name}\n"
    yield "| call | what it does | roles | and |\n|---|---|---|---|"
    for number, method in enumerate(offered.method):
        is_command = method.options.HasExtension(options_pb2.command)
        extensions = method.options.Extensions
        transfers = method.options.HasExtension(options_pb2.transfer)
        kind: Any = options_pb2.command if is_command else options_pb2.transfer if transfers else options_pb2.query
        option = extensions[kind]
        if options_pb2.ROLE_SYSTEM in option.roles:
            continue
        roles = ", ".join(f"`{_role(role)}`" for role in option.roles)
        what = _comment(file, [_SERVICE, place, _METHOD, number])
        yield f"| `{method.name}`{'' if is_command else ' (moves bytes)' if transfers else ' (reads)'} | {what} | {roles} | {needs[option.needs]} |"
    yield ""


def _events(file: FileDescriptorProto) -> Iterator[str]:
    for number, message in enumerate(file.message_type):
        option = message.options.Extensions[options_pb2.event]
        if option.visibility == options_pb2.VISIBILITY_PUBLISHED and not message.options.deprecated:
            yield f"| `{option.type}` | {_comment(file, [_MESSAGE, number])} |"


def _relationships(file: FileDescriptorProto) -> dict[int, str]:
    place = next(number for number, enum in enumerate(file.enum_type) if enum.name == "Relationship")
    values = file.enum_type[place].value
    return {
        value.number: _comment(file, [_ENUM, place, _VALUE, number]) if value.number else ""
        for number, value in enumerate(values)
    }


def _role(number: int) -> str:
    name = options_pb2.Role.Name(options_pb2.Role.ValueType(number)).removeprefix("ROLE_").lower()
    return "any" if name == "anyone_known" else name


def _comment(file: FileDescriptorProto, path: list[int]) -> str:
    """What stands above it, as one line that a table's cell can hold."""
    found = next((one for one in file.source_code_info.location if list(one.path) == path), None)
    text = " ".join(found.leading_comments.split()) if found else ""
    return text.replace("|", "\\|")
