"""What is known of a learner's mentorships: who is whose now, and who was. Everything that decides about a learner asks this."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from eventkernel.aggregate import Refusal
from mentoring.common.v1.common_pb2 import Party as PartyMessage


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
class People:
    """Who and where a mentorship is now. `detached` were parties and are none in that relationship any more."""

    mentor_id: str
    employer_id: str
    site_id: str
    parties: tuple[Party, ...]
    detached: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """A break in learning, by its ISO days, whose texts sort as they do; `expected_return` and `returned_on` are empty while nobody knows. Why is sealed."""

    first_day: str
    expected_return: str
    returned_on: str = ""


@dataclass(frozen=True, slots=True)
class Mentorship:
    """One mentorship. It keeps the codes of its standard's version, whatever becomes of the standard.

    `explained` and `agreed` are digests: of the withdrawal that was explained, and of the boundaries that were agreed anew, last on
    the day `agreed_on`; empty where there was none.
    """

    mentorship_id: str
    terms: Terms
    ksb_codes: tuple[str, ...]
    people: People
    status: MentorshipStatus = MentorshipStatus.ACTIVE
    cancel_reason: int = 0
    explained: str = ""
    newest_break: Break | None = None
    agreed_on: str = ""
    agreed: str = ""
    # The reference and version that it was moved to; empty while it is on what it was started on.
    moved_to: tuple[str, str] | None = None
    # The migration that moved it last: from which reference and version, and the how manyth of the learner's.
    moved_from: tuple[str, str] | None = None
    moved_by: int = 0

    @property
    def reference(self) -> str:
        """The reference of the standard that it is on."""
        return self.moved_to[0] if self.moved_to else self.terms.reference

    @property
    def version(self) -> str:
        """The version of the standard that it is on."""
        return self.moved_to[1] if self.moved_to else self.terms.version

    @property
    def mentor_id(self) -> str:
        """Who mentors now, or did when it ended: never one who was replaced."""
        return self.people.mentor_id

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
        return any(one.mentor_id == person_id for one in self.active)

    def was_mentored_to_the_end_by(self, person_id: str) -> bool:
        """Whether this person mentors the learner, or did until a mentorship ended. One who was replaced is a stranger."""
        return any(one.mentor_id == person_id for one in self.all)


def parties_of(given: Iterable[PartyMessage]) -> tuple[Party, ...]:
    """Sorted and each once: the order in which parties are listed says nothing."""
    return tuple(sorted({Party(party.person_id, party.relationship) for party in given}))


def known(state: Mentorships, mentorship_id: str) -> Mentorship:
    """The mentorship with this id. Raises Refusal MENTORSHIP_UNKNOWN."""
    found = state.find(mentorship_id)
    if found is None:
        raise unknown(mentorship_id)
    return found


def unknown(mentorship_id: str) -> Refusal:
    """What is said of a mentorship that is not there, and of one that is not the caller's."""
    return Refusal(
        "MENTORSHIP_UNKNOWN", f"the learner has no mentorship {mentorship_id}; check both ids", field="mentorship_id"
    )


def refuse_ended(found: Mentorship) -> None:
    """Raises Refusal MENTORSHIP_NOT_ACTIVE for one that has ended."""
    if found.status is not MentorshipStatus.ACTIVE:
        raise Refusal(
            "MENTORSHIP_NOT_ACTIVE",
            f"mentorship {found.mentorship_id} was {found.status.name.lower()} already, and that stays; "
            "to go on mentoring, start a new one",
            field="mentorship_id",
        )


def changed(state: Mentorships, mentorship_id: str, **fields: Any) -> Mentorships:
    """The mentorships with these fields of one of them."""
    return Mentorships(
        tuple(replace(one, **fields) if one.mentorship_id == mentorship_id else one for one in state.all)
    )
