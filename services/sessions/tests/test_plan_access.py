"""Who reads a learning plan, and who is asked to agree to it: the learner, the mentor, and parties with a legitimate need."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.reading import Ask
from mentoring.sessions.v1.learning_plan_pb2 import (
    AgreeToLearningPlanRequest,
    GetHoursRequest,
    GetLearningPlanRequest,
    ListActivitiesRequest,
    ListHourReportsRequest,
    ObjectToLearningPlanRequest,
)
from sessions.relations import in_support_team

from .plan_stories import (
    ASSESSOR,
    CANCELLED,
    COACH,
    EMPLOYER,
    IDS,
    LEARNER,
    MANAGER,
    MENTOR,
    STRANGER,
    started,
)

READING = (GetLearningPlanRequest, ListActivitiesRequest, ListHourReportsRequest, GetHoursRequest)
SIGNING = (AgreeToLearningPlanRequest, ObjectToLearningPlanRequest)
# An employer's contact in another mentorship of the same learner.
ELSEWHERE = Principal("provider-1", "eve", frozenset({"employer_contact"}))
UNATTACHED = Principal("provider-1", "pat", frozenset({"provider_manager"}))


def elsewhere() -> Any:
    other = started("ada", mentorship_id="mentorship-2", mentor_id="mentor-2")
    other.parties.add(person_id="eve", relationship=started("emma").parties[0].relationship)
    return other


@pytest.mark.parametrize("kind", [*READING, *SIGNING], ids=lambda kind: kind.DESCRIPTOR.name)
@pytest.mark.parametrize(
    ("one", "reads", "signs"),
    [
        (LEARNER, True, True),
        (MENTOR, True, False),
        (EMPLOYER, True, True),
        (ASSESSOR, True, True),
        (MANAGER, True, True),
        (UNATTACHED, True, False),
        (COACH, False, False),
        (ELSEWHERE, False, False),
        (STRANGER, False, False),
    ],
    ids=lambda one: getattr(one, "person_id", one),
)
async def test_who_reads_a_plan_and_who_signs_it(
    reader: Callable[..., Any], kind: Any, one: Principal, reads: bool, signs: bool
) -> None:
    read = reader(one, streams={"mentorships-learner-1": [started(), elsewhere()]})
    assert await in_support_team(Ask(one, kind(**IDS), read)) is (reads if kind in READING else signs)


@pytest.mark.parametrize("kind", [*READING, *SIGNING], ids=lambda kind: kind.DESCRIPTOR.name)
async def test_an_ended_mentorship_and_none_give_the_same_answer_to_all_but_the_learner(
    reader: Callable[..., Any], kind: Any
) -> None:
    for one in (MENTOR, EMPLOYER, ASSESSOR, COACH):
        for past in ([started(), CANCELLED], []):
            assert not await in_support_team(
                Ask(one, kind(**IDS), reader(one, streams={"mentorships-learner-1": past}))
            )
    assert await in_support_team(Ask(LEARNER, kind(**IDS), reader(LEARNER)))
