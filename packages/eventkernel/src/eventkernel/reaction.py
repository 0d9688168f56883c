"""A reaction, as a service declares it: an event in, commands out, now or at a time. Pure policy, no I/O."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, get_type_hints

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply

from eventkernel.aggregate import Aggregate, _once, _parameter
from eventkernel.blobs.sealed import SealedBlobs
from eventkernel.contract import Contract
from eventkernel.messages import Metadata
from eventkernel.projection import _unheard
from eventkernel.reading import Reader


@dataclass(frozen=True, slots=True)
class Later:
    """A command that is to be given at a time. Where it is an effect's request, the effect is run then.

    `urgent`: somebody may be in danger if it is late. Urgent ones have places of their own, which no others take.
    """

    at: datetime
    request: Message
    urgent: bool = False


Reply = Iterable[Message | Later]
State = TypeVar("State")
Policy = TypeVar("Policy", bound=Callable[..., Reply])


class Reaction:
    """One process: what follows from some events. Its commands carry ids derived from the event, so repeating them is harmless."""

    def __init__(self, name: str, version: int = 1) -> None:
        self.name = name
        self.version = version
        self.policies: dict[type[Message], Callable[[Any, Metadata], Reply]] = {}

    def on(self, function: Policy) -> Policy:
        """Registers `(event, meta) -> requests or Later` under the event's type."""
        self.policies[_once(self.policies, _parameter(function, get_type_hints(function), 0))] = function
        return function

    def faults(self, contract: Contract) -> list[str]:
        """Events that it can never see."""
        return _unheard(self.name, self.policies, contract)


class Doing(Protocol):
    """What an effect may use while it runs for one due row."""

    @property
    def attempt(self) -> int:
        """Which try this is, from 1. A try that died counts."""
        ...

    @property
    def row_id(self) -> str:
        """The same at every try: what makes the outside call recognisable."""
        ...

    @property
    def tenant(self) -> str:
        """Whose it is."""
        ...

    @property
    def now(self) -> datetime:
        """When this try began, by the clock that all replicas follow."""
        ...

    @property
    def blobs(self) -> SealedBlobs:
        """The service's stored bytes."""
        ...

    async def command(self, request: Message) -> CommandReply:
        """Gives a command of the own service as the platform; repeating it within a try is harmless."""
        ...

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        """The state of a stream of the own service, as it is now."""
        ...

    def reader(self) -> Reader:
        """What the own service may read, as the platform and as it is now."""
        ...

    async def open_fields(self, stream: str, event_type: str, fields: Sequence[str], nth: int = 0) -> list[str] | None:
        """Opens sealed fields of an event of this type in a stream, recorded in the access log; None without one.

        `nth` counts the stream's events of this type from 1; 0: the newest.
        """
        ...


class TryAgain(Exception):
    """An effect could not be done and left nothing behind: its row is claimed again after `seconds`."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds


Effect = Callable[[Any, Doing], Awaitable[None]]
