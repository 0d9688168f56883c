"""What may happen to a piece of evidence."""

from datetime import timedelta
from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import NOON, Given, Outcome, assert_folds_in_pieces, given, person
from evidence.domain.conflicts import Conflicts
from evidence.domain.evidence import CRITERIA, Evidence, evidence
from evidence.domain.standard import Ksb, Standard, Version
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_WORK_PRODUCT,
    Criteria,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import JudgeEvidenceRequest, SubmitEvidenceRequest
from pydantic import TypeAdapter

ST0148 = StandardVersion(reference="ST0148", version="1.0")
KNOWN = Standard((Version("1.0", "Learning Mentor", 3, (Ksb("K1", 1, "x"), Ksb("S1", 2, "y"))),))
LEARNER = person("learner-1", "learner")
MENTOR = person("mentor-1", "mentor")
ASSESSOR = person("assessor-1", "assessor")
ANOTHER_ASSESSOR = person("assessor-2", "assessor")
ALL_MET = Criteria(validity=True, authenticity=True, currency=True, sufficiency=True, reliability=True)
SOME_MET = Criteria(validity=True, authenticity=True, reliability=True)


def submit(**changes: Any) -> SubmitEvidenceRequest:
    claim: dict[str, Any] = {
        "evidence_id": "evidence-1",
        "learner_id": "learner-1",
        "standard": ST0148,
        "kind": EVIDENCE_KIND_WORK_PRODUCT,
        "ksb_codes": ["K1"],
        "title": "CONFIDENTIAL title",
        "produced_at": at(NOON - timedelta(days=3)),
    }
    return SubmitEvidenceRequest(**{**claim, **changes})


def submitted(author_id: str = "learner-1") -> EvidenceSubmitted:
    return EvidenceSubmitted(
        evidence_id="evidence-1",
        learner_id="learner-1",
        author_id=author_id,
        standard=ST0148,
        kind=EVIDENCE_KIND_WORK_PRODUCT,
        ksb_codes=["K1"],
        title=Sealed(to_be_sealed="CONFIDENTIAL title"),
        produced_at=at(NOON - timedelta(days=3)),
    )


def judge(decision: Any = DECISION_ACCEPT, criteria: Criteria = ALL_MET, **changes: Any) -> JudgeEvidenceRequest:
    judgement: dict[str, Any] = {
        "evidence_id": "evidence-1",
        "learner_id": "learner-1",
        "decision": decision,
        "criteria": criteria,
        "feedback": "CONFIDENTIAL feedback",
    }
    return JudgeEvidenceRequest(**{**judgement, **changes})


def accepted(assessor_id: str = "assessor-1") -> EvidenceAccepted:
    return EvidenceAccepted(
        evidence_id="evidence-1",
        learner_id="learner-1",
        assessor_id=assessor_id,
        criteria=ALL_MET,
        ksb_codes=["K1"],
        feedback=Sealed(to_be_sealed="CONFIDENTIAL feedback"),
        standard=ST0148,
        attempt=1,
        decision=1,
    )


def referred() -> EvidenceReferred:
    return EvidenceReferred(
        evidence_id="evidence-1",
        learner_id="learner-1",
        assessor_id="assessor-1",
        criteria=SOME_MET,
        ksb_codes=["K1"],
        feedback=Sealed(to_be_sealed="CONFIDENTIAL feedback"),
        standard=ST0148,
        attempt=1,
        decision=1,
    )


def at(moment: Any) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def asked(command: Message, *past: Message, by: Principal, beside: Standard = KNOWN) -> Outcome[Evidence]:
    return given(evidence, *past).beside(beside, Conflicts()).when(command, by=by)


def test_a_learner_submits_their_own_work() -> None:
    asked(submit(), by=LEARNER).then(submitted())


def test_who_submits_it_is_its_author() -> None:
    asked(submit(), by=MENTOR).then(submitted("mentor-1"))


def test_submitting_it_again_changes_nothing() -> None:
    asked(submit(), submitted(), by=LEARNER).then_nothing()
    asked(submit(), submitted(), accepted(), by=LEARNER).then_nothing()


@pytest.mark.parametrize(
    "other",
    [
        submit(kind=EVIDENCE_KIND_OBSERVATION),
        submit(ksb_codes=["S1"]),
        submit(produced_at=at(NOON)),
        submit(standard=StandardVersion(reference="ST0148", version="1.1")),
    ],
)
def test_the_same_id_submitted_otherwise_is_refused(other: SubmitEvidenceRequest) -> None:
    assert asked(other, submitted(), by=LEARNER).then_refused("EVIDENCE_EXISTS").field == "evidence_id"


def test_the_same_id_submitted_by_somebody_else_is_refused() -> None:
    asked(submit(), submitted(), by=MENTOR).then_refused("EVIDENCE_EXISTS")


def test_a_version_that_was_not_imported_is_refused() -> None:
    refusal = asked(submit(), by=LEARNER, beside=Standard()).then_refused("STANDARD_UNKNOWN")
    assert refusal.field == "standard"


def test_ksbs_that_the_standard_does_not_have_are_named() -> None:
    refusal = asked(submit(ksb_codes=["K1", "K7", "B2"]), by=LEARNER).then_refused("UNKNOWN_KSB")
    assert refusal.text.startswith("K7, B2:")
    assert refusal.field == "ksb_codes"


def test_work_is_not_done_in_the_future() -> None:
    tomorrow = submit(produced_at=at(NOON + timedelta(days=1)))
    assert asked(tomorrow, by=LEARNER).then_refused("EVIDENCE_IN_FUTURE").field == "produced_at"
    asked(submit(produced_at=at(NOON)), by=LEARNER).after()


def test_an_assessor_accepts_what_meets_all_five_criteria() -> None:
    asked(judge(), submitted(), by=ASSESSOR).then(accepted())


def test_an_assessor_refers_back_what_does_not() -> None:
    asked(judge(DECISION_REFER, SOME_MET), submitted(), by=ASSESSOR).then(referred())


@pytest.mark.parametrize("unmet", CRITERIA)
def test_nothing_is_accepted_with_a_criterion_unmet(unmet: str) -> None:
    criteria = Criteria()
    criteria.CopyFrom(ALL_MET)
    criteria.ClearField(unmet)  # type: ignore[arg-type]
    refusal = asked(judge(criteria=criteria), submitted(), by=ASSESSOR).then_refused("CRITERIA_NOT_MET")
    assert refusal.text.startswith(f"{unmet}:")
    assert refusal.field == "criteria"


def test_nothing_is_referred_back_with_every_criterion_met() -> None:
    refusal = asked(judge(DECISION_REFER), submitted(), by=ASSESSOR).then_refused("CRITERIA_ALL_MET")
    assert refusal.field == "criteria"


def test_nobody_judges_what_they_made() -> None:
    author = person("mentor-1", "mentor", "assessor")
    asked(judge(), submitted("mentor-1"), by=author).then_refused("JUDGED_BY_AUTHOR")


def test_no_learner_judges_what_is_about_themselves() -> None:
    learner = person("learner-1", "learner", "assessor")
    asked(judge(), submitted("mentor-1"), by=learner).then_refused("JUDGED_BY_AUTHOR")


def test_judging_it_again_the_same_way_changes_nothing() -> None:
    asked(judge(), submitted(), accepted(), by=ASSESSOR).then_nothing()
    asked(judge(DECISION_REFER, SOME_MET), submitted(), referred(), by=ASSESSOR).then_nothing()


@pytest.mark.parametrize(
    ("again", "by"),
    [
        (judge(DECISION_REFER, SOME_MET), ASSESSOR),
        (judge(criteria=SOME_MET), ASSESSOR),
        (judge(), ANOTHER_ASSESSOR),
    ],
)
def test_a_decision_is_never_overwritten(again: JudgeEvidenceRequest, by: Principal) -> None:
    refusal = asked(again, submitted(), accepted(), by=by).then_refused("ALREADY_JUDGED")
    assert "supersede it with a reason" in refusal.text


def test_decisions_of_before_there_were_numbers_are_the_first() -> None:
    old = EvidenceReferred()
    old.CopyFrom(referred())
    old.ClearField("attempt")
    old.ClearField("decision")
    asked(judge(DECISION_REFER, SOME_MET), submitted(), old, by=ASSESSOR).then_nothing()
    asked(judge(), submitted(), old, by=ASSESSOR).then_refused("ALREADY_JUDGED")


def test_evidence_that_was_never_submitted_is_not_judged() -> None:
    assert asked(judge(), by=ASSESSOR).then_refused("EVIDENCE_UNKNOWN").field == "evidence_id"


def test_evidence_is_not_another_learners() -> None:
    refusal = asked(submit(learner_id="learner-2"), submitted(), by=ASSESSOR).then_refused(
        "EVIDENCE_OF_ANOTHER_LEARNER"
    )
    assert refusal.field == "learner_id"


def test_another_learners_piece_is_judged_like_one_that_does_not_exist() -> None:
    other = asked(judge(learner_id="learner-2"), submitted(), by=ASSESSOR).then_refused("EVIDENCE_UNKNOWN")
    none = asked(judge(learner_id="learner-2"), by=ASSESSOR).then_refused("EVIDENCE_UNKNOWN")
    assert (other.text, other.field) == (none.text, none.field)


LEARNERS = st.sampled_from(["learner-1", "learner-1", "learner-2"])
SUBMITS = st.builds(
    lambda learner_id, codes, days: submit(
        learner_id=learner_id, ksb_codes=codes, produced_at=at(NOON + timedelta(days=days))
    ),
    LEARNERS,
    st.sampled_from([["K1"], ["K1", "S1"], ["B9"]]),
    st.sampled_from([-3, -3, 1]),
)
JUDGES = st.builds(
    lambda learner_id, decision, criteria: judge(decision, criteria, learner_id=learner_id),
    LEARNERS,
    st.sampled_from([DECISION_ACCEPT, DECISION_REFER]),
    st.sampled_from([ALL_MET, SOME_MET, Criteria()]),
)
CALLERS = st.sampled_from(
    [LEARNER, MENTOR, ASSESSOR, ANOTHER_ASSESSOR, person("learner-1", "assessor"), person("mentor-1", "assessor")]
)
ADAPTER = TypeAdapter(Evidence)


@having(st.lists(st.tuples(st.one_of(SUBMITS, JUDGES), CALLERS), max_size=12), st.booleans())
@settings(max_examples=300)
def test_whatever_is_asked_a_piece_is_judged_once_by_another_and_no_repeat_counts(
    steps: list[tuple[Message, Principal]], begun: bool
) -> None:
    story: Given[Evidence] = given(evidence, *([submitted()] if begun else [])).beside(KNOWN, Conflicts())
    for command, by in steps:
        outcome = story.when(command, by=by)
        if outcome.refusal is None:
            story = outcome.after()
            story.when(command, by=by).then_nothing()
        assert_judged_once_by_another(story.past)
        stored = ADAPTER.dump_json(story.state)
        assert ADAPTER.validate_json(stored) == story.state
        assert b"CONFIDENTIAL" not in stored
    assert_folds_in_pieces(evidence, story.past)


def assert_judged_once_by_another(events: tuple[Message, ...]) -> None:
    """Counts on the events themselves, so that a wrong fold cannot hide a wrong decision."""
    assert len(events) <= 2, "more than one claim and one decision"
    if not events:
        return
    claim, decisions = events[0], events[1:]
    assert isinstance(claim, EvidenceSubmitted)
    assert "B9" not in claim.ksb_codes
    for decision in decisions:
        assert isinstance(decision, EvidenceAccepted | EvidenceReferred)
        assert decision.assessor_id not in {claim.author_id, claim.learner_id}
        assert (decision.learner_id, list(decision.ksb_codes)) == (claim.learner_id, list(claim.ksb_codes))
        assert (decision.criteria == ALL_MET) is isinstance(decision, EvidenceAccepted)
