"""Who sees what of an action (DOMAIN.md, Need to know: action assigned, overdue).

The learner sees their own and what is shared with them, the mentor all, a party what they do or contribute to, and a manager of the
provider the outline. Only a mentorship that is active gives anybody but the learner sight.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from eventkernel.messages import Principal

from sessions.domain.mentorship_state import Mentorships
from sessions.domain.support_team import belongs


class Sight(IntEnum):
    """How much somebody sees."""

    NOTHING = 0
    OUTLINE = 1
    FULL = 2


class Seen(Protocol):
    """What has to be known of an action."""

    @property
    def learner_id(self) -> str:
        """For whom it is done."""
        ...

    @property
    def mentorship_id(self) -> str:
        """In which mentorship."""
        ...

    @property
    def owner_id(self) -> str:
        """Who does it."""
        ...

    @property
    def contributor_ids(self) -> Sequence[str]:
        """Who contributes."""
        ...

    @property
    def shared(self) -> bool:
        """Whether the learner sees it, whoever does it."""
        ...


def sight_of(action: Seen, people: Mentorships, caller: Principal) -> Sight:
    """What the caller sees of an action, as the learner's mentorships stand."""
    person_id = caller.person_id
    takes_part = person_id == action.owner_id or person_id in action.contributor_ids
    if person_id == action.learner_id:
        return Sight.FULL if takes_part or action.shared else Sight.NOTHING
    mentorship = people.find_active(action.mentorship_id)
    if mentorship is not None:
        if person_id == mentorship.mentor_id:
            return Sight.FULL
        if takes_part and belongs(mentorship, action.learner_id, person_id):
            return Sight.FULL
    return Sight.OUTLINE if "provider_manager" in caller.roles else Sight.NOTHING
