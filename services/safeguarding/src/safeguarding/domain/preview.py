"""Whom a concern would go to, and why each of the others would not be asked: the routing of concerns, tried without one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mentoring.safeguarding.v1.duty_pb2 import (
    PASSED_OVER_BECAUSE_ABOUT_A_DSL,
    PASSED_OVER_BECAUSE_INVOLVED,
    PASSED_OVER_BECAUSE_OFF_DUTY,
    PASSED_OVER_BECAUSE_ON_LEAVE,
    PassedOverBecause,
)
from mentoring.safeguarding.v1.events_pb2 import ConcernCategory

from safeguarding.domain.duty import Calendar
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import Step, is_about_a_dsl, is_among, ladder


@dataclass(frozen=True, slots=True)
class Preview:
    """The ladder as it would be, and who stands on the rota and is not on it."""

    steps: tuple[Step, ...]
    passed_over: tuple[tuple[Step, PassedOverBecause.ValueType], ...]


def preview(
    rota: Rota,
    calendar: Calendar,
    category: ConcernCategory.ValueType,
    involved_ids: Collection[str],
    at: datetime,
    *,
    last_resort_id: str,
) -> Preview:
    """By the same functions as a concern that is raised. `involved_ids` has the person at risk and everybody named."""
    past_every_dsl = is_about_a_dsl(rota, category, involved_ids)
    steps = ladder(
        calendar.on_duty(rota, at),
        involved_ids,
        past_every_dsl=past_every_dsl,
        last_resort_id=last_resort_id,
        everybody=rota,
    )
    asked = {step.person_id for step in steps}

    def because(person_id: str) -> PassedOverBecause.ValueType:
        if is_among(person_id, involved_ids):
            return PASSED_OVER_BECAUSE_INVOLVED
        if past_every_dsl:
            return PASSED_OVER_BECAUSE_ABOUT_A_DSL
        return PASSED_OVER_BECAUSE_ON_LEAVE if calendar.is_on_leave(person_id, at) else PASSED_OVER_BECAUSE_OFF_DUTY

    everybody = ladder(rota, (), last_resort_id=last_resort_id)
    return Preview(steps, tuple((step, because(step.person_id)) for step in everybody if step.person_id not in asked))
