"""Who is on duty when, whom a concern would go to, and what to do in immediate danger: read from the rota, the duty and the policy as they are now."""

from datetime import UTC, datetime, timedelta

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.safeguarding.v1.duty_pb2 import (
    CheckDutyRequest,
    CheckDutyResponse,
    DutyStretch,
    PassedOver,
    PreviewRoutingRequest,
    PreviewRoutingResponse,
    RoutingStep,
)
from mentoring.safeguarding.v1.safeguarding_pb2 import GetEmergencyAdviceRequest, GetEmergencyAdviceResponse

from safeguarding.domain.concern_state import Concern
from safeguarding.domain.duty import ALWAYS
from safeguarding.domain.duty_set import duty
from safeguarding.domain.policy import policy
from safeguarding.domain.preview import Preview, preview
from safeguarding.domain.rota import Rota, rota
from safeguarding.domain.routing import is_about_a_dsl

_SENIOR_LEAD = "senior_lead"
_LONGEST = timedelta(days=62)


async def check_duty(request: CheckDutyRequest, read: Reader) -> CheckDutyResponse:
    """Who is on duty in each stretch of the period. Raises Refusal ENDS_BEFORE_IT_BEGINS or PERIOD_TOO_LONG."""
    begins, ends = _at(request.begins_at), _at(request.ends_at)
    if ends <= begins:
        raise Refusal("ENDS_BEFORE_IT_BEGINS", "ends_at is not after begins_at; give a later time", field="ends_at")
    if ends - begins > _LONGEST:
        raise Refusal(
            "PERIOD_TOO_LONG", f"at most {_LONGEST.days} days are looked through at once; ask in parts", field="ends_at"
        )
    calendar = (await read.state(duty, f"duty-{request.site_id}")).calendar
    its_rota = await read.state(rota, f"rota-{request.site_id}")
    stretches = calendar.stretches(its_rota, begins, ends)
    return CheckDutyResponse(
        time_zone=calendar.time_zone,
        rota_is_set=its_rota != Rota(),
        duty_is_set=calendar != ALWAYS,
        stretches=[
            DutyStretch(begins_at=timestamp(one.begins), ends_at=timestamp(one.ends), person_ids=one.person_ids)
            for one in stretches
        ],
    )


async def preview_routing(request: PreviewRoutingRequest, read: Reader) -> PreviewRoutingResponse:
    """Whom a concern would go to and why; and for the senior lead, why the others would not be asked."""
    its_policy = await read.state(policy, "routing-policy")
    its_rota = await read.state(rota, f"rota-{request.site_id}")
    involved = frozenset(request.involved_ids)
    would_be = Concern(
        site_id=request.site_id,
        category=request.category,
        severity=request.severity,
        in_it_ids=involved,
        past_every_dsl=is_about_a_dsl(its_rota, request.category, involved),
    )
    calendar = (await read.state(duty, f"duty-{request.site_id}")).calendar
    found = preview(would_be, its_rota, calendar, its_policy, _at(request.at) if request.HasField("at") else read.now)
    return PreviewRoutingResponse(
        steps=steps_of(found),
        nobody=not found.steps,
        passed_over=passed_over_of(found) if _SENIOR_LEAD in read.principal.roles else [],
        acknowledge_within=length(its_policy.acknowledge_within(request.severity)),
        policy_version=its_policy.version,
        rota_is_set=its_rota != Rota(),
        duty_is_set=calendar != ALWAYS,
    )


def steps_of(found: Preview) -> list[RoutingStep]:
    """The ladder, as it is told."""
    return [
        RoutingStep(person_id=step.person_id, role=step.role, because=because, rule=step.rule)
        for step, because in found.steps
    ]


def passed_over_of(found: Preview) -> list[PassedOver]:
    """Who would not be asked, as it is told."""
    return [
        PassedOver(person_id=step.person_id, role=step.role, because=because) for step, because in found.passed_over
    ]


def length(of: timedelta) -> Duration:
    """As it is in contracts."""
    found = Duration()
    found.FromTimedelta(of)
    return found


async def get_emergency_advice(_request: GetEmergencyAdviceRequest, read: Reader) -> GetEmergencyAdviceResponse:
    """What the provider says, else the platform's own words."""
    return GetEmergencyAdviceResponse(advice=(await read.state(policy, "routing-policy")).emergency_advice)


def _at(given: Timestamp) -> datetime:
    return given.ToDatetime(tzinfo=UTC)
