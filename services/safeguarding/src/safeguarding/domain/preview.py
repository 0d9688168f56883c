"""Whom a concern would go to, and why each of the others would not be asked: the routing of concerns, tried without one."""

from dataclasses import dataclass
from datetime import datetime

from mentoring.safeguarding.v1.duty_pb2 import (
    ASKED_BECAUSE_DEPUTY_ON_DUTY,
    ASKED_BECAUSE_DSL_ON_DUTY,
    ASKED_BECAUSE_LAST_RESORT,
    ASKED_BECAUSE_RULE,
    ASKED_BECAUSE_SENIOR_LEAD,
    PASSED_OVER_BECAUSE_ABOUT_A_DSL,
    PASSED_OVER_BECAUSE_INVOLVED,
    PASSED_OVER_BECAUSE_OFF_DUTY,
    PASSED_OVER_BECAUSE_ON_LEAVE,
    AskedBecause,
    PassedOverBecause,
)
from mentoring.safeguarding.v1.events_pb2 import (
    ASSIGNEE_ROLE_DEPUTY_DSL,
    ASSIGNEE_ROLE_DSL_ON_DUTY,
    ASSIGNEE_ROLE_SPECIALIST,
)

from safeguarding.domain.duty import Calendar
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import Routed, Step, is_among, ladder, route, specialists

_BY_ROLE = {
    ASSIGNEE_ROLE_SPECIALIST: ASKED_BECAUSE_RULE,
    ASSIGNEE_ROLE_DSL_ON_DUTY: ASKED_BECAUSE_DSL_ON_DUTY,
    ASSIGNEE_ROLE_DEPUTY_DSL: ASKED_BECAUSE_DEPUTY_ON_DUTY,
}


@dataclass(frozen=True, slots=True)
class Preview:
    """The ladder as it would be, and who would be on it at another time, or for another concern, and is not."""

    steps: tuple[tuple[Step, AskedBecause.ValueType], ...]
    passed_over: tuple[tuple[Step, PassedOverBecause.ValueType], ...]


def preview(concern: Routed, rota: Rota, calendar: Calendar, policy: RoutingPolicy, at: datetime) -> Preview:
    """By the same functions as a concern that is raised."""
    steps = route(concern, rota, calendar, policy, at)
    asked = {step.person_id for step in steps}

    def because(person_id: str) -> PassedOverBecause.ValueType:
        if is_among(person_id, concern.excluded_ids):
            return PASSED_OVER_BECAUSE_INVOLVED
        if concern.past_every_dsl:
            return PASSED_OVER_BECAUSE_ABOUT_A_DSL
        return PASSED_OVER_BECAUSE_ON_LEAVE if calendar.is_on_leave(person_id, at) else PASSED_OVER_BECAUSE_OFF_DUTY

    everybody = ladder(rota, (), last_resort_id=policy.last_resort_id, first=specialists(concern, rota, policy))
    missing = {step.person_id: step for step in reversed(everybody) if step.person_id not in asked}
    return Preview(
        tuple((step, _because(step, rota)) for step in steps),
        tuple((step, because(step.person_id)) for step in everybody if missing.get(step.person_id) == step),
    )


def _because(step: Step, rota: Rota) -> AskedBecause.ValueType:
    senior = ASKED_BECAUSE_SENIOR_LEAD if step.person_id == rota.senior_lead_id else ASKED_BECAUSE_LAST_RESORT
    return _BY_ROLE.get(step.role, senior)
