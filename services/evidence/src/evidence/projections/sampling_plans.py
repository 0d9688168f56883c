"""The provider's sampling plans with all their versions, one document a plan."""

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.quality_events_pb2 import SamplingPlanSet, SamplingRules, SamplingStage
from pydantic import BaseModel

from evidence.projections.times import ms, stamp


class PlanVersion(BaseModel):
    """One version; the rules by their names in the contract."""

    last_day: str
    rules: dict[str, int]
    set_ms: int


class Plan(BaseModel):
    """A plan, its versions from the first on."""

    plan_id: str
    stage: SamplingStage.ValueType = SamplingStage.SAMPLING_STAGE_UNSPECIFIED
    standard_reference: str = ""
    first_day: str = ""
    versions: list[PlanVersion] = []


sampling_plans = Projection(
    "sampling_plans", version=1, document=Plan, key="plan_id", indexes=("standard_reference", "first_day")
)


@sampling_plans.on
def plan_set(document: Plan, event: SamplingPlanSet, meta: Metadata) -> None:
    """One version more."""
    document.stage = event.stage
    document.standard_reference = event.standard_reference
    document.first_day = event.first_day
    rules = {field.name: value for field, value in event.rules.ListFields()}
    document.versions.append(PlanVersion(last_day=event.last_day, rules=rules, set_ms=ms(meta)))


async def list_sampling_plans(request: views.ListSamplingPlansRequest, read: Reader) -> views.ListSamplingPlansResponse:
    """The plans of all standards or one, the latest period first."""
    only = {"standard_reference": request.standard_reference} if request.standard_reference else {}
    shown, cursor = await read.page(sampling_plans, request.page, order="first_day", descending=True, **only)
    return views.ListSamplingPlansResponse(plans=map(_shown, shown), next_cursor=cursor)


def _shown(plan: Plan) -> views.SamplingPlan:
    return views.SamplingPlan(
        plan_id=plan.plan_id,
        stage=plan.stage,
        standard_reference=plan.standard_reference,
        first_day=plan.first_day,
        versions=[
            views.SamplingPlanVersion(
                plan_version=number,
                last_day=version.last_day,
                rules=SamplingRules(**version.rules),
                set_at=stamp(version.set_ms),
            )
            for number, version in enumerate(plan.versions, start=1)
        ],
    )
