"""However concerns are merged and separated, and however late one hears of the other: no clock is lost, and nobody sees what they are kept from.

What is checked is worked out of the events, and not by the code under test.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import Message
from hypothesis import given, settings
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import merging_events_pb2 as merging
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_ACTIVITY
from mentoring.safeguarding.v1.merging_pb2 import HearOfMergedConcernRequest
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import ConcernTaskGiven
from safeguarding.domain.concern_state import Concern

from .merging_histories import ALL, LAST_RESORT, Several, Step, several
from .test_histories import in_it

_MANY = settings(max_examples=150, deadline=None)
_OPEN = {calls.CONCERN_STATUS_ACKNOWLEDGED, calls.CONCERN_STATUS_IN_ACTION, calls.CONCERN_STATUS_REFERRED}


@dataclass
class Account:
    """What the events say: who is kept away from each concern for good, and which is merged into which."""

    kept: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    merged: dict[str, str] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)

    def take(self, matter: Several, concern_id: str, command: Message, decided: Sequence[Message]) -> None:
        if isinstance(command, HearOfMergedConcernRequest) and (concern_id, command.merged_id) in self.known:
            self.kept[concern_id] |= self.away(matter, command.merged_id)
        for event in decided:
            if isinstance(event, merging.ConcernMergeBegun):
                self.known.add((concern_id, event.duplicate_id))
                self.kept[concern_id] |= self.away(matter, event.duplicate_id)
            elif isinstance(event, merging.ConcernMerged):
                self.merged[concern_id] = event.leading_id
            elif isinstance(event, merging.ConcernSeparated) and self.merged.get(concern_id) == event.leading_id:
                if any(isinstance(one, merging.ConcernSeparationExplained) for one in decided):
                    self.kept[concern_id] |= self.away(matter, event.leading_id)
                    del self.merged[concern_id]
            elif isinstance(event, merging.MergedConcernLetGo):
                self.known.discard((concern_id, event.merged_id))

    def away(self, matter: Several, concern_id: str) -> set[str]:
        return in_it(matter.tales[concern_id].happened) | self.kept[concern_id]

    def one_matter(self, concern_id: str) -> set[str]:
        """It, and what is merged with it."""
        leading = self.merged.get(concern_id, concern_id)
        return {concern_id, leading} | {one for one, other in self.merged.items() if other == concern_id}


def played(matter: Several, steps: list[Step], account: Account) -> Iterator[tuple[str, Sequence[Message]]]:
    """What the next step comes to, decision by decision: the account is as of each."""
    steps.pop(0)(matter)
    for concern_id, command, decided in matter.decided:
        account.take(matter, concern_id, command, decided)
        yield concern_id, decided
    matter.decided.clear()


def has_a_clock(state: Concern) -> bool:
    if state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT:
        return state.acknowledge_by is not None
    return state.status in _OPEN and any(one.kind == CONCERN_DUE_ACTIVITY for one in state.due)


@_MANY
@given(several())
def test_every_concern_that_is_neither_closed_nor_merged_has_a_clock_that_runs(
    history: tuple[Several, list[Step]],
) -> None:
    (matter, steps), account = history, Account()
    with matter.runner:
        while steps:
            list(played(matter, steps, account))
            for one in ALL:
                state = matter.state(one)
                assert (state.status == calls.CONCERN_STATUS_MERGED) == (one in account.merged)
                if one in account.merged:
                    assert (state.due, state.acknowledge_by) == ((), None)
                    assert account.merged[one] not in account.merged, "chains are refused"
                elif state.status != calls.CONCERN_STATUS_CLOSED:
                    assert has_a_clock(state)


@_MANY
@given(several())
def test_when_a_concerns_clocks_stop_its_leading_one_is_in_somebodys_hands_and_has_its_own(
    history: tuple[Several, list[Step]],
) -> None:
    (matter, steps), account = history, Account()
    with matter.runner:
        while steps:
            for _, decided in played(matter, steps, account):
                for event in decided:
                    if isinstance(event, merging.ConcernMerged) and matter.on_its_way:
                        # Nothing happened since: what the leading one hears of it is still on its way.
                        leading = matter.state(event.leading_id)
                        assert leading.status in _OPEN
                        assert leading.held_by_id
                        assert has_a_clock(leading)


@_MANY
@given(several())
def test_nobody_kept_away_from_one_is_ever_asked_for_either_or_reads_it(history: tuple[Several, list[Step]]) -> None:
    (matter, steps), account = history, Account()
    with matter.runner:
        while steps:
            for concern_id, decided in played(matter, steps, account):
                for event in decided:
                    if isinstance(event, events.ConcernAssigned | ConcernPassedOn | ConcernTaskGiven):
                        whom = event.receiver_id if isinstance(event, ConcernPassedOn) else event.assignee_id
                        assert whom not in account.away(matter, concern_id)
            for one in ALL:
                apart = set[str]().union(*(account.away(matter, other) for other in account.one_matter(one)))
                assert not matter.handlers(one) & apart
                assert account.kept[one] <= matter.state(one).excluded_ids, "whoever is asked next is none of them"


@_MANY
@given(several())
def test_what_is_separated_is_given_to_somebody_wherever_there_is_somebody(
    history: tuple[Several, list[Step]],
) -> None:
    (matter, steps), account = history, Account()
    with matter.runner:
        while steps:
            rota = matter.tales[ALL[0]].rota
            for concern_id, decided in played(matter, steps, account):
                if not any(isinstance(event, merging.ConcernSeparationExplained) for event in decided):
                    continue
                (asked,) = [event for event in decided if isinstance(event, events.ConcernAssigned)]
                away = account.away(matter, concern_id)
                left = {rota.senior_lead_id, LAST_RESORT} - away - {""}
                assert bool(asked.assignee_id) >= bool(left)
                assert asked.assignee_id not in away


@_MANY
@given(several())
def test_once_all_has_come_both_sides_say_the_same_and_whatever_was_added_was_heard(
    history: tuple[Several, list[Step]],
) -> None:
    (matter, steps), account = history, Account()
    with matter.runner:
        while steps:
            list(played(matter, steps, account))
        matter.deliver()
        for concern_id in ALL:
            state = matter.state(concern_id)
            for one in state.merged:
                other = matter.state(one.concern_id)
                assert other.leading is not None
                assert (other.leading.concern_id, other.leading.number) == (concern_id, one.number)
                assert one.heard == other.additions
                assert other.in_it_ids <= state.excluded_ids
            if state.leading is not None:
                assert matter.state(state.leading.concern_id).find_merged(concern_id) is not None
