"""Who stands beside a learner, as the sessions service published it: what access to the learner's evidence is decided on.

Only an active mentorship gives anybody access, and only to what belongs to its standard; the learner needs none.
"""

from collections.abc import Collection, Iterable

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_ASSESSOR, PartyRelationship
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipCompleted, MentorshipStarted
from mentoring.sessions.v1.mentorship_events_pb2 import (
    EmployerChanged,
    MentorChanged,
    PartyAttached,
    PartyDetached,
    StandardChanged,
)
from pydantic import BaseModel, computed_field


class Attached(BaseModel):
    """A party, and how they are attached."""

    person_id: str
    relationship: PartyRelationship.ValueType


class Mentorship(BaseModel):
    """One mentorship's people, and the reference of the standard that it is on, and of those that it was on before."""

    mentor_id: str
    standard_reference: str
    parties: list[Attached]
    former_references: list[str] = []
    active: bool = True


class SupportTeam(BaseModel):
    """One learner's mentorships by id, ended ones too."""

    learner_id: str
    mentorships: dict[str, Mentorship] = {}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def assessor_ids(self) -> list[str]:
        """Who assesses the learner in an active mentorship: what an assessor's learners are found by."""
        return sorted(
            {
                party.person_id
                for one in self._active("")
                for party in one.parties
                if party.relationship == PARTY_RELATIONSHIP_ASSESSOR
            }
        )

    def within(self, mentorship_id: str) -> "SupportTeam":
        """The same with this mentorship alone."""
        found = {key: one for key, one in self.mentorships.items() if key == mentorship_id}
        return SupportTeam(learner_id=self.learner_id, mentorships=found)

    def is_mentored_by(self, person_id: str, standard_reference: str = "") -> bool:
        """Whether this person mentors the learner in an active mentorship, on this standard where one is given."""
        return any(one.mentor_id == person_id for one in self._active(standard_reference))

    def has_party(
        self, person_id: str, relationships: Collection[PartyRelationship.ValueType], standard_reference: str = ""
    ) -> bool:
        """Whether this person is attached to an active mentorship, on this standard where one is given, in one of these relationships."""
        return any(
            party.person_id == person_id and party.relationship in relationships
            for one in self._active(standard_reference)
            for party in one.parties
        )

    def mentored_on(self, person_id: str) -> frozenset[str]:
        """The standards on which this person mentors the learner, and those before on which they went along."""
        return _references(one for one in self._active("") if one.mentor_id == person_id)

    def attached_on(self, person_id: str, relationships: Collection[PartyRelationship.ValueType]) -> frozenset[str]:
        """The standards on which this person is attached in one of these relationships, and those before on which they went along."""
        return _references(
            one
            for one in self._active("")
            if any(party.person_id == person_id and party.relationship in relationships for party in one.parties)
        )

    def _active(self, standard_reference: str) -> list[Mentorship]:
        return [
            one
            for one in self.mentorships.values()
            if one.active and standard_reference in ("", one.standard_reference, *one.former_references)
        ]


def _references(of: Iterable[Mentorship]) -> frozenset[str]:
    return frozenset(reference for one in of for reference in (one.standard_reference, *one.former_references))


support_team = Projection("support_team", version=4, document=SupportTeam, key="learner_id", indexes=("assessor_ids",))


@support_team.on
def started(document: SupportTeam, event: MentorshipStarted, _meta: Metadata) -> None:
    """Mentor and parties are attached."""
    document.mentorships[event.mentorship_id] = _as_told(event)


@support_team.on
def mentor_changed(document: SupportTeam, event: MentorChanged, _meta: Metadata) -> None:
    """Another mentor, and the former one no longer."""
    _tell(document, event)


@support_team.on
def employer_changed(document: SupportTeam, event: EmployerChanged, _meta: Metadata) -> None:
    """The contacts of an employer that was left are not attached any more."""
    _tell(document, event)


@support_team.on
def standard_changed(document: SupportTeam, event: StandardChanged, _meta: Metadata) -> None:
    """The same people, on another standard. What the learner did by the one before is still theirs to see."""
    former = document.mentorships[event.mentorship_id].former_references
    document.mentorships[event.mentorship_id] = _as_told(event)
    document.mentorships[event.mentorship_id].former_references = sorted({*former, event.former_standard.reference})


@support_team.on
def party_attached(document: SupportTeam, event: PartyAttached, _meta: Metadata) -> None:
    """One party more."""
    _tell(document, event)


@support_team.on
def party_detached(document: SupportTeam, event: PartyDetached, _meta: Metadata) -> None:
    """One party less."""
    _tell(document, event)


@support_team.on
def cancelled(document: SupportTeam, event: MentorshipCancelled, _meta: Metadata) -> None:
    """Nobody is attached by it any more."""
    document.mentorships[event.mentorship_id].active = False


@support_team.on
def completed(document: SupportTeam, event: MentorshipCompleted, _meta: Metadata) -> None:
    """Nobody is attached by it any more."""
    document.mentorships[event.mentorship_id].active = False


def _tell(document: SupportTeam, event: MentorChanged | EmployerChanged | PartyAttached | PartyDetached) -> None:
    former = document.mentorships[event.mentorship_id].former_references
    document.mentorships[event.mentorship_id] = _as_told(event)
    document.mentorships[event.mentorship_id].former_references = former


def _as_told(
    event: MentorshipStarted | MentorChanged | EmployerChanged | StandardChanged | PartyAttached | PartyDetached,
) -> Mentorship:
    """Each of them tells of all who belong to the mentorship afterwards, and comes only while it goes on."""
    return Mentorship(
        mentor_id=event.mentor_id,
        standard_reference=event.standard.reference,
        parties=[Attached(person_id=party.person_id, relationship=party.relationship) for party in event.parties],
    )
