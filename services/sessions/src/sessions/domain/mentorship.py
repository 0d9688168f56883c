"""A learner's mentorships: each one mentor, one standard, one employer, its parties and its boundaries.

Never two active mentorships of one standard, and none in which the learner is the mentor or a party.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import (
    BoundariesAgreed,
    BreakInLearningEnded,
    BreakInLearningStarted,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CancelMentorshipRequest,
    CompleteMentorshipRequest,
    EndBreakInLearningRequest,
    StartBreakInLearningRequest,
    StartMentorshipRequest,
)

from sessions.domain.days import day
from sessions.domain.standard import Standard


class MentorshipStatus(IntEnum):
    """Where a mentorship stands. It ends once, and stays ended."""

    ACTIVE = 1
    CANCELLED = 2
    COMPLETED = 3


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """A person attached to a mentorship; `relationship` is a PartyRelationship."""

    person_id: str
    relationship: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a mentorship was started with. The boundaries are not in it: they are sealed, so a repeat cannot be held against them."""

    mentor_id: str
    reference: str
    version: str
    employer_id: str
    site_id: str
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """A break in learning, by its ISO days, whose texts sort as they do; `expected_return` and `returned_on` are empty while nobody knows. Why is sealed."""

    first_day: str
    expected_return: str
    returned_on: str = ""


@dataclass(frozen=True, slots=True)
class Mentorship:
    """One mentorship. It keeps the codes of its standard's version, whatever becomes of the standard."""

    mentorship_id: str
    terms: Terms
    ksb_codes: tuple[str, ...]
    status: MentorshipStatus = MentorshipStatus.ACTIVE
    cancel_reason: int = 0
    newest_break: Break | None = None

    @property
    def current_break(self) -> Break | None:
        """The break that the learner is on and means to come back from."""
        return None if self.newest_break is None or self.newest_break.returned_on else self.newest_break


@dataclass(frozen=True, slots=True)
class Mentorships:
    """All mentorships of one learner, ended ones too."""

    all: tuple[Mentorship, ...] = ()

    @property
    def active(self) -> tuple[Mentorship, ...]:
        """Those that have not ended."""
        return tuple(one for one in self.all if one.status is MentorshipStatus.ACTIVE)

    def find(self, mentorship_id: str) -> Mentorship | None:
        """The mentorship with this id."""
        return next((one for one in self.all if one.mentorship_id == mentorship_id), None)

    def find_active(self, mentorship_id: str) -> Mentorship | None:
        """The mentorship with this id, unless it has ended."""
        return next((one for one in self.active if one.mentorship_id == mentorship_id), None)

    def is_mentored_by(self, person_id: str) -> bool:
        """Whether this person mentors the learner in an active mentorship."""
        return any(one.terms.mentor_id == person_id for one in self.active)

    def was_ever_mentored_by(self, person_id: str) -> bool:
        """Whether this person mentors the learner, or did until a mentorship ended."""
        return any(one.terms.mentor_id == person_id for one in self.all)


mentorships = Aggregate("mentorships", initial=Mentorships())


@mentorships.decide
def start(
    state: Mentorships, command: StartMentorshipRequest, context: Context
) -> list[MentorshipStarted | BoundariesAgreed]:
    """Starts a mentorship on a version of a standard that is known here, with the boundaries agreed (B2)."""
    terms = _terms(command)
    existing = state.find(command.mentorship_id)
    if existing is not None and existing.terms == terms:
        return []
    if existing is not None:
        raise Refusal(
            "DUPLICATE_MENTORSHIP",
            f"mentorship {command.mentorship_id} was started on other terms; start this one under a new id",
            field="mentorship_id",
        )
    _refuse_learner_in_another_part(command)
    same = next((one for one in state.active if one.terms.reference == terms.reference), None)
    if same is not None:
        raise Refusal(
            "DUPLICATE_MENTORSHIP",
            f"the learner is being mentored on {terms.reference} already, in mentorship {same.mentorship_id}; "
            "complete or cancel that one first",
            field="standard",
        )
    codes = context.state(Standard).codes_of(terms.version)
    if codes is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{terms.reference} {terms.version} is not known here; import it into the evidence service first: "
            "it is heard of within moments",
            field="standard",
        )
    return [
        MentorshipStarted(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=command.mentor_id,
            standard=command.standard,
            employer_id=command.employer_id,
            site_id=command.site_id,
            parties=command.parties,
            ksb_codes=codes,
        ),
        BoundariesAgreed(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            boundaries=Sealed(to_be_sealed="\n".join(command.boundaries)),
        ),
    ]


@mentorships.decide
def cancel(state: Mentorships, command: CancelMentorshipRequest, _context: Context) -> list[MentorshipCancelled]:
    """Ends a mentorship before its goal, with a reason. Moving to another standard is one (transferred)."""
    found = _known(state, command.mentorship_id)
    if found.status is MentorshipStatus.CANCELLED and found.cancel_reason == command.reason:
        return []
    _refuse_ended(found)
    return [
        MentorshipCancelled(learner_id=command.learner_id, mentorship_id=command.mentorship_id, reason=command.reason)
    ]


@mentorships.decide
def complete(state: Mentorships, command: CompleteMentorshipRequest, _context: Context) -> list[MentorshipCompleted]:
    """Ends a mentorship that reached its goal."""
    found = _known(state, command.mentorship_id)
    if found.status is MentorshipStatus.COMPLETED:
        return []
    _refuse_ended(found)
    return [MentorshipCompleted(learner_id=command.learner_id, mentorship_id=command.mentorship_id)]


@mentorships.decide
def start_break(
    state: Mentorships, command: StartBreakInLearningRequest, _context: Context
) -> list[BreakInLearningStarted]:
    """The learner does not learn for a while. One break at a time, and none that begins before the last one ended."""
    found = _known(state, command.mentorship_id)
    first, last, current = day(command.first_day, "first_day"), found.newest_break, found.current_break
    if command.expected_return and day(command.expected_return, "expected_return") <= first:
        raise _before_it_begins("expected_return", command.expected_return, command.first_day)
    if current == Break(command.first_day, command.expected_return):
        return []
    _refuse_ended(found)
    if current is not None:
        raise Refusal(
            "ALREADY_ON_BREAK",
            f"the learner has been on a break since {current.first_day}; end that one first",
            field="mentorship_id",
        )
    if last is not None and command.first_day < last.returned_on:
        raise Refusal(
            "BREAKS_OVERLAP",
            f"the learner was back on {last.returned_on}; give a first day from then on",
            field="first_day",
        )
    return [
        BreakInLearningStarted(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            first_day=command.first_day,
            expected_return=command.expected_return,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


@mentorships.decide
def end_break(state: Mentorships, command: EndBreakInLearningRequest, _context: Context) -> list[BreakInLearningEnded]:
    """The learner is back."""
    found = _known(state, command.mentorship_id)
    day(command.returned_on, "returned_on")
    last, current = found.newest_break, found.current_break
    if last is not None and last.returned_on == command.returned_on:
        return []
    _refuse_ended(found)
    if current is None:
        raise Refusal("NOT_ON_BREAK", "the learner is not on a break; start one first", field="mentorship_id")
    if command.returned_on <= current.first_day:
        raise _before_it_begins("returned_on", command.returned_on, current.first_day)
    return [
        BreakInLearningEnded(
            learner_id=command.learner_id, mentorship_id=command.mentorship_id, returned_on=command.returned_on
        )
    ]


@mentorships.evolve
def started(state: Mentorships, event: MentorshipStarted) -> Mentorships:
    """One mentorship more."""
    return Mentorships((*state.all, Mentorship(event.mentorship_id, _terms(event), tuple(event.ksb_codes))))


@mentorships.evolve
def boundaries_agreed(state: Mentorships, _event: BoundariesAgreed) -> Mentorships:
    """Nothing is decided on the boundaries, and their text stays sealed."""
    return state


@mentorships.evolve
def cancelled(state: Mentorships, event: MentorshipCancelled) -> Mentorships:
    """It has ended, with this reason."""
    return _changed(state, event.mentorship_id, status=MentorshipStatus.CANCELLED, cancel_reason=event.reason)


@mentorships.evolve
def completed(state: Mentorships, event: MentorshipCompleted) -> Mentorships:
    """It has ended well."""
    return _changed(state, event.mentorship_id, status=MentorshipStatus.COMPLETED)


@mentorships.evolve
def break_started(state: Mentorships, event: BreakInLearningStarted) -> Mentorships:
    """They are away."""
    return _changed(state, event.mentorship_id, newest_break=Break(event.first_day, event.expected_return))


@mentorships.evolve
def break_ended(state: Mentorships, event: BreakInLearningEnded) -> Mentorships:
    """They are back."""
    found = state.find(event.mentorship_id)
    if found is None or found.newest_break is None:
        return state
    return _changed(state, event.mentorship_id, newest_break=replace(found.newest_break, returned_on=event.returned_on))


def _terms(of: StartMentorshipRequest | MentorshipStarted) -> Terms:
    return Terms(
        mentor_id=of.mentor_id,
        reference=of.standard.reference,
        version=of.standard.version,
        employer_id=of.employer_id,
        site_id=of.site_id,
        parties=tuple(sorted(Party(party.person_id, party.relationship) for party in of.parties)),
    )


def _refuse_learner_in_another_part(command: StartMentorshipRequest) -> None:
    if command.mentor_id == command.learner_id:
        raise Refusal(
            "MENTOR_IS_LEARNER", "a learner cannot be their own mentor; name somebody else", field="mentor_id"
        )
    for index, party in enumerate(command.parties):
        if party.person_id == command.learner_id:
            raise Refusal(
                "LEARNER_AMONG_PARTIES",
                "the learner cannot be a party to their own mentorship; leave them out of the parties",
                field=f"parties[{index}].person_id",
            )


def _known(state: Mentorships, mentorship_id: str) -> Mentorship:
    found = state.find(mentorship_id)
    if found is None:
        raise Refusal(
            "MENTORSHIP_UNKNOWN",
            f"the learner has no mentorship {mentorship_id}; check both ids",
            field="mentorship_id",
        )
    return found


def _refuse_ended(found: Mentorship) -> None:
    if found.status is not MentorshipStatus.ACTIVE:
        raise Refusal(
            "MENTORSHIP_NOT_ACTIVE",
            f"mentorship {found.mentorship_id} was {found.status.name.lower()} already, and that stays; "
            "to go on mentoring, start a new one",
            field="mentorship_id",
        )


def _before_it_begins(field: str, given: str, first_day: str) -> Refusal:
    return Refusal(
        "ENDS_BEFORE_IT_BEGINS",
        f"{field} {given} is not after the break's first day {first_day}; give a later day",
        field=field,
    )


def _changed(state: Mentorships, mentorship_id: str, **fields: Any) -> Mentorships:
    return Mentorships(
        tuple(replace(one, **fields) if one.mentorship_id == mentorship_id else one for one in state.all)
    )
