"""Need to know: the provider's matrix of relationship x kind of information. What no rule allows is not told.

The default matrix is data, and this module does no I/O: the aggregate is made by `need_to_know(default)` at the wiring, from the
rules that `notifications.default_matrix` reads out of the package. So the state before anything happened *is* the default, a
snapshot or a test needs no file, and another default is another argument.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, Detail, NeedToKnowRule, NeedToKnowSet
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest

from notifications.domain.circle import RELATED
from notifications.domain.conditions import Conditions

# The relationships that a circle gives. The others are parts in what happened, which is told by part, never by matrix.
CIRCLE_RELATIONSHIPS = (Because.BECAUSE_LEARNER, *RELATED)
_KINDS = frozenset(InformationKind.values()) - {InformationKind.INFORMATION_KIND_UNSPECIFIED}


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """That this relationship is told of this kind of information, in this detail, while all conditions are met."""

    kind: InformationKind.ValueType
    because: Because.ValueType
    detail: Detail.ValueType
    conditions: tuple[Condition.ValueType, ...] = ()

    @property
    def name(self) -> str:
        """`progress/guardian/under-18`: what it is about, and on what it depends. No other rule of the matrix has it."""
        parts = [
            _word(InformationKind.Name(self.kind), "INFORMATION_KIND_"),
            _word(Because.Name(self.because), "BECAUSE_"),
        ]
        depends = [_word(Condition.Name(condition), "CONDITION_") for condition in self.conditions]
        return "/".join([*parts, *(["+".join(depends)] if depends else [])])

    def unmet(self, conditions: Conditions, now: datetime) -> list[Condition.ValueType]:
        """Which of its conditions are not met at this time."""
        return [one for one in self.conditions if not conditions.is_met(one, (self.kind, self.because), now)]


@dataclass(frozen=True, slots=True)
class NeedToKnow:
    """The matrix: each rule that tells, in order. What is in none of them is not told. Version 1 is the platform's default."""

    rules: tuple[Rule, ...]
    version: int = 1

    @classmethod
    def of(cls, rules: Iterable[NeedToKnowRule], version: int = 1) -> "NeedToKnow":
        """The matrix that these rules make; a rule of unspecified detail says "not told", as its absence does."""
        return cls(tuple(sorted(_rule(rule) for rule in rules if rule.detail)), version)

    def about(self, kind: InformationKind.ValueType, because: Because.ValueType) -> tuple[Rule, ...]:
        """The rules that tell this relationship of this kind, the one that tells most first, whatever they depend on."""
        found = (rule for rule in self.rules if rule.kind == kind and rule.because == because)
        return tuple(sorted(found, key=lambda rule: (-rule.detail, rule.conditions)))

    def allowing(
        self, kind: InformationKind.ValueType, because: Because.ValueType, conditions: Conditions, now: datetime
    ) -> Rule | None:
        """The rule that tells most, of those whose conditions are met; None: this relationship is told nothing of this kind."""
        return next((rule for rule in self.about(kind, because) if not rule.unmet(conditions, now)), None)

    def allowing_each(
        self,
        kinds: Sequence[InformationKind.ValueType],
        because: Because.ValueType,
        conditions: Conditions,
        now: datetime,
    ) -> Rule | None:
        """Of something that may be of any of these kinds: the rule that tells least; None where one of the kinds is not told."""
        rules = [self.allowing(kind, because, conditions, now) for kind in kinds]
        found = [rule for rule in rules if rule is not None]
        return min(found, key=lambda rule: rule.detail) if len(found) == len(rules) else None


def part_rule(because: Because.ValueType) -> str:
    """The name under which a part of one's own allows a notice, whatever the policy: `part/owns-the-action`."""
    return f"part/{_word(Because.Name(because), 'BECAUSE_')}"


def need_to_know(default: NeedToKnow) -> Aggregate[NeedToKnow]:
    """The aggregate, whose state before anything happened is this default."""
    # Shape 2: rules have conditions, and the matrix its version.
    aggregate = Aggregate("need-to-know", initial=default, shape=2)
    aggregate.decide(set_need_to_know)
    aggregate.evolve(need_to_know_set)
    return aggregate


def set_need_to_know(state: NeedToKnow, command: SetNeedToKnowRequest, _context: Context) -> list[NeedToKnowSet]:
    """Replaces the matrix; the same matrix gives nothing.

    Raises Refusal CONCERN_NOT_IN_MATRIX, NOT_A_CIRCLE_RELATIONSHIP, LEARNER_UNDER_CONDITION, RULE_INCOMPLETE or RULE_TWICE: the
    code of the first fault, and a text that names all of them.
    """
    if NeedToKnow.of(checked(command.rules)).rules == state.rules:
        return []
    return [NeedToKnowSet(rules=command.rules)]


def need_to_know_set(state: NeedToKnow, event: NeedToKnowSet) -> NeedToKnow:
    """The matrix is the newest one, and counts one version more."""
    return NeedToKnow.of(event.rules, state.version + 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a rule, and what to do."""

    code: str
    text: str


def checked(rules: Sequence[NeedToKnowRule], field: str = "rules") -> Sequence[NeedToKnowRule]:
    """The same rules, where nothing is wrong with them. Raises a Refusal with the code of the first fault and the text of all of them."""
    found = faults(rules, field)
    if found:
        raise Refusal(found[0].code, "\n".join(fault.text for fault in found), field=field)
    return rules


def faults(rules: Sequence[NeedToKnowRule], field: str = "rules") -> list[Fault]:
    """Everything that is wrong with these rules, in their order; each text begins with its place in the field."""
    seen = set[tuple[object, ...]]()
    found = list[Fault]()
    for index, rule in enumerate(rules):
        found += (Fault(code, f"{field}[{index}]: {text}") for code, text in _faults_of(rule))
        made = _rule(rule)
        cell = (made.kind, made.because, made.conditions)
        if cell in seen:
            found.append(Fault("RULE_TWICE", f"{field}[{index}]: {made.name} is given twice: give one rule for it."))
        seen.add(cell)
    return found


def _faults_of(rule: NeedToKnowRule) -> Iterator[tuple[str, str]]:
    if rule.kind not in _KINDS or rule.because not in Because.values():
        yield "RULE_INCOMPLETE", "it does not say what is told to whom: give kind and because."
        return
    cell = f"{InformationKind.Name(rule.kind)} x {Because.Name(rule.because)}"
    if rule.kind == InformationKind.INFORMATION_KIND_CONCERN:
        yield (
            "CONCERN_NOT_IN_MATRIX",
            "a concern is told to its raiser and its handlers alone, whatever the matrix: leave INFORMATION_KIND_CONCERN out.",
        )
    if rule.because not in CIRCLE_RELATIONSHIPS:
        yield (
            "NOT_A_CIRCLE_RELATIONSHIP",
            f"{cell}: this is a part in what happened, not a relationship to a learner; "
            "use learner, mentor, assessor, employer contact, provider manager or guardian.",
        )
    if rule.because == Because.BECAUSE_LEARNER and rule.conditions:
        yield (
            "LEARNER_UNDER_CONDITION",
            f"{cell}: what a learner is told of themself depends on neither their age nor their agreement: leave the conditions out.",
        )


def _rule(rule: NeedToKnowRule) -> Rule:
    conditions = set(rule.conditions)
    # DOMAIN's column is "guardian (under 18)": no provider, and no matrix from before there were conditions, opens it to an adult's.
    if rule.because == Because.BECAUSE_GUARDIAN and not conditions:
        conditions = {Condition.CONDITION_UNDER_18}
    return Rule(rule.kind, rule.because, rule.detail, tuple(sorted(conditions)))


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", "-")
