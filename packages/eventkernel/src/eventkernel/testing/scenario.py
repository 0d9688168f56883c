"""`given(aggregate, *events).when(command).then(*events)`: a test of the domain that reads as a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from google.protobuf.message import Message

from eventkernel.aggregate import Aggregate, Context, Refusal
from eventkernel.messages import Principal

State = TypeVar("State")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Given(Generic[State]):
    """A stream's past, and what the decision will find beside it."""

    aggregate: Aggregate[State]
    past: tuple[Message, ...]
    loaded: tuple[object, ...] = ()

    def beside(self, *states: object) -> "Given[State]":
        """The states of the other streams that the command loads."""
        return replace(self, loaded=states)

    @property
    def state(self) -> State:
        """What the past folds to."""
        return self.aggregate.fold(self.aggregate.initial, self.past)

    def when(
        self, command: Message, *, by: Principal | None = None, at: datetime = NOON, command_id: str = "command-1"
    ) -> "Outcome[State]":
        """Decides once, and says how it ended."""
        principal = by or Principal.system("provider-1")
        context = Context(
            principal=principal, now=at, command_id=command_id, loaded={type(state): state for state in self.loaded}
        )
        try:
            events = tuple(self.aggregate.decisions[type(command)](self.state, command, context))
        except Refusal as refusal:
            return Outcome(self, command, refusal=refusal)
        return Outcome(self, command, events=events)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[State]):
    """How a decision ended."""

    given: Given[State]
    command: Message
    events: tuple[Message, ...] = ()
    refusal: Refusal | None = field(default=None)

    def then(self, *expected: Message) -> "Given[State]":
        """Exactly these events; returns the past with them, so that a story can go on."""
        assert self.refusal is None, f"refused: {self.refusal.code}: {self.refusal.text}"
        assert list(self.events) == list(expected), f"expected {expected}, decided {self.events}"
        return self.after()

    def then_nothing(self) -> "Given[State]":
        """No event: nothing was left to do."""
        return self.then()

    def then_refused(self, code: str) -> Refusal:
        """Refused with this code."""
        assert self.refusal is not None, f"expected a refusal {code}, decided {self.events}"
        assert self.refusal.code == code, f"expected {code}, refused with {self.refusal.code}: {self.refusal.text}"
        return self.refusal

    def after(self) -> "Given[State]":
        """The past with what was decided."""
        assert self.refusal is None, f"refused: {self.refusal.code}: {self.refusal.text}"
        return replace(self.given, past=self.given.past + self.events)


def given(aggregate: Aggregate[State], *past: Message) -> Given[State]:
    """A stream in which these events have happened."""
    return Given(aggregate, past)


def person(person_id: str, *roles: str, tenant: str = "provider-1") -> Principal:
    """Somebody of a provider, in these roles."""
    return Principal(tenant=tenant, person_id=person_id, roles=frozenset(roles))


def assert_folds_in_pieces(aggregate: Aggregate[State], events: Sequence[Message]) -> None:
    """Folding at once and folding in any two pieces give the same state."""
    whole = aggregate.fold(aggregate.initial, events)
    for cut in range(len(events) + 1):
        pieces = aggregate.fold(aggregate.fold(aggregate.initial, events[:cut]), events[cut:])
        assert pieces == whole, f"folding in pieces at {cut} differs"
