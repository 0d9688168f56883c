"""Ledger: what was told about a learner. It holds which tellings there were; whom each was told to is in its notices.

Only what was told to a circle is in it: nothing of a concern, of contacts or of skills ever is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.ledger_events_pb2 import EnteredInLedger
from mentoring.notifications.v1.ledger_pb2 import EnterInLedgerRequest

from notifications.domain.need_to_know import NeedToKnow
from notifications.domain.occasions import TOLD_AMONG, is_about_staff


@dataclass(frozen=True, slots=True)
class Entry:
    """One telling."""

    telling_id: str
    kind: InformationKind.ValueType
    happened_at: datetime
    or_kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_UNSPECIFIED

    @property
    def kinds(self) -> tuple[InformationKind.ValueType, ...]:
        """What it is of, or may be."""
        return (self.kind, self.or_kind) if self.or_kind else (self.kind,)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every telling about the learner, in the order of hearing."""

    entries: tuple[Entry, ...] = ()


class Sight(Enum):
    """How much of an entry the learner themself is shown."""

    NOTHING = "nothing"
    # That something of this kind was told, to whom and when; not what.
    OUTLINE = "outline"
    ALL = "all"


ledger = Aggregate("ledger", initial=Ledger())


@ledger.decide
def enter_in_ledger(state: Ledger, command: EnterInLedgerRequest, _context: Context) -> list[EnteredInLedger]:
    """Enters a telling; what is entered already gives nothing.

    Raises Refusal CONCERN_NOT_IN_LEDGER.
    """
    if InformationKind.INFORMATION_KIND_CONCERN in (command.kind, command.or_kind):
        raise Refusal("CONCERN_NOT_IN_LEDGER", "A concern is in no ledger: leave it out.", field="kind")
    if any(entry.telling_id == command.telling_id for entry in state.entries):
        return []
    return [
        EnteredInLedger(
            learner_id=command.learner_id,
            telling_id=command.telling_id,
            kind=command.kind,
            or_kind=command.or_kind,
            happened_at=command.happened_at,
        )
    ]


@ledger.evolve
def entered_in_ledger(state: Ledger, event: EnteredInLedger) -> Ledger:
    """One telling more."""
    entry = Entry(event.telling_id, event.kind, event.happened_at.ToDatetime(UTC), event.or_kind)
    return replace(state, entries=(*state.entries, entry))


def sight_of(
    kinds: Iterable[InformationKind.ValueType], occasion: Occasion.ValueType, policy: NeedToKnow, *, was_told: bool
) -> Sight:
    """How much the learner is shown of what was told about them.

    Whom their data went to is theirs to know (UK GDPR, article 15): so what they might be told of they see whole, and of the rest of such
    a kind, that it was told. What staff are told of their own work is not about the learner. And a kind that the policy keeps from
    learners is not opened by a list of who was told of it, save what they were told of by a part of their own.

    Args:
        kinds: what it is of, or may be: the policy has to tell a learner of each.
        was_told: the learner has a notice of it themself.
    """
    if was_told:
        return Sight.ALL
    if is_about_staff(occasion) or not all(policy.about(kind, Because.BECAUSE_LEARNER) for kind in kinds):
        return Sight.NOTHING
    return Sight.ALL if Because.BECAUSE_LEARNER in TOLD_AMONG[occasion] else Sight.OUTLINE
