"""What changes in a mentorship while it goes on: its mentor, its employer, its parties, its boundaries.

Whoever is replaced or detached is out of it from that commit on. An event tells who is in it afterwards, whole, so that none of
those who hear of it can keep somebody who left.
"""

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from eventkernel.aggregate import AlreadyDone, Context, Refusal
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_EMPLOYER_CONTACT, Sealed, StandardVersion
from mentoring.common.v1.common_pb2 import Party as PartyMessage
from mentoring.sessions.v1.events_pb2 import BoundariesAgreed
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, MentorChanged, PartyAttached, PartyDetached
from mentoring.sessions.v1.mentorship_pb2 import (
    AgreeBoundariesRequest,
    AttachPartyRequest,
    ChangeEmployerRequest,
    ChangeMentorRequest,
    DetachPartyRequest,
)

from sessions.domain.days import day
from sessions.domain.mentorship_state import (
    Mentorship,
    Mentorships,
    Party,
    People,
    changed,
    known,
    parties_of,
    refuse_ended,
    unknown,
)

# The contract's own bound on the parties of a start, which everyone who hears of them has too.
_MOST_PARTIES = 50
# The first place on earth to have a new day is so far ahead of UTC.
_FARTHEST_EAST = timedelta(hours=14)
_Event = TypeVar("_Event", MentorChanged, EmployerChanged, PartyAttached, PartyDetached)


def change_mentor(state: Mentorships, command: ChangeMentorRequest, _context: Context) -> list[MentorChanged]:
    """Another mentor takes over. Sessions that are planned pass to them, without an event of their own: who may move, hold, miss or
    cancel one is the mentorship's mentor at that time."""
    found = known(state, command.mentorship_id)
    if found.mentor_id == command.mentor_id:
        return []
    refuse_ended(found)
    if command.mentor_id == command.learner_id:
        raise Refusal(
            "MENTOR_IS_LEARNER", "a learner cannot be their own mentor; name somebody else", field="mentor_id"
        )
    people = replace(found.people, mentor_id=command.mentor_id)
    event = MentorChanged(former_mentor_id=found.mentor_id)
    return [_told(event, command.learner_id, found, people)]


def change_employer(state: Mentorships, command: ChangeEmployerRequest, _context: Context) -> list[EmployerChanged]:
    """The learner works elsewhere. Contacts stay only where the employer does: what a learner does next is not the former one's affair."""
    found = known(state, command.mentorship_id)
    before = found.people
    stays = before.employer_id == command.employer_id
    named = {Party(person_id, PARTY_RELATIONSHIP_EMPLOYER_CONTACT) for person_id in command.employer_contact_ids}
    kept = {one for one in before.parties if stays or one.relationship != PARTY_RELATIONSHIP_EMPLOYER_CONTACT}
    people = replace(
        before,
        employer_id=command.employer_id,
        site_id=command.site_id,
        parties=tuple(sorted(kept | named)),
    )
    if stays and people == replace(before, parties=tuple(sorted(set(before.parties)))):
        return []
    refuse_ended(found)
    for index, person_id in enumerate(command.employer_contact_ids):
        _refuse_learner(person_id, command.learner_id, f"employer_contact_ids[{index}]")
    _refuse_too_many(people, "employer_contact_ids")
    event = EmployerChanged(
        employer_id=people.employer_id,
        site_id=people.site_id,
        former_employer_id=before.employer_id,
        former_site_id=before.site_id,
    )
    return [_told(event, command.learner_id, found, people)]


def attach_party(state: Mentorships, command: AttachPartyRequest, _context: Context) -> list[PartyAttached]:
    """A person is attached in a relationship, beside any other that they hold."""
    found = known(state, command.mentorship_id)
    party = _party(command)
    if party in found.people.parties:
        return []
    refuse_ended(found)
    _refuse_learner(party.person_id, command.learner_id, "party.person_id")
    people = replace(found.people, parties=tuple(sorted({*found.people.parties, party})))
    _refuse_too_many(people, "party")
    return [_told(PartyAttached(party=command.party), command.learner_id, found, people)]


def detach_party(state: Mentorships, command: DetachPartyRequest, _context: Context) -> list[PartyDetached]:
    """A person holds a relationship no longer. Somebody who never held it is refused: a wrong id would leave the right one attached."""
    found = known(state, command.mentorship_id)
    party = _party(command)
    if party not in found.people.parties:
        if party in found.people.detached:
            return []
        raise Refusal(
            "PARTY_UNKNOWN",
            f"{party.person_id} is not attached in this relationship; name one of the mentorship's parties as it is attached",
            field="party",
        )
    refuse_ended(found)
    people = replace(found.people, parties=tuple(one for one in found.people.parties if one != party))
    return [_told(PartyDetached(party=command.party), command.learner_id, found, people)]


def agree_boundaries(state: Mentorships, command: AgreeBoundariesRequest, context: Context) -> list[BoundariesAgreed]:
    """The boundaries from now on (B2). Only the mentor of this mentorship says so; to any other mentor of the learner it is unknown."""
    found = known(state, command.mentorship_id)
    if found.mentor_id != context.principal.person_id:
        raise unknown(command.mentorship_id)
    digest = context.digest(command.SerializeToString(deterministic=True))
    if found.agreed == digest:
        return AlreadyDone()
    refuse_ended(found)
    if day(command.agreed_on, "agreed_on") > (context.now + _FARTHEST_EAST).date():
        raise Refusal(
            "NOT_DONE_YET", f"{command.agreed_on} is still to come; give a day that is not", field="agreed_on"
        )
    if command.agreed_on < found.agreed_on:
        raise Refusal(
            "BOUNDARIES_AGREED_SINCE",
            f"others were agreed on {found.agreed_on}, and the newest hold; give a day from then on",
            field="agreed_on",
        )
    return [
        BoundariesAgreed(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            boundaries=Sealed(to_be_sealed="\n".join(command.boundaries)),
            content_digest=digest,
            agreed_on=command.agreed_on,
        )
    ]


def mentor_changed(state: Mentorships, event: MentorChanged) -> Mentorships:
    """Another mentor."""
    return _with(state, event.mentorship_id, mentor_id=event.mentor_id)


def employer_changed(state: Mentorships, event: EmployerChanged) -> Mentorships:
    """Another employer or site, and the parties that this leaves."""
    return _with(
        state,
        event.mentorship_id,
        employer_id=event.employer_id,
        site_id=event.site_id,
        parties=parties_of(event.parties),
    )


def party_attached(state: Mentorships, event: PartyAttached) -> Mentorships:
    """One party more."""
    return _with(state, event.mentorship_id, parties=parties_of(event.parties))


def party_detached(state: Mentorships, event: PartyDetached) -> Mentorships:
    """One party less."""
    return _with(state, event.mentorship_id, parties=parties_of(event.parties))


def boundaries_agreed(state: Mentorships, event: BoundariesAgreed) -> Mentorships:
    """The newest hold; their text stays sealed."""
    return changed(state, event.mentorship_id, agreed=event.content_digest, agreed_on=event.agreed_on)


def _party(command: AttachPartyRequest | DetachPartyRequest) -> Party:
    return Party(command.party.person_id, command.party.relationship)


def _told(event: _Event, learner_id: str, found: Mentorship, people: People) -> _Event:
    event.learner_id = learner_id
    event.mentorship_id = found.mentorship_id
    event.mentor_id = people.mentor_id
    event.standard.CopyFrom(StandardVersion(reference=found.reference, version=found.version))
    for party in people.parties:
        # A relationship of a later contract is a number here too.
        event.parties.append(PartyMessage(person_id=party.person_id, relationship=party.relationship))  # type: ignore[arg-type]
    return event


def _with(state: Mentorships, mentorship_id: str, **fields: object) -> Mentorships:
    before = known(state, mentorship_id).people
    after = replace(before, **fields)  # type: ignore[arg-type]
    gone = {*before.detached, *before.parties} - set(after.parties)
    return changed(state, mentorship_id, people=replace(after, detached=tuple(sorted(gone))))


def _refuse_learner(person_id: str, learner_id: str, field: str) -> None:
    if person_id == learner_id:
        raise Refusal(
            "LEARNER_AMONG_PARTIES",
            "the learner cannot be a party to their own mentorship; name somebody else",
            field=field,
        )


def _refuse_too_many(people: People, field: str) -> None:
    if len(people.parties) > _MOST_PARTIES:
        raise Refusal(
            "TOO_MANY_PARTIES",
            f"a mentorship has {_MOST_PARTIES} parties at the most; detach those who have left first",
            field=field,
        )
