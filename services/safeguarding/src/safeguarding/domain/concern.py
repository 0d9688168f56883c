"""A concern, from the raise to its close: always with a status, and with a deadline until a person acknowledges it.

Once it was acknowledged, what others add to it waits for an acknowledgement like the concern itself.
The state holds ids and codes alone, never a text. Nobody at risk or named is ever assigned, whatever the rota becomes.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from eventkernel.aggregate import Aggregate, AlreadyDone, Context, NotYet, Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.options.v1.options_pb2 import Role
from mentoring.safeguarding.v1.events_pb2 import (
    ASSIGNEE_ROLE_HANDLER,
    CONCERN_CATEGORY_UNSPECIFIED,
    REFERRAL_BODY_UNSPECIFIED,
    SEVERITY_UNSPECIFIED,
    ConcernAcknowledged,
    ConcernActionRecorded,
    ConcernAddedTo,
    ConcernAssigned,
    ConcernCategory,
    ConcernClosed,
    ConcernClosureExplained,
    ConcernEscalated,
    ConcernFoundAboutDsl,
    ConcernRaised,
    ConcernReceived,
    Severity,
)
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_ACKNOWLEDGED,
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    CONCERN_STATUS_CLOSED,
    CONCERN_STATUS_IN_ACTION,
    CONCERN_STATUS_REFERRED,
    CONCERN_STATUS_UNSPECIFIED,
    AcknowledgeConcernRequest,
    AddToConcernRequest,
    CloseConcernRequest,
    ConcernStatus,
    EscalateConcernRequest,
    RaiseConcernRequest,
    RecordActionRequest,
)

from safeguarding.domain.duty_set import Duty
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import Step, is_about_a_dsl, is_among, ladder, next_step

_ANONYMOUS = "anonymous"
_ROLES = frozenset(name.removeprefix("ROLE_").lower() for name, number in Role.items() if number)


@dataclass(frozen=True, slots=True)
class Concern:
    """One concern. `acknowledge_by` is set exactly while it awaits acknowledgement; `taken_as` is its status once that is given."""

    concern_id: str = ""
    site_id: str = ""
    category: ConcernCategory.ValueType = CONCERN_CATEGORY_UNSPECIFIED
    severity: Severity.ValueType = SEVERITY_UNSPECIFIED
    status: ConcernStatus.ValueType = CONCERN_STATUS_UNSPECIFIED
    taken_as: ConcernStatus.ValueType = CONCERN_STATUS_ACKNOWLEDGED
    person_at_risk_id: str = ""
    excluded_ids: frozenset[str] = frozenset()
    past_every_dsl: bool = False
    raiser_id: str = ""
    raiser_role: str = ""
    content_digest: str = ""
    assignee_id: str = ""
    asked_ids: tuple[str, ...] = ()
    step: int = 0
    acknowledge_by: datetime | None = None
    acknowledged_by_id: str = ""
    added_to_at: datetime | None = None

    @property
    def held_by_id(self) -> str:
        """Who has it: whoever acknowledged it last, also once it is closed, else whoever is asked now; empty where nobody is."""
        return self.acknowledged_by_id or self.assignee_id

    def is_handler(self, person_id: str) -> bool:
        """Whether it is or was assigned to this person, who is neither at risk nor named in it."""
        return person_id in self.asked_ids and not is_among(person_id, self.excluded_ids)

    def is_raiser_or_handler(self, person_id: str) -> bool:
        """Whether this person may add to it."""
        return (bool(person_id) and person_id == self.raiser_id) or self.is_handler(person_id)


concern = Aggregate("concern", initial=Concern())


@concern.decide
def raise_concern(
    state: Concern, command: RaiseConcernRequest, context: Context
) -> list[ConcernRaised | ConcernReceived | ConcernAssigned]:
    """Takes a concern from anyone known, and asks the first person in the same commit. It is never refused for want of a rota."""
    digest = _digest(command, context)
    if state.status != CONCERN_STATUS_UNSPECIFIED:
        if state.content_digest == digest:
            return AlreadyDone()
        raise Refusal(
            "CONCERN_EXISTS",
            "This concern id is in use, so nothing of what was sent now is kept. Raise the concern again under a new id; "
            "to add to a concern that you raised before, use AddToConcern.",
            field="concern_id",
        )
    excluded = {command.person_at_risk_id, *command.named_person_ids}
    raised_now = ConcernRaised(
        concern_id=command.concern_id,
        site_id=command.site_id,
        category=command.category,
        severity=command.severity,
        person_at_risk_id=command.person_at_risk_id,
        named_person_ids=command.named_person_ids,
        raiser_id=context.principal.person_id,
        anonymous=command.anonymous,
        narrative=Sealed(to_be_sealed=command.narrative),
        past_every_dsl=is_about_a_dsl(context.state(Rota), command.category, excluded),
        content_digest=digest,
    )
    role = _ANONYMOUS if command.anonymous else _one_role(context.principal.roles)
    return [raised_now, _received(raised_now), _asked(replace(raised(state, raised_now), raiser_role=role), 0, context)]


@concern.decide
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
    if command.site_id != state.site_id:
        raise Refusal(
            "CONCERN_OF_ANOTHER_SITE",
            "The concern belongs to another site, whose rota was not read. Escalate with the site of its newest assignment.",
            field="site_id",
        )
    escalated_now = ConcernEscalated(concern_id=state.concern_id, unanswered_by_id=state.assignee_id, step=state.step)
    found = _found_about_a_dsl(state, context)
    return [escalated_now, *found, _asked(concern.fold(state, found), state.step + 1, context)]


@concern.decide
def acknowledge(state: Concern, command: AcknowledgeConcernRequest, context: Context) -> list[ConcernAcknowledged]:
    """A handler takes it, even one whose deadline has passed; that ends the escalation."""
    person_id = _handler(state, context)
    if state.acknowledged_by_id == person_id:
        return []
    if state.acknowledged_by_id:
        raise Refusal(
            "CONCERN_ALREADY_ACKNOWLEDGED",
            "Another handler has acknowledged this concern. Read its chronology, and agree with them who acts.",
        )
    return [ConcernAcknowledged(concern_id=command.concern_id, handler_id=person_id)]


@concern.decide
def record_action(state: Concern, command: RecordActionRequest, context: Context) -> list[ConcernActionRecorded]:
    """A handler records what was done, or to which body it was referred."""
    person_id = _handler(state, context)
    _refuse_unless_open(state)
    return [
        ConcernActionRecorded(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            handler_id=person_id,
            referred_to=command.referred_to,
            text=Sealed(to_be_sealed=command.text),
        )
    ]


@concern.decide
def close(
    state: Concern, command: CloseConcernRequest, context: Context
) -> list[ConcernClosureExplained | ConcernClosed]:
    """A handler closes it with a reason, which stays with the service. A second reason is refused, not dropped."""
    person_id = _handler(state, context)
    _refuse_unless_open(state)
    return [
        ConcernClosureExplained(
            concern_id=command.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            reason=Sealed(to_be_sealed=command.reason),
        ),
        ConcernClosed(concern_id=command.concern_id, handler_id=person_id),
    ]


@concern.decide
def add_to(state: Concern, command: AddToConcernRequest, context: Context) -> list[ConcernAddedTo | ConcernAssigned]:
    """Its raiser or a handler adds to it, at any time, and whoever has it is told: nothing that is said lies unread.

    Where it was acknowledged, or closed, it is to be acknowledged again, by a deadline that escalates like the first one.
    Where nobody has it, the next to be asked reads what was added with the rest.
    """
    author_id = context.principal.person_id
    if not state.is_raiser_or_handler(author_id):
        raise _not_yours()
    added = ConcernAddedTo(
        concern_id=command.concern_id,
        person_at_risk_id=state.person_at_risk_id,
        author_id=author_id,
        text=Sealed(to_be_sealed=command.text),
        at=_timestamp(context.now),
    )
    return [added] if state.held_by_id in {"", author_id} else [added, _asked_again(state, context)]


@concern.evolve
def raised(_state: Concern, event: ConcernRaised) -> Concern:
    """It awaits acknowledgement; its first assignment is in the same commit."""
    return Concern(
        concern_id=event.concern_id,
        site_id=event.site_id,
        category=event.category,
        severity=event.severity,
        status=CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
        person_at_risk_id=event.person_at_risk_id,
        excluded_ids=frozenset({event.person_at_risk_id, *event.named_person_ids}),
        past_every_dsl=event.past_every_dsl,
        raiser_id=event.raiser_id,
        content_digest=event.content_digest,
    )


@concern.evolve
def received(state: Concern, _event: ConcernReceived) -> Concern:
    """Tells the raiser; the concern stays what it is."""
    return state


@concern.evolve
def assigned(state: Concern, event: ConcernAssigned) -> Concern:
    """Who is asked now, and until when: nobody has acknowledged what is to be read now. Whoever was asked stays a handler."""
    new = bool(event.assignee_id) and event.assignee_id not in state.asked_ids
    return replace(
        state,
        status=CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
        acknowledged_by_id="",
        raiser_role=event.raiser_role,
        assignee_id=event.assignee_id,
        asked_ids=(*state.asked_ids, event.assignee_id) if new else state.asked_ids,
        step=event.step,
        acknowledge_by=event.acknowledge_by.ToDatetime(tzinfo=UTC),
    )


@concern.evolve
def escalated(state: Concern, _event: ConcernEscalated) -> Concern:
    """The assignment that follows in the same commit says what is so now."""
    return state


@concern.evolve
def found_about_dsl(state: Concern, _event: ConcernFoundAboutDsl) -> Concern:
    """From here on it goes past every DSL, whatever the rota becomes."""
    return replace(state, past_every_dsl=True)


@concern.evolve
def acknowledged(state: Concern, event: ConcernAcknowledged) -> Concern:
    """A person has it: no deadline runs any more."""
    return replace(state, status=state.taken_as, acknowledge_by=None, acknowledged_by_id=event.handler_id)


@concern.evolve
def action_recorded(state: Concern, event: ConcernActionRecorded) -> Concern:
    """In action; once it was referred, it stays referred."""
    referred = event.referred_to != REFERRAL_BODY_UNSPECIFIED or state.taken_as == CONCERN_STATUS_REFERRED
    status = CONCERN_STATUS_REFERRED if referred else CONCERN_STATUS_IN_ACTION
    return replace(state, status=status, taken_as=status)


@concern.evolve
def closure_explained(state: Concern, _event: ConcernClosureExplained) -> Concern:
    """The reason is a text: the state keeps none."""
    return state


@concern.evolve
def closed(state: Concern, _event: ConcernClosed) -> Concern:
    """Closed."""
    return replace(state, status=CONCERN_STATUS_CLOSED)


@concern.evolve
def added_to(state: Concern, event: ConcernAddedTo) -> Concern:
    """What was added is a text: the state keeps none, and when it was added."""
    return replace(state, added_to_at=event.at.ToDatetime(tzinfo=UTC)) if event.HasField("at") else state


def _digest(command: RaiseConcernRequest, context: Context) -> str:
    """What tells a repeat from another concern. The id in it keeps two concerns of the same words apart."""
    content = RaiseConcernRequest()
    content.CopyFrom(command)
    content.named_person_ids[:] = sorted(command.named_person_ids)
    raiser = context.principal.person_id.encode()
    return context.digest(raiser + b"\n" + content.SerializeToString(deterministic=True))


def _one_role(roles: frozenset[str]) -> str:
    """One of the raiser's roles, always the same; of a token's roles, only those that the contract knows leave the service."""
    return min(roles & _ROLES, default="anyone_known")


def _received(event: ConcernRaised) -> ConcernReceived:
    involved = is_among(event.raiser_id, (event.person_at_risk_id, *event.named_person_ids))
    return ConcernReceived(
        concern_id=event.concern_id,
        raiser_id="" if event.anonymous or involved else event.raiser_id,
        severity=event.severity,
    )


def _found_about_a_dsl(state: Concern, context: Context) -> list[ConcernFoundAboutDsl]:
    about = is_about_a_dsl(context.state(Rota), state.category, state.excluded_ids)
    return [ConcernFoundAboutDsl(concern_id=state.concern_id)] if about and not state.past_every_dsl else []


def _asked(state: Concern, number: int, context: Context) -> ConcernAssigned:
    """The next person of the rota who is on duty now, with the deadline that the policy gives now."""
    steps = ladder(
        context.state(Duty).calendar.on_duty(context.state(Rota), context.now),
        state.excluded_ids,
        past_every_dsl=state.past_every_dsl,
        last_resort_id=context.state(RoutingPolicy).last_resort_id,
    )
    return _assignment(state, next_step(steps, state.asked_ids), number, _from_now(state, context))


def _asked_again(state: Concern, context: Context) -> ConcernAssigned:
    """Whoever has it, since it was added to. A deadline that runs stays: additions must not put it off."""
    whom = Step(state.held_by_id, ASSIGNEE_ROLE_HANDLER)
    if state.acknowledge_by is not None:
        return _assignment(state, whom, state.step, state.acknowledge_by)
    return _assignment(state, whom, state.step + 1, _from_now(state, context))


def _from_now(state: Concern, context: Context) -> datetime:
    return context.now + context.state(RoutingPolicy).acknowledge_within(state.severity)


def _assignment(state: Concern, whom: Step, number: int, acknowledge_by: datetime) -> ConcernAssigned:
    return ConcernAssigned(
        concern_id=state.concern_id,
        site_id=state.site_id,
        category=state.category,
        severity=state.severity,
        raiser_role=state.raiser_role,
        assignee_id=whom.person_id,
        assignee_role=whom.role,
        acknowledge_by=_timestamp(acknowledge_by),
        step=number,
        handling_id=f"{state.concern_id}.{whom.person_id}",
    )


def _timestamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found


def _handler(state: Concern, context: Context) -> str:
    if not state.is_handler(context.principal.person_id):
        raise _not_yours()
    return context.principal.person_id


def _not_yours() -> Refusal:
    # The same words whether or not there is such a concern.
    return Refusal(
        "CONCERN_NOT_YOURS",
        "No concern with this id was raised by you or given to you. Check the id; to report something, raise a concern.",
        field="concern_id",
    )


def _refuse_unless_open(state: Concern) -> None:
    if state.status == CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT:
        raise Refusal(
            "CONCERN_NOT_ACKNOWLEDGED",
            "Nobody has acknowledged this concern yet, or what was added to it since. Read and acknowledge it first.",
        )
    if state.status == CONCERN_STATUS_CLOSED:
        raise Refusal("CONCERN_CLOSED", "This concern is closed. Add to it with AddToConcern, or raise a new concern.")
