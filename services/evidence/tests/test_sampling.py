"""What is drawn of an assessor's decided pieces."""

import random
from dataclasses import replace
from typing import Any

import pytest
from evidence.domain.sampling import Candidate, Rules, candidates_hash, choose, has_high_referral_rate, place
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_REFLECTION,
)
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLING_RULE_FIRST_ON_STANDARD,
    SAMPLING_RULE_METHOD,
    SAMPLING_RULE_NEW_ASSESSOR,
    SAMPLING_RULE_PERCENTAGE,
    SAMPLING_RULE_REFERRAL_RATE,
    SAMPLING_RULE_UNIT,
)

# The percentage alone: every other rule is switched off.
PLAIN = Rules(
    percentage=10,
    least=1,
    each_method=0,
    each_unit=0,
    new_assessor_decisions=0,
    new_assessor_days=0,
    new_assessor_percentage=0,
    first_on_standard=0,
    referral_rate_over=100,
    referral_rate_decisions=1,
    referral_rate_percentage=0,
)


def piece(number: int, **changes: Any) -> Candidate:
    usual: dict[str, Any] = {
        "kind": EVIDENCE_KIND_REFLECTION,
        "units": ("K",),
        "decision": DECISION_ACCEPT,
        "new": False,
        "first": False,
        "drawn": False,
        "barred": False,
    }
    return Candidate(evidence_id=f"evidence-{number}", **{**usual, **changes})


def pieces(count: int, **changes: Any) -> list[Candidate]:
    return [piece(number, **changes) for number in range(count)]


@pytest.mark.parametrize(("count", "drawn"), [(1, 1), (9, 1), (10, 1), (11, 2), (30, 3), (0, 0)])
def test_a_percentage_of_the_caseload_is_drawn_rounded_up_and_one_at_least(count: int, drawn: int) -> None:
    assert len(choose(pieces(count), PLAIN, "seed")) == drawn


def test_of_each_assessor_at_least_so_many_are_drawn() -> None:
    assert len(choose(pieces(9), replace(PLAIN, least=3), "seed")) == 3
    assert len(choose(pieces(2), replace(PLAIN, least=3), "seed")) == 2


def test_the_first_in_the_order_of_the_seed_are_drawn() -> None:
    # As `printf 'seed\nevidence-0' | sha256sum` says it.
    assert place("seed", "evidence-0") == "54d47659b1dacbed9a84768a8c59b983df1564ca586a7249521329ad6e7ccb6a"
    expected = sorted((place("seed", one.evidence_id), one.evidence_id) for one in pieces(30))[:3]
    assert list(choose(pieces(30), PLAIN, "seed")) == [evidence_id for _, evidence_id in expected]


def test_another_seed_draws_others() -> None:
    drawn = {tuple(choose(pieces(100), PLAIN, f"seed-{number}")) for number in range(20)}
    assert len(drawn) == 20


def test_of_each_method_and_unit_something_is_drawn() -> None:
    rare = [piece(100, kind=EVIDENCE_KIND_OBSERVATION), piece(101, units=("B", "S"))]
    chosen = choose([*pieces(50), *rare], replace(PLAIN, each_method=1, each_unit=1), "seed")
    assert chosen["evidence-100"] == (SAMPLING_RULE_METHOD,)
    assert SAMPLING_RULE_UNIT in chosen["evidence-101"]
    assert "evidence-100" not in choose([*pieces(50), *rare], PLAIN, "seed")


def test_one_piece_serves_every_rule_that_its_place_serves() -> None:
    chosen = choose(pieces(5), replace(PLAIN, each_method=1, each_unit=1), "seed")
    assert list(chosen.values()) == [(SAMPLING_RULE_PERCENTAGE, SAMPLING_RULE_METHOD, SAMPLING_RULE_UNIT)]


def test_a_new_assessors_pieces_are_drawn_by_their_own_percentage() -> None:
    mixed = [*pieces(10), *(piece(number, new=True) for number in range(10, 16))]
    whole = choose(mixed, replace(PLAIN, new_assessor_percentage=100), "seed")
    assert {name for name, rules in whole.items() if SAMPLING_RULE_NEW_ASSESSOR in rules} == {
        f"evidence-{number}" for number in range(10, 16)
    }
    half = choose(mixed, replace(PLAIN, new_assessor_percentage=50), "seed")
    assert sum(SAMPLING_RULE_NEW_ASSESSOR in rules for rules in half.values()) == 3


def test_first_decisions_on_a_standard_are_drawn() -> None:
    chosen = choose([*pieces(50), piece(50, first=True)], PLAIN, "seed")
    assert SAMPLING_RULE_FIRST_ON_STANDARD in chosen["evidence-50"]


@pytest.mark.parametrize(
    ("decisions", "referrals", "high"), [(10, 3, False), (10, 4, True), (4, 4, False), (5, 2, True), (0, 0, False)]
)
def test_a_referral_rate_is_high_over_the_threshold_and_of_enough_decisions(
    decisions: int, referrals: int, high: bool
) -> None:
    rules = replace(PLAIN, referral_rate_over=30, referral_rate_decisions=5)
    assert has_high_referral_rate(decisions, referrals, rules) is high


def test_more_is_drawn_of_who_refers_much() -> None:
    rules = replace(PLAIN, referral_rate_over=30, referral_rate_decisions=5, referral_rate_percentage=50)
    usual = [*pieces(7), *(piece(number, decision=DECISION_REFER) for number in (7, 8, 9))]
    much = [*pieces(6), *(piece(number, decision=DECISION_REFER) for number in (6, 7, 8, 9))]
    assert len(choose(usual, rules, "seed")) == 1
    chosen = choose(much, rules, "seed")
    assert len(chosen) == 5
    assert all(SAMPLING_RULE_REFERRAL_RATE in rules for rules in chosen.values())


def test_nothing_is_drawn_that_the_iqa_may_not_sample() -> None:
    allowed = piece(9)
    barred = [piece(number, barred=True) for number in range(9)]
    assert set(choose([*barred, allowed], replace(PLAIN, percentage=100), "seed")) == {"evidence-9"}


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        evidence_id=st.integers(0, 60).map(lambda number: f"evidence-{number}"),
        kind=st.integers(1, 5),
        units=st.lists(st.sampled_from("KSB"), min_size=1, max_size=3, unique=True).map(tuple),
        decision=st.sampled_from([DECISION_ACCEPT, DECISION_REFER]),
        new=st.booleans(),
        first=st.booleans(),
        drawn=st.booleans(),
        barred=st.booleans(),
    ),
    max_size=40,
    unique_by=lambda one: one.evidence_id,
)
PERCENT = st.integers(0, 100)
RULES = st.builds(
    Rules,
    percentage=st.integers(1, 100),
    least=st.integers(1, 4),
    each_method=st.integers(0, 3),
    each_unit=st.integers(0, 3),
    new_assessor_decisions=st.just(0),
    new_assessor_days=st.just(0),
    new_assessor_percentage=PERCENT,
    first_on_standard=st.just(0),
    referral_rate_over=PERCENT,
    referral_rate_decisions=st.integers(0, 9),
    referral_rate_percentage=PERCENT,
)


@having(CANDIDATES, RULES, st.text("abc", min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_same_pieces_and_seed_give_the_same_choice_in_whatever_order_they_come(
    candidates: list[Candidate], rules: Rules, seed: str, chance: random.Random
) -> None:
    shuffled = chance.sample(candidates, len(candidates))
    assert list(choose(shuffled, rules, seed).items()) == list(choose(candidates, rules, seed).items())
    assert candidates_hash(shuffled) == candidates_hash(candidates)


@having(CANDIDATES, RULES)
def test_once_drawn_another_seed_finds_nothing_more(candidates: list[Candidate], rules: Rules) -> None:
    """Nobody draws until the sample pleases them."""
    chosen = choose(candidates, rules, "first")
    after = [replace(one, drawn=one.drawn or one.evidence_id in chosen) for one in candidates]
    assert choose(after, rules, "second") == {}
    by_id = {one.evidence_id: one for one in candidates}
    assert not any(by_id[name].drawn or by_id[name].barred for name in chosen)
    allowed = [one for one in candidates if not one.barred]
    drawn = sum(1 for one in after if one.drawn and not one.barred)
    assert drawn >= min(len(allowed), rules.least) or any(one.drawn and one.barred for one in candidates)


@having(CANDIDATES.filter(bool), st.data())
def test_the_hash_tells_every_other_set_of_candidates(candidates: list[Candidate], data: st.DataObject) -> None:
    changed = data.draw(st.sampled_from(candidates))
    others = [one for one in candidates if one is not changed]
    for other in (replace(changed, new=not changed.new), replace(changed, kind=changed.kind % 5 + 1), piece(99)):
        assert candidates_hash([*others, other]) != candidates_hash(candidates)
    assert candidates_hash(others) != candidates_hash(candidates)
