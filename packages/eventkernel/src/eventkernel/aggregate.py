"""An aggregate: what may happen (`decide`) and what it means (`evolve`), as pure functions found by the types they name."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.message import Message

from eventkernel.contract import ContractFault
from eventkernel.messages import Principal, derived_id

State = TypeVar("State")
Other = TypeVar("Other")
Decision = TypeVar("Decision", bound=Callable[..., Sequence[Message]])
Evolution = TypeVar("Evolution", bound=Callable[..., Any])


class Refusal(Exception):
    """The domain says no. `code` is stable, for programs; the text says what is wrong and what to do, for people.

    `field` names the request's field that is at fault, where one is.
    """

    def __init__(self, code: str, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.field = field


class NotYet(Refusal):
    """What the decision needs has not been heard of yet. From a reaction or a due row, the kernel asks again later."""


class AlreadyDone(list[Any]):
    """No events, since the decision has compared all that was sent, its texts too (`Context.digest`), and it is what was done: a repeat.

    An empty list says only that nothing is left to do, and texts that were sent with it may be new.
    """


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may know beside the state and the request. It brings time and ids, so that decisions make neither."""

    principal: Principal
    now: datetime
    command_id: str
    loaded: Mapping[type, object] = field(default_factory=dict)
    digest_key: bytes = b""

    def state(self, kind: type[Other]) -> Other:
        """The state of the other stream that the contract's `loads` names, by its type."""
        found = self.loaded[kind]
        if not isinstance(found, kind):
            raise TypeError(f"{kind.__name__} was not loaded")
        return found

    def digest(self, content: bytes) -> str:
        """What tells the same content from another later, and tells nobody who lacks the service's key what it was."""
        return hmac.new(self.digest_key, content, hashlib.sha256).hexdigest()

    def derive_id(self, *parts: str) -> str:
        """An id that follows from the command and these parts, so that deciding again gives the same."""
        return derived_id(self.command_id, *parts)


class Aggregate(Generic[State]):
    """One kind of stream.

    Args:
        name: what its streams' names begin with.
        initial: the state before anything happened: an instance of a frozen dataclass.
        shape: counts up when `evolve` changes what it makes of old events, so that old snapshots are left aside.
    """

    def __init__(self, name: str, initial: State, shape: int = 1) -> None:
        self.name = name
        self.initial = initial
        self.shape = shape
        self.decisions: dict[type[Message], Callable[[State, Any, Context], Sequence[Message]]] = {}
        self.evolutions: dict[type[Message], Callable[[State, Any], State]] = {}
        self.emits: dict[type[Message], tuple[type[Message], ...]] = {}

    def decide(self, function: Decision) -> Decision:
        """Registers `(state, command, context) -> list of events` under the command's type."""
        hints = get_type_hints(function)
        command = _parameter(function, hints, 1)
        self.decisions[_once(self.decisions, command)] = function
        self.emits[command] = _members(hints.get("return"), function)
        return function

    def evolve(self, function: Evolution) -> Evolution:
        """Registers `(state, event) -> state` under the event's type."""
        self.evolutions[_once(self.evolutions, _parameter(function, get_type_hints(function), 1))] = function
        return function

    def fold(self, state: State, events: Sequence[Message]) -> State:
        """The state after these events."""
        return reduce(lambda before, event: self.evolutions[type(event)](before, event), events, state)

    def faults(self) -> list[str]:
        """Events that a decision gives and no `evolve` takes."""
        return [
            f"{self.name}: {event.DESCRIPTOR.name}, given by {command.DESCRIPTOR.name}, has no evolve"
            for command, events in self.emits.items()
            for event in events
            if event not in self.evolutions
        ]


def _parameter(function: Callable[..., object], hints: dict[str, Any], position: int) -> type[Message]:
    name = function.__code__.co_varnames[position]
    kind = hints.get(name)
    if not (isinstance(kind, type) and issubclass(kind, Message)):
        raise ContractFault(f"{function.__name__}: annotate `{name}` with the message it takes")
    return kind


def _members(annotation: object, function: Callable[..., object]) -> tuple[type[Message], ...]:
    inner = get_args(annotation)
    if len(inner) != 1:
        raise ContractFault(f"{function.__name__}: annotate what it returns as list[Event] or list[Event | Other]")
    return get_args(inner[0]) if get_origin(inner[0]) in (UnionType, Union) else (inner[0],)


def _once(registered: Mapping[type[Message], object], kind: type[Message]) -> type[Message]:
    if kind in registered:
        raise ContractFault(f"{kind.DESCRIPTOR.full_name} is taken twice by one aggregate")
    return kind
