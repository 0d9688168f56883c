"""Who stands beside a learner in one mentorship, as decisions ask it. Only one that is active gives anybody a part in it."""

from eventkernel.aggregate import Context, Refusal

from sessions.domain.mentorship_state import Mentorship, Mentorships


def active(context: Context, mentorship_id: str) -> Mentorship:
    """The learner's mentorship with this id. Raises Refusal MENTORSHIP_NOT_ACTIVE where there is none that is active."""
    found = context.state(Mentorships).find_active(mentorship_id)
    if found is None:
        raise _not_active(mentorship_id)
    return found


def active_of_mentor(context: Context, mentorship_id: str) -> Mentorship:
    """The same, where the caller is its mentor. One of another mentor is answered as one that does not exist."""
    found = active(context, mentorship_id)
    if context.principal.person_id != found.mentor_id:
        raise _not_active(mentorship_id)
    return found


def relationships(mentorship: Mentorship, person_id: str) -> frozenset[int]:
    """As what this person is attached to the mentorship: PartyRelationships."""
    return frozenset(party.relationship for party in mentorship.people.parties if party.person_id == person_id)


def belongs(mentorship: Mentorship, learner_id: str, person_id: str) -> bool:
    """Whether this person is the learner, the mentor, or a party."""
    return person_id in (learner_id, mentorship.mentor_id) or bool(relationships(mentorship, person_id))


def _not_active(mentorship_id: str) -> Refusal:
    return Refusal(
        "MENTORSHIP_NOT_ACTIVE",
        f"you have no part in an active mentorship {mentorship_id} of this learner; check both ids",
        field="mentorship_id",
    )
