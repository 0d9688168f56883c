"""One piece of evidence as it is read."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import person
from evidence.projections.evidence_record import get_evidence
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_REFLECTION,
    Criteria,
    Decision,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest
from mentoring.evidence.v1.judging_pb2 import EVIDENCE_STATUS_AWAITING_JUDGEMENT

SUBMITTED = EvidenceSubmitted(
    evidence_id="evidence-1",
    learner_id="learner-1",
    author_id="learner-1",
    kind=EVIDENCE_KIND_REFLECTION,
    ksb_codes=["K1"],
    title=Sealed(to_be_sealed="My first month"),
)
CRITERIA = Criteria(validity=True)
ACCEPTED = EvidenceAccepted(
    evidence_id="evidence-1",
    learner_id="learner-1",
    ksb_codes=["K1"],
    criteria=CRITERIA,
    feedback=Sealed(to_be_sealed="Well done"),
)
REFERRED = EvidenceReferred(
    evidence_id="evidence-1",
    learner_id="learner-1",
    ksb_codes=["K1"],
    criteria=CRITERIA,
    feedback=Sealed(to_be_sealed="Well done"),
)


def asked(learner_id: str = "learner-1") -> GetEvidenceRequest:
    return GetEvidenceRequest(evidence_id="evidence-1", learner_id=learner_id)


async def test_a_piece_that_waits_shows_its_title_and_no_decision(reader: Callable[..., Any]) -> None:
    read = reader(person("learner-1", "learner"), streams={"evidence-evidence-1": [SUBMITTED]})
    response = await get_evidence(asked(), read)
    assert (response.evidence_id, response.learner_id, response.author_id) == ("evidence-1", "learner-1", "learner-1")
    assert (response.kind, list(response.ksb_codes)) == (EVIDENCE_KIND_REFLECTION, ["K1"])
    assert (response.title, response.decision, response.status) == (
        "My first month",
        0,
        EVIDENCE_STATUS_AWAITING_JUDGEMENT,
    )
    assert [(one.attempt, one.title) for one in response.attempts] == [(1, "My first month")]
    assert not response.decisions
    assert read.opened == ["title"]


@pytest.mark.parametrize(("event", "decision"), [(ACCEPTED, DECISION_ACCEPT), (REFERRED, DECISION_REFER)])
async def test_a_judged_piece_shows_the_decision_and_its_feedback(
    reader: Callable[..., Any], event: Message, decision: Decision.ValueType
) -> None:
    read = reader(person("learner-1", "learner"), streams={"evidence-evidence-1": [SUBMITTED, event]})
    response = await get_evidence(asked(), read)
    assert (response.title, response.feedback, response.decision) == ("My first month", "Well done", decision)
    assert response.criteria == CRITERIA


@pytest.mark.parametrize("past", [[], [SUBMITTED]])
async def test_another_learners_evidence_is_as_unknown_as_none(reader: Callable[..., Any], past: list[Message]) -> None:
    read = reader(person("learner-2", "learner"), streams={"evidence-evidence-1": past})
    with pytest.raises(Refusal) as caught:
        await get_evidence(asked("learner-2"), read)
    assert (caught.value.code, caught.value.field) == ("EVIDENCE_UNKNOWN", "evidence_id")
    assert read.opened == []
