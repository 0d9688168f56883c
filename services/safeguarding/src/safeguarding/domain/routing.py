"""Who is asked to take a concern, and who next. Nobody whom it is about or who is named in it is ever on the ladder.

DOMAIN.md, Safeguarding: the DSL on duty, then deputies; a concern about a DSL goes past every DSL to the senior lead. Before the DSL
come those whom a rule of the provider's policy names for concerns of this kind.
Whoever stands as senior lead or last resort now is asked as that, whatever they were before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mentoring.safeguarding.v1.events_pb2 import (
    ASSIGNEE_ROLE_DEPUTY_DSL,
    ASSIGNEE_ROLE_DSL_ON_DUTY,
    ASSIGNEE_ROLE_NOBODY_ON_ROTA,
    ASSIGNEE_ROLE_SENIOR_LEAD,
    ASSIGNEE_ROLE_SPECIALIST,
    CONCERN_CATEGORY_STAFF_ALLEGATION,
    CONCERN_CATEGORY_STAFF_LOW_LEVEL,
    AssigneeRole,
    ConcernCategory,
    Severity,
)

from safeguarding.domain.duty import Calendar
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.domain.route_rules import rule_for

_CONDUCT_OF_STAFF = (CONCERN_CATEGORY_STAFF_LOW_LEVEL, CONCERN_CATEGORY_STAFF_ALLEGATION)


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder: a person, and as what they are asked; `rule` numbers the policy's rule that puts them there, from 1."""

    person_id: str
    role: AssigneeRole.ValueType
    rule: int = 0


NOBODY = Step("", ASSIGNEE_ROLE_NOBODY_ON_ROTA)


class Routed(Protocol):
    """What is asked of a concern to know its ladder."""

    @property
    def site_id(self) -> str:
        """Whose rota is asked."""

    @property
    def category(self) -> ConcernCategory.ValueType:
        """What it is about."""

    @property
    def severity(self) -> Severity.ValueType:
        """How serious it is."""

    @property
    def excluded_ids(self) -> frozenset[str]:
        """The person at risk and everybody named."""

    @property
    def past_every_dsl(self) -> bool:
        """Whether it is about a DSL."""


def route(concern: Routed, rota: Rota, calendar: Calendar, policy: RoutingPolicy, at: datetime) -> tuple[Step, ...]:
    """The concern's ladder by the rota, the duty and the policy at this time."""
    first = specialists(concern, rota, policy)
    return ladder(
        calendar.on_duty(rota, at),
        concern.excluded_ids,
        past_every_dsl=concern.past_every_dsl,
        last_resort_id=policy.last_resort_id,
        everybody=rota,
        first=[step for step in first if calendar.may_be_asked_first(step.person_id, rota, at)],
    )


def specialists(concern: Routed, rota: Rota, policy: RoutingPolicy) -> tuple[Step, ...]:
    """Those whom a rule names for a concern of this kind, on duty or not; whoever is on the rota, as they are spelled there."""
    number, first_ids = rule_for(policy.rules, concern.category, concern.severity, concern.site_id)
    spelled = {one.casefold(): one for one in (rota.dsl_id, *rota.deputy_ids, rota.senior_lead_id)}
    return tuple(
        Step(spelled.get(person_id.casefold(), person_id), ASSIGNEE_ROLE_SPECIALIST, number) for person_id in first_ids
    )


def ladder(
    rota: Rota,
    excluded_ids: Collection[str],
    *,
    past_every_dsl: bool = False,
    last_resort_id: str = "",
    everybody: Rota | None = None,
    first: Sequence[Step] = (),
) -> tuple[Step, ...]:
    """Whom to ask, in order; empty where nobody is left.

    Args:
        rota: those of the site's who are on duty now.
        excluded_ids: the person at risk and everybody named.
        past_every_dsl: the concern is about a DSL (`is_about_a_dsl`): the senior lead alone is asked, and nobody by a rule.
        last_resort_id: the provider's own senior lead, for a site without a rota, or with nobody on it who may be asked.
        everybody: the whole rota, also who is off duty; not given: `rota` is that.
        first: who is asked before the DSL on duty by a rule, those on duty alone.
    """
    dsls = [Step(rota.dsl_id, ASSIGNEE_ROLE_DSL_ON_DUTY)]
    dsls += [Step(person, ASSIGNEE_ROLE_DEPUTY_DSL) for person in rota.deputy_ids]
    # The senior lead keeps the last rung also where a rule names them: somebody has to be asked again and again.
    dsls = [*first, *(step for step in dsls if not is_among(step.person_id, [one.person_id for one in first]))]
    steps = [*([] if past_every_dsl else dsls), Step(rota.senior_lead_id, ASSIGNEE_ROLE_SENIOR_LEAD)]
    # Who is on the rota is asked in their place there, or not at all.
    whole = everybody or rota
    if not is_among(last_resort_id, {whole.dsl_id, *whole.deputy_ids, whole.senior_lead_id}):
        steps.append(Step(last_resort_id, ASSIGNEE_ROLE_SENIOR_LEAD))
    return tuple(step for step in steps if step.person_id and not is_among(step.person_id, excluded_ids))


def is_about_a_dsl(rota: Rota, category: ConcernCategory.ValueType, excluded_ids: Collection[str]) -> bool:
    """Whether it is about the conduct of one who stands, or ever stood, on this rota as DSL or deputy: on duty today or not, their
    colleagues are not to judge it. One who is merely named is only passed over.
    """
    return is_about_staff(category) and any(is_among(person, excluded_ids) for person in rota.stood_ids)


def is_about_staff(category: ConcernCategory.ValueType) -> bool:
    """Whether it is about the conduct of staff."""
    return category in _CONDUCT_OF_STAFF


def is_among(person_id: str, ids: Collection[str]) -> bool:
    """Whether somebody is one of these, whether the letters are large or small: who writes `DSL-1` for `dsl-1` means that person."""
    return person_id.casefold() in {one.casefold() for one in ids}


def next_step(steps: Sequence[Step], asked_ids: Collection[str]) -> Step:
    """The first who was not asked yet; where everybody was, the highest rung, again and again; NOBODY on an empty ladder."""
    # Letter for letter, as a token's person is compared: who was asked as `DSL-1` cannot read it as `dsl-1`, and is asked as that.
    return next((step for step in steps if step.person_id not in asked_ids), steps[-1] if steps else NOBODY)
