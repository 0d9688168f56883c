"""What is noted of an assessor's decisions, and drawn of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.messages import derived_id
from eventkernel.testing.scenario import NOON, Outcome, assert_folds_in_pieces, given, person
from evidence.domain.caseload import Caseload, candidates_of, caseload
from evidence.domain.piece import Attempt, Details, Evidence, Judgement
from evidence.domain.sampling_plan import SamplingPlan, sampling_plan
from evidence.domain.standard import Ksb, Standard, Version
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER, EVIDENCE_KIND_OBSERVATION
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_AWAITING,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLING_STAGE_INTERIM,
    AssessorDecisionNoted,
    EarlierDecision,
    OtherDecisionNoted,
    SampleDrawn,
    SampleOutcomeNoted,
    SamplingPlanSet,
    SamplingRules,
)
from mentoring.evidence.v1.quality_pb2 import (
    DrawSampleRequest,
    NoteAssessorDecisionRequest,
    NoteOtherDecisionRequest,
    NoteSampleOutcomeRequest,
)
from pydantic import TypeAdapter

IQA = person("iqa-1", "iqa")
PLAIN = {
    "percentage": 10, "least": 1, "each_method": 0, "each_unit": 0, "new_assessor_decisions": 0, "new_assessor_days": 0,
    "new_assessor_percentage": 100, "first_on_standard": 0, "referral_rate_over": 100, "referral_rate_decisions": 1,
    "referral_rate_percentage": 0,
}  # fmt: skip
STANDARD = Standard((Version("1.0", "A title", 3, (Ksb("K1", 1, "x"), Ksb("S1", 2, "y"))),))
PIECE = Evidence(
    "evidence-1",
    "learner-1",
    "mentor-1",
    "ST0148",
    "1.0",
    EVIDENCE_KIND_OBSERVATION,
    judgements=(
        Judgement(1, 1, "assessor-1", accepted=frozenset({"K1", "S1", "S2"})),
        Judgement(
            2, 2, "assessor-1", accepted=frozenset({"K1", "K2", "K10"}), referred=frozenset({"B1"}), supersedes=1
        ),
        Judgement(3, 2, "assessor-1", accepted=frozenset({"K1"}), supersedes=2),
    ),
)


def plan(**rules: int) -> SamplingPlan:
    event = SamplingPlanSet(
        plan_id="plan-1",
        plan_version=1,
        stage=SAMPLING_STAGE_INTERIM,
        standard_reference="ST0148",
        first_day="2026-01-01",
        last_day="2026-03-31",
        rules=SamplingRules(**{**PLAIN, **rules}),
    )
    return sampling_plan.fold(SamplingPlan(), [event])


def stamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found


def noted(number: int = 1, *, at: datetime = NOON, reference: str = "ST0148", **changes: Any) -> AssessorDecisionNoted:
    usual: dict[str, Any] = {
        "assessor_id": "assessor-1",
        "evidence_id": f"evidence-{number}",
        "learner_id": f"learner-{number}",
        "author_id": "mentor-1",
        "standard": StandardVersion(reference=reference, version="1.0"),
        "kind": EVIDENCE_KIND_OBSERVATION,
        "ksb_codes": ["K1", "S1", "S2"],
        "units": ["K", "S"],
        "decision": DECISION_ACCEPT,
        "decided_at": stamp(at),
        "decision_number": 1,
    }
    return AssessorDecisionNoted(**{**usual, **changes})


def many(count: int) -> list[AssessorDecisionNoted]:
    return [noted(number, at=NOON + timedelta(minutes=number)) for number in range(1, count + 1)]


def draws(seed: str = "seed", iqa_id: str = "iqa-1") -> DrawSampleRequest:
    return DrawSampleRequest(assessor_id="assessor-1", plan_id="plan-1", iqa_id=iqa_id, seed=seed)


def asked(command: Message, *past: Message, beside: object = None, command_id: str = "command-1") -> Outcome[Caseload]:
    return (
        given(caseload, *past)
        .beside(plan() if beside is None else beside, STANDARD)
        .when(command, by=IQA, command_id=command_id)
    )


def drawn(outcome: Outcome[Caseload]) -> SampleDrawn:
    (event,) = outcome.events
    assert isinstance(event, SampleDrawn)
    return event


def names(event: SampleDrawn) -> set[str]:
    return {piece.evidence_id for piece in event.pieces}


def notes(number: int = 1, at: datetime = NOON) -> NoteAssessorDecisionRequest:
    return NoteAssessorDecisionRequest(
        assessor_id="assessor-1", evidence_id="evidence-1", decided_at=stamp(at), decision_number=number
    )


def test_a_decision_is_noted_with_what_it_is_sampled_by() -> None:
    asked(notes(), beside=PIECE).then(noted())
    asked(notes(0), beside=PIECE).then(noted())


def test_a_ksb_that_belongs_to_a_unit_is_sampled_by_it_and_any_other_by_its_letter() -> None:
    known = Standard((Version("1.0", "A title", 3, (Ksb("K1", 1, "x", unit="Unit one"), Ksb("S1", 2, "y"))),))
    found = {}
    for codes in ("K1", "S1", "K1 S1"):
        piece = replace(PIECE, judgements=(Judgement(1, 1, "assessor-1", accepted=frozenset(codes.split())),))
        (event,) = given(caseload).beside(piece, known).when(notes()).events
        assert isinstance(event, AssessorDecisionNoted)
        found[codes] = list(event.units)
    assert found == {"K1": ["Unit one"], "S1": ["S"], "K1 S1": ["S", "Unit one"]}


def test_a_decision_is_noted_once_and_a_later_one_on_the_same_piece_too() -> None:
    """One that accepts some claims and refers others is heard of twice, and is a referral as a whole."""
    asked(notes(), noted(), beside=PIECE).then_nothing()
    later = NOON + timedelta(days=1)
    second = noted(
        at=later,
        decision=DECISION_REFER,
        decision_number=2,
        ksb_codes=["B1", "K1", "K2", "K10"],
        units=["B", "K"],
        earlier=[EarlierDecision(assessor_id="assessor-1", decision_number=1, superseded=True)],
    )
    asked(notes(2, later), noted(), beside=PIECE).then(second).beside(PIECE, STANDARD).when(
        notes(2, later)
    ).then_nothing()


def test_a_decision_names_those_before_it_and_the_one_that_it_supersedes() -> None:
    (event,) = asked(notes(3), beside=PIECE).events
    assert isinstance(event, AssessorDecisionNoted)
    assert [(one.decision_number, one.superseded) for one in event.earlier] == [(1, False), (2, True)]


def test_who_had_a_part_in_a_piece_is_noted_with_the_decision() -> None:
    details = Details(witness_id="witness-1", participant_ids=("iqa-1", "coach-1"))
    piece = replace(
        PIECE, attempts=(Attempt(1, ("K1",), 0, details), Attempt(2, ("K1",), 0, Details(observer_id="o-1")))
    )
    asked(notes(), beside=piece).then(noted(involved_ids=["coach-1", "iqa-1", "o-1", "witness-1"]))


def test_a_decision_that_was_not_heard_of_waits() -> None:
    asked(notes(), beside=Evidence()).then_refused("EVIDENCE_UNKNOWN")
    asked(notes(4), beside=PIECE).then_refused("EVIDENCE_UNKNOWN")


def others(other_id: str = "iqa-1", superseded: int = 0) -> NoteOtherDecisionRequest:
    return NoteOtherDecisionRequest(
        assessor_id="assessor-1", evidence_id="evidence-1", other_id=other_id, superseded_number=superseded
    )


def other_noted(superseded: int = 0) -> OtherDecisionNoted:
    return OtherDecisionNoted(
        assessor_id="assessor-1", evidence_id="evidence-1", other_id="iqa-1", superseded_number=superseded
    )


def test_that_somebody_else_decided_is_noted_once() -> None:
    asked(others(), noted()).then(other_noted())
    asked(others(), noted(), other_noted()).then_nothing()
    asked(others(superseded=1), noted(), other_noted()).then(other_noted(1))
    asked(others(superseded=1), noted(), other_noted(1)).then_nothing()
    asked(others(), noted(2)).then_refused("DECISION_UNKNOWN")


def test_nothing_is_drawn_for_the_iqa_who_had_a_part_in_it_or_decided_on_it_too() -> None:
    by_iqa = EarlierDecision(assessor_id="IQA-1", decision_number=1)
    past = [noted(1), other_noted(), noted(2, involved_ids=["Iqa-1"]), noted(3, earlier=[by_iqa]), noted(4)]
    assert names(drawn(asked(draws(), *past, beside=plan(percentage=100)))) == {"evidence-4"}


def test_what_another_assessor_superseded_is_not_drawn() -> None:
    asked(draws(iqa_id="iqa-2"), noted(), other_noted(1)).then_refused("NOTHING_TO_DRAW")
    asked(draws(iqa_id="iqa-2"), noted(), other_noted(1), other_noted()).then_refused("NOTHING_TO_DRAW")
    still = noted(decision_number=2, at=NOON + timedelta(days=1))
    event = drawn(asked(draws(iqa_id="iqa-2"), noted(), other_noted(1), still))
    assert [(piece.evidence_id, piece.decision_number) for piece in event.pieces] == [("evidence-1", 2)]


def test_a_draw_says_all_that_it_needs_to_be_drawn_again() -> None:
    event = drawn(asked(draws(), *many(20)))
    assert (event.plan_version, event.seed, event.candidates, len(event.pieces)) == (1, "seed", 20, 2)
    assert (event.assessor_id, event.iqa_id, event.standard_reference) == ("assessor-1", "iqa-1", "ST0148")
    assert len(event.candidates_hash) == 64
    assert [piece.sample_id for piece in event.pieces] == [
        derived_id("command-1", "sample", piece.evidence_id) for piece in event.pieces
    ]
    assert {piece.learner_id for piece in event.pieces} == {
        name.replace("evidence", "learner") for name in names(event)
    }


def test_the_order_in_which_decisions_were_noted_changes_nothing() -> None:
    assert drawn(asked(draws(), *many(20))) == drawn(asked(draws(), *reversed(many(20))))


def test_drawing_again_finds_nothing_to_do_whatever_the_seed() -> None:
    story = asked(draws(), *many(20)).after()
    story.when(draws("another"), by=IQA, command_id="command-2").then_nothing()


def test_later_decisions_are_drawn_by_what_is_still_asked_for() -> None:
    first = drawn(asked(draws(), *many(20)))
    outcome = asked(draws("another"), *many(20), first, *many(31)[20:], command_id="command-2")
    assert len(drawn(outcome).pieces) == 2, "a tenth of 31 is 4, and 2 were drawn"
    assert not names(drawn(outcome)) & names(first)


def test_a_plan_that_asks_for_more_draws_more() -> None:
    first = drawn(asked(draws(), *many(20)))
    outcome = asked(draws(), *many(20), first, beside=plan(percentage=50), command_id="command-2")
    assert len(drawn(outcome).pieces) == 8


def test_another_plan_draws_by_itself() -> None:
    first = drawn(asked(draws(), *many(20)))
    first.plan_id = "plan-2"
    assert len(drawn(asked(draws(), *many(20), first)).pieces) == 2


def test_only_the_plans_period_and_standard_are_drawn_from() -> None:
    inside = [noted(1, at=datetime(2026, 1, 1, tzinfo=UTC)), noted(2, at=datetime(2026, 3, 31, 23, 59, tzinfo=UTC))]
    outside = [
        noted(3, at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC)),
        noted(4, at=datetime(2026, 4, 1, tzinfo=UTC)),
        noted(5, reference="ST0070"),
    ]
    event = drawn(asked(draws(), *inside, *outside, beside=plan(percentage=100)))
    assert (event.candidates, names(event)) == (2, {"evidence-1", "evidence-2"})
    asked(draws(), *outside).then_refused("NOTHING_TO_DRAW")


def test_a_piece_that_was_decided_anew_is_drawn_anew() -> None:
    first = drawn(asked(draws(), noted()))
    again = noted(at=NOON + timedelta(days=3), decision=DECISION_REFER, decision_number=2)
    outcome = asked(draws(), noted(), first, again, command_id="command-2")
    assert (drawn(outcome).candidates, names(drawn(outcome))) == (1, {"evidence-1"})
    outcome.after().when(draws("another"), by=IQA, command_id="command-3").then_nothing()


@pytest.mark.parametrize("iqa_id", ["assessor-1", "ASSESSOR-1"])
def test_nothing_is_drawn_for_the_iqa_who_assessed_it(iqa_id: str) -> None:
    assert asked(draws(iqa_id=iqa_id), *many(20)).then_refused("OWN_ASSESSMENT").field == "iqa_id"


def test_nothing_is_drawn_for_the_iqa_who_made_it_or_whom_it_is_about() -> None:
    past = [noted(1, author_id="Iqa-1"), noted(2, learner_id="iqa-1"), noted(3)]
    assert names(drawn(asked(draws(), *past, beside=plan(percentage=100)))) == {"evidence-3"}


def test_a_plan_that_is_not_there_is_refused() -> None:
    assert asked(draws(), noted(), beside=SamplingPlan()).then_refused("PLAN_UNKNOWN").field == "plan_id"


def risks(rules: dict[str, int], *past: Message) -> list[tuple[str, bool, bool]]:
    state = caseload.fold(Caseload(), past)
    version = plan(**rules).version(1)
    return [(one.evidence_id, one.new, one.first) for one in candidates_of(state, "plan-1", version, "iqa-1")]


def test_an_assessor_is_new_in_the_first_decisions_and_in_the_first_days() -> None:
    past = [noted(number, at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=10 * number)) for number in range(4)]
    mixed = [past[2], past[0], past[3], past[1]]
    by_number = {name for name, new, _ in risks({"new_assessor_decisions": 2}, *mixed) if new}
    by_days = {name for name, new, _ in risks({"new_assessor_days": 11}, *mixed) if new}
    assert by_number == {"evidence-0", "evidence-1"}, "by the time of the decision, not of the noting"
    assert by_days == {"evidence-0", "evidence-1"}
    assert not any(new for _, new, _ in risks({}, *mixed))


def test_who_decided_before_the_period_is_not_new_in_it() -> None:
    before = [noted(number, at=datetime(2025, 1, 1, tzinfo=UTC), reference="ST0070") for number in range(10, 20)]
    rules = {"new_assessor_decisions": 10, "new_assessor_days": 90, "first_on_standard": 1}
    assert risks(rules, *before, noted(1), noted(2, at=NOON + timedelta(1))) == [
        ("evidence-1", False, True),
        ("evidence-2", False, False),
    ]


def test_an_outcome_is_noted_once_beside_its_draw() -> None:
    event = drawn(asked(draws(), noted()))
    sample_id = event.pieces[0].sample_id
    notes_it = NoteSampleOutcomeRequest(assessor_id="assessor-1", sample_id=sample_id, status=SAMPLE_STATUS_CONFIRMED)
    story = asked(notes_it, noted(), event).then(
        SampleOutcomeNoted(
            assessor_id="assessor-1",
            sample_id=sample_id,
            learner_id="learner-1",
            plan_id="plan-1",
            status=SAMPLE_STATUS_CONFIRMED,
        )
    )
    assert [one.status for one in story.state.under("plan-1")] == [SAMPLE_STATUS_CONFIRMED]
    story.when(notes_it).then_nothing()
    assert [one.status for one in given(caseload, noted(), event).state.drawn] == [SAMPLE_STATUS_AWAITING]
    asked(notes_it, noted()).then_refused("SAMPLE_UNKNOWN")
    assert_folds_in_pieces(caseload, story.past)
    adapter = TypeAdapter(Caseload)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
