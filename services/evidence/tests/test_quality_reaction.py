"""What follows by itself in quality assurance."""

from datetime import UTC, datetime

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from evidence.reactions.quality import quality
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted, EvidenceReferred
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    SAMPLING_RULE_METHOD,
    SAMPLING_STAGE_INTERIM,
    AssessorDecisionNoted,
    DrawnPiece,
    EarlierDecision,
    SampleActionClosed,
    SampleActionRequired,
    SampleConfirmed,
    SampleDrawn,
    SampleStatus,
)
from mentoring.evidence.v1.quality_pb2 import (
    MarkSampleActionOverdueRequest,
    NoteAssessorDecisionRequest,
    NoteOtherDecisionRequest,
    NoteSampleOutcomeRequest,
    OpenSampleRequest,
)

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


def follows(event: Message) -> list[Message | Later]:
    meta = Metadata("event-1", "type", "provider-1", "stream", 1, AT)
    return list(quality.policies[type(event)](event, meta))


@pytest.mark.parametrize("event", [EvidenceAccepted, EvidenceReferred])
def test_every_judgement_is_noted_at_its_time(event: type[Message]) -> None:
    at = Timestamp()
    at.FromDatetime(AT)
    judged = event(
        assessor_id="assessor-1",
        evidence_id="evidence-1",
        decision=2,
        standard=StandardVersion(reference="ST0148", version="1.0"),
    )
    assert follows(judged) == [
        NoteAssessorDecisionRequest(
            assessor_id="assessor-1",
            evidence_id="evidence-1",
            decided_at=at,
            decision_number=2,
            standard_reference="ST0148",
        )
    ]


def test_who_decided_before_has_it_noted_that_somebody_else_did() -> None:
    earlier = [
        EarlierDecision(assessor_id=name, decision_number=number, superseded=superseded)
        for number, name, superseded in (
            (1, "assessor-1", False),
            (2, "assessor-2", False),
            (3, "assessor-1", True),
            (4, "assessor-3", False),
        )
    ]
    event = AssessorDecisionNoted(assessor_id="assessor-3", evidence_id="evidence-1", earlier=earlier)
    assert follows(event) == [
        NoteOtherDecisionRequest(
            assessor_id=name, evidence_id="evidence-1", other_id="assessor-3", superseded_number=number
        )
        for name, number in (("assessor-1", 3), ("assessor-2", 0))
    ]
    assert follows(AssessorDecisionNoted(assessor_id="assessor-1", evidence_id="evidence-1")) == []


def test_each_drawn_piece_is_opened() -> None:
    pieces = [
        DrawnPiece(
            sample_id=f"s-{n}",
            evidence_id=f"e-{n}",
            learner_id=f"l-{n}",
            rules=[SAMPLING_RULE_METHOD],
            decision_number=n,
        )
        for n in (1, 2)
    ]
    drawn = SampleDrawn(
        draw_id="draw-1",
        assessor_id="assessor-1",
        plan_id="plan-1",
        plan_version=3,
        stage=SAMPLING_STAGE_INTERIM,
        iqa_id="iqa-1",
        pieces=pieces,
    )
    assert follows(drawn) == [
        OpenSampleRequest(
            sample_id=f"s-{n}",
            evidence_id=f"e-{n}",
            learner_id=f"l-{n}",
            assessor_id="assessor-1",
            plan_id="plan-1",
            plan_version=3,
            draw_id="draw-1",
            stage=SAMPLING_STAGE_INTERIM,
            iqa_id="iqa-1",
            rules=[SAMPLING_RULE_METHOD],
            decision_number=n,
        )
        for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (SampleConfirmed(assessor_id="assessor-1", sample_id="s-1"), SAMPLE_STATUS_CONFIRMED),
        (
            SampleActionClosed(assessor_id="assessor-1", sample_id="s-1", status=SAMPLE_STATUS_NOT_CONFIRMED),
            SAMPLE_STATUS_NOT_CONFIRMED,
        ),
    ],
)
def test_what_was_decided_is_noted_where_it_was_drawn(event: Message, status: SampleStatus.ValueType) -> None:
    assert follows(event) == [NoteSampleOutcomeRequest(assessor_id="assessor-1", sample_id="s-1", status=status)]


def test_an_action_is_looked_at_when_its_day_is_over() -> None:
    event = SampleActionRequired(assessor_id="assessor-1", sample_id="s-1", due_on="2026-03-09")
    assert follows(event) == [
        NoteSampleOutcomeRequest(assessor_id="assessor-1", sample_id="s-1", status=SAMPLE_STATUS_ACTION_REQUIRED),
        Later(datetime(2026, 3, 10, tzinfo=UTC), MarkSampleActionOverdueRequest(sample_id="s-1", due_on="2026-03-09")),
    ]
