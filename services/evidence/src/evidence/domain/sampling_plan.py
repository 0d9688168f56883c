"""A sampling plan in its versions: what is drawn of whose decided evidence, for a period and a standard. A version is never changed."""

from dataclasses import asdict, dataclass
from datetime import date

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.evidence.v1.quality_events_pb2 import SamplingPlanSet, SamplingRules, SamplingStage
from mentoring.evidence.v1.quality_pb2 import SetSamplingPlanRequest

from evidence.domain.days import day
from evidence.domain.sampling import Rules
from evidence.policy_defaults import SAMPLING


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version, its days both in the period, in UTC."""

    stage: SamplingStage.ValueType
    reference: str
    first_day: date
    last_day: date
    rules: Rules


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """All versions of a plan, the first first."""

    plan_id: str = ""
    versions: tuple[PlanVersion, ...] = ()

    @property
    def number(self) -> int:
        """The number of the version that holds now; 0 where there is none."""
        return len(self.versions)

    def version(self, number: int) -> PlanVersion:
        """One version, counted from 1."""
        return self.versions[number - 1]


sampling_plan = Aggregate("sampling-plan", initial=SamplingPlan())


@sampling_plan.decide
def set_plan(state: SamplingPlan, command: SetSamplingPlanRequest, _context: Context) -> list[SamplingPlanSet]:
    """Sets all of the plan, as its next version. What was drawn before stays drawn, and counts.

    A plan keeps its stage, its standard and its first day: samples of two periods or standards would count as one.
    """
    rules = rules_of(command.rules)
    asked = PlanVersion(
        stage=command.stage,
        reference=command.standard_reference,
        first_day=day(command.first_day, "first_day"),
        last_day=day(command.last_day, "last_day"),
        rules=rules,
    )
    if asked.last_day < asked.first_day:
        raise Refusal(
            "PERIOD_ENDS_BEFORE_IT_BEGINS",
            f"{command.last_day} is before {command.first_day}; give a last day that is the first or later",
            field="last_day",
        )
    if state.versions:
        now = state.versions[-1]
        if now == asked:
            return []
        _refuse_another_plan(now, asked)
    return [
        SamplingPlanSet(
            plan_id=command.plan_id,
            plan_version=state.number + 1,
            stage=command.stage,
            standard_reference=command.standard_reference,
            first_day=command.first_day,
            last_day=command.last_day,
            rules=SamplingRules(**asdict(rules)),
        )
    ]


@sampling_plan.evolve
def plan_set(state: SamplingPlan, event: SamplingPlanSet) -> SamplingPlan:
    """One version more."""
    version = PlanVersion(
        stage=event.stage,
        reference=event.standard_reference,
        first_day=date.fromisoformat(event.first_day),
        last_day=date.fromisoformat(event.last_day),
        rules=rules_of(event.rules),
    )
    return SamplingPlan(event.plan_id, (*state.versions, version))


def rules_of(given: SamplingRules) -> Rules:
    """The numbers that were given, and the defaults of those that were not."""
    numbers = {field.name: value for field, value in given.ListFields()}
    return Rules(**{**SAMPLING, **numbers})


def _refuse_another_plan(now: PlanVersion, asked: PlanVersion) -> None:
    for field, was, wanted in (
        (
            "stage",
            SamplingStage.Name(now.stage),
            SamplingStage.Name(asked.stage),
        ),
        ("standard_reference", now.reference, asked.reference),
        ("first_day", now.first_day.isoformat(), asked.first_day.isoformat()),
    ):
        if was != wanted:
            raise Refusal(
                "PLAN_IS_FOR_SOMETHING_ELSE",
                f"this plan has {was}, and what was drawn under it counts for that; set {wanted} in a plan of its own",
                field=field,
            )
