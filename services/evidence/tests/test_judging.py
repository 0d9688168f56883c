"""Judging claim by claim, and superseding: who may, what has to be said, and that no decision is ever lost."""

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given, person
from evidence.domain.conflicts import Conflicts
from evidence.domain.evidence import Evidence, evidence
from google.protobuf.message import Message
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1 import judging_events_pb2 as events
from mentoring.evidence.v1 import kinds_pb2 as kinds
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_WITNESS_TESTIMONY,
    EvidenceAccepted,
    EvidenceReferred,
)
from mentoring.evidence.v1.evidence_pb2 import JudgeEvidenceRequest
from mentoring.evidence.v1.judging_events_pb2 import EvidenceDecisionSuperseded
from mentoring.evidence.v1.judging_pb2 import CriteriaFeedback, WithdrawEvidenceRequest
from pydantic import TypeAdapter

from .pieces import (
    ALL_MET,
    ANOTHER_ASSESSOR,
    ASSESSOR,
    KNOWN,
    LEARNER,
    OLD_WORK,
    ST0148,
    accept,
    asked,
    judge_claims,
    refer,
    resubmit,
    standing,
    story,
    submitted,
    supersede,
)

PART = judge_claims(accept("K1"), refer("K2", "S1"))
TESTIMONY = kinds.Testimony(witness_id="witness-1", relationship=kinds.WITNESS_RELATIONSHIP_LINE_MANAGER)


def test_some_claims_are_accepted_and_others_referred_back_by_one_decision() -> None:
    events = story((PART, ASSESSOR))[1:]
    accepting, referring = events
    assert isinstance(accepting, EvidenceAccepted)
    assert isinstance(referring, EvidenceReferred)
    assert (list(accepting.ksb_codes), list(referring.ksb_codes)) == (["K1"], ["K2", "S1"])
    assert (accepting.decision, referring.decision, referring.attempt) == (1, 1, 1)
    assert referring.sufficiency_feedback == Sealed(to_be_sealed="CONFIDENTIAL show more")
    assert not accepting.HasField("sufficiency_feedback")
    assert standing((submitted("K1", "K2", "S1"), *events)) == {"K1": "accepted", "K2": "referred", "S1": "referred"}


def test_the_order_in_which_they_are_named_does_not_matter() -> None:
    assert story((judge_claims(refer("K2", "S1"), accept("K1")), ASSESSOR)) == story((PART, ASSESSOR))


def test_the_same_decision_again_changes_nothing_also_when_the_next_attempt_waits() -> None:
    asked(PART, *story((PART, ASSESSOR)), by=ASSESSOR).then_nothing()
    asked(PART, *story((PART, ASSESSOR), (resubmit("K2"), LEARNER)), by=ASSESSOR).then_nothing()
    whole = JudgeEvidenceRequest(
        evidence_id="evidence-1",
        learner_id="learner-1",
        decision=DECISION_REFER,
        criteria=OLD_WORK,
        feedback="CONFIDENTIAL no",
    )
    asked(whole, *story((whole, ASSESSOR), (resubmit("K2"), LEARNER)), by=ASSESSOR).then_nothing()


def test_a_later_attempt_has_to_be_named() -> None:
    past = story((PART, ASSESSOR), (resubmit("K2"), LEARNER))
    whole = JudgeEvidenceRequest(
        evidence_id="evidence-1", learner_id="learner-1", decision=DECISION_ACCEPT, criteria=ALL_MET, feedback="Yes"
    )
    assert asked(whole, *past, by=ASSESSOR).then_refused("ALREADY_JUDGED").field == "attempt"
    whole.attempt = 2
    (event,) = asked(whole, *past, by=ASSESSOR).events
    assert isinstance(event, EvidenceAccepted)
    assert (list(event.ksb_codes), event.attempt, event.decision) == (["K2"], 2, 2)


@pytest.mark.parametrize(
    ("judgements", "code"),
    [
        ([accept("K1")], "CLAIM_LEFT_OUT"),
        ([accept("K1", "K2"), refer("K2", "S1")], "CLAIM_TWICE"),
        ([accept("K1", "K2", "S1", "B1")], "CLAIM_NOT_WAITING"),
        ([accept("K1"), accept("K2", "S1")], "DECISION_TWICE"),
        ([accept("K1"), refer("K2", "S1", criteria=ALL_MET)], "CRITERIA_ALL_MET"),
    ],
)
def test_each_claim_that_waits_is_decided_once(judgements: list[Message], code: str) -> None:
    asked(judge_claims(*judgements), submitted("K1", "K2", "S1"), by=ASSESSOR).then_refused(code)  # type: ignore[arg-type]


def test_nothing_is_accepted_with_a_criterion_unmet() -> None:
    one = accept("K1", "K2", "S1")
    one.criteria.validity = False
    one.criteria_feedback.validity = "CONFIDENTIAL another task"
    refusal = asked(judge_claims(one), submitted("K1", "K2", "S1"), by=ASSESSOR).then_refused("CRITERIA_NOT_MET")
    assert refusal.field == "judgements[0].criteria"


def test_each_criterion_that_is_not_met_is_explained() -> None:
    silent = judge_claims(accept("K1"), refer("K2", "S1", why=CriteriaFeedback(validity="CONFIDENTIAL fine")))
    refusal = asked(silent, submitted("K1", "K2", "S1"), by=ASSESSOR).then_refused("FEEDBACK_MISSING")
    assert refusal.field == "judgements[1].criteria_feedback.sufficiency"


def test_a_witness_judges_nothing_they_testified_to() -> None:
    testified = submitted("K1", kind=EVIDENCE_KIND_WITNESS_TESTIMONY, testimony=TESTIMONY)
    witness = person("witness-1", "assessor")
    asked(judge_claims(refer("K1")), testified, by=witness).then_refused("JUDGED_BY_WITNESS")


def test_who_has_a_conflict_of_interest_neither_judges_nor_supersedes() -> None:
    conflicts = Conflicts(frozenset({"assessor-1"}))
    past = story((PART, ASSESSOR))
    asked(PART, past[0], by=ASSESSOR, conflicts=conflicts).then_refused("CONFLICT_OF_INTEREST")
    again = supersede(accept("K1", "K2", "S1"))
    asked(again, *past, by=ASSESSOR, conflicts=conflicts).then_refused("CONFLICT_OF_INTEREST")
    asked(again, *past, by=ANOTHER_ASSESSOR, conflicts=conflicts).after()


def test_a_testimony_is_accepted_once_its_witness_has_confirmed_it() -> None:
    testified = submitted("K1", kind=EVIDENCE_KIND_WITNESS_TESTIMONY, testimony=TESTIMONY)
    confirmed = events.TestimonyConfirmed(
        evidence_id="evidence-1", learner_id="learner-1", witness_id="witness-1", attempt=1
    )
    asked(judge_claims(accept("K1")), testified, by=ASSESSOR).then_refused("TESTIMONY_UNCONFIRMED")
    asked(judge_claims(refer("K1")), testified, by=ASSESSOR).after()
    asked(judge_claims(accept("K1")), testified, confirmed, by=ASSESSOR).after()


def test_a_decision_is_superseded_and_stays_in_the_history() -> None:
    past = story((PART, ASSESSOR))
    first, second = asked(supersede(refer("K1", "K2", "S1")), *past, by=ANOTHER_ASSESSOR).events
    assert first == EvidenceDecisionSuperseded(
        evidence_id="evidence-1", learner_id="learner-1", assessor_id="assessor-2", standard=ST0148, decision=1,
        ksb_codes=["K1", "K2", "S1"], reason=Sealed(to_be_sealed="CONFIDENTIAL reason"),
    )  # fmt: skip
    assert isinstance(second, EvidenceReferred)
    assert (second.decision, second.attempt, second.assessor_id) == (2, 1, "assessor-2")
    state = evidence.fold(evidence.initial, (*past, first, second))
    assert [(one.number, one.supersedes, one.assessor_id) for one in state.judgements] == [
        (1, 0, "assessor-1"),
        (2, 1, "assessor-2"),
    ]
    assert set(standing((*past, first, second)).values()) == {"referred"}


def test_the_next_decision_supersedes_nothing() -> None:
    past = story(
        (PART, ASSESSOR),
        (supersede(accept("K1", "K2"), refer("S1")), ASSESSOR),
        (resubmit("S1"), LEARNER),
        (judge_claims(accept("S1"), attempt=2), ASSESSOR),
    )
    assert [one.supersedes for one in evidence.fold(evidence.initial, past).judgements] == [0, 1, 0]


def test_superseding_again_the_same_way_changes_nothing() -> None:
    command = supersede(accept("K1", "K2", "S1"))
    asked(command, *story((PART, ASSESSOR), (command, ASSESSOR)), by=ASSESSOR).then_nothing()


def test_only_a_decision_that_stands_is_superseded_and_only_for_what_stands_by_it() -> None:
    past = story((PART, ASSESSOR), (supersede(accept("K1", "K2", "S1")), ASSESSOR))
    asked(supersede(refer("K1", "K2", "S1")), *past, by=ASSESSOR).then_refused("DECISION_STANDS_NO_LONGER")
    assert (
        asked(supersede(refer("K1"), decision=7), *past, by=ASSESSOR).then_refused("DECISION_UNKNOWN").field
        == "decision"
    )
    again = story((PART, ASSESSOR), (resubmit("K2", "S1"), LEARNER))
    asked(supersede(refer("K1", "K2")), *again, by=ASSESSOR).then_refused("CLAIM_NOT_WAITING")
    asked(supersede(refer("K1")), *again, by=ASSESSOR).after()


def test_another_learners_piece_is_as_unknown_as_none() -> None:
    for command in (
        judge_claims(accept("K1"), learner_id="learner-2"),
        supersede(accept("K1"), learner_id="learner-2"),
    ):
        known = asked(command, *story((PART, ASSESSOR)), by=ASSESSOR).then_refused("EVIDENCE_UNKNOWN")
        none = asked(command, by=ASSESSOR).then_refused("EVIDENCE_UNKNOWN")
        assert (known.text, known.field) == (none.text, none.field)


CODES = ("K1", "K2", "S1")
SPLITS = st.lists(st.sampled_from(CODES), unique=True).map(
    lambda codes: [
        *([accept(*codes)] if codes else []),
        *([refer(*left)] if (left := [code for code in CODES if code not in codes]) else []),
    ]
)
STEPS = st.one_of(
    st.builds(lambda split, attempt: judge_claims(*split, attempt=attempt), SPLITS, st.integers(1, 3)),
    st.builds(
        lambda code, attempt: judge_claims(accept(code), attempt=attempt), st.sampled_from(CODES), st.integers(1, 3)
    ),
    st.builds(lambda split, decision: supersede(*split, decision=decision), SPLITS, st.integers(1, 4)),
    st.builds(
        lambda code, decision: supersede(refer(code), decision=decision), st.sampled_from(CODES), st.integers(1, 4)
    ),
    st.builds(
        lambda codes, attempt: resubmit(*codes, attempt=attempt),
        st.lists(st.sampled_from(CODES), min_size=1, unique=True),
        st.integers(2, 4),
    ),
    st.just(WithdrawEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1", reason="CONFIDENTIAL reason")),
)
CALLERS = st.sampled_from([LEARNER, ASSESSOR, ANOTHER_ASSESSOR, person("learner-1", "assessor")])
ADAPTER = TypeAdapter(Evidence)


@having(st.lists(st.tuples(STEPS, CALLERS), max_size=14))
@settings(max_examples=300)
def test_whatever_is_asked_every_decision_stays_and_no_repeat_counts(steps: list[tuple[Message, Principal]]) -> None:
    tale: Given[Evidence] = given(evidence, submitted(*CODES)).beside(KNOWN, Conflicts())
    for command, by in steps:
        outcome = tale.when(command, by=by)
        if outcome.refusal is None:
            before = tale.state.judgements
            tale = outcome.after()
            assert tale.state.judgements[: len(before)] == before, "a decision that was there is still there, as it was"
            tale.when(command, by=by).then_nothing()
        assert_counted(tale.past, tale.state)
        stored = ADAPTER.dump_json(tale.state)
        assert ADAPTER.validate_json(stored) == tale.state
        assert b"CONFIDENTIAL" not in stored
    assert_folds_in_pieces(evidence, tale.past)


def assert_counted(events: tuple[Message, ...], state: Evidence) -> None:
    """Counts on the events themselves, so that a wrong fold cannot hide a wrong decision."""
    newest: dict[str, bool] = {}
    numbers = []
    for event in events:
        if isinstance(event, EvidenceAccepted | EvidenceReferred):
            assert event.assessor_id != "learner-1"
            assert (event.criteria == ALL_MET) is isinstance(event, EvidenceAccepted)
            newest |= dict.fromkeys(event.ksb_codes, isinstance(event, EvidenceAccepted))
            numbers.append(event.decision)
    assert numbers == sorted(numbers)
    assert {claim.code: claim.accepted for claim in state.claims if claim.decision}.items() <= newest.items()
