"""Who sees what of an issue, and to whom one may be referred (DOMAIN.md, Need to know: issue: progress, issue: well-being).

The matrix has no column for teachers and coaches: they are asked as an assessor is. Only a mentorship that is active gives anybody but the
learner sight of its issues.
"""

from collections.abc import Mapping
from enum import IntEnum

from eventkernel.messages import Principal
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    PARTY_RELATIONSHIP_TEACHER,
)
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_PROGRESS,
    ISSUE_KIND_WELL_BEING,
    REFERRED_AS_ASSESSOR,
    REFERRED_AS_COACH,
    REFERRED_AS_DSL,
    REFERRED_AS_EMPLOYER_CONTACT,
    REFERRED_AS_PROVIDER_MANAGER,
    REFERRED_AS_TEACHER,
)

from sessions.domain.issue_state import Issue, Referral
from sessions.domain.mentorship_state import Mentorship, Mentorships
from sessions.domain.support_team import relationships


class Sight(IntEnum):
    """How much somebody sees."""

    NOTHING = 0
    # That there is an issue of a kind, and their own referral and notes.
    OUTLINE = 1
    # What it is, what was noted and not kept private, and their own referral.
    FULL = 2
    # The learner: all but what others keep private.
    WHOLE = 3
    # The mentor: all of it.
    MENTOR = 4


# As what a party of the mentorship is asked. A DSL is a colleague, and no party.
PARTIES: Mapping[int, int] = {
    REFERRED_AS_ASSESSOR: PARTY_RELATIONSHIP_ASSESSOR,
    REFERRED_AS_TEACHER: PARTY_RELATIONSHIP_TEACHER,
    REFERRED_AS_COACH: PARTY_RELATIONSHIP_COACH,
    REFERRED_AS_EMPLOYER_CONTACT: PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    REFERRED_AS_PROVIDER_MANAGER: PARTY_RELATIONSHIP_PROVIDER_MANAGER,
}
# What each sees of what is referred to them. Of well-being an employer contact sees this with the learner's agreement alone.
_SEEN: Mapping[int, Mapping[int, Sight]] = {
    ISSUE_KIND_PROGRESS: {
        REFERRED_AS_ASSESSOR: Sight.OUTLINE,
        REFERRED_AS_TEACHER: Sight.OUTLINE,
        REFERRED_AS_COACH: Sight.OUTLINE,
        REFERRED_AS_EMPLOYER_CONTACT: Sight.OUTLINE,
        REFERRED_AS_PROVIDER_MANAGER: Sight.FULL,
    },
    ISSUE_KIND_WELL_BEING: {
        REFERRED_AS_EMPLOYER_CONTACT: Sight.OUTLINE,
        REFERRED_AS_PROVIDER_MANAGER: Sight.OUTLINE,
        REFERRED_AS_DSL: Sight.OUTLINE,
    },
}
_DSL_ROLES = frozenset({"dsl", "deputy_dsl"})


def seen_as(kind: int, referred_as: int) -> Sight:
    """What somebody in this relationship sees of an issue of this kind that is referred to them; NOTHING: it is not referred to them."""
    return _SEEN.get(kind, {}).get(referred_as, Sight.NOTHING)


def needs_agreement(kind: int, referred_as: int) -> bool:
    """Whether the learner has to agree before it is referred."""
    return (kind, referred_as) == (ISSUE_KIND_WELL_BEING, REFERRED_AS_EMPLOYER_CONTACT)


def stands_as(mentorship: Mentorship, person_id: str, referred_as: int) -> bool:
    """Whether this person stands to the mentorship as they are asked. Of a DSL that is not known here: their token says it."""
    if referred_as == REFERRED_AS_DSL:
        return not relationships(mentorship, person_id)
    return PARTIES.get(referred_as, 0) in relationships(mentorship, person_id)


def sight_of(issue: Issue, people: Mentorships, caller: Principal) -> Sight:
    """What the caller sees of an issue, as the learner's mentorships stand."""
    if caller.person_id == issue.learner_id:
        return Sight.WHOLE
    mentorship = people.find_active(issue.mentorship_id)
    if mentorship is None:
        return Sight.NOTHING
    if caller.person_id == mentorship.mentor_id:
        return Sight.MENTOR
    referral = issue.referral_to(caller.person_id)
    if referral is None or not _is_asked(referral, mentorship, caller):
        return Sight.NOTHING
    return seen_as(issue.kind, referral.referred_as)


def _is_asked(referral: Referral, mentorship: Mentorship, caller: Principal) -> bool:
    if referral.referred_as == REFERRED_AS_DSL and caller.roles.isdisjoint(_DSL_ROLES):
        return False
    return stands_as(mentorship, caller.person_id, referral.referred_as)
