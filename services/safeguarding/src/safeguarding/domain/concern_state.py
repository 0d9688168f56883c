"""A concern as it stands, and what every decision on one needs: who has it, who is asked next, what is due.

The state holds ids and codes alone, never a text. Nobody at risk or named is ever assigned, whatever the rota becomes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from eventkernel.aggregate import Context, Refusal
from eventkernel.timestamps import timestamp
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.safeguarding.v1.events_pb2 import (
    ASSIGNEE_ROLE_HANDLER,
    ASSIGNEE_ROLE_NEXT_TO_BE_ASKED,
    CONCERN_CATEGORY_UNSPECIFIED,
    SEVERITY_UNSPECIFIED,
    ConcernAssigned,
    ConcernCategory,
    Severity,
)
from mentoring.safeguarding.v1.handling_events_pb2 import (
    CONCERN_DUE_ACTIVITY,
    CONCERN_DUE_LOOK_AT_ROTA,
    CONCERN_DUE_PASSING_ON,
    ConcernDue,
    ConcernDueSet,
)
from mentoring.safeguarding.v1.merging_events_pb2 import MergedConcernAddedTo
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_ACKNOWLEDGED,
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    CONCERN_STATUS_CLOSED,
    CONCERN_STATUS_MERGED,
    CONCERN_STATUS_UNSPECIFIED,
    ConcernStatus,
)

from safeguarding.domain.attachment import Attachment
from safeguarding.domain.duty_set import Duty
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota
from safeguarding.domain.routing import Step, is_about_a_dsl, is_about_staff, is_among, next_step, route


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done by a time; `kind` is a ConcernDue."""

    due_id: str
    kind: ConcernDue.ValueType
    at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """That a person is asked to take it from whoever has it."""

    passing_id: str
    giver_id: str
    receiver_id: str


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that a person is to do about it."""

    task_id: str
    assignee_id: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Leading:
    """What a concern is merged into, by which of its mergings."""

    concern_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Merged:
    """A concern that is merged into this one, or is about to be. `heard` counts the additions to it that whoever has this one was told of;
    -1: not even that it is merged. `by_id` merged them, who had the other then.
    """

    concern_id: str
    number: int
    heard: int
    by_id: str = ""


_NEXT = Step("", ASSIGNEE_ROLE_NEXT_TO_BE_ASKED)


@dataclass(frozen=True, slots=True)
class Concern:
    """One concern. `acknowledge_by` is set exactly while it awaits acknowledgement; `taken_as` is its status once that is given.

    `worked_on_at` is when a handler last recorded something, where that is known; `left_alone`, that they were chased since. `looks`
    counts how often it was arranged to look whether they did.

    `parts` has a PartInConcern by person, of those who were given one. `referrals` has a ReferredTo by referral, `answered` those
    that were answered.

    `in_it_ids` are the person at risk and everybody named, `kept_away_ids` those who are so in a concern that was merged with it.
    `merged` are those merged into it, `leading` is what it is merged into itself, `answered` the newest merging of it that was answered.
    """

    concern_id: str = ""
    site_id: str = ""
    category: ConcernCategory.ValueType = CONCERN_CATEGORY_UNSPECIFIED
    severity: Severity.ValueType = SEVERITY_UNSPECIFIED
    status: ConcernStatus.ValueType = CONCERN_STATUS_UNSPECIFIED
    taken_as: ConcernStatus.ValueType = CONCERN_STATUS_ACKNOWLEDGED
    person_at_risk_id: str = ""
    in_it_ids: frozenset[str] = frozenset()
    kept_away_ids: frozenset[str] = frozenset()
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
    additions: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    referrals: tuple[tuple[str, int], ...] = ()
    answers: tuple[tuple[str, int], ...] = ()
    referred_to_lado: bool = False
    due: tuple[Due, ...] = ()
    offer: Offer | None = None
    passings: int = 0
    worked_on_at: datetime | None = None
    left_alone: bool = False
    looks: int = 0
    attachments: tuple[Attachment, ...] = ()
    given: tuple[Task, ...] = ()
    merged: tuple[Merged, ...] = ()
    mergings: int = 0
    leading: Leading | None = None
    answered: Leading | None = None

    @property
    def excluded_ids(self) -> frozenset[str]:
        """Everybody who is never asked, told or shown anything of it."""
        return self.in_it_ids | self.kept_away_ids

    @property
    def held_by_id(self) -> str:
        """Who has it: whoever acknowledged it last, also once it is closed, else whoever is asked now; empty where nobody is."""
        return self.acknowledged_by_id or self.assignee_id

    def is_handler(self, person_id: str) -> bool:
        """Whether it is or was assigned to this person, or is passed on to them now; never one who is at risk or named in it."""
        asked = person_id in self.asked_ids or self.is_offered_to(person_id)
        return asked and not is_among(person_id, self.excluded_ids)

    def is_offered_to(self, person_id: str) -> bool:
        """Whether this person is asked to take it from whoever has it."""
        return self.offer is not None and self.offer.receiver_id == person_id

    def is_raiser_or_handler(self, person_id: str) -> bool:
        """Whether this person may add to it."""
        return self.is_raiser(person_id) or self.is_handler(person_id)

    def is_raiser(self, person_id: str) -> bool:
        """Whether this person raised it."""
        return bool(person_id) and person_id == self.raiser_id

    def has_task(self, person_id: str) -> bool:
        """Whether this person, who is neither at risk nor named, is to do something about it."""
        return any(task.is_open and task.assignee_id == person_id for task in self.given) and not is_among(
            person_id, self.excluded_ids
        )

    def find_task(self, task_id: str) -> Task | None:
        """What was given under this id, done or not."""
        return next((task for task in self.given if task.task_id == task_id), None)

    @property
    def tasks(self) -> tuple[Due, ...]:
        """What people are to do, the nearest first; what the platform does by itself is none of it."""
        return tuple(sorted((one for one in self.due if one.kind != CONCERN_DUE_LOOK_AT_ROTA), key=lambda one: one.at))

    def attachment(self, attachment_id: str) -> Attachment | None:
        """The attachment of this id, however far it came."""
        return next((one for one in self.attachments if one.attachment_id == attachment_id), None)

    def find_merged(self, concern_id: str) -> Merged | None:
        """The concern of this id, where it is merged into this one or about to be."""
        return next((one for one in self.merged if one.concern_id == concern_id), None)

    def find_due(self, due_id: str) -> Due | None:
        """What is due under this id, unless it is done."""
        return next((one for one in self.due if one.due_id == due_id), None)


def by_the_rota(state: Concern, its_rota: Rota) -> Concern:
    """As it is once the rota is looked at: where it turns out to be about a DSL it goes past every DSL, and nobody was asked yet."""
    if state.past_every_dsl or not is_about_a_dsl(its_rota, state.category, state.excluded_ids):
        return state
    return replace(state, past_every_dsl=True, asked_ids=())


def asked(state: Concern, number: int, context: Context, *, last: bool = False, rather: str = "") -> ConcernAssigned:
    """The next person of the ladder as it is now, or whoever is on its last rung, or `rather` where they are on it, with the deadline that
    the policy gives now, and which version of it that was.
    """
    its_policy = context.state(RoutingPolicy)
    steps = route(state, context.state(Rota), context.state(Duty).calendar, its_policy, context.now)
    following = next_step(steps[-1:] if last else steps, state.asked_ids)
    whom = next((step for step in steps if step.person_id == rather), following)
    found = assignment(state, whom, number, from_now(state, context))
    found.policy_version = its_policy.version
    return found


def asked_again(state: Concern, context: Context) -> ConcernAssigned:
    """Whoever has it, since it was added to. A deadline that runs stays: additions must not put it off."""
    whom = Step(state.held_by_id, ASSIGNEE_ROLE_HANDLER)
    if state.acknowledge_by is not None:
        return assignment(state, whom, state.step, state.acknowledge_by)
    return assignment(state, whom, state.step + 1, from_now(state, context))


def told_of_addition(state: Concern, author_id: str, context: Context) -> list[ConcernAssigned | MergedConcernAddedTo]:
    """Whoever has it is asked again, unless they added it. Where nobody has it, the next to be asked reads it with the rest. Where it is
    merged, the leading concern hears of it, and whoever has that is asked.
    """
    if state.leading is not None:
        return [MergedConcernAddedTo(concern_id=state.concern_id, leading_id=state.leading.concern_id)]
    return [] if state.held_by_id in {"", author_id} else [asked_again(state, context)]


def taken_away(state: Concern, ids: Collection[str], context: Context) -> list[ConcernAssigned]:
    """Where whoever has it turns out to be kept away: nobody has it, and a deadline that is over asks the next person of the rota."""
    if state.leading is not None or not is_among(state.held_by_id, ids):
        return []
    return [assignment(state, _NEXT, state.step + 1, context.now)]


def looked_into(state: Concern, ids: Collection[str], context: Context) -> list[ConcernDueSet]:
    """Where somebody new turns out to be in a concern about staff: whether they are a DSL is asked of the rota, which only the
    platform reads with a site of its own knowing. So it is due at once, and survives whatever happens meanwhile. What is merged is looked
    into as its leading concern, and by itself once it is separated.
    """
    new = any(not is_among(person_id, state.excluded_ids) for person_id in ids)
    if not new or state.leading is not None or state.past_every_dsl or not is_about_staff(state.category):
        return []
    return [due_set(state, f"rota-{len(state.excluded_ids)}", CONCERN_DUE_LOOK_AT_ROTA, context.now)]


def assignment(state: Concern, whom: Step, number: int, acknowledge_by: datetime) -> ConcernAssigned:
    """That this person is asked, until then."""
    return ConcernAssigned(
        concern_id=state.concern_id,
        site_id=state.site_id,
        category=state.category,
        severity=state.severity,
        raiser_role=state.raiser_role,
        assignee_id=whom.person_id,
        assignee_role=whom.role,
        acknowledge_by=timestamp(acknowledge_by),
        step=number,
        handling_id=f"{state.concern_id}.{whom.person_id}",
    )


def from_now(state: Concern, context: Context) -> datetime:
    """Until when a person has who is asked now."""
    return context.now + context.state(RoutingPolicy).acknowledge_within(state.severity)


def due_set(state: Concern, due_id: str, kind: ConcernDue.ValueType, at: datetime) -> ConcernDueSet:
    """That this is to be done by then."""
    return ConcernDueSet(
        concern_id=state.concern_id, site_id=state.site_id, due_id=due_id, kind=kind, due_at=timestamp(at)
    )


def without_due(due: Sequence[Due], *kinds: ConcernDue.ValueType, due_id: str = "") -> tuple[Due, ...]:
    """What is still due once all of these kinds, and what has this id, is done."""
    return tuple(one for one in due if one.kind not in kinds and one.due_id != due_id)


def worked_on(state: Concern, at: Timestamp) -> Concern:
    """A handler recorded something of it; what was stored before events said when has no seconds."""
    return replace(
        state, worked_on_at=at.ToDatetime(tzinfo=UTC) if at.seconds else state.worked_on_at, left_alone=False
    )


def to_be_looked_at(state: Concern, at: datetime) -> ConcernDueSet:
    """That something is to be recorded of it by then."""
    return due_set(state, f"activity-{state.looks + 1}", CONCERN_DUE_ACTIVITY, at)


def without_offer(state: Concern) -> Concern:
    """Nobody is asked to take it from whoever has it."""
    return replace(state, offer=None, due=without_due(state.due, CONCERN_DUE_PASSING_ON))


def handler(state: Concern, context: Context) -> str:
    """The caller, who is a handler of it."""
    if not state.is_handler(context.principal.person_id):
        raise not_yours()
    return context.principal.person_id


def not_yours() -> Refusal:
    """The same words whether or not there is such a concern."""
    return Refusal(
        "CONCERN_NOT_YOURS",
        "No concern with this id was raised by you or given to you. Check the id; to report something, raise a concern.",
        field="concern_id",
    )


def refuse_another_site(state: Concern, site_id: str) -> None:
    """A rota was read by what the caller says the site is: it has to be the concern's own."""
    if state.site_id and not site_id:
        raise Refusal("SITE_MISSING", "Give the concern's own site, as GetConcern tells it.", field="site_id")
    if site_id != state.site_id:
        raise Refusal(
            "CONCERN_OF_ANOTHER_SITE",
            "The concern belongs to another site, whose rota was not read. Come with the site of its newest assignment.",
            field="site_id",
        )


def refuse_unless_open(state: Concern) -> None:
    """Only what somebody has acknowledged, and nobody closed or merged, is acted on."""
    refuse_merged(state)
    if state.status == CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT:
        raise Refusal(
            "CONCERN_NOT_ACKNOWLEDGED",
            "Nobody has acknowledged this concern yet, or what was added to it since. Read and acknowledge it first.",
        )
    if state.status == CONCERN_STATUS_CLOSED:
        raise Refusal(
            "CONCERN_CLOSED",
            "This concern is closed. Reopen it with ReopenConcern, add to it with AddToConcern, or raise a new concern.",
        )


def refuse_merged(state: Concern) -> None:
    """What is merged is acted on as its leading concern."""
    if state.status == CONCERN_STATUS_MERGED:
        raise Refusal(
            "CONCERN_MERGED",
            "This concern is merged into another. Act on that one, or separate them first with SeparateConcern.",
        )
