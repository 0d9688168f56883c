"""What follows by itself in quality assurance."""

from datetime import UTC, datetime

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from evidence.reactions.quality import quality
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    Decision,
    EvidenceAccepted,
    EvidenceReferred,
)
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    SAMPLING_RULE_METHOD,
    SAMPLING_STAGE_INTERIM,
    DrawnPiece,
    SampleActionClosed,
    SampleActionRequired,
    SampleConfirmed,
    SampleDrawn,
    SampleStatus,
)
from mentoring.evidence.v1.quality_pb2 import (
    MarkSampleActionOverdueRequest,
    NoteAssessorDecisionRequest,
    NoteSampleOutcomeRequest,
    OpenSampleRequest,
)

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


def follows(event: Message) -> list[Message | Later]:
    meta = Metadata("event-1", "type", "provider-1", "stream", 1, AT)
    return list(quality.policies[type(event)](event, meta))


@pytest.mark.parametrize(
    ("event", "decision"), [(EvidenceAccepted, DECISION_ACCEPT), (EvidenceReferred, DECISION_REFER)]
)
def test_every_judgement_is_noted_at_its_time(event: type[Message], decision: Decision.ValueType) -> None:
    at = Timestamp()
    at.FromDatetime(AT)
    assert follows(event(assessor_id="assessor-1", evidence_id="evidence-1")) == [
        NoteAssessorDecisionRequest(
            assessor_id="assessor-1", evidence_id="evidence-1", decision=decision, decided_at=at
        )
    ]


def test_each_drawn_piece_is_opened() -> None:
    pieces = [
        DrawnPiece(sample_id=f"s-{n}", evidence_id=f"e-{n}", learner_id=f"l-{n}", rules=[SAMPLING_RULE_METHOD])
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
