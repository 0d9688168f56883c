"""The provider's rules on who is asked before the DSL on duty. Of several that a concern fits the first holds; one that never could is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from mentoring.safeguarding.v1.events_pb2 import ConcernCategory, Severity
from mentoring.safeguarding.v1.routing_events_pb2 import RouteRule


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is asked first, and about what: these categories, severities and sites, where an empty set is all of them."""

    first_ids: tuple[str, ...]
    categories: frozenset[int] = frozenset()
    severities: frozenset[int] = frozenset()
    site_ids: frozenset[str] = frozenset()

    def is_for(self, category: ConcernCategory.ValueType, severity: Severity.ValueType, site_id: str) -> bool:
        """Whether it says who is asked first about a concern of this kind."""
        return (
            (not self.categories or category in self.categories)
            and (not self.severities or severity in self.severities)
            and self.is_at(site_id)
        )

    def is_at(self, site_id: str) -> bool:
        """Whether it is for concerns of this site."""
        return not self.site_ids or site_id in self.site_ids

    def covers(self, other: "Rule") -> bool:
        """Whether it is for everything that the other is for."""
        return (
            (not self.categories or bool(other.categories and other.categories <= self.categories))
            and (not self.severities or bool(other.severities and other.severities <= self.severities))
            and (not self.site_ids or bool(other.site_ids and other.site_ids <= self.site_ids))
        )


@dataclass(frozen=True, slots=True)
class RuleFault:
    """What is wrong with a rule, and where."""

    code: str
    text: str
    field: str


def rules_of(given: Sequence[RouteRule]) -> tuple[Rule, ...]:
    """The rules as the policy keeps them."""
    return tuple(
        Rule(tuple(one.first_ids), frozenset(one.categories), frozenset(one.severities), frozenset(one.site_ids))
        for one in given
    )


def faults_of(rules: Sequence[Rule]) -> Iterator[RuleFault]:
    """Everything that is wrong with them: a person who stands in one twice, and a rule that an earlier one leaves nothing to."""
    for number, rule in enumerate(rules):
        for place, person_id in enumerate(rule.first_ids):
            # Whether the letters are large or small, as where somebody is named in a concern.
            if person_id.casefold() in {one.casefold() for one in rule.first_ids[:place]}:
                where = f"rules[{number}].first_ids[{place}]"
                yield RuleFault(
                    "RULE_PERSON_TWICE",
                    f"{where}: {person_id} stands in this rule before; name each person once",
                    where,
                )
        earlier = next((at for at, one in enumerate(islice(rules, number)) if one.covers(rule)), None)
        if earlier is not None:
            where = f"rules[{number}]"
            yield RuleFault(
                "RULE_NEVER_REACHED",
                f"{where}: rules[{earlier}] comes first for all that it is for; put it before that one, or leave it out",
                where,
            )


def rule_for(
    rules: Sequence[Rule], category: ConcernCategory.ValueType, severity: Severity.ValueType, site_id: str
) -> tuple[int, tuple[str, ...]]:
    """The number, from 1, of the rule that holds, and whom it names; 0 and nobody where none does."""
    for number, rule in enumerate(rules, start=1):
        if rule.is_for(category, severity, site_id):
            return number, rule.first_ids
    return 0, ()
