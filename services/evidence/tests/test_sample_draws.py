"""What is read of plans, draws and caseloads: a draw is drawn again, and completeness is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.testing.scenario import NOON, given, person
from evidence.domain.caseload import caseload
from evidence.domain.sampling_plan import SamplingPlan, sampling_plan
from evidence.policy_defaults import SAMPLING
from evidence.projections.assessor_caseload import (
    assessor_caseload,
    get_my_caseload,
    list_assessor_caseloads,
    list_assessor_compliance,
)
from evidence.projections.sample_draws import list_sample_draws, sample_draws, verify_sample_draw
from evidence.projections.sampling_plans import list_sampling_plans, sampling_plans
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import (
    StandardVersion,
)
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_REFLECTION,
)
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    SAMPLING_STAGE_INTERIM,
    AssessorDecisionNoted,
    SampleDrawn,
    SampleOutcomeNoted,
    SampleStatus,
    SamplingPlanSet,
    SamplingRules,
)
from mentoring.evidence.v1.quality_pb2 import DrawSampleRequest

IQA, EQA = person("iqa-1", "iqa"), person("eqa-1", "eqa")
ST0148 = StandardVersion(reference="ST0148", version="1.0")
PLAN_SET = SamplingPlanSet(
    plan_id="plan-1",
    plan_version=1,
    stage=SAMPLING_STAGE_INTERIM,
    standard_reference="ST0148",
    first_day="2026-01-01",
    last_day="2026-03-31",
    rules=SamplingRules(**{**SAMPLING, "new_assessor_percentage": 0, "first_on_standard": 0}),
)
PLAN = sampling_plan.fold(SamplingPlan(), [PLAN_SET])


def meta(at: datetime = NOON) -> Metadata:
    return Metadata("event-1", "type", "provider-1", "stream", 1, at)


def folded(projection: Projection[Any], *events: Message | tuple[Message, datetime]) -> Any:
    """The document that all these events go to, as it comes back from a store."""
    pairs = [event if isinstance(event, tuple) else (event, NOON) for event in events]
    document = projection.new(getattr(pairs[0][0], projection.key))
    for event, at in pairs:
        projection.folds[type(event)](document, event, meta(at))
    return projection.document.model_validate_json(document.model_dump_json())


def noted(number: int, *, decision: Any = DECISION_ACCEPT, assessor_id: str = "assessor-1") -> AssessorDecisionNoted:
    at = Timestamp()
    at.FromDatetime(NOON - timedelta(days=20) + timedelta(minutes=number))
    return AssessorDecisionNoted(
        assessor_id=assessor_id,
        evidence_id=f"evidence-{number}",
        learner_id=f"learner-{number % 3}",
        author_id="mentor-1",
        standard=ST0148,
        kind=EVIDENCE_KIND_OBSERVATION if number % 2 else EVIDENCE_KIND_REFLECTION,
        units=["K"],
        decision=decision,
        decided_at=at,
    )


NOTED = [noted(number) for number in range(30)]
DRAWS = DrawSampleRequest(assessor_id="assessor-1", plan_id="plan-1", iqa_id="iqa-1", seed="seed")


def draw(*past: Message) -> SampleDrawn:
    (event,) = given(caseload, *past).beside(PLAN).when(DRAWS, by=IQA).events
    assert isinstance(event, SampleDrawn)
    return event


DRAWN = draw(*NOTED)
LEDGER = {"caseload-assessor-1": [*NOTED, DRAWN], "sampling-plan-plan-1": [PLAN_SET]}
ASKED = views.VerifySampleDrawRequest(assessor_id="assessor-1", draw_id=DRAWN.draw_id)


def outcome(at: int, status: SampleStatus.ValueType) -> SampleOutcomeNoted:
    piece = DRAWN.pieces[at]
    return SampleOutcomeNoted(
        assessor_id="assessor-1",
        sample_id=piece.sample_id,
        learner_id=piece.learner_id,
        plan_id="plan-1",
        status=status,
    )


async def test_a_draw_is_drawn_again_and_agrees(reader: Callable[..., Any]) -> None:
    found = await verify_sample_draw(ASKED, reader(EQA, streams=LEDGER))
    assert found.agrees
    assert (found.candidates, found.candidates_hash) == (30, DRAWN.candidates_hash)
    assert found.pieces == DRAWN.pieces


async def test_what_came_after_a_draw_changes_nothing_in_it(reader: Callable[..., Any]) -> None:
    later = SamplingPlanSet()
    later.CopyFrom(PLAN_SET)
    later.plan_version, later.rules.percentage = 2, 100
    streams = {
        "caseload-assessor-1": [*NOTED, DRAWN, outcome(0, SAMPLE_STATUS_CONFIRMED), noted(31)],
        "sampling-plan-plan-1": [PLAN_SET, later],
    }
    assert (await verify_sample_draw(ASKED, reader(EQA, streams=streams))).agrees


def tampered(change: Callable[[SampleDrawn], object]) -> SampleDrawn:
    event = SampleDrawn()
    event.CopyFrom(DRAWN)
    change(event)
    return event


@pytest.mark.parametrize(
    "change",
    [
        lambda event: setattr(event, "seed", "another"),
        lambda event: setattr(event, "candidates", 29),
        lambda event: setattr(event, "candidates_hash", "0" * 64),
        lambda event: event.pieces.pop(),
        lambda event: setattr(event.pieces[0], "evidence_id", "evidence-other"),
        lambda event: setattr(event.pieces[0], "learner_id", "learner-other"),
        lambda event: event.pieces[0].rules.pop(),
        lambda event: setattr(event.pieces[0], "decision_number", 2),
    ],
)
async def test_a_draw_that_nobody_can_draw_again_does_not_agree(
    reader: Callable[..., Any], change: Callable[[SampleDrawn], object]
) -> None:
    streams = {**LEDGER, "caseload-assessor-1": [*NOTED, tampered(change)]}
    assert not (await verify_sample_draw(ASKED, reader(EQA, streams=streams))).agrees


async def test_decisions_left_out_of_a_draw_are_found(reader: Callable[..., Any]) -> None:
    """The draw was made of fewer than stood in the stream."""
    streams = {**LEDGER, "caseload-assessor-1": [*NOTED, draw(*NOTED[:-1])]}
    found = await verify_sample_draw(ASKED, reader(EQA, streams=streams))
    assert (found.agrees, found.candidates) == (False, 30)


async def test_a_draw_that_was_not_made_is_unknown(reader: Callable[..., Any]) -> None:
    for streams in ({}, {"caseload-assessor-1": NOTED}):
        with pytest.raises(Refusal) as caught:
            await verify_sample_draw(ASKED, reader(EQA, streams=streams))
        assert (caught.value.code, caught.value.field) == ("DRAW_UNKNOWN", "draw_id")


async def test_plans_are_listed_with_all_their_versions(reader: Callable[..., Any]) -> None:
    later = SamplingPlanSet()
    later.CopyFrom(PLAN_SET)
    later.plan_version, later.last_day, later.rules.percentage = 2, "2026-04-30", 20
    plan = folded(sampling_plans, (PLAN_SET, NOON), (later, NOON + timedelta(days=1)))
    other = plan.model_copy(update={"plan_id": "plan-2", "standard_reference": "ST0070", "first_day": "2026-02-01"})
    read = reader(EQA, documents=[plan, other])
    found = await list_sampling_plans(views.ListSamplingPlansRequest(), read)
    assert [one.plan_id for one in found.plans] == ["plan-2", "plan-1"]
    only = await list_sampling_plans(views.ListSamplingPlansRequest(standard_reference="ST0148"), read)
    (shown,) = only.plans
    assert [(one.plan_version, one.last_day, one.rules.percentage) for one in shown.versions] == [
        (1, "2026-03-31", 10),
        (2, "2026-04-30", 20),
    ]
    assert shown.versions[0].rules == PLAN_SET.rules
    assert shown.versions[1].set_at.ToDatetime(tzinfo=UTC) == NOON + timedelta(days=1)


async def test_draws_are_listed_by_plan_assessor_standard_and_day(reader: Callable[..., Any]) -> None:
    first = folded(sample_draws, (DRAWN, NOON))
    second = first.model_copy(update={"draw_id": "draw-2", "assessor_id": "assessor-2", "plan_id": "plan-2"})
    second.drawn_ms += 24 * 3600 * 1000
    read = reader(EQA, documents=[first, second])

    async def names(**asked: Any) -> list[str]:
        return [one.draw_id for one in (await list_sample_draws(views.ListSampleDrawsRequest(**asked), read)).draws]

    assert await names() == ["draw-2", DRAWN.draw_id]
    assert await names(plan_id="plan-2") == ["draw-2"]
    assert await names(assessor_id="assessor-1", standard_reference="ST0148") == [DRAWN.draw_id]
    assert await names(standard_reference="ST0070") == []
    assert await names(first_day="2026-03-03") == ["draw-2"]
    assert await names(last_day="2026-03-02") == [DRAWN.draw_id]
    assert await names(first_day="2026-03-02", last_day="2026-03-03") == ["draw-2", DRAWN.draw_id]
    with pytest.raises(Refusal) as caught:
        await names(first_day="2026-02-30")
    assert (caught.value.code, caught.value.field) == ("NO_SUCH_DAY", "first_day")
    (shown,) = (await list_sample_draws(views.ListSampleDrawsRequest(plan_id="plan-1"), read)).draws
    assert (shown.seed, shown.candidates, shown.pieces) == ("seed", 30, len(DRAWN.pieces))
    assert (shown.iqa_id, shown.candidates_hash) == ("iqa-1", DRAWN.candidates_hash)


async def test_a_caseload_is_told_in_figures(reader: Callable[..., Any]) -> None:
    past = [noted(1), noted(2, decision=DECISION_REFER), noted(5)]
    event = draw(*past)
    done = SampleOutcomeNoted(
        assessor_id="assessor-1", sample_id=event.pieces[0].sample_id, status=SAMPLE_STATUS_NOT_CONFIRMED
    )
    other = folded(assessor_caseload, noted(1, assessor_id="assessor-2"))
    read = reader(EQA, documents=[other, folded(assessor_caseload, past[2], past[0], past[1], event, done)])
    found, _ = (await list_assessor_caseloads(views.ListAssessorCaseloadsRequest(), read)).caseloads
    assert (found.decisions, found.referrals, found.referral_percentage, found.learners) == (3, 1, 33, 2)
    assert [(one.kind, one.decisions, one.referrals) for one in found.methods] == [
        (EVIDENCE_KIND_OBSERVATION, 2, 0),
        (EVIDENCE_KIND_REFLECTION, 1, 1),
    ]
    assert (found.sampled, found.not_confirmed) == (len(event.pieces), 1)
    assert (found.first_decided_at, found.last_decided_at) == (past[0].decided_at, past[2].decided_at)


async def test_an_assessor_reads_their_own_figures_zeros_before_the_first_decision(
    reader: Callable[..., Any],
) -> None:
    documents = [folded(assessor_caseload, *NOTED), folded(assessor_caseload, noted(1, assessor_id="assessor-2"))]
    for caller, decisions in (("assessor-1", 30), ("assessor-2", 1), ("assessor-3", 0)):
        read = reader(person(caller, "assessor"), documents=documents)
        found = (await get_my_caseload(views.GetMyCaseloadRequest(), read)).caseload
        assert (found.assessor_id, found.decisions, found.HasField("last_decided_at")) == (
            caller,
            decisions,
            bool(decisions),
        )


async def compliance(reader: Callable[..., Any], *ledger: Message) -> views.AssessorCompliance:
    streams = {"caseload-assessor-1": list(ledger), "sampling-plan-plan-1": [PLAN_SET]}
    elsewhere = folded(assessor_caseload, noted(1)).model_copy(
        update={"assessor_id": "assessor-2", "references": ["ST0070"]}
    )
    read = reader(EQA, streams=streams, documents=[folded(assessor_caseload, *NOTED), elsewhere])
    (found,) = (await list_assessor_compliance(views.ListAssessorComplianceRequest(plan_id="plan-1"), read)).assessors
    return found


async def test_an_assessor_is_compliant_once_all_that_is_asked_for_is_drawn_and_done(
    reader: Callable[..., Any],
) -> None:
    undrawn = await compliance(reader, *NOTED)
    assert (undrawn.compliant, undrawn.candidates, undrawn.drawn) == (False, 30, 0)
    assert undrawn.to_draw >= 3
    count = len(DRAWN.pieces)
    drawn = await compliance(reader, *NOTED, DRAWN)
    assert (drawn.compliant, drawn.drawn, drawn.to_draw, drawn.awaiting) == (False, count, 0, count)
    confirmed = [outcome(at, SAMPLE_STATUS_CONFIRMED) for at in range(count)]
    assert not (await compliance(reader, *NOTED, DRAWN, *confirmed[1:])).compliant
    acting = await compliance(reader, *NOTED, DRAWN, *confirmed[1:], outcome(0, SAMPLE_STATUS_ACTION_REQUIRED))
    assert (acting.compliant, acting.awaiting, acting.action_required) == (False, 0, 1)
    done = [*NOTED, DRAWN, *confirmed[1:], outcome(0, SAMPLE_STATUS_NOT_CONFIRMED)]
    assert (await compliance(reader, *done)).compliant
    more = await compliance(reader, *done, *(noted(number) for number in range(30, 50)))
    assert (more.compliant, more.to_draw) == (False, 2), "a tenth of fifty decisions asks for two more"


async def test_compliance_is_asked_of_a_plan(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await list_assessor_compliance(views.ListAssessorComplianceRequest(plan_id="plan-9"), reader(EQA))
    assert (caught.value.code, caught.value.field) == ("PLAN_UNKNOWN", "plan_id")
