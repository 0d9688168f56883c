"""The routing policy as it stands, and whom a concern that there is would go to next, and why."""

from eventkernel.reading import Reader
from mentoring.safeguarding.v1.routing_events_pb2 import RouteRule
from mentoring.safeguarding.v1.routing_pb2 import (
    GetRoutingPolicyRequest,
    GetRoutingPolicyResponse,
    PreviewConcernRoutingRequest,
    PreviewConcernRoutingResponse,
)

from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.concern_state import by_the_rota
from safeguarding.domain.duty_set import duty
from safeguarding.domain.policy import policy
from safeguarding.domain.preview import preview
from safeguarding.domain.rota import rota
from safeguarding.domain.route_rules import Rule
from safeguarding.domain.routing import next_step
from safeguarding.duty_queries import length, passed_over_of, steps_of


async def get_routing_policy(_request: GetRoutingPolicyRequest, read: Reader) -> GetRoutingPolicyResponse:
    """All of it, the platform's own where the provider set none."""
    found = await read.state(policy, "routing-policy")
    return GetRoutingPolicyResponse(
        version=found.version,
        immediate_danger=length(found.immediate_danger),
        serious=length(found.serious),
        other=length(found.other),
        act_on_immediate_danger=length(found.act_on_immediate_danger),
        act_on_serious=length(found.act_on_serious),
        act_on_other=length(found.act_on_other),
        quiet_after=length(found.quiet_after),
        last_resort_id=found.last_resort_id,
        emergency_advice=found.emergency_advice,
        rules=[_told(rule) for rule in found.rules],
    )


async def preview_concern_routing(request: PreviewConcernRoutingRequest, read: Reader) -> PreviewConcernRoutingResponse:
    """By the same functions as its next deadline. Its handlers alone ask: why somebody is passed over says who is in it."""
    known = await read.state(concern, stream_of(request.concern_id))
    its_policy = await read.state(policy, "routing-policy")
    its_rota = await read.state(rota, f"rota-{known.site_id}")
    state = by_the_rota(known, its_rota)
    found = preview(state, its_rota, (await read.state(duty, f"duty-{state.site_id}")).calendar, its_policy, read.now)
    steps = steps_of(found)
    response = PreviewConcernRoutingResponse(
        steps=steps,
        passed_over=passed_over_of(found),
        acknowledge_within=length(its_policy.acknowledge_within(state.severity)),
        policy_version=its_policy.version,
    )
    following = next_step([step for step, _ in found.steps], state.asked_ids)
    if following.person_id:
        response.next.CopyFrom(steps[[step for step, _ in found.steps].index(following)])
    return response


def _told(rule: Rule) -> RouteRule:
    return RouteRule(
        categories=sorted(rule.categories),  # type: ignore[arg-type]
        severities=sorted(rule.severities),  # type: ignore[arg-type]
        site_ids=sorted(rule.site_ids),
        first_ids=rule.first_ids,
    )
