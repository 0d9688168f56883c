"""What is told of mentors' vocational skills: to the mentor alone, while they can still renew one, and when it is too late."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import TellPersonRequest
from mentoring.sessions.v1.skill_events_pb2 import SkillLapsed, SkillLapsing

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def skill_lapsing(event: SkillLapsing, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told without its last day."""
    yield _to_its_mentor(event, Occasion.OCCASION_SKILL_LAPSING, meta)


@telling.on
def skill_lapsed(event: SkillLapsed, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Its last day is over."""
    yield _to_its_mentor(event, Occasion.OCCASION_SKILL_LAPSED, meta)


def _to_its_mentor(
    event: SkillLapsing | SkillLapsed, occasion: Occasion.ValueType, meta: Metadata
) -> TellPersonRequest:
    return TellPersonRequest(
        telling_id=telling_id(meta),
        person_id=event.mentor_id,
        occasion=occasion,
        about_id=event.skill_id,
        because=Because.BECAUSE_OWN_SKILL,
    )
