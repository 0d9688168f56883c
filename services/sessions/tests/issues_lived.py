"""Issues of two learners in a whole service, as tests read them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    Party,
)
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_WELL_BEING,
    REFERRED_AS_EMPLOYER_CONTACT,
)

from .issue_stories import (
    outcome,
    raise_it,
    refer,
)
from .plan_stories import (
    MENTOR,
)
from .running import Running

_TICK = timedelta(seconds=1)
TO_EMMA: dict[str, Any] = {"referred_to_id": "emma", "referred_as": REFERRED_AS_EMPLOYER_CONTACT, "ask": "give an hour"}


async def lived(tmp_path: Path) -> Running:
    """Two learners of mentor-1: three issues of the one, the first of them closed, and one of the other."""
    paula = Party(person_id="paula", relationship=PARTY_RELATIONSHIP_PROVIDER_MANAGER)
    emma = Party(person_id="emma", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
    service = Running(tmp_path)
    await service.begin(paula, emma)
    await service.begin(paula, learner_id="learner-2", mentorship_id="mentorship-2")
    second = {"learner_id": "learner-2"}
    for command in (
        raise_it(issue_id="i3"),
        outcome(issue_id="i3"),
        raise_it(issue_id="i1"),
        refer(issue_id="i1"),
        raise_it(issue_id="i2", kind=ISSUE_KIND_WELL_BEING),
        refer(issue_id="i2", **TO_EMMA, learner_agreed=True),
        raise_it(issue_id="i4", **second, mentorship_id="mentorship-2"),
        refer(issue_id="i4", **second),
    ):
        await service.give(command, MENTOR)
        service.now += _TICK
    await service.carry()
    return service
