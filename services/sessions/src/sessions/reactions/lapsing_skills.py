"""Every last day of a skill sets its two alarms: that it is about to lapse, and that it lapsed. The mentor's log knows whether it was renewed."""

from collections.abc import Iterator
from datetime import UTC

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from eventkernel.timestamps import timestamp
from mentoring.sessions.v1.events_pb2 import SkillKeptCurrent
from mentoring.sessions.v1.skills_pb2 import AnnounceSkillLapsedRequest, AnnounceSkillLapsingRequest

from sessions.domain.development import SkillEnd, end_of_skill
from sessions.domain.mentoring_policy import MentoringPolicy

lapsing_skills = Reaction("lapsing_skills")


@lapsing_skills.on
def when_kept(event: SkillKeptCurrent, _meta: Metadata) -> Iterator[Later]:
    """As early as the event says, or by the defaults where it is from before it said so. A skill beyond the calendar never lapses."""
    end = _end(event)
    if end is None:
        return
    skill = {"mentor_id": event.mentor_id, "skill_id": event.skill_id, "valid_until": event.valid_until}
    lapses_at = timestamp(end.lapses_at)
    lapsing = AnnounceSkillLapsingRequest(lapsing_at=timestamp(end.lapsing_at), lapses_at=lapses_at, **skill)
    yield Later(end.lapsing_at, lapsing)
    yield Later(end.lapses_at, AnnounceSkillLapsedRequest(lapses_at=lapses_at, **skill))


def _end(event: SkillKeptCurrent) -> SkillEnd | None:
    if event.HasField("lapses_at"):
        return SkillEnd(event.lapsing_at.ToDatetime(tzinfo=UTC), event.lapses_at.ToDatetime(tzinfo=UTC))
    return end_of_skill(event.valid_until, MentoringPolicy())
