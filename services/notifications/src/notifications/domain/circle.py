"""Circle: who surrounds a learner, mentorship by mentorship. Nobody is in the circle of a mentorship that has ended, and none revives."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import Party, PartyRelationship
from mentoring.notifications.v1.events_pb2 import Because, CircleRecorded
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest

# A relationship that gives no legitimate need (teacher, coach, IQA) is remembered and told nothing.
BECAUSE_OF = {
    PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR: Because.BECAUSE_ASSESSOR,
    PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT: Because.BECAUSE_EMPLOYER_CONTACT,
    PartyRelationship.PARTY_RELATIONSHIP_PROVIDER_MANAGER: Because.BECAUSE_PROVIDER_MANAGER,
    PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN: Because.BECAUSE_GUARDIAN,
}
# How somebody other than the learner may stand to them and be told for it.
RELATED = (Because.BECAUSE_MENTOR, *BECAUSE_OF.values())


# A person around a learner, and why they may be told. The learner is not among them.
Member = tuple[str, Because.ValueType]


@dataclass(frozen=True, slots=True, order=True)
class Attached:
    """A party of a mentorship."""

    person_id: str
    relationship: PartyRelationship.ValueType


@dataclass(frozen=True, slots=True)
class Surrounding:
    """The people of one mentorship; none once it has ended."""

    mentorship_id: str
    mentor_id: str = ""
    parties: tuple[Attached, ...] = ()
    ended: bool = False
    standard_reference: str = ""
    former_mentor_ids: tuple[str, ...] = ()
    former_party_ids: tuple[str, ...] = ()

    @property
    def former_ids(self) -> tuple[str, ...]:
        """Everybody who belonged here and does so no more."""
        return tuple(sorted({*self.former_mentor_ids, *self.former_party_ids} - self._people))

    @property
    def _people(self) -> set[str]:
        return set() if self.ended else {self.mentor_id, *(party.person_id for party in self.parties)}

    def has_heard_of(self, mentor_id: str) -> bool:
        """Whether this person is known to mentor here or to have done so; of what has ended nothing more is heard."""
        return self.ended or mentor_id in (self.mentor_id, *self.former_mentor_ids)

    def is_attached(self, person_id: str) -> bool | None:
        """Whether this person belongs here, in whatever relationship; None where they were never heard of here."""
        if self.ended:
            return False
        if person_id in self._people:
            return True
        return False if person_id in self.former_mentor_ids + self.former_party_ids else None

    def members(self) -> Iterator[Member]:
        """Each of them with why they may be told. A person in several relationships comes once for each."""
        if not self.ended:
            yield self.mentor_id, Because.BECAUSE_MENTOR
            for party in self.parties:
                if party.relationship in BECAUSE_OF:
                    yield party.person_id, BECAUSE_OF[party.relationship]


@dataclass(frozen=True, slots=True)
class Circle:
    """Every mentorship of the learner that has been heard of, in the order of hearing."""

    surroundings: tuple[Surrounding, ...] = ()

    def of(self, mentorship_id: str) -> Surrounding | None:
        """The people of one mentorship; None where it has not been heard of."""
        return next((found for found in self.surroundings if found.mentorship_id == mentorship_id), None)

    def members_of(self, mentorship_id: str) -> Iterator[Member] | None:
        """The people of one mentorship; None where it has not been heard of."""
        found = self.of(mentorship_id)
        return None if found is None else found.members()

    def is_attached(self, person_id: str, mentorship_id: str = "", standard_reference: str = "") -> bool | None:
        """Whether this person belongs to the mentorship, else to one on the standard, else to any that goes on.

        None where nothing was heard of them with this learner: who was detached, or whose mentorship has ended, is known, and is False.
        """
        if mentorship_id:
            found = self.of(mentorship_id)
            return None if found is None else found.is_attached(person_id)
        known = {found.mentorship_id: found.is_attached(person_id) for found in self.surroundings}
        if all(attached is None for attached in known.values()):
            return None
        return any(
            known[found.mentorship_id]
            for found in self.surroundings
            if not standard_reference or found.standard_reference == standard_reference
        )

    def members_on(self, standard_reference: str) -> list[Member] | None:
        """The people of the mentorship on this standard; None where it cannot be told yet which one that is."""
        going_on = [found for found in self.surroundings if not found.ended]
        if not self.surroundings or any(not found.standard_reference for found in going_on):
            return None
        return [
            member for found in going_on if found.standard_reference == standard_reference for member in found.members()
        ]

    def members_of_each(self, mentor_id: str) -> list[Member] | None:
        """Who belongs to each mentorship that may be meant where only its mentor is known; None where none has been heard of.

        One that has ended may be meant too, whoever its mentor was, and nobody belongs to it.
        """
        if not self.surroundings:
            return None
        meant = [found for found in self.surroundings if found.ended or found.mentor_id == mentor_id]
        first, *others = [list(found.members()) for found in meant] or [[]]
        return [member for member in first if all(member in other for other in others)]


# Shape 2: who mentored before is remembered. Shape 3: who was a party before, too. Shape 4: also of a mentorship that has ended.
circle = Aggregate("circle", initial=Circle(), shape=4)


@circle.decide
def record_circle(state: Circle, command: RecordCircleRequest, _context: Context) -> list[CircleRecorded]:
    """Records who surrounds the learner in one mentorship, or that it has ended. What is known already gives nothing.

    Raises Refusal MENTOR_MISSING for a mentorship that goes on without a mentor.
    """
    if not command.ended and not command.mentor_id:
        raise Refusal(
            "MENTOR_MISSING",
            f"Mentorship {command.mentorship_id} goes on and names no mentor: give mentor_id, or say that it has ended.",
            field="mentor_id",
        )
    event = CircleRecorded(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        mentor_id="" if command.ended else command.mentor_id,
        parties=[] if command.ended else command.parties,
        ended=command.ended,
        standard_reference="" if command.ended else command.standard_reference,
    )
    known = state.of(command.mentorship_id)
    if known is not None and (known.ended or _as_it_is(known) == _surrounding(event)):
        return []
    return [event]


@circle.evolve
def circle_recorded(state: Circle, event: CircleRecorded) -> Circle:
    """The mentorship's people are as recorded last."""
    now = _surrounding(event)
    before_it = state.of(event.mentorship_id)
    if before_it is None:
        return replace(state, surroundings=(*state.surroundings, now))
    former = {*before_it.former_mentor_ids, before_it.mentor_id} - {now.mentor_id, ""}
    left = {*before_it.former_party_ids, *(party.person_id for party in before_it.parties)}
    left -= {party.person_id for party in now.parties}
    now = replace(now, former_mentor_ids=tuple(sorted(former)), former_party_ids=tuple(sorted(left)))
    return replace(
        state,
        surroundings=tuple(
            now if before.mentorship_id == now.mentorship_id else before for before in state.surroundings
        ),
    )


def _as_it_is(known: Surrounding) -> Surrounding:
    return replace(known, former_mentor_ids=(), former_party_ids=())


def _surrounding(event: CircleRecorded) -> Surrounding:
    return Surrounding(
        event.mentorship_id, event.mentor_id, _attached(event.parties), event.ended, event.standard_reference
    )


def _attached(parties: Iterable[Party]) -> tuple[Attached, ...]:
    # Sorted and each once: the order in which parties are listed says nothing.
    return tuple(sorted({Attached(party.person_id, party.relationship) for party in parties}))
