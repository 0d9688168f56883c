"""People are asked to take a concern until one acknowledges it; and one who acknowledges it and does nothing loses it to the next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

from eventkernel.aggregate import Context, NotYet, Refusal
from eventkernel.timestamps import timestamp
from mentoring.safeguarding.v1.events_pb2 import (
    ASSIGNEE_ROLE_HANDLER,
    CONCERN_CATEGORY_STAFF_ALLEGATION,
    ConcernAcknowledged,
    ConcernAssigned,
    ConcernCategory,
    ConcernEscalated,
    ConcernFoundAboutDsl,
)
from mentoring.safeguarding.v1.handling_events_pb2 import (
    CONCERN_DUE_ACTION,
    CONCERN_DUE_ACTIVITY,
    CONCERN_DUE_ANSWER_TO_REFERRAL,
    CONCERN_DUE_LOOK_AT_ROTA,
    CONCERN_DUE_PASSING_ON,
    CONCERN_DUE_REFERRAL_TO_LADO,
    CONCERN_DUE_TASK,
    ConcernAcknowledgementLapsed,
    ConcernChased,
    ConcernDue,
    ConcernDueSet,
    ConcernRotaLookedAt,
    ConcernTriaged,
)
from mentoring.safeguarding.v1.handling_pb2 import MeetConcernDueRequest, TriageConcernRequest
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassingOnLapsed
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import ConcernTaskOverdue
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    AcknowledgeConcernRequest,
    EscalateConcernRequest,
)

from safeguarding.domain import tasks
from safeguarding.domain.concern_state import (
    Concern,
    Due,
    asked,
    by_the_rota,
    due_set,
    handler,
    refuse_another_site,
    refuse_merged,
    refuse_unless_open,
    to_be_looked_at,
    without_due,
    without_offer,
    worked_on,
)
from safeguarding.domain.passing_on import may_have_it_still
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import is_about_staff
from safeguarding.domain.working_days import after_working_days
from safeguarding.policy_defaults import LADO_REFERRAL_WORKING_DAYS, REFERRAL_ANSWER_WORKING_DAYS, TIME_ZONE


def escalate(
    state: Concern, command: EscalateConcernRequest, context: Context
) -> list[ConcernEscalated | ConcernFoundAboutDsl | ConcernAssigned]:
    """Asks the next person of the rota as it is now, once the deadline of this step has passed.

    Before the deadline it raises NotYet, so that the kernel asks again: were it taken for done, a clock that was set back, or
    a store that rounds times down, would end the escalation for good and lose the concern.
    """
    if state.acknowledge_by is None or command.step != state.step:
        return []
    if context.now < state.acknowledge_by:
        raise NotYet("DEADLINE_AHEAD", f"The deadline of step {state.step} has not passed. Escalate once it has.")
    refuse_another_site(state, command.site_id)
    escalated_now = ConcernEscalated(concern_id=state.concern_id, unanswered_by_id=state.assignee_id, step=state.step)
    return [escalated_now, *asked_next(state, context)]


def acknowledge(
    state: Concern, command: AcknowledgeConcernRequest, context: Context
) -> list[ConcernAcknowledged | ConcernDueSet]:
    """A handler takes it, even one whose deadline has passed, and one it is passed on to; that ends the escalation, and by a time
    something is to be done.
    """
    person_id = handler(state, context)
    refuse_merged(state)
    if state.acknowledged_by_id == person_id:
        return []
    if state.acknowledged_by_id and not state.is_offered_to(person_id):
        raise Refusal(
            "CONCERN_ALREADY_ACKNOWLEDGED",
            "Another handler has acknowledged this concern. Read its chronology, and agree with them who acts.",
        )
    return [ConcernAcknowledged(concern_id=command.concern_id, handler_id=person_id), *to_be_acted_on(state, context)]


def to_be_acted_on(state: Concern, context: Context) -> list[ConcernDueSet]:
    """By when whoever has it now is to do something, when it is looked whether they left it alone, and an allegation is to be with the LADO."""
    act_by = context.now + context.state(RoutingPolicy).act_within(state.severity)
    found = [
        due_set(state, f"action-{state.step}", CONCERN_DUE_ACTION, act_by),
        to_be_looked_at(state, context.now + context.state(RoutingPolicy).quiet_after),
    ]
    known = any(one.kind == CONCERN_DUE_REFERRAL_TO_LADO for one in state.due)
    if state.category == CONCERN_CATEGORY_STAFF_ALLEGATION and not state.referred_to_lado and not known:
        refer_by = after_working_days(context.now, LADO_REFERRAL_WORKING_DAYS, TIME_ZONE)
        found.append(due_set(state, "lado", CONCERN_DUE_REFERRAL_TO_LADO, refer_by))
    return [*found, *_to_be_answered(state, context)]


def _to_be_answered(state: Concern, context: Context) -> list[ConcernDueSet]:
    """What was referred, has no answer, and is not chased since the concern was closed."""
    answer_by = after_working_days(context.now, REFERRAL_ANSWER_WORKING_DAYS, TIME_ZONE)
    answered = {referral_id for referral_id, _ in state.answers}
    return [
        due_set(state, f"referral-{referral_id}", CONCERN_DUE_ANSWER_TO_REFERRAL, answer_by)
        for referral_id, _ in state.referrals
        if referral_id not in answered and state.find_due(f"referral-{referral_id}") is None
    ]


def meet_due(
    state: Concern, command: MeetConcernDueRequest, context: Context
) -> list[
    ConcernAcknowledgementLapsed
    | ConcernFoundAboutDsl
    | ConcernAssigned
    | ConcernChased
    | ConcernDueSet
    | ConcernRotaLookedAt
    | ConcernPassingOnLapsed
    | ConcernTaskOverdue
]:
    """What was due and is not done: an acknowledgement without action lapses, and the next person is asked; all else is chased. What is left
    alone even so is given to whoever is on the last rung.

    Where somebody turned out to be in it, the rota tells whether it is about a DSL; then it goes past every DSL, whoever has it.

    Nothing where it was done, or put off, meanwhile. Raises NotYet before its time, as `escalate` does.
    """
    due = state.find_due(command.due_id)
    if due is None:
        return []
    if context.now < due.at:
        raise NotYet("DUE_AHEAD", f"{command.due_id} is due later. Come back once it is.")
    refuse_another_site(state, command.site_id)
    return [*_NOT_DONE.get(due.kind, _chased_again)(state, due, context)]


def _chased_again(state: Concern, due: Due, context: Context) -> list[ConcernChased | ConcernDueSet]:
    again = after_working_days(context.now, REFERRAL_ANSWER_WORKING_DAYS, TIME_ZONE)
    return [
        ConcernChased(concern_id=state.concern_id, due_id=due.due_id, kind=due.kind, handler_id=state.held_by_id),
        due_set(state, due.due_id, due.kind, again),
    ]


def _not_acted_on(
    state: Concern, _due: Due, context: Context
) -> list[ConcernAcknowledgementLapsed | ConcernFoundAboutDsl | ConcernAssigned]:
    lapsed_now = ConcernAcknowledgementLapsed(
        concern_id=state.concern_id, handler_id=state.acknowledged_by_id, step=state.step
    )
    return [lapsed_now, *asked_next(state, context)]


def _rota_to_be_looked_at(
    state: Concern, due: Due, context: Context
) -> list[ConcernRotaLookedAt | ConcernFoundAboutDsl | ConcernAssigned]:
    looked_at = ConcernRotaLookedAt(concern_id=state.concern_id, due_id=due.due_id)
    return [looked_at, *_past_every_dsl(state, context)]


def _left_alone(
    state: Concern, due: Due, context: Context
) -> list[ConcernChased | ConcernAcknowledgementLapsed | ConcernFoundAboutDsl | ConcernAssigned | ConcernDueSet]:
    """Nothing was recorded of it for as long as the policy allows: whoever has it is chased once, and after as long again loses it.

    Where something was, it is looked at again so long after that.
    """
    quiet_after = context.state(RoutingPolicy).quiet_after
    if state.worked_on_at is not None and context.now < state.worked_on_at + quiet_after:
        return [to_be_looked_at(state, state.worked_on_at + quiet_after)]
    if state.left_alone:
        lapsed_now = ConcernAcknowledgementLapsed(
            concern_id=state.concern_id, handler_id=state.held_by_id, step=state.step
        )
        return [lapsed_now, *asked_next(state, context, last=True)]
    return [
        ConcernChased(concern_id=state.concern_id, due_id=due.due_id, kind=due.kind, handler_id=state.held_by_id),
        to_be_looked_at(state, context.now + quiet_after),
    ]


def _not_taken(
    state: Concern, due: Due, context: Context
) -> list[ConcernPassingOnLapsed | ConcernChased | ConcernFoundAboutDsl | ConcernAssigned]:
    """Whoever passed it on has it still, and is told; where they stand on the rota no more, or are away, the next person is asked."""
    giver_id = state.held_by_id
    lapsed_now = ConcernPassingOnLapsed(concern_id=state.concern_id, passing_id=due.due_id, giver_id=giver_id)
    if may_have_it_still(state, giver_id, context):
        return [
            lapsed_now,
            ConcernChased(concern_id=state.concern_id, due_id=due.due_id, kind=due.kind, handler_id=giver_id),
        ]
    return [lapsed_now, *asked_next(state, context)]


# What follows where it was not done in time, by what it was; all else is chased each working day.
_NOT_DONE: Mapping[ConcernDue.ValueType, Callable[[Concern, Due, Context], Sequence[Any]]] = {
    CONCERN_DUE_ACTION: _not_acted_on,
    CONCERN_DUE_LOOK_AT_ROTA: _rota_to_be_looked_at,
    CONCERN_DUE_PASSING_ON: _not_taken,
    CONCERN_DUE_TASK: tasks.overdue,
    CONCERN_DUE_ACTIVITY: _left_alone,
}


def triage(
    state: Concern, command: TriageConcernRequest, context: Context
) -> list[ConcernTriaged | ConcernFoundAboutDsl | ConcernAssigned | ConcernDueSet]:
    """A handler says what it is and how serious. Where that makes it one about a DSL, it goes past every DSL at once."""
    person_id = handler(state, context)
    if (command.category, command.severity) == (state.category, state.severity):
        return []
    refuse_unless_open(state)
    refuse_another_site(state, command.site_id)
    if state.merged and _leaves_its_kind(state, command.category):
        raise Refusal(
            "CONCERNS_KEPT_APART",
            "Others are merged into this concern. What is about the conduct of staff is kept apart from what is not, and the LADO's time of an "
            "allegation runs here for them too. Separate them first.",
            field="category",
        )
    # The more serious, the lower its number.
    if state.merged and command.severity > state.severity:
        raise Refusal(
            "CONCERNS_KEPT_TOGETHER",
            "Others are merged into this concern, and what is added to them is asked for as soon as it is serious. Separate them first, or leave "
            "the severity as it is.",
            field="severity",
        )
    event = ConcernTriaged(
        concern_id=command.concern_id,
        handler_id=person_id,
        category=command.category,
        severity=command.severity,
        at=timestamp(context.now),
    )
    after = triaged(state, event)
    if past_every_dsl := _past_every_dsl(after, context):
        return [event, *past_every_dsl]
    to_lado = (one for one in to_be_acted_on(after, context) if one.kind == CONCERN_DUE_REFERRAL_TO_LADO)
    return [event, *to_lado, *_sooner(after, context)]


def _leaves_its_kind(state: Concern, category: ConcernCategory.ValueType) -> bool:
    ends_allegation = state.category == CONCERN_CATEGORY_STAFF_ALLEGATION != category
    return ends_allegation or is_about_staff(category) != is_about_staff(state.category)


def _sooner(state: Concern, context: Context) -> list[ConcernDueSet]:
    """What is more serious than was thought is to be acted on sooner; nothing is put off."""
    act_by = context.now + context.state(RoutingPolicy).act_within(state.severity)
    return [
        due_set(state, one.due_id, one.kind, act_by)
        for one in state.due
        if one.kind == CONCERN_DUE_ACTION and act_by < one.at
    ]


def triaged(state: Concern, event: ConcernTriaged) -> Concern:
    """It is this from here on. What is no allegation is not for the LADO."""
    is_allegation = event.category == CONCERN_CATEGORY_STAFF_ALLEGATION
    due = state.due if is_allegation else without_due(state.due, CONCERN_DUE_REFERRAL_TO_LADO)
    return worked_on(replace(state, category=event.category, severity=event.severity, due=due), event.at)


def assigned(state: Concern, event: ConcernAssigned) -> Concern:
    """Who is asked now, and until when: nobody has acknowledged what is to be read now. Whoever was asked stays a handler."""
    new = bool(event.assignee_id) and event.assignee_id not in state.asked_ids
    # What was added is told to whoever has it, and leaves with them what they passed on.
    state = state if event.assignee_role == ASSIGNEE_ROLE_HANDLER else without_offer(state)
    return replace(
        state,
        status=CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
        acknowledged_by_id="",
        raiser_role=event.raiser_role,
        assignee_id=event.assignee_id,
        asked_ids=(*state.asked_ids, event.assignee_id) if new else state.asked_ids,
        step=event.step,
        acknowledge_by=event.acknowledge_by.ToDatetime(tzinfo=UTC),
        due=without_due(state.due, CONCERN_DUE_ACTION, CONCERN_DUE_ACTIVITY),
        left_alone=False,
    )


def escalated(state: Concern, _event: ConcernEscalated) -> Concern:
    """The assignment that follows in the same commit says what is so now."""
    return state


def lapsed(state: Concern, _event: ConcernAcknowledgementLapsed) -> Concern:
    """The assignment that follows in the same commit says what is so now."""
    return state


def found_about_dsl(state: Concern, _event: ConcernFoundAboutDsl) -> Concern:
    """From here on it goes past every DSL, whatever the rota becomes: those who were asked before are handlers no more, and what was given to
    them to do is theirs no more.
    """
    due = without_due(state.due, CONCERN_DUE_TASK)
    return replace(tasks.ended(state), past_every_dsl=True, asked_ids=(), due=due)


def acknowledged(state: Concern, event: ConcernAcknowledged) -> Concern:
    """A person has it: no deadline for that runs any more. Where it was passed on, they take it, or give it to nobody else any more."""
    if state.is_offered_to(event.handler_id):
        new = event.handler_id not in state.asked_ids
        asked_ids = (*state.asked_ids, event.handler_id) if new else state.asked_ids
        state = replace(without_offer(state), assignee_id=event.handler_id, asked_ids=asked_ids)
    elif state.offer is not None and state.offer.giver_id != event.handler_id:
        state = without_offer(state)
    return replace(
        state,
        status=state.taken_as,
        acknowledge_by=None,
        acknowledged_by_id=event.handler_id,
        left_alone=False,
        due=without_due(state.due, CONCERN_DUE_ACTIVITY),
    )


def due(state: Concern, event: ConcernDueSet) -> Concern:
    """By then, and by no earlier time any more."""
    one = Due(event.due_id, event.kind, event.due_at.ToDatetime(tzinfo=UTC))
    if event.kind != CONCERN_DUE_ACTIVITY:
        return replace(state, due=(*without_due(state.due, due_id=event.due_id), one))
    # Each look has an id of its own, so that the alarm of an earlier one finds nothing.
    return replace(state, due=(*without_due(state.due, CONCERN_DUE_ACTIVITY), one), looks=state.looks + 1)


def chased(state: Concern, event: ConcernChased) -> Concern:
    """The next time follows in the same commit."""
    return replace(state, left_alone=True) if event.kind == CONCERN_DUE_ACTIVITY else state


def rota_looked_at(state: Concern, event: ConcernRotaLookedAt) -> Concern:
    """Where it is about a DSL, the events that follow in the same commit say what is so now."""
    return replace(state, due=without_due(state.due, due_id=event.due_id))


def _past_every_dsl(state: Concern, context: Context) -> list[ConcernFoundAboutDsl | ConcernAssigned]:
    """Where it turns out to be about a DSL: the senior lead is asked instead of whoever has it."""
    turns_out = by_the_rota(state, context.state(Rota)) != state
    return asked_next(state, context) if turns_out else []


def asked_next(
    state: Concern, context: Context, *, last: bool = False, rather: str = ""
) -> list[ConcernFoundAboutDsl | ConcernAssigned]:
    """The next person of the ladder is asked, or `rather` where they are on it; where it turns out to be about a DSL, past every DSL."""
    after = by_the_rota(state, context.state(Rota))
    found = [ConcernFoundAboutDsl(concern_id=state.concern_id)] if after != state else []
    return [*found, asked(after, state.step + 1, context, last=last, rather=rather)]
