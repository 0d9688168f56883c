"""Need to know: the provider's matrix of relationship x kind of information. What no rule allows is not told.

The default matrix is data, and this module does no I/O: the aggregate is made by `need_to_know(default)` at the wiring, from the
rules that `notifications.default_matrix` reads out of the package. So the state before anything happened *is* the default, a
snapshot or a test needs no file, and another default is another argument.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Detail, NeedToKnowRule, NeedToKnowSet
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest

# The relationships that a circle gives. The others are parts in what happened, which is told by part, never by matrix.
CIRCLE_RELATIONSHIPS = (
    Because.BECAUSE_LEARNER,
    Because.BECAUSE_MENTOR,
    Because.BECAUSE_ASSESSOR,
    Because.BECAUSE_EMPLOYER_CONTACT,
    Because.BECAUSE_PROVIDER_MANAGER,
    Because.BECAUSE_GUARDIAN,
)


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """That this relationship is told of this kind of information, in this detail."""

    kind: InformationKind.ValueType
    because: Because.ValueType
    detail: Detail.ValueType


@dataclass(frozen=True, slots=True)
class NeedToKnow:
    """The matrix: each rule that tells, in order. What is in none of them is not told."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[NeedToKnowRule]) -> "NeedToKnow":
        """The matrix that these rules make; a rule of unspecified detail says "not told", as its absence does."""
        return cls(tuple(sorted(Rule(rule.kind, rule.because, rule.detail) for rule in rules if rule.detail)))

    def detail(self, kind: InformationKind.ValueType, because: Because.ValueType) -> Detail.ValueType:
        """How much this relationship is told of this kind; unspecified: nothing."""
        told = (rule.detail for rule in self.rules if rule.kind == kind and rule.because == because)
        return next(told, Detail.DETAIL_UNSPECIFIED)


def need_to_know(default: NeedToKnow) -> Aggregate[NeedToKnow]:
    """The aggregate, whose state before anything happened is this default."""
    aggregate = Aggregate("need-to-know", initial=default)
    aggregate.decide(set_need_to_know)
    aggregate.evolve(need_to_know_set)
    return aggregate


def set_need_to_know(state: NeedToKnow, command: SetNeedToKnowRequest, _context: Context) -> list[NeedToKnowSet]:
    """Replaces the matrix; the same matrix gives nothing.

    Raises Refusal CONCERN_NOT_IN_MATRIX, NOT_A_CIRCLE_RELATIONSHIP or RULE_TWICE.
    """
    _check(command.rules)
    if NeedToKnow.of(command.rules) == state:
        return []
    return [NeedToKnowSet(rules=command.rules)]


def need_to_know_set(_state: NeedToKnow, event: NeedToKnowSet) -> NeedToKnow:
    """The matrix is the newest one."""
    return NeedToKnow.of(event.rules)


def _check(rules: Iterable[NeedToKnowRule]) -> None:
    seen = set()
    for rule in rules:
        cell = f"{InformationKind.Name(rule.kind)} x {Because.Name(rule.because)}"
        if rule.kind == InformationKind.INFORMATION_KIND_CONCERN:
            raise Refusal(
                "CONCERN_NOT_IN_MATRIX",
                "A concern is told to its raiser and its handlers alone, whatever the matrix: leave INFORMATION_KIND_CONCERN out.",
                field="rules",
            )
        if rule.because not in CIRCLE_RELATIONSHIPS:
            raise Refusal(
                "NOT_A_CIRCLE_RELATIONSHIP",
                f"{cell}: this is a part in what happened, not a relationship to a learner; "
                "use learner, mentor, assessor, employer contact, provider manager or guardian.",
                field="rules",
            )
        if cell in seen:
            raise Refusal("RULE_TWICE", f"{cell} is given twice: give one rule for it.", field="rules")
        seen.add(cell)
