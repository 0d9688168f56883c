"""A session that is held by a guide and corrected afterwards, over sockets: what is read, counted and told of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from eventkernel.client import CallFailed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.evidence_pb2 import GetKsbProgressRequest, GetKsbProgressResponse
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_PASTORAL, TECHNIQUE_GROW, TECHNIQUE_OSKAR
from mentoring.sessions.v1.practice_pb2 import (
    AdviceCount,
    CountMyPracticeRequest,
    CountMyPracticeResponse,
    CountPracticeRequest,
    CountPracticeResponse,
    GuideCount,
    TechniqueCount,
)
from mentoring.sessions.v1.session_lists_pb2 import ListMySessionsRequest, ListMySessionsResponse
from mentoring.sessions.v1.session_parts_pb2 import ADVICE_KIND_PASTORAL, Advice, GuideFollowed, KsbMinutes
from mentoring.sessions.v1.session_record_events_pb2 import CORRECTION_REASON_WRONG_ENTRY
from mentoring.sessions.v1.session_record_pb2 import (
    AddLearnerViewRequest,
    CorrectSessionRequest,
    HeldAccount,
    KeepPreparationRequest,
)
from mentoring.sessions.v1.sessions_pb2 import (
    GetSessionRequest,
    GetSessionResponse,
    HoldSessionRequest,
    PlanSessionRequest,
)
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
PLAN = cohort.cohort()[4]
SESSION = "session-corrected"
HOUR = Duration(seconds=3600)
IDS: dict[str, Any] = {"session_id": SESSION, "learner_id": PLAN.learner_id}
# When no session of the demo is.
STARTS, ENDS = Timestamp(), Timestamp()
STARTS.FromDatetime(datetime(2031, 3, 3, 9, tzinfo=UTC))
ENDS.FromDatetime(datetime(2031, 3, 4, tzinfo=UTC))
ADVICE = Advice(kind=ADVICE_KIND_PASTORAL, text="Rest before a night shift.")


def minutes(**by_code: int) -> list[KsbMinutes]:
    return [KsbMinutes(ksb_code=code, minutes=number) for code, number in by_code.items()]


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey) -> None:
    await journey.prepare()
    record: dict[str, Any] = {"duration": HOUR, "shared_record": "We looked at the rota.", "advice": [ADVICE]}
    by_mentor: list[Message] = [
        PlanSessionRequest(
            **IDS, mentorship_id=PLAN.mentorship_id, kind=SESSION_KIND_PASTORAL, starts_at=STARTS, duration=HOUR,
            agenda=["the rota"],
        ),
        KeepPreparationRequest(**IDS, private_preparation="Ask about sleep."),
        HoldSessionRequest(
            **IDS, **record, ksb_codes=["K1", "S1"], ksb_minutes=minutes(K1=40, S1=10), techniques=[TECHNIQUE_GROW],
            guide=GuideFollowed(guide_id="grow", version=1, step_ids=["goal"]),
        ),
        CorrectSessionRequest(
            **IDS, reason=CORRECTION_REASON_WRONG_ENTRY, explanation="It was OSKAR, and K2.",
            held=HeldAccount(
                **record, ksb_codes=["S1", "K2"], ksb_minutes=minutes(S1=10, K2=45), techniques=[TECHNIQUE_OSKAR],
                guide=GuideFollowed(guide_id="oskar", version=1, step_ids=["outcome", "scaling"]),
            ),
        ),
    ]  # fmt: skip
    for act in by_mentor:
        await journey.give("sessions", PLAN.mentor_id, ["mentor"], act)
    view = AddLearnerViewRequest(**IDS, learner_view="It helped.")
    await journey.give("sessions", PLAN.learner_id, ["learner"], view)


async def test_learner_and_mentor_read_what_stands_and_what_was_and_the_notes_are_the_mentors_own(
    running: Platform,
) -> None:
    asked = GetSessionRequest(**IDS, with_superseded=True)
    for person_id, role, notes in ((PLAN.learner_id, "learner", ""), (PLAN.mentor_id, "mentor", "Ask about sleep.")):
        client = running.client("sessions", person_id, [role], provider=cohort.PROVIDER)
        shown = await client.call(asked, GetSessionResponse)
        assert (list(shown.agenda), list(shown.advice)) == (["the rota"], [ADVICE])
        assert (shown.learner_view, shown.private_preparation) == ("It helped.", notes)
        assert list(shown.session.ksb_codes) == ["S1", "K2"]
        assert [(one.explanation, list(one.held.ksb_codes)) for one in shown.corrections] == [
            ("It was OSKAR, and K2.", ["K1", "S1"])
        ]
    manager = running.client("sessions", cohort.MANAGER, ["provider_manager"], provider=cohort.PROVIDER)
    with pytest.raises(CallFailed):
        await manager.call(asked, GetSessionResponse)


async def test_progress_counts_the_minutes_that_stand(running: Platform) -> None:
    learner = running.client("evidence", PLAN.learner_id, ["learner"], provider=cohort.PROVIDER)
    asked = GetKsbProgressRequest(learner_id=PLAN.learner_id, standard=cohort.STANDARD)

    async def counted() -> bool:
        ksbs = {one.code: one for one in (await learner.call(asked, GetKsbProgressResponse)).ksbs}
        return [(ksbs[code].practised, ksbs[code].practised_minutes) for code in ("K1", "S1", "K2")] == [
            (0, 0),
            (1, 10),
            (1, 45),
        ]

    await until(counted, "S1 and K2 with their minutes, and nothing of K1")


async def test_the_mentor_counts_what_stands_and_of_one_session_the_provider_is_told_nothing(running: Platform) -> None:
    mentor = running.client("sessions", PLAN.mentor_id, ["mentor"], provider=cohort.PROVIDER)
    mine = CountMyPracticeRequest(mentor_id=PLAN.mentor_id, since=STARTS, before=ENDS)

    async def counted() -> bool:
        figures = (await mentor.call(mine, CountMyPracticeResponse)).figures
        return (list(figures.techniques), list(figures.guides), list(figures.advice)) == (
            [TechniqueCount(technique=TECHNIQUE_OSKAR, sessions=1)],
            [GuideCount(guide_id="oskar", sessions=1)],
            [AdviceCount(kind=ADVICE_KIND_PASTORAL, pieces=1)],
        )

    await until(counted, "one session by OSKAR")
    listed = await mentor.call(
        ListMySessionsRequest(mentor_id=PLAN.mentor_id, since=STARTS, before=ENDS), ListMySessionsResponse
    )
    assert [one.session_id for one in listed.sessions] == [SESSION]
    manager = running.client("sessions", cohort.MANAGER, ["provider_manager"], provider=cohort.PROVIDER)
    told = await manager.call(CountPracticeRequest(first_month="2031-03", last_month="2031-03"), CountPracticeResponse)
    assert (told.figures.sessions_held, told.least_people) == (0, 5)
