"""Writes what the contracts say of every call and event as a page to read: docs/CONTRACTS.md. `lint.py` holds that it is up to date."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from mentoring.options.v1 import options_pb2

SERVICES = ("sessions", "evidence", "safeguarding", "notifications", "operations")
_OPTIONS = "mentoring.options.v1"
# Where a descriptor keeps what: the field numbers of descriptor.proto, which comments are found by.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_VALUE, _METHOD = 2, 2
_FLOWS = Path(__file__).with_name("flows.toml")
_EXAMPLE = Path(__file__).with_name("example.py")
# Calls that change something and are no commands: an operator's, which store no event, and what looks through much before a command notes it.
ACTS = {
    "ReplayParked", "DiscardParked", "RebuildProjection", "SwitchProjection", "DropProjectionCopy", "RecordFileSent",
}  # fmt: skip
_HEAD = """# Every call and every event

Made from `proto/` by `python packages/contracts/lint.py --baseline`, and checked by `make lint`: it is not written by hand.

A call is made with a token whose roles hold one of those named; `any` is everybody with a token of the provider. Beside the role, the last
column says how the caller has to stand to what the call is about. What the platform alone does is not listed. A command stores events, and is
answered by a `CommandReply`; what does not is marked: it reads, or moves bytes, which are sent or answered in parts where `proto/` says
`stream`. Text that is sealed in events, and what stays inside the service that stored it, is said in `proto/`.

Here: [in which order](#in-which-order), [a call from Python](#a-call-from-python), and the calls and events of
{services}.
"""
_ORDER = """## In which order

Who gives which call, from the first to the last. What may be left out is said; the calls' own entries say the rest.
"""
_PYTHON = """## A call from Python

The contracts' generated messages and grpcio are all that it needs: `packages/contracts/example.py`. It plans a session and reads it in a
list, which is a read model and hears of events a moment later; `read-after` waits for it. After [the first hour](first-hour.md):

```console
.venv/bin/python packages/contracts/example.py 127.0.0.1:21051 "$(.venv/bin/mentorstream token mentor-1 --role mentor)"
```

```python
{program}```
"""


def reference(image: bytes) -> str:
    """The page."""
    files = FileDescriptorSet.FromString(image).file
    needs = _relationships(next(file for file in files if file.package == _OPTIONS))
    opening = _HEAD.format(services=", ".join(f"[{name}](#{name})" for name in SERVICES))
    parts = [opening, _ORDER, *map(_flow, flows()), _PYTHON.format(program=_EXAMPLE.read_text())]
    for service in SERVICES:
        own = [file for file in files if file.package == f"mentoring.{service}.v1"]
        parts.append(f"## {service}\n")
        for file in own:
            for place, offered in enumerate(file.service):
                if calls := list(_calls(file, place, offered, needs)):
                    head = "| call | what it does | roles | and |\n|---|---|---|---|"
                    parts.append("\n".join([f"### {offered.name}\n", head, *calls, ""]))
        if events := [line for file in own for line in _events(file)]:
            parts.append(
                "\n".join([f"### Events of {service}\n", "| event | what happened |", "|---|---|", *events, ""])
            )
    return "\n".join(parts)


def flows() -> list[Mapping[str, Any]]:
    """The orders of calls as they are written."""
    found: list[Mapping[str, Any]] = tomllib.loads(_FLOWS.read_text())["flow"]
    return found


def astray(image: bytes, written: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each call that an order names and the contracts do not have, and for each role that may not give it."""
    known = {
        f"{file.package.split('.')[1]}.{method.name}": {_role(role) for role in _option(method)[1].roles}
        for file in FileDescriptorSet.FromString(image).file
        for offered in file.service
        for method in offered.method
    }
    named = {call.split(".")[1] for call in known}
    found = []
    for flow in written:
        for roles, call, why in flow["steps"]:
            beside = [one for one in re.findall("`([^`]+)`", why) if one not in named]
            found += [f"flows.toml: {flow['title']}: no call {one}" for one in beside]
            if call not in known:
                found.append(f"flows.toml: {flow['title']}: no call {call}")
            elif wrong := [] if "any" in known[call] else [role for role in roles if role not in known[call]]:
                found.append(f"flows.toml: {flow['title']}: {call} is not for {', '.join(wrong)}")
    return found


def _flow(flow: Mapping[str, Any]) -> str:
    lines = [
        f"| {number} | {', '.join(f'`{role}`' for role in roles)} | `{call}` | {why} |"
        for number, (roles, call, why) in enumerate(flow["steps"], 1)
    ]
    return "\n".join([f"### {flow['title']}\n", "| | who | call | |", "|---:|---|---|---|", *lines, ""])


def _calls(
    file: FileDescriptorProto, place: int, offered: ServiceDescriptorProto, needs: dict[int, str]
) -> Iterator[str]:
    for number, method in enumerate(offered.method):
        kind, option = _option(method)
        if options_pb2.ROLE_SYSTEM in option.roles:
            continue
        roles = ", ".join(f"`{_role(role)}`" for role in option.roles)
        what = _comment(file, [_SERVICE, place, _METHOD, number])
        yield f"| `{method.name}`{kind} | {what} | {roles} | {needs[option.needs]} |"


def _option(method: MethodDescriptorProto) -> tuple[str, Any]:
    """How a call is marked where it is no command, and what its contract says of it."""
    extensions = method.options.Extensions
    if method.options.HasExtension(options_pb2.command):
        return "", extensions[options_pb2.command]
    transfers = method.options.HasExtension(options_pb2.transfer)
    option: Any = extensions[options_pb2.transfer] if transfers else extensions[options_pb2.query]
    if method.name in ACTS:
        return " (acts)", option
    moves = transfers and (method.client_streaming or method.server_streaming)
    return " (moves bytes)" if moves else " (reads)", option


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
