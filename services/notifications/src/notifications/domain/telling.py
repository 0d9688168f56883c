"""Telling: one thing that happened, told once to each person with a legitimate need, and to nobody else.

The circle, the matrix and the conditions are read when it is told, and again before each notice is sent: who has lost the need by then is
not told.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, CircleMeant, Detail, NoticeRequested, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest, TellCircleRequest, TellPersonRequest

from notifications.domain.circle import Circle, Member
from notifications.domain.conditions import Conditions
from notifications.domain.contact import Contact
from notifications.domain.need_to_know import NeedToKnow, part_rule
from notifications.domain.occasions import (
    IN_TWO_COPIES,
    PARTS_IN_A_CIRCLE,
    PARTS_TOLD,
    TOLD_AMONG,
    is_part,
    is_safeguarding,
    may_be_no_party,
)

_CODE = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True)
class Telling:
    """Whether it has been told. Whom is in the events, and in the notices.

    `learner_id` and what follows say which circle was meant; the learner is empty where it was one person, or in old streams.
    """

    told: bool = False
    learner_id: str = ""
    kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_UNSPECIFIED
    mentorship_id: str = ""
    standard_reference: str = ""
    actor_id: str = ""
    or_kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_UNSPECIFIED

    def is_still_needed(
        self, notice: StartNoticeRequest, circle: Circle, matrix: NeedToKnow, conditions: Conditions, now: datetime
    ) -> bool:
        """Whether the recipient still has the need that the notice gives as its reason, in its detail at least."""
        if not self.learner_id:
            return True
        if is_part(notice.because):
            return bool(_has_part(circle, self, notice.recipient_id, notice.because))
        related = [(self.learner_id, Because.BECAUSE_LEARNER), *(_members(circle, self) or ())]
        if (notice.recipient_id, notice.because) not in related:
            return False
        rule = matrix.allowing_each(kinds_of(self), notice.because, conditions, now)
        return rule is not None and rule.detail >= notice.detail


telling = Aggregate("telling", initial=Telling())


@telling.decide
def tell_circle(state: Telling, command: TellCircleRequest, context: Context) -> list[NoticeRequested | CircleMeant]:
    """One notice for each person whose relationship to the learner the matrix tells of this kind; the highest detail counts.

    Whoever has a part in it is told in full by that, while they are attached, in whatever relationship; a part that needs nobody to be
    a party, unless they were one and left. The one who did it is not
    told. Of a mentorship that has ended only the learner is told. Nobody of another mentorship is told, and where nobody can say which
    one it is, nobody who does not belong to each.

    Raises NotYet CIRCLE_UNKNOWN, MENTOR_NOT_HEARD_OF or PARTY_NOT_HEARD_OF, and Refusal NOT_FOR_A_CIRCLE for what only TellPerson may
    tell, or PART_NOT_TOLD.
    """
    if state.told:
        return []
    _refuse_for_no_circle(command)
    notices = [
        NoticeRequested(
            telling_id=command.telling_id,
            notice_id=context.derive_id("notice", need.person_id),
            recipient_id=need.person_id,
            occasion=command.occasion,
            because=need.because,
            detail=need.detail,
            about_id=command.about_id,
            rule=need.rule,
            policy_version=need.policy_version,
        )
        for need in _needs(command, context)
        if need.person_id != command.actor_id
    ]
    if not notices:
        return []
    meant = CircleMeant(
        telling_id=command.telling_id,
        learner_id=command.learner_id,
        kind=command.kind,
        mentorship_id=command.mentorship_id,
        standard_reference=command.standard_reference,
        actor_id=command.actor_id,
        or_kind=command.or_kind,
    )
    return [*notices, meant]


@telling.decide
def tell_person(state: Telling, command: TellPersonRequest, context: Context) -> list[NoticeRequested]:
    """One notice about a concern, for one person's part in it, or about their own contact or skill.

    An alert goes to the contact that somebody else put in the place of theirs as well, for as long as it has not proved itself. That
    second copy says no more than that a concern waits: whoever put the contact there may be whom it is about.

    Raises Refusal NOT_FOR_ONE_PERSON or PART_NOT_TOLD.
    """
    if state.told:
        return []
    # A digest is of what was told already.
    if command.occasion not in PARTS_TOLD or command.occasion == Occasion.OCCASION_DIGEST:
        raise Refusal(
            "NOT_FOR_ONE_PERSON",
            f"{Occasion.Name(command.occasion)} is no occasion of a concern, a contact or a skill: use TellCircle, which asks the matrix.",
            field="occasion",
        )
    if command.because not in PARTS_TOLD[command.occasion]:
        raise Refusal(
            "PART_NOT_TOLD",
            f"{Occasion.Name(command.occasion)} is not told to {Because.Name(command.because)}: "
            "that a concern was received is for its raiser, that it is assigned for its assignee, "
            "that it was added to for its handler, a contact's end for its owner, a gap in the duty for the senior lead, "
            "a skill's last day for the mentor whose it is.",
            field="because",
        )
    contact = context.state(Contact)
    stood = contact.standing(context.now) if is_safeguarding(command.occasion) else command.registration
    notice = _copy(command, context.derive_id("notice", command.person_id), stood)
    notice.raiser_role, notice.category = _code_or_nothing(command.raiser_role), _code_or_nothing(command.category)
    if command.occasion not in IN_TWO_COPIES or not contact.on_trial(context.now):
        return [notice]
    second = _copy(command, context.derive_id("notice", command.person_id, "second copy"), stood)
    second.second_copy = True
    return [notice, second]


@telling.evolve
def notice_requested(state: Telling, _event: NoticeRequested) -> Telling:
    """All of a telling's notices are requested in one commit."""
    return replace(state, told=True)


@telling.evolve
def circle_meant(state: Telling, event: CircleMeant) -> Telling:
    """Who may be told is asked of this circle again."""
    return replace(
        state,
        learner_id=event.learner_id,
        kind=event.kind,
        mentorship_id=event.mentorship_id,
        standard_reference=event.standard_reference,
        actor_id=event.actor_id,
        or_kind=event.or_kind,
    )


def _members(circle: Circle, meant: TellCircleRequest | Telling) -> Iterable[Member] | None:
    if meant.mentorship_id:
        return circle.members_of(meant.mentorship_id)
    if meant.standard_reference:
        return circle.members_on(meant.standard_reference)
    return circle.members_of_each(meant.actor_id)


def _copy(command: TellPersonRequest, notice_id: str, registration: int) -> NoticeRequested:
    """What any copy says, wherever it goes."""
    return NoticeRequested(
        telling_id=command.telling_id,
        notice_id=notice_id,
        recipient_id=command.person_id,
        occasion=command.occasion,
        because=command.because,
        detail=Detail.DETAIL_FULL,
        about_id=command.about_id,
        registration=registration,
        rule=part_rule(command.because),
        about_version=command.about_version,
    )


@dataclass(frozen=True, slots=True)
class _Need:
    person_id: str
    because: Because.ValueType
    detail: Detail.ValueType
    rule: str
    policy_version: int = 0


def _refuse_for_no_circle(command: TellCircleRequest) -> None:
    """What is for single people, and a part that has no place in a circle, is told to none."""
    if command.occasion not in TOLD_AMONG or command.kind == InformationKind.INFORMATION_KIND_CONCERN:
        raise Refusal(
            "NOT_FOR_A_CIRCLE",
            "A concern and a person's own contact or skill are never told to a circle: use TellPerson for each who has a part in it.",
        )
    if any(part.because not in PARTS_IN_A_CIRCLE.get(command.occasion, ()) for part in command.parts):
        raise Refusal(
            "PART_NOT_TOLD",
            f"{Occasion.Name(command.occasion)} is not told to one of the parts given: an action is told to its owner and to the learner "
            "it is shared with, an assessment to whoever is asked for it, a sample's action to the assessor, an issue to whoever it is "
            "referred to.",
            field="parts",
        )


def _needs(command: TellCircleRequest, context: Context) -> Iterable[_Need]:
    """Who is to be told, and why: the parts first, then whom the matrix names. Each once, by what tells them most."""
    related = _related(context.state(Circle), command)
    return _greatest([*_parts(context.state(Circle), command), *_by_the_matrix(related, command, context)])


def _related(circle: Circle, command: TellCircleRequest) -> list[tuple[str, Because.ValueType]]:
    """The learner and whoever surrounds them. Raises NotYet where that has not been heard of."""
    members = _members(circle, command)
    if members is None:
        raise NotYet(
            "CIRCLE_UNKNOWN",
            f"Who surrounds learner {command.learner_id} has not been heard of yet: "
            "it comes with the MentorshipStarted of the sessions service; try again after that.",
        )
    surrounding = circle.of(command.mentorship_id)
    if command.mentor_id and surrounding is not None and not surrounding.has_heard_of(command.mentor_id):
        raise NotYet(
            "MENTOR_NOT_HEARD_OF",
            f"That {command.mentor_id} mentors in {command.mentorship_id} has not been heard of yet: "
            "it comes with the MentorChanged of the sessions service; try again after that.",
        )
    return [(command.learner_id, Because.BECAUSE_LEARNER), *members]


def _parts(circle: Circle, command: TellCircleRequest) -> Iterator[_Need]:
    for part in command.parts:
        has_part = _has_part(circle, command, part.person_id, part.because)
        if has_part is None:
            raise NotYet(
                "PARTY_NOT_HEARD_OF",
                f"That {part.person_id} is attached to learner {command.learner_id} has not been heard of yet: "
                "it comes with the PartyAttached of the sessions service; try again after that.",
            )
        if has_part:
            yield _Need(part.person_id, part.because, Detail.DETAIL_FULL, part_rule(part.because))


def _has_part(
    circle: Circle, meant: TellCircleRequest | Telling, person_id: str, because: Because.ValueType
) -> bool | None:
    """Whether they have it still; None where that cannot be told before they are heard of."""
    attached = _is_attached(circle, meant, person_id)
    # Who is no party is never heard of. Whoever was one, and left, is known to have.
    return attached is not False if may_be_no_party(because) else attached


def kinds_of(meant: TellCircleRequest | Telling) -> Sequence[InformationKind.ValueType]:
    """What it is of, or may be."""
    return [meant.kind, meant.or_kind] if meant.or_kind else [meant.kind]


def _is_attached(circle: Circle, meant: TellCircleRequest | Telling, person_id: str) -> bool | None:
    if person_id == meant.learner_id:
        return True
    return circle.is_attached(person_id, meant.mentorship_id, meant.standard_reference)


def _by_the_matrix(
    related: Iterable[tuple[str, Because.ValueType]], command: TellCircleRequest, context: Context
) -> Iterator[_Need]:
    matrix, conditions = context.state(NeedToKnow), context.state(Conditions)
    for person_id, because in related:
        rule = matrix.allowing_each(kinds_of(command), because, conditions, context.now)
        if rule is not None and because in TOLD_AMONG[command.occasion]:
            yield _Need(person_id, because, rule.detail, rule.name, matrix.version)


def _greatest(needs: Iterable[_Need]) -> Iterable[_Need]:
    """Each person's need of the highest detail, the first where several have it."""
    greatest: dict[str, _Need] = {}
    for need in needs:
        if need.person_id not in greatest or need.detail > greatest[need.person_id].detail:
            greatest[need.person_id] = need
    return greatest.values()


def _code_or_nothing(text: str) -> str:
    # The alert goes out whatever is wrong with its codes, and anything longer than a code may be narrative.
    return text if _CODE.fullmatch(text) else ""
