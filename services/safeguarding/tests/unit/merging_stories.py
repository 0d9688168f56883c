"""Several concerns and what one says to another: each a stream of its own; what is published is on its way until it is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata, Principal
from eventkernel.testing.scenario import NOON
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import merging_pb2 as calls
from mentoring.safeguarding.v1.safeguarding_pb2 import RaiseConcernRequest
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern
from safeguarding.reactions.merging import merging

from .stories import Tale, a_concern, acknowledgement, dsl, due_comes, escalation_of, mentor, platform, refusal_of

A, B, C = "concern-1", "concern-2", "concern-3"
_DECIDED_ON = "concern_id"
# Which field names the concern that is read beside the one decided on.
_BESIDE = ("duplicate_id", "leading_id", "merged_id")
_META = Metadata("e-1", "a-type", "provider-1", "a-stream", 1, NOON)


def a_merging(duplicate_id: str = B, leading_id: str = A) -> calls.MergeConcernsRequest:
    return calls.MergeConcernsRequest(
        concern_id=leading_id, duplicate_id=duplicate_id, reason="the-merging: both saw the same bruise"
    )


def a_separation(concern_id: str = B, leading_id: str = A, site_id: str = "site-1") -> calls.SeparateConcernRequest:
    return calls.SeparateConcernRequest(
        concern_id=concern_id, leading_id=leading_id, site_id=site_id, reason="the-separation: it was his brother"
    )


def of(concern_id: str, command: Message) -> Message:
    """The same command, given to this concern."""
    found = type(command)(**{_DECIDED_ON: concern_id})
    given = type(command)()
    given.CopyFrom(command)
    given.MergeFrom(found)
    return given


def kinds_of(decided: Sequence[Message]) -> list[str]:
    return [type(event).__name__ for event in decided]


def what_follows(event: Message, meta: Metadata) -> list[Message]:
    """What the reaction gives to other concerns."""
    policy = merging.policies.get(type(event))
    return [request for request in policy(event, meta) if isinstance(request, Message)] if policy else []


@dataclass
class Matter:
    """Concerns by their ids, and what is on its way from one to another, the oldest first."""

    tales: dict[str, Tale] = field(default_factory=dict)
    on_its_way: list[Message] = field(default_factory=list)

    def state(self, concern_id: str) -> Concern:
        return self.tales[concern_id].state

    def give(self, command: Message, by: Principal, seeing: Concern | None = None) -> Sequence[Message]:
        """As Tale.give, with the other concern as it is now, or as it was when it was read."""
        tale = self._tale(command)
        tale.other = seeing or tale.other
        decided = tale.give(command, by)
        self._on_its_way_from(decided)
        return decided

    def _on_its_way_from(self, decided: Sequence[Message]) -> None:
        self.on_its_way += [request for event in decided for request in what_follows(event, _META)]

    def give_or_not(self, command: Message, by: Principal) -> Sequence[Message]:
        try:
            return self.give(command, by)
        except Refusal:
            return []

    def refusal(self, command: Message, by: Principal) -> Refusal:
        return refusal_of(self._tale(command), command, by)

    def deliver(self) -> list[Message]:
        """Everything that is on its way, and what follows from it; what comes twice does so at once."""
        decided: list[Message] = []
        while self.on_its_way:
            decided += self.give(self.on_its_way.pop(0), platform)
        return decided

    def miss_the_deadline(self, concern_id: str) -> Sequence[Message]:
        tale = self.tales[concern_id]
        assert tale.state.acknowledge_by is not None
        tale.now = max(tale.now, tale.state.acknowledge_by)
        return self.give(of(concern_id, escalation_of(tale.state.step)), platform)

    def miss_what_is_due(self, concern_id: str, due_id: str) -> Sequence[Message]:
        tale = self.tales[concern_id]
        due = tale.state.find_due(due_id)
        assert due is not None
        tale.now = max(tale.now, due.at)
        return self.give(of(concern_id, due_comes(due_id)), platform)

    def _tale(self, command: Message) -> Tale:
        decided_on = getattr(command, _DECIDED_ON)
        tale = self.tales[decided_on]
        named = [getattr(command, name) for name in _BESIDE if name in command.DESCRIPTOR.fields_by_name]
        beside = next((one for one in named if one != decided_on), "")
        tale.other = self.state(beside) if beside in self.tales else concern.initial
        if named and not beside:
            tale.other = tale.state
        return tale


def raised_each(*commands: RaiseConcernRequest, by: Principal = mentor) -> Matter:
    """Each raised under the next id."""
    matter = Matter()
    for concern_id, command in zip((A, B, C), commands, strict=False):
        matter.tales[concern_id] = Tale()
        matter.give(of(concern_id, command), by)
    return matter


def taken(*commands: RaiseConcernRequest, by: Principal = dsl) -> Matter:
    """Each raised, and acknowledged by one person."""
    matter = raised_each(*(commands or (a_concern(), a_concern())))
    for concern_id in matter.tales:
        matter.give(of(concern_id, acknowledgement), by)
    return matter


def merged(*commands: RaiseConcernRequest, by: Principal = dsl) -> Matter:
    """The second is merged into the first."""
    matter = taken(*commands)
    matter.give(a_merging(), by)
    matter.deliver()
    return matter
