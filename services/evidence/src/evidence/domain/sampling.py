"""What is drawn of an assessor's decided pieces: a pure function of the pieces, the plan's rules and a seed.

The order in which the pieces are given does not matter: they stand in the order of SHA-256 of seed and id. Each rule asks for so many of
its pieces and takes the first of them; what the plan drew earlier counts, so that another seed on the same pieces draws nothing more.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mentoring.evidence.v1.events_pb2 import DECISION_REFER
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLING_RULE_FIRST_ON_STANDARD,
    SAMPLING_RULE_METHOD,
    SAMPLING_RULE_NEW_ASSESSOR,
    SAMPLING_RULE_PERCENTAGE,
    SAMPLING_RULE_REFERRAL_RATE,
    SAMPLING_RULE_UNIT,
    SamplingRule,
)

Chosen: TypeAlias = Mapping[str, tuple[SamplingRule.ValueType, ...]]


@dataclass(frozen=True, slots=True)
class Rules:
    """A plan's numbers, named as in the contract's `SamplingRules`, which says what each means."""

    percentage: int
    least: int
    each_method: int
    each_unit: int
    new_assessor_decisions: int
    new_assessor_days: int
    new_assessor_percentage: int
    first_on_standard: int
    referral_rate_over: int
    referral_rate_decisions: int
    referral_rate_percentage: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A decided piece that can be drawn. `kind` is an EvidenceKind, `decision` a Decision.

    `new`: the assessor was new when it was decided; `first`: it was among the assessor's first decisions on the standard; `drawn`: the plan
    drew it earlier; `barred`: the one for whom it would be drawn made it, had a part in it, decided on it too, or is its learner.
    """

    evidence_id: str
    kind: int
    units: tuple[str, ...]
    decision: int
    new: bool
    first: bool
    drawn: bool
    barred: bool


def place(seed: str, evidence_id: str) -> str:
    """Where a piece stands in the order of a seed: SHA-256 in hexadecimal of both, a line each."""
    return hashlib.sha256(f"{seed}\n{evidence_id}".encode()).hexdigest()


def candidates_hash(candidates: Iterable[Candidate]) -> str:
    """SHA-256 in hexadecimal of all that the choice depends on beside rules and seed.

    A line each, sorted by id: id, kind, units with a comma between them, decision, and new, first, drawn and barred as 0 or 1, with one
    space between them; kind and decision are the contract's numbers.
    """
    return hashlib.sha256("\n".join(sorted(map(_line, candidates))).encode()).hexdigest()


def _line(one: Candidate) -> str:
    flags = (one.new, one.first, one.drawn, one.barred)
    return " ".join(
        (one.evidence_id, f"{one.kind}", ",".join(one.units), f"{one.decision}", *(f"{flag:d}" for flag in flags))
    )


def choose(candidates: Collection[Candidate], rules: Rules, seed: str) -> Chosen:
    """The pieces to draw, by id, in the seed's order, each with every rule that chose it."""
    ordered = sorted(candidates, key=lambda one: (place(seed, one.evidence_id), one.evidence_id))
    chosen: dict[str, list[SamplingRule.ValueType]] = {}
    for rule, pool, wanted in _wants(ordered, rules):
        missing = wanted - sum(1 for one in pool if one.drawn)
        free = (one for one in pool if not one.drawn and not one.barred)
        for one, _ in zip(free, range(missing), strict=False):
            given = chosen.setdefault(one.evidence_id, [])
            if rule not in given:
                given.append(rule)
    return {one.evidence_id: tuple(chosen[one.evidence_id]) for one in ordered if one.evidence_id in chosen}


def has_high_referral_rate(decisions: int, referrals: int, rules: Rules) -> bool:
    """Whether more decisions are referrals than the plan holds for usual, of enough to tell."""
    enough = decisions >= max(rules.referral_rate_decisions, 1)
    return enough and 100 * referrals > rules.referral_rate_over * decisions


_Want: TypeAlias = tuple[SamplingRule.ValueType, list[Candidate], int]


def _wants(ordered: list[Candidate], rules: Rules) -> Iterable[_Want]:
    """Each rule's pieces in the seed's order, and how many of them it asks for."""
    yield SAMPLING_RULE_PERCENTAGE, ordered, max(rules.least, _share(rules.percentage, ordered))
    for kind in sorted({one.kind for one in ordered}):
        yield SAMPLING_RULE_METHOD, [one for one in ordered if one.kind == kind], rules.each_method
    for unit in sorted({unit for one in ordered for unit in one.units}):
        yield SAMPLING_RULE_UNIT, [one for one in ordered if unit in one.units], rules.each_unit
    new = [one for one in ordered if one.new]
    yield SAMPLING_RULE_NEW_ASSESSOR, new, _share(rules.new_assessor_percentage, new)
    first = [one for one in ordered if one.first]
    yield SAMPLING_RULE_FIRST_ON_STANDARD, first, len(first)
    referrals = sum(1 for one in ordered if one.decision == DECISION_REFER)
    if has_high_referral_rate(len(ordered), referrals, rules):
        yield SAMPLING_RULE_REFERRAL_RATE, ordered, _share(rules.referral_rate_percentage, ordered)


def _share(percentage: int, pieces: Collection[Candidate]) -> int:
    """So many percent of them, rounded up."""
    return -(-percentage * len(pieces) // 100)
