"""What is told of a piece that was judged in part, resubmitted, decided anew and withdrawn; and what its witness is told."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import given, person
from evidence.domain.conflicts import Conflicts, conflicts
from evidence.projections.conflicts_of_interest import get_conflicts_of_interest
from evidence.projections.evidence_record import get_evidence, get_testimony
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1 import judging_events_pb2 as events
from mentoring.evidence.v1 import kinds_pb2 as kinds
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER, EVIDENCE_KIND_WITNESS_TESTIMONY
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest, GetEvidenceResponse
from mentoring.evidence.v1.judging_pb2 import (
    EVIDENCE_STATUS_ACCEPTED,
    EVIDENCE_STATUS_AWAITING_JUDGEMENT,
    EVIDENCE_STATUS_REFERRED,
    EVIDENCE_STATUS_WITHDRAWN,
    DeclareConflictOfInterestRequest,
    EndConflictOfInterestRequest,
    GetConflictsOfInterestRequest,
    GetTestimonyRequest,
    WithdrawEvidenceRequest,
)

from .pieces import (
    ANOTHER_ASSESSOR,
    ASSESSOR,
    LEARNER,
    accept,
    judge_claims,
    refer,
    resubmit,
    story,
    submitted,
    supersede,
)

PART = (judge_claims(accept("K1"), refer("K2", "S1")), ASSESSOR)
AGAIN = (resubmit("K2", changes="CONFIDENTIAL two more cases"), LEARNER)
SUPERSEDED = (supersede(refer("K1"), reason="CONFIDENTIAL a mistake"), ANOTHER_ASSESSOR)
WITHDRAW = WithdrawEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1", reason="CONFIDENTIAL another job")


async def told(reader: Callable[..., Any], past: tuple[Message, ...]) -> GetEvidenceResponse:
    read = reader(LEARNER, streams={"evidence-evidence-1": past})
    return await get_evidence(GetEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1"), read)


async def test_a_decision_in_part_shows_each_part_with_its_criteria_and_feedback(reader: Callable[..., Any]) -> None:
    found = await told(reader, story(PART))
    (decision,) = found.decisions
    assert (decision.decision, decision.attempt, decision.assessor_id) == (1, 1, "assessor-1")
    accepting, referring = decision.judgements
    assert (list(accepting.ksb_codes), accepting.decision) == (["K1"], DECISION_ACCEPT)
    assert (list(referring.ksb_codes), referring.decision) == (["K2", "S1"], DECISION_REFER)
    assert referring.criteria_feedback.sufficiency == "CONFIDENTIAL show more"
    assert (found.decision, found.feedback, found.status) == (
        DECISION_REFER,
        "CONFIDENTIAL not yet",
        EVIDENCE_STATUS_REFERRED,
    )
    assert [(one.ksb_code, one.decision, one.decided_by_decision) for one in found.claims] == [
        ("K1", DECISION_ACCEPT, 1),
        ("K2", DECISION_REFER, 1),
        ("S1", DECISION_REFER, 1),
    ]


async def test_all_attempts_stay_readable(reader: Callable[..., Any]) -> None:
    found = await told(reader, story(PART, AGAIN))
    first, second = found.attempts
    assert (list(first.ksb_codes), first.changes) == (["K1", "K2", "S1"], "")
    assert (second.attempt, list(second.ksb_codes), second.changes) == (2, ["K2"], "CONFIDENTIAL two more cases")
    assert (found.status, found.decision, len(found.decisions)) == (EVIDENCE_STATUS_AWAITING_JUDGEMENT, 0, 1)
    assert list(found.ksb_codes) == ["K1", "K2"]


async def test_a_superseded_decision_stays_with_the_reason(reader: Callable[..., Any]) -> None:
    found = await told(reader, story(PART, AGAIN, SUPERSEDED))
    first, second = found.decisions
    assert (first.superseded_by, first.superseding_reason) == (2, "CONFIDENTIAL a mistake")
    assert [one.decision for one in first.judgements] == [DECISION_ACCEPT, DECISION_REFER]
    assert (second.decision, second.assessor_id, second.superseded_by) == (2, "assessor-2", 0)


async def test_a_withdrawn_piece_says_why_and_claims_nothing(reader: Callable[..., Any]) -> None:
    past = story((judge_claims(refer("K1", "K2", "S1")), ASSESSOR), (WITHDRAW, LEARNER))
    found = await told(reader, past)
    assert (found.status, found.withdrawal_reason) == (EVIDENCE_STATUS_WITHDRAWN, "CONFIDENTIAL another job")
    assert (list(found.claims), len(found.decisions)) == ([], 1)


async def test_a_piece_of_which_all_is_accepted_is_accepted(reader: Callable[..., Any]) -> None:
    found = await told(reader, story(PART, AGAIN, (judge_claims(accept("K2"), attempt=2), ASSESSOR)))
    assert (found.status, found.decision) == (EVIDENCE_STATUS_ACCEPTED, DECISION_ACCEPT)


def statement_of(author_id: str = "learner-1") -> Message:
    said = kinds.Testimony(witness_id="witness-1", relationship=kinds.WITNESS_RELATIONSHIP_COLLEAGUE)
    return submitted(
        "K1", author_id=author_id, kind=EVIDENCE_KIND_WITNESS_TESTIMONY, testimony=said,
        statement=Sealed(to_be_sealed="CONFIDENTIAL she did it alone"),
    )  # fmt: skip


async def test_the_witness_reads_what_they_are_to_confirm(reader: Callable[..., Any]) -> None:
    confirmed = events.TestimonyConfirmed(
        evidence_id="evidence-1", learner_id="learner-1", witness_id="witness-1", attempt=1
    )
    for past, is_confirmed in (
        ([statement_of()], False),
        ([statement_of(), confirmed], True),
        ([statement_of("witness-1")], True),
    ):
        read = reader(person("witness-1", "employer_contact"), streams={"evidence-evidence-1": past})
        found = await get_testimony(GetTestimonyRequest(evidence_id="evidence-1"), read)
        assert (found.statement, found.attempt, found.confirmed) == ("CONFIDENTIAL she did it alone", 1, is_confirmed)
        assert read.opened == ["statement"]


@pytest.mark.parametrize("past", [[], [statement_of()], [submitted("K1")]])
async def test_to_anybody_else_no_testimony_exists(reader: Callable[..., Any], past: list[Message]) -> None:
    read = reader(person("mentor-1", "mentor"), streams={"evidence-evidence-1": past})
    with pytest.raises(Refusal) as caught:
        await get_testimony(GetTestimonyRequest(evidence_id="evidence-1"), read)
    assert (caught.value.code, read.opened) == ("TESTIMONY_UNKNOWN", [])


DECLARE = DeclareConflictOfInterestRequest(
    learner_id="learner-1", assessor_id="assessor-1", reason="CONFIDENTIAL cousins"
)
END = EndConflictOfInterestRequest(learner_id="learner-1", assessor_id="assessor-1", reason="CONFIDENTIAL moved")
MANAGER = person("manager-1", "provider_manager")


def test_a_conflict_is_declared_by_oneself_or_a_manager_and_ended_by_a_manager() -> None:
    declared = given(conflicts).when(DECLARE, by=ASSESSOR).after()
    assert declared.state == Conflicts(frozenset({"assessor-1"}))
    declared.when(DECLARE, by=MANAGER).then_nothing()
    given(conflicts).when(DECLARE, by=MANAGER).after()
    assert (
        given(conflicts).when(DECLARE, by=ANOTHER_ASSESSOR).then_refused("CONFLICT_OF_ANOTHER").field == "assessor_id"
    )
    ended = declared.when(END, by=MANAGER).after()
    assert ended.state == Conflicts()
    ended.when(END, by=MANAGER).then_nothing()


async def test_conflicts_are_listed_without_reasons(reader: Callable[..., Any]) -> None:
    declared = given(conflicts).when(DECLARE, by=ASSESSOR).after()
    read = reader(MANAGER, streams={"conflicts-learner-1": declared.past})
    found = await get_conflicts_of_interest(GetConflictsOfInterestRequest(learner_id="learner-1"), read)
    assert list(found.assessor_ids) == ["assessor-1"]
    assert read.opened == []
