"""The IQA samples what the first learner's assessor decided (K11, S11)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventkernel.client import Client
from mentoring.evidence.v1 import quality_views_pb2 as quality_views
from mentoring.evidence.v1.quality_events_pb2 import (
    AGREEMENT_AGREE,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLING_STAGE_INTERIM,
    CriteriaAgreement,
    SamplingRules,
)
from mentoring.evidence.v1.quality_pb2 import DecideSampleRequest, DrawSampleRequest, SetSamplingPlanRequest

from mentorstream.demo import year_plan
from mentorstream.demo.cohort import MARK, PROVIDER, STANDARD
from mentorstream.demo.settling import until

if TYPE_CHECKING:
    from mentorstream.demo.journey import Journey


@dataclass
class Sampling:
    """A sample of one assessor's decisions, on a running platform."""

    journey: "Journey"

    @property
    def assessor_id(self) -> str:
        """Whose decisions are sampled."""
        return self.journey.learners[0].assessor_id

    @property
    def _iqa(self) -> Client:
        return self.journey.platform.client("evidence", year_plan.IQA, ["iqa"], provider=PROVIDER)

    async def sample(self) -> None:
        """A plan is set, a sample drawn by it, and all of it confirmed."""
        decisions = sum(
            len(piece.judged)
            for plan in self.journey.as_lived
            if plan.assessor_id == self.assessor_id
            for piece in plan.evidence
        )

        async def noted() -> bool:
            found = await self._iqa.call(
                quality_views.ListAssessorCaseloadsRequest(), quality_views.ListAssessorCaseloadsResponse
            )
            return any((one.assessor_id, one.decisions) == (self.assessor_id, decisions) for one in found.caseloads)

        rules = SamplingRules(
            percentage=year_plan.PERCENTAGE, least=1, each_method=0, each_unit=0, new_assessor_decisions=0,
            new_assessor_days=0, new_assessor_percentage=0, first_on_standard=0, referral_rate_over=100,
        )  # fmt: skip
        sampled_by = SetSamplingPlanRequest(
            plan_id=year_plan.SAMPLING_PLAN, stage=SAMPLING_STAGE_INTERIM, standard_reference=STANDARD.reference,
            first_day="2020-01-01", last_day="2099-12-31", rules=rules,
        )  # fmt: skip
        await self.journey.give("evidence", year_plan.IQA, ["iqa"], sampled_by)
        await until(noted, f"{decisions} decisions noted for sampling")
        draw = DrawSampleRequest(
            assessor_id=self.assessor_id,
            plan_id=year_plan.SAMPLING_PLAN,
            iqa_id=year_plan.IQA,
            seed=year_plan.SEED,
        )
        await self.journey.give("evidence", year_plan.IQA, ["iqa"], draw)
        wanted = len(year_plan.drawn(self.journey.as_lived, self.assessor_id))

        async def opened() -> bool:
            return len(await self.samples()) >= wanted

        await until(opened, f"{wanted} samples")
        agreed = CriteriaAgreement(
            validity=AGREEMENT_AGREE, authenticity=AGREEMENT_AGREE, currency=AGREEMENT_AGREE,
            sufficiency=AGREEMENT_AGREE, reliability=AGREEMENT_AGREE,
        )  # fmt: skip
        for one in await self.samples():
            decided = DecideSampleRequest(sample_id=one.sample_id, agreement=agreed, feedback=f"I see it too {MARK}")
            await self.journey.give("evidence", year_plan.IQA, ["iqa"], decided)

        async def confirmed() -> bool:
            return all(one.status == SAMPLE_STATUS_CONFIRMED for one in await self.samples())

        await until(confirmed, f"{wanted} samples confirmed")

    async def samples(self) -> list[quality_views.SampleSummary]:
        """What was drawn, as the IQA sees it."""
        asked = quality_views.ListSamplesRequest(plan_id=year_plan.SAMPLING_PLAN)
        return list((await self._iqa.call(asked, quality_views.ListSamplesResponse)).samples)
