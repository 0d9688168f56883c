"""Whoever has a concern asks another to take it. Until that one acknowledges it, and wherever they do not, the giver has it.

Only those are asked who could be on its ladder, on duty or not: never one who is at risk or named.
"""

from dataclasses import replace

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_PASSING_ON, ConcernDueSet
from mentoring.safeguarding.v1.passing_on_events_pb2 import (
    ConcernPassedOn,
    ConcernPassingOnExplained,
    ConcernPassingOnLapsed,
)
from mentoring.safeguarding.v1.passing_on_pb2 import PassOnRequest

from safeguarding.domain.concern_state import (
    Concern,
    Offer,
    due_set,
    from_now,
    handler,
    refuse_another_site,
    refuse_unless_open,
    without_offer,
    worked_on,
)
from safeguarding.domain.duty_set import Duty
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import is_about_a_dsl, ladder, specialists


def pass_on(
    state: Concern, command: PassOnRequest, context: Context
) -> list[ConcernPassingOnExplained | ConcernPassedOn | ConcernDueSet]:
    """Whoever has it asks another to take it, with a reason which stays with the service. Whom it was passed on to before is asked no more.

    Raises Refusal RECEIVER_NOT_POSSIBLE, in the same words whatever the reason.
    """
    giver_id = handler(state, context)
    refuse_unless_open(state)
    refuse_another_site(state, command.site_id)
    if state.acknowledged_by_id != giver_id:
        raise Refusal(
            "CONCERN_HELD_BY_ANOTHER",
            "Another handler has this concern, and passes it on or not. Read its chronology, and agree with them who acts.",
        )
    if state.is_offered_to(command.receiver_id):
        return []
    if command.receiver_id == giver_id or command.receiver_id not in possible_handlers(state, context):
        raise Refusal(
            "RECEIVER_NOT_POSSIBLE",
            "This concern cannot be passed on to this person. Give another who stands on the rota of its site.",
            field="receiver_id",
        )
    passing_id = f"passing-{state.passings + 1}"
    acknowledge_by = from_now(state, context)
    return [
        ConcernPassingOnExplained(
            concern_id=state.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            passing_id=passing_id,
            giver_id=giver_id,
            reason=Sealed(to_be_sealed=command.reason),
            at=timestamp(context.now),
        ),
        ConcernPassedOn(
            concern_id=state.concern_id,
            site_id=state.site_id,
            category=state.category,
            passing_id=passing_id,
            receiver_id=command.receiver_id,
            acknowledge_by=timestamp(acknowledge_by),
            handling_id=f"{state.concern_id}.{command.receiver_id}",
            raiser_role=state.raiser_role,
        ),
        due_set(state, passing_id, CONCERN_DUE_PASSING_ON, acknowledge_by),
    ]


def may_have_it_still(state: Concern, person_id: str, context: Context) -> bool:
    """Whether a handler could be on its ladder, and is not on leave."""
    return person_id in possible_handlers(state, context) and not context.state(Duty).calendar.is_on_leave(
        person_id, context.now
    )


def explained(state: Concern, event: ConcernPassingOnExplained) -> Concern:
    """The reason is a text: the state keeps none."""
    return worked_on(state, event.at)


def passed_on(state: Concern, event: ConcernPassedOn) -> Concern:
    """Whoever has it has it still; nobody is asked but this person."""
    offer = Offer(event.passing_id, state.acknowledged_by_id, event.receiver_id)
    return replace(without_offer(state), offer=offer, passings=state.passings + 1)


def lapsed(state: Concern, _event: ConcernPassingOnLapsed) -> Concern:
    """Whom it was passed on to reads it no more, unless it was given to them before."""
    return without_offer(state)


def possible_handlers(state: Concern, context: Context) -> frozenset[str]:
    """Everybody who could be on its ladder, at whatever time."""
    rota, policy = context.state(Rota), context.state(RoutingPolicy)
    steps = ladder(
        rota,
        state.excluded_ids,
        past_every_dsl=state.past_every_dsl or is_about_a_dsl(rota, state.category, state.excluded_ids),
        last_resort_id=policy.last_resort_id,
        first=specialists(state, rota, policy),
    )
    return frozenset(step.person_id for step in steps)
