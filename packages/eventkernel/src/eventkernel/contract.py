"""Reads what the contracts say of themselves, off the protobuf descriptors. Nothing of it is written a second time in Python.

A contract that leaves a question open (a command nobody may call, an event without a type) stops the service at its start.
"""

import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from importlib import import_module
from itertools import chain
from typing import cast

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from mentoring.options.v1 import options_pb2

from eventkernel.sealing import confidential_plaintext, may_hold_sealed

MessageType = type[Message]
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class ContractFault(Exception):
    """The contracts and the code do not fit each other; every fault is listed, and the service does not start."""


class UnknownEventType(Exception):
    """An event of a type that no contract here names."""


@dataclass(frozen=True, slots=True)
class EventContract:
    """What an event's contract says. One that is retired (`option deprecated = true`) is read for ever and given no more.

    `seals`: it has a field, at any depth, for sealed text.
    """

    type: str
    message: MessageType
    published: bool
    partition_by: str
    topic: str
    unlinked: bool
    seals: bool
    retired: bool = False


@dataclass(frozen=True, slots=True)
class CallContract:
    """What an RPC's contract says: who may call, and how the caller must stand to what the call is about.

    `streams` says that the answer comes in parts, of a query that goes on or a transfer, `uploads` that the request does. `transfers`: it moves stored bytes. `generated` names the ids that a caller may leave empty. `stream` and `loads` are templates of streams; a query has none. `needs` is the relationship's name in lower case, or "", and `for_whom` says in words who has it.
    """

    method: str
    path: str
    request: type[Message]
    response: type[Message]
    roles: frozenset[str]
    needs: str
    stream: str = ""
    loads: tuple[str, ...] = ()
    streams: bool = False
    generated: tuple[str, ...] = ()
    uploads: bool = False
    transfers: bool = False
    for_whom: str = ""

    @property
    def is_command(self) -> bool:
        """Whether it stores something."""
        return bool(self.stream)

    def stream_of(self, request: Message) -> str:
        """The stream that this request is decided on."""
        return fill(self.stream, request)

    def loads_of(self, request: Message) -> tuple[str, ...]:
        """The streams whose state the decision reads; "" in place of one that the request does not name."""
        return tuple(_named(template, request) for template in self.loads)


class Contract:
    """One service's own contract, with the events of every service it hears.

    Args:
        files: the service's own proto files: its RPCs and events.
        heard: other services' proto files whose events it subscribes to.
    """

    def __init__(self, files: Iterable[FileDescriptor], heard: Iterable[FileDescriptor] = ()) -> None:
        own = list(files)
        self.services = tuple(service for file in own for service in file.services_by_name.values())
        self._declared = [event for file in own for event in _events(file)]
        self.own_events = {event.type: event for event in self._declared}
        self.events = self.own_events | {event.type: event for file in heard for event in _events(file)}
        self._methods = [_call(method) for service in self.services for method in service.methods]
        self.calls = {call.method: call for call in self._methods}
        self._by_message = {event.message: event for event in self.events.values()}

    @cached_property
    def commands(self) -> Mapping[type[Message], CallContract]:
        """The commands by the request they take."""
        return {call.request: call for call in self.calls.values() if call.is_command}

    @cached_property
    def queries(self) -> Mapping[type[Message], CallContract]:
        """The queries by the request they take."""
        return {call.request: call for call in self.calls.values() if not call.is_command and not call.transfers}

    @cached_property
    def transfers(self) -> Mapping[type[Message], CallContract]:
        """The transfers by the request they take, or each part of it."""
        return {call.request: call for call in self.calls.values() if call.transfers}

    @property
    def topic(self) -> str:
        """The topic of the service's own published events: its proto package."""
        return str(self.services[0].file.package)

    def of(self, event: Message | type[Message]) -> EventContract:
        """The contract of an event; raises ContractFault for a message that is none."""
        message = event if isinstance(event, type) else type(event)
        found = self._by_message.get(message)
        if found is None:
            raise ContractFault(
                f"{message.DESCRIPTOR.full_name} is not an event this service knows: give it the `event` option"
            )
        return found

    def parse(self, event_type: str, data: bytes) -> Message:
        """The event of these bytes; raises UnknownEventType, or DecodeError where they are none of it."""
        found = self.events.get(event_type)
        if found is None:
            raise UnknownEventType(event_type)
        try:
            return found.message.FromString(data)
        except DecodeError as error:
            raise DecodeError(f"the bytes are no {event_type}: {error}") from error

    def faults(self) -> list[str]:
        """What is wrong with the contracts by themselves."""
        return [
            *_twice((event.type for event in self._declared), "two events have this type"),
            *_twice((call.method for call in self._methods), "two calls have this name"),
            *(fault for event in self._declared for fault in _event_faults(event)),
            *(fault for call in self.calls.values() for fault in _call_faults(call)),
            *self._shared_requests(),
        ]

    def _shared_requests(self) -> Iterator[str]:
        # A command is known by its request: of two that take the same, one would be served with the other's roles.
        for request in {call.request for call in self._methods}:
            methods = sorted(call.method for call in self._methods if call.request is request)
            if len(methods) > 1:
                yield f"{request.DESCRIPTOR.name} is taken by {' and '.join(methods)}; give each call a request of its own"


def files_of(*packages: str) -> tuple[FileDescriptor, ...]:
    """All proto files of these packages, as they were generated: `mentoring.sessions.v1`."""
    return tuple(chain.from_iterable(map(_files, packages)))


def _files(package: str) -> Iterator[FileDescriptor]:
    for module in pkgutil.iter_modules(import_module(package).__path__):
        yield import_module(f"{package}.{module.name}").DESCRIPTOR


def fill(template: str, request: Message) -> str:
    """A template of a stream with the request's fields put in."""

    return "".join(
        before + str(reduce(getattr, path, request)) if path else before for before, path in _pieces(template)
    )


def _named(template: str, request: Message) -> str:
    stream = fill(template, request)
    return "" if "{" in template and stream == fill(template, type(request)()) else stream


@cache
def _pieces(template: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A template's text, each piece with the path of the field that follows it; the last with none."""
    texts = _PLACEHOLDER.split(template)[::2]
    paths = [*(tuple(path.split(".")) for path in _PLACEHOLDER.findall(template)), ()]
    return tuple(zip(texts, paths, strict=True))


def aggregate_of(template: str) -> str:
    """The aggregate's name that a stream template begins with: `session` of `session-{session_id}`."""
    return template.split("-{", 1)[0]


def _twice(names: Iterable[str], why: str) -> list[str]:
    return [f"{name}: {why}" for name, count in Counter(names).items() if count > 1]


def _event_faults(event: EventContract) -> list[str]:
    descriptor = _descriptor(event.message)
    found = [
        f"{event.type}: `{name}` is confidential text in an event; make it Sealed"
        for name in confidential_plaintext(descriptor)
    ]
    if event.partition_by and event.partition_by not in descriptor.fields_by_name:
        found.append(f"{event.type}: partition_by names no field of it: {event.partition_by}")
    return found


def _call_faults(call: CallContract) -> list[str]:
    found = []
    if not call.roles:
        found.append(f"{call.method}: nobody may call it; give its option some roles")
    if "unspecified" in call.roles:
        found.append(f"{call.method}: ROLE_UNSPECIFIED is nobody; name a role")
    for template in (call.stream, *call.loads):
        found += [
            f"{call.method}: {template} {fault}" for fault in _template_faults(template, _descriptor(call.request))
        ]
    return found + _twice(
        (f"{call.method}: it loads {aggregate_of(template)} twice" for template in call.loads),
        "a decision finds one state of a kind",
    )


def _descriptor(message: MessageType) -> Descriptor:
    return cast("Descriptor", message.DESCRIPTOR)


def _events(file: FileDescriptor) -> list[EventContract]:
    found = []
    for descriptor in file.message_types_by_name.values():
        options = descriptor.GetOptions()
        if not options.HasExtension(options_pb2.event):
            continue
        option = options.Extensions[options_pb2.event]
        if not option.type:
            raise ContractFault(f"{descriptor.full_name}: its event option has no type")
        found.append(
            EventContract(
                type=option.type,
                message=message_factory.GetMessageClass(descriptor),
                published=option.visibility == options_pb2.VISIBILITY_PUBLISHED,
                partition_by=option.partition_by,
                topic=file.package,
                unlinked=option.unlinked,
                seals=may_hold_sealed(descriptor),
                retired=options.deprecated,
            )
        )
    return found


def _call(method: MethodDescriptor) -> CallContract:
    options = method.GetOptions()
    is_command, transfers = options.HasExtension(options_pb2.command), options.HasExtension(options_pb2.transfer)
    if [is_command, options.HasExtension(options_pb2.query), transfers].count(True) != 1:
        raise ContractFault(f"{method.full_name}: give it either the `command`, the `query` or the `transfer` option")
    command, query = options.Extensions[options_pb2.command], options.Extensions[options_pb2.query]
    if is_command and not command.stream:
        raise ContractFault(f"{method.full_name}: its command option names no stream")
    if method.client_streaming and (method.server_streaming or not transfers):
        raise ContractFault(
            f"{method.full_name}: a transfer alone takes its request in parts, and then answers at once"
        )
    option = command if is_command else options.Extensions[options_pb2.transfer] if transfers else query
    return CallContract(
        method=method.name,
        path=f"/{method.containing_service.full_name}/{method.name}",
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
        roles=frozenset(_lower(options_pb2.Role.Name(role), "ROLE_") for role in option.roles),
        needs=_lower(options_pb2.Relationship.Name(option.needs), "RELATIONSHIP_") if option.needs else "",
        stream=command.stream,
        loads=tuple(command.loads),
        streams=bool(method.server_streaming),
        uploads=bool(method.client_streaming),
        transfers=transfers,
        for_whom=options_pb2.Relationship.DESCRIPTOR.values_by_number[option.needs]
        .GetOptions()
        .Extensions[options_pb2.in_words],
        generated=tuple(
            field.name
            for field in method.input_type.fields
            if field.GetOptions().Extensions[options_pb2.field].generated
        ),
    )


def _lower(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()


def _template_faults(template: str, descriptor: Descriptor) -> Iterator[str]:
    for path in _PLACEHOLDER.findall(template):
        within: Descriptor | None = descriptor
        field: FieldDescriptor | None = None
        for name in path.split("."):
            field = within.fields_by_name.get(name) if within is not None else None
            if field is None:
                yield f"names no field of {descriptor.name}: {path}"
                break
            within = None if field.is_repeated else field.message_type
        if field is not None and (field.is_repeated or field.message_type is not None):
            yield f"names no single text of {descriptor.name}: {path}"
