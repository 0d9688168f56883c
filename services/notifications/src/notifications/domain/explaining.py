"""Explaining: who around a learner would be told of a kind of information, by which rule, and why the others would not.

It asks the same rules in the same way as telling does, so that a dry run says what would happen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.explaining_pb2 import WhyNotReason

from notifications.domain.circle import BECAUSE_OF, Circle, Surrounding
from notifications.domain.conditions import Conditions
from notifications.domain.need_to_know import NeedToKnow, Rule
from notifications.domain.occasions import TOLD_AMONG, is_about_an_issue

_OF_AN_ISSUE = (InformationKind.INFORMATION_KIND_ISSUE_PROGRESS, InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING)
_NOBODYS = Because.BECAUSE_UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Question:
    """What would be told about whom, when, and under which conditions. Without an occasion: whatever of this kind."""

    learner_id: str
    kind: InformationKind.ValueType
    occasion: Occasion.ValueType
    conditions: Conditions
    at: datetime

    @property
    def kinds(self) -> tuple[InformationKind.ValueType, ...]:
        """What the policy is asked for: of an issue both kinds, as telling does."""
        return _OF_AN_ISSUE if self.kind in _OF_AN_ISSUE and is_about_an_issue(self.occasion) else (self.kind,)

    def is_for(self, because: Because.ValueType) -> bool:
        """Whether the occasion may go to this relationship at all."""
        return not self.occasion or because in TOLD_AMONG[self.occasion]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why one relationship, or none that the policy knows, gives somebody nothing. The rule is the one that would, where one would."""

    because: Because.ValueType
    reason: WhyNotReason.ValueType
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """Somebody in one mentorship, or the learner: the rule that tells them, and what tells them nothing."""

    person_id: str
    mentorship_id: str
    rule: Rule | None
    missing: tuple[Missing, ...]


def explain(question: Question, circle: Circle, matrix: NeedToKnow) -> list[Explained]:
    """The learner, and then each person of each mentorship, in the order in which they were heard of."""
    found = [_explained(question, matrix, question.learner_id, "", [Because.BECAUSE_LEARNER])]
    for surrounding in circle.surroundings:
        for person_id, grounds in _grounds(surrounding).items():
            found.append(_explained(question, matrix, person_id, surrounding.mentorship_id, grounds))
        found += (
            Explained(
                person_id,
                surrounding.mentorship_id,
                None,
                (Missing(_NOBODYS, WhyNotReason.WHY_NOT_REASON_NO_LONGER_A_PARTY),),
            )
            for person_id in surrounding.former_ids
        )
    return found


def _grounds(surrounding: Surrounding) -> dict[str, list[Because.ValueType]]:
    """Everybody who is there, with each relationship that they have; unspecified: one that the policy does not know."""
    if surrounding.ended:
        return {}
    found = {surrounding.mentor_id: [Because.BECAUSE_MENTOR]}
    for party in surrounding.parties:
        found.setdefault(party.person_id, []).append(BECAUSE_OF.get(party.relationship, _NOBODYS))
    return found


def _explained(
    question: Question, matrix: NeedToKnow, person_id: str, mentorship_id: str, grounds: list[Because.ValueType]
) -> Explained:
    best: Rule | None = None
    missing = list[Missing]()
    for because in grounds:
        rule = matrix.allowing_each(question.kinds, because, question.conditions, question.at)
        if rule is None or not question.is_for(because):
            missing += _why_not(question, matrix, because)
        elif best is None or rule.detail > best.detail:
            best = rule
    return Explained(person_id, mentorship_id, best, tuple(missing))


def _why_not(question: Question, matrix: NeedToKnow, because: Because.ValueType) -> Iterator[Missing]:
    if because == _NOBODYS:
        yield Missing(because, WhyNotReason.WHY_NOT_REASON_RELATIONSHIP_NOT_IN_POLICY)
        return
    if not question.is_for(because):
        yield Missing(because, WhyNotReason.WHY_NOT_REASON_OCCASION_NOT_FOR_THEM)
        return
    for kind in question.kinds:
        if matrix.allowing(kind, because, question.conditions, question.at) is None:
            yield from _missing(question, matrix, kind, because)


def _missing(
    question: Question, matrix: NeedToKnow, kind: InformationKind.ValueType, because: Because.ValueType
) -> Iterator[Missing]:
    rules = matrix.about(kind, because)
    if not rules:
        yield Missing(because, WhyNotReason.WHY_NOT_REASON_NO_RULE)
    for rule in rules:
        for condition in rule.unmet(question.conditions, question.at):
            yield Missing(because, _unmet(condition, question.conditions), rule.name)


def _unmet(condition: Condition.ValueType, conditions: Conditions) -> WhyNotReason.ValueType:
    match condition:
        case Condition.CONDITION_LEARNER_AGREES:
            return WhyNotReason.WHY_NOT_REASON_LEARNER_HAS_NOT_AGREED
        case Condition.CONDITION_UNDER_18 if conditions.comes_of_age is None:
            return WhyNotReason.WHY_NOT_REASON_AGE_NOT_KNOWN
        case Condition.CONDITION_UNDER_18:
            return WhyNotReason.WHY_NOT_REASON_LEARNER_IS_OF_AGE
        case _:
            return WhyNotReason.WHY_NOT_REASON_CONDITION_NOT_KNOWN
