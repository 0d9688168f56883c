"""Whether the sampling of an assessor's work under a plan is complete."""

from dataclasses import dataclass

from mentoring.evidence.v1.quality_events_pb2 import SAMPLE_STATUS_ACTION_REQUIRED, SAMPLE_STATUS_AWAITING

from evidence.domain.caseload import Caseload, candidates_of
from evidence.domain.sampling import choose
from evidence.domain.sampling_plan import SamplingPlan


@dataclass(frozen=True, slots=True)
class Compliance:
    """In pieces: in the plan's period and standard, drawn, still asked for, not decided on, with an open action."""

    candidates: int
    drawn: int
    to_draw: int
    awaiting: int
    action_required: int

    @property
    def compliant(self) -> bool:
        """Every drawn piece is decided on, none has an open action, and the plan's version that holds asks for nothing more.

        So its percentage and its other rules are met by samples that are done. An assessor without decisions in the period is compliant.
        """
        return not (self.to_draw or self.awaiting or self.action_required)


def compliance_of(state: Caseload, plan: SamplingPlan) -> Compliance:
    """How an assessor's sampling stands under a plan that has a version."""
    version = plan.version(plan.number)
    candidates = candidates_of(state, plan.plan_id, version, iqa_id="")
    statuses = [one.status for one in state.under(plan.plan_id)]
    return Compliance(
        candidates=len(candidates),
        drawn=len(statuses),
        # How many depends on the seed, since one piece may serve several rules; whether any does not.
        to_draw=len(choose(candidates, version.rules, seed="")),
        awaiting=statuses.count(SAMPLE_STATUS_AWAITING),
        action_required=statuses.count(SAMPLE_STATUS_ACTION_REQUIRED),
    )
