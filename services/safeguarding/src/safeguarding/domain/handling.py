"""What those who have a concern do about it: actions, decisions and advice, referrals and their answers, its close and its reopening."""

from dataclasses import replace

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.events_pb2 import (
    REFERRAL_BODY_LADO,
    REFERRAL_BODY_UNSPECIFIED,
    ConcernActionRecorded,
    ConcernClosed,
    ConcernClosureExplained,
)
from mentoring.safeguarding.v1.handling_events_pb2 import (
    CONCERN_DUE_ACTION,
    CONCERN_DUE_ANSWER_TO_REFERRAL,
    CONCERN_DUE_LOOK_AT_ROTA,
    CONCERN_DUE_REFERRAL_TO_LADO,
    REFERRED_TO_LADO,
    ConcernDueSet,
    ConcernReferralAnswered,
    ConcernReferralMade,
    ConcernReopened,
    ConcernReopeningExplained,
)
from mentoring.safeguarding.v1.handling_pb2 import AnswerReferralRequest, ReferConcernRequest, ReopenConcernRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_CLOSED,
    CONCERN_STATUS_IN_ACTION,
    CONCERN_STATUS_REFERRED,
    CloseConcernRequest,
    RecordActionRequest,
)

from safeguarding.domain import tasks
from safeguarding.domain.asking import to_be_acted_on
from safeguarding.domain.concern_state import (
    Concern,
    due_set,
    handler,
    refuse_merged,
    refuse_unless_open,
    without_due,
    worked_on,
)
from safeguarding.domain.working_days import after_working_days
from safeguarding.policy_defaults import REFERRAL_ANSWER_WORKING_DAYS, TIME_ZONE


def record_action(state: Concern, command: RecordActionRequest, context: Context) -> list[ConcernActionRecorded]:
    """A handler records what was done or decided and why, whose advice was asked, or to which body it was referred."""
    person_id = handler(state, context)
    refuse_unless_open(state)
    return [
        ConcernActionRecorded(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            handler_id=person_id,
            referred_to=command.referred_to,
            text=Sealed(to_be_sealed=command.text),
            kind=command.kind,
            at=timestamp(context.now),
        )
    ]


def refer(state: Concern, command: ReferConcernRequest, context: Context) -> list[ConcernReferralMade | ConcernDueSet]:
    """Referred to another body, whose answer is chased from the next working day on."""
    person_id = handler(state, context)
    made = dict(state.referrals)
    if made.get(command.referral_id) == command.body:
        return []
    refuse_unless_open(state)
    if command.referral_id in made:
        raise Refusal(
            "REFERRAL_EXISTS",
            f"referral {command.referral_id} went to another body; give this one an id of its own",
            field="referral_id",
        )
    answer_by = after_working_days(context.now, REFERRAL_ANSWER_WORKING_DAYS, TIME_ZONE)
    return [
        ConcernReferralMade(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            referral_id=command.referral_id,
            handler_id=person_id,
            body=command.body,
            text=Sealed(to_be_sealed=command.text),
            at=timestamp(context.now),
        ),
        due_set(state, f"referral-{command.referral_id}", CONCERN_DUE_ANSWER_TO_REFERRAL, answer_by),
    ]


def answer_referral(state: Concern, command: AnswerReferralRequest, context: Context) -> list[ConcernReferralAnswered]:
    """What the body answered. A further answer is one more: none replaces another."""
    person_id = handler(state, context)
    if (command.referral_id, command.answer) in state.answers:
        return []
    refuse_unless_open(state)
    if command.referral_id not in dict(state.referrals):
        raise Refusal(
            "REFERRAL_UNKNOWN", f"no referral {command.referral_id} was made; check the id", field="referral_id"
        )
    return [
        ConcernReferralAnswered(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            referral_id=command.referral_id,
            handler_id=person_id,
            answer=command.answer,
            text=Sealed(to_be_sealed=command.text),
            at=timestamp(context.now),
        )
    ]


def close(
    state: Concern, command: CloseConcernRequest, context: Context
) -> list[ConcernClosureExplained | ConcernClosed]:
    """A handler closes it with a reason, which stays with the service. A second reason is refused, not dropped."""
    person_id = handler(state, context)
    refuse_unless_open(state)
    return [
        ConcernClosureExplained(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            reason=Sealed(to_be_sealed=command.reason),
        ),
        ConcernClosed(concern_id=command.concern_id, handler_id=person_id),
    ]


def reopen(
    state: Concern, command: ReopenConcernRequest, context: Context
) -> list[ConcernReopeningExplained | ConcernReopened | ConcernDueSet]:
    """A handler takes it up again, with a reason which stays with the service: they have it, and are to act."""
    person_id = handler(state, context)
    refuse_merged(state)
    if state.status != CONCERN_STATUS_CLOSED:
        raise Refusal(
            "CONCERN_NOT_CLOSED", "This concern is open. Act on it, or acknowledge it first where it waits for that."
        )
    return [
        ConcernReopeningExplained(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            reason=Sealed(to_be_sealed=command.reason),
        ),
        ConcernReopened(concern_id=command.concern_id, handler_id=person_id),
        *to_be_acted_on(state, context),
    ]


def action_recorded(state: Concern, event: ConcernActionRecorded) -> Concern:
    """In action; once it was referred, it stays referred."""
    state = worked_on(state, event.at)
    if event.referred_to != REFERRAL_BODY_UNSPECIFIED:
        return _referred(state, to_lado=event.referred_to == REFERRAL_BODY_LADO)
    status = CONCERN_STATUS_REFERRED if state.taken_as == CONCERN_STATUS_REFERRED else CONCERN_STATUS_IN_ACTION
    return replace(state, status=status, taken_as=status, due=without_due(state.due, CONCERN_DUE_ACTION))


def referral_made(state: Concern, event: ConcernReferralMade) -> Concern:
    """Referred; its answer is due, which follows in the same commit."""
    state = worked_on(state, event.at)
    referrals = (*state.referrals, (event.referral_id, event.body))
    return replace(_referred(state, to_lado=event.body == REFERRED_TO_LADO), referrals=referrals)


def referral_answered(state: Concern, event: ConcernReferralAnswered) -> Concern:
    """Nothing is chased of it any more."""
    return replace(
        worked_on(state, event.at),
        answers=(*state.answers, (event.referral_id, event.answer)),
        due=without_due(state.due, CONCERN_DUE_ACTION, due_id=f"referral-{event.referral_id}"),
    )


def closure_explained(state: Concern, _event: ConcernClosureExplained) -> Concern:
    """The reason is a text: the state keeps none."""
    return state


def closed(state: Concern, _event: ConcernClosed) -> Concern:
    """Closed: there is nothing to do any more. Whether it is about a DSL is found out all the same."""
    found_out = tuple(one for one in state.due if one.kind == CONCERN_DUE_LOOK_AT_ROTA)
    return replace(tasks.ended(state), status=CONCERN_STATUS_CLOSED, due=found_out, offer=None, left_alone=False)


def reopening_explained(state: Concern, _event: ConcernReopeningExplained) -> Concern:
    """The reason is a text: the state keeps none."""
    return state


def reopened(state: Concern, event: ConcernReopened) -> Concern:
    """Whoever reopened it has it, as what it was before it was closed."""
    return replace(state, status=state.taken_as, acknowledged_by_id=event.handler_id)


def _referred(state: Concern, *, to_lado: bool) -> Concern:
    done = (CONCERN_DUE_ACTION, CONCERN_DUE_REFERRAL_TO_LADO) if to_lado else (CONCERN_DUE_ACTION,)
    return replace(
        state,
        status=CONCERN_STATUS_REFERRED,
        taken_as=CONCERN_STATUS_REFERRED,
        referred_to_lado=state.referred_to_lado or to_lado,
        due=without_due(state.due, *done),
    )
