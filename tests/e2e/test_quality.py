"""Internal quality assurance over sockets: what assessors decided is drawn from, decided on, answered and read by the EQA, who changes nothing."""

import pytest
import pytest_asyncio
from eventkernel.client import CallFailed, Client
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest, GetEvidenceResponse
from mentoring.evidence.v1.quality_events_pb2 import (
    AGREEMENT_AGREE,
    AGREEMENT_DISAGREE,
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_AWAITING,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLING_STAGE_INTERIM,
    CriteriaAgreement,
    SamplingRules,
)
from mentoring.evidence.v1.quality_pb2 import (
    AnswerSampleActionRequest,
    CloseSampleActionRequest,
    DecideSampleRequest,
    DrawSampleRequest,
    SetSamplingPlanRequest,
)
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
ASSESSOR, IQA, EQA = cohort.ASSESSORS[0], "iqa-1", "eqa-1"
DECIDED = sum(
    piece.decision is not None for plan in cohort.cohort() if plan.assessor_id == ASSESSOR for piece in plan.evidence
)
NAMES = ("validity", "authenticity", "currency", "sufficiency", "reliability")
AGREED = CriteriaAgreement(**dict.fromkeys(NAMES, AGREEMENT_AGREE))
BUT_CURRENCY = CriteriaAgreement(**{**dict.fromkeys(NAMES, AGREEMENT_AGREE), "currency": AGREEMENT_DISAGREE})
# Everything, so that the draw does not depend on chance.
PLAN = SetSamplingPlanRequest(
    plan_id="plan-1",
    stage=SAMPLING_STAGE_INTERIM,
    standard_reference=cohort.STANDARD.reference,
    first_day="2020-01-01",
    last_day="2099-12-31",
    rules=SamplingRules(percentage=100),
)
DRAW = DrawSampleRequest(assessor_id=ASSESSOR, plan_id="plan-1", iqa_id=IQA, seed="seed-1")


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey, running: Platform) -> None:
    await journey.prepare()
    await journey.judge_evidence()
    await journey.give("evidence", IQA, ["iqa"], PLAN)
    iqa = client(running, IQA, "iqa")

    async def noted() -> bool:
        found = await iqa.call(views.ListAssessorCaseloadsRequest(), views.ListAssessorCaseloadsResponse)
        return any((one.assessor_id, one.decisions) == (ASSESSOR, DECIDED) for one in found.caseloads)

    await until(noted, f"{DECIDED} decisions of {ASSESSOR}")
    await journey.give("evidence", IQA, ["iqa"], DRAW)
    await until(lambda: opened(iqa), f"{DECIDED} samples")


def client(running: Platform, person_id: str, role: str) -> Client:
    return running.client("evidence", person_id, [role], provider=cohort.PROVIDER)


async def listed(by: Client) -> list[views.SampleSummary]:
    found = await by.call(views.ListSamplesRequest(plan_id="plan-1"), views.ListSamplesResponse)
    return list(found.samples)


async def opened(by: Client) -> bool:
    return len(await listed(by)) == DECIDED


async def test_the_eqa_draws_again_what_was_drawn(running: Platform) -> None:
    eqa = client(running, EQA, "eqa")
    (draw,) = (await eqa.call(views.ListSampleDrawsRequest(), views.ListSampleDrawsResponse)).draws
    assert (draw.candidates, draw.pieces, draw.iqa_id) == (DECIDED, DECIDED, IQA)
    found = await eqa.call(
        views.VerifySampleDrawRequest(assessor_id=ASSESSOR, draw_id=draw.draw_id), views.VerifySampleDrawResponse
    )
    assert found.agrees
    assert {piece.sample_id for piece in found.pieces} == {one.sample_id for one in await listed(eqa)}


async def test_another_seed_draws_nothing_more(journey: Journey) -> None:
    again = DrawSampleRequest(assessor_id=ASSESSOR, plan_id="plan-1", iqa_id=IQA, seed="seed-2")
    assert list((await journey.give("evidence", IQA, ["iqa"], again)).event_types) == []


async def test_an_action_goes_to_the_assessor_and_back_and_the_eqa_reads_it_all(
    running: Platform, journey: Journey
) -> None:
    iqa, eqa, assessor = (client(running, *who) for who in ((IQA, "iqa"), (EQA, "eqa"), (ASSESSOR, "assessor")))
    waiting = [one for one in await listed(iqa) if one.status == SAMPLE_STATUS_AWAITING]
    sample_id, evidence_id = waiting[0].sample_id, waiting[0].evidence_id

    async def stands(status: int) -> bool:
        mine = await assessor.call(views.ListMySamplesRequest(), views.ListMySamplesResponse)
        return any((one.sample_id, one.status) == (sample_id, status) for one in mine.samples)

    decides = DecideSampleRequest(
        sample_id=sample_id,
        agreement=BUT_CURRENCY,
        feedback=f"It is old {cohort.MARK}",
        action=f"Ask for newer work {cohort.MARK}",
        due_on="2099-12-31",
    )
    await journey.give("evidence", IQA, ["iqa"], decides)
    await until(lambda: stands(SAMPLE_STATUS_ACTION_REQUIRED), "the action in the assessor's list")
    answers = AnswerSampleActionRequest(sample_id=sample_id, answer=f"Asked {cohort.MARK}")
    await journey.give("evidence", ASSESSOR, ["assessor"], answers)
    closes = CloseSampleActionRequest(sample_id=sample_id, agreement=AGREED, feedback=f"Fine now {cohort.MARK}")
    await journey.give("evidence", IQA, ["iqa"], closes)
    await until(lambda: stands(SAMPLE_STATUS_CONFIRMED), "the sample confirmed")
    found = await eqa.call(views.GetSampleRequest(sample_id=sample_id), views.GetSampleResponse)
    assert [(one.feedback, one.action, one.answer) for one in found.entries] == [
        (decides.feedback, decides.action, ""),
        ("", "", answers.answer),
        (closes.feedback, "", ""),
    ]
    assert (found.evidence.evidence_id, found.evidence.title) == (evidence_id, f"A piece of work {cohort.MARK}")

    async def told() -> bool:
        asked = views.ListAssessorComplianceRequest(plan_id="plan-1")
        mine = [
            one
            for one in (await eqa.call(asked, views.ListAssessorComplianceResponse)).assessors
            if one.assessor_id == ASSESSOR
        ]
        assert not any(one.compliant for one in mine)
        return [(one.drawn, one.awaiting, one.action_required) for one in mine] == [(DECIDED, len(waiting) - 1, 0)]

    await until(told, "one sample less that waits")


async def test_an_eqa_gives_no_command_and_reads_nothing_beside(running: Platform) -> None:
    eqa = client(running, EQA, "eqa")
    sample = (await listed(eqa))[0]
    refused: list[tuple[Message, type[Message]]] = [
        (PLAN, CommandReply),
        (DRAW, CommandReply),
        (DecideSampleRequest(sample_id=sample.sample_id, agreement=AGREED, feedback="Fine"), CommandReply),
        (GetEvidenceRequest(evidence_id=sample.evidence_id, learner_id=sample.learner_id), GetEvidenceResponse),
    ]
    for request, answer in refused:
        with pytest.raises(CallFailed) as caught:
            await eqa.call(request, answer)
        assert caught.value.reason == "NOT_ALLOWED"
