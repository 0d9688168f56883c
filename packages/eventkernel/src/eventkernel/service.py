"""A service, as its wiring declares it, and the check that nothing in it is missing."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_type_hints

from google.protobuf.message import Message
from pydantic import BaseModel

from eventkernel.aggregate import Aggregate, _parameter
from eventkernel.contract import Contract, ContractFault, aggregate_of
from eventkernel.following import Following
from eventkernel.pages import Form, Page
from eventkernel.projection import Projection
from eventkernel.reaction import Effect, Reaction
from eventkernel.reading import Ask, Reader

Query = Callable[[Any, Reader], Awaitable[Message]]
Followed = Callable[[Any, Following], AsyncIterator[Message]]
Relation = Callable[[Ask], Awaitable[bool]]


@dataclass(frozen=True)
class Service:
    """Everything one service is made of.

    `relations` resolves each relationship that its contract needs, by name in lower case (`mentor_of_learner`).
    `effects` are what reaches outside, each by the request that asks for it. `transfers` serve the calls that move stored bytes.
    `followed` are the queries that answer in parts, and go on.
    `pages` are served over HTTP where the process is told an address for them, each by the prefix of its paths.
    """

    name: str
    contract: Contract
    aggregates: Sequence[Aggregate[Any]]
    projections: Sequence[Projection[Any]] = ()
    reactions: Sequence[Reaction] = ()
    queries: Sequence[Query] = ()
    followed: Sequence[Followed] = ()
    transfers: Sequence[Callable[..., Any]] = ()
    relations: Mapping[str, Relation] = field(default_factory=dict)
    effects: Mapping[type[Message], Effect] = field(default_factory=dict)
    pages: Mapping[str, Page | Form] = field(default_factory=dict)

    @cached_property
    def deciders(self) -> Mapping[type[Message], Aggregate[Any]]:
        """The aggregate that decides each command."""
        return {command: aggregate for aggregate in self.aggregates for command in aggregate.decisions}

    @cached_property
    def answers(self) -> Mapping[type[Message], Query]:
        """The function that answers each query."""
        return {_parameter(query, get_type_hints(query), 0): query for query in self.queries}

    @cached_property
    def goes_on(self) -> Mapping[type[Message], Followed]:
        """The function that answers each query that goes on."""
        return {_parameter(query, get_type_hints(query), 0): query for query in self.followed}

    @cached_property
    def moves(self) -> Mapping[type[Message], Callable[..., Any]]:
        """The function that serves each transfer."""
        return {_parameter(move, get_type_hints(move), 0): move for move in self.transfers}

    def aggregate(self, stream_or_template: str) -> Aggregate[Any]:
        """The aggregate whose stream this is; raises ContractFault where there is none."""
        name = aggregate_of(stream_or_template)
        found = [
            aggregate
            for aggregate in self.aggregates
            if name == aggregate.name or name.startswith(f"{aggregate.name}-")
        ]
        if found:
            # `loan-box` has streams that begin like those of `loan`: the longer name is meant.
            return max(found, key=lambda aggregate: len(aggregate.name))
        raise ContractFault(f"{self.name}: no aggregate has streams like {stream_or_template}")

    def check(self) -> None:
        """Raises ContractFault with everything that does not fit; a service that starts is complete."""
        faults = list(self.contract.faults())
        for call in self.contract.calls.values():
            if call.is_command:
                faults += self._command_faults(call.request, call.stream, call.loads)
            elif call.transfers:
                if call.request not in self.moves:
                    faults.append(f"{call.method}: no transfer takes {call.request.DESCRIPTOR.name}")
            elif call.request not in (self.goes_on if call.streams else self.answers):
                faults.append(f"{call.method}: no query answers {call.request.DESCRIPTOR.name}")
            if call.needs and call.needs not in self.relations:
                faults.append(f"{call.method}: no relation `{call.needs}` is given")
        faults += self._event_faults()
        faults += self._doubles()
        faults += [fault for aggregate in self.aggregates for fault in aggregate.faults()]
        faults += [fault for projection in self.projections for fault in projection.faults(self.contract)]
        faults += [fault for reaction in self.reactions for fault in reaction.faults(self.contract)]
        if faults:
            raise ContractFault(f"{self.name} cannot start:\n- " + "\n- ".join(faults))

    def _event_faults(self) -> Iterator[str]:
        emitted = {event for aggregate in self.aggregates for events in aggregate.emits.values() for event in events}
        evolved = {event for aggregate in self.aggregates for event in aggregate.evolutions}
        for event in self.contract.own_events.values():
            if event.retired:
                if event.message not in evolved:
                    yield f"{event.type}: no aggregate evolves it any more, and old streams hold it"
            elif event.message not in emitted:
                yield f"{event.type}: no decision gives it"

    def _doubles(self) -> Iterator[str]:
        for command, names in _takers((aggregate.decisions, aggregate.name) for aggregate in self.aggregates):
            yield f"{command.DESCRIPTOR.name} is decided by {names}"
        queries = (
            (_parameter(query, get_type_hints(query), 0), getattr(query, "__name__", repr(query)))
            for queries in (self.queries, self.followed)
            for query in queries
        )
        for query, names in _takers(((request,), name) for request, name in queries):
            yield f"{query.DESCRIPTOR.name} is answered by {names}"
        # Two of one name would share a consumer group, and each would get a part of the partitions only.
        subscriptions = Counter(
            [(part.name, part.version) for part in self.projections]
            + [(part.name, part.version) for part in self.reactions]
        )
        yield from (
            f"{name} v{version}: two subscriptions have this name"
            for (name, version), count in subscriptions.items()
            if count > 1
        )

    def _command_faults(self, request: type[Message], stream: str, loads: Sequence[str]) -> list[str]:
        decider = self.deciders.get(request)
        if decider is None:
            return [f"{request.DESCRIPTOR.name}: no aggregate decides it"]
        faults = []
        if aggregate_of(stream) != decider.name:
            faults.append(
                f"{request.DESCRIPTOR.name}: its stream {stream} is not one of {decider.name}, which decides it"
            )
        known = {aggregate.name for aggregate in self.aggregates}
        faults += [
            f"{request.DESCRIPTOR.name}: no aggregate {aggregate_of(load)} to load"
            for load in loads
            if aggregate_of(load) not in known
        ]
        return faults


def _takers(named: Iterable[tuple[Iterable[type[Message]], str]]) -> Iterator[tuple[type[Message], str]]:
    takers: dict[type[Message], list[str]] = {}
    for messages, name in named:
        for message in messages:
            takers.setdefault(message, []).append(name)
    return ((message, " and ".join(names)) for message, names in takers.items() if len(names) > 1)


def document_indexes(projection: Projection[BaseModel]) -> tuple[str, ...]:
    """The fields that queries ask a read model by, the tenant first."""
    return ("tenant", *projection.indexes)
