"""What is counted of how sessions were held: a mentor's own, and the provider's without what tells of few people."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import person
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.events_pb2 import TECHNIQUE_GROW, TECHNIQUE_OPEN_QUESTIONS, TECHNIQUE_OSKAR
from mentoring.sessions.v1.practice_pb2 import (
    AdviceCount,
    CountMyPracticeRequest,
    CountPracticeRequest,
    GuideCount,
    PracticeFigures,
    TechniqueCount,
)
from mentoring.sessions.v1.session_parts_pb2 import ADVICE_KIND_PASTORAL, ADVICE_KIND_TECHNICAL
from mentoring.sessions.v1.sessions_pb2 import SESSION_STATUS_HELD, SESSION_STATUS_MISSED
from sessions.projections import practice
from sessions.projections.learner_sessions import LearnerSession
from sessions.projections.practice import count_my_practice, count_practice

MENTOR, MANAGER = person("mentor-1", "mentor"), person("paula", "provider_manager")


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


def held(session_id: str, mentor: int = 1, learner: int = 1, **fields: Any) -> LearnerSession:
    shown: dict[str, Any] = {"status": SESSION_STATUS_HELD, "starts_at_ms": at(2026, 3, 2), "duration_ms": 1_800_000}
    return LearnerSession(
        session_id=session_id, mentor_id=f"mentor-{mentor}", learner_id=f"learner-{learner}", **{**shown, **fields}
    )


def mine() -> CountMyPracticeRequest:
    request = CountMyPracticeRequest(mentor_id="mentor-1", since=Timestamp(), before=Timestamp())
    request.since.FromMilliseconds(at(2026, 3, 1))
    request.before.FromMilliseconds(at(2026, 4, 1))
    return request


async def test_a_mentor_counts_their_own_sessions_of_a_time(
    reader: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # More pages than one.
    monkeypatch.setattr(practice, "_AT_ONCE", 2)
    documents = [
        held("a", techniques=[TECHNIQUE_GROW, TECHNIQUE_OPEN_QUESTIONS], guide_id="grow", duration_ms=2_700_000),
        held("b", techniques=[TECHNIQUE_OPEN_QUESTIONS], advice_kinds=[ADVICE_KIND_PASTORAL, ADVICE_KIND_PASTORAL]),
        held("c", guide_id="grow", advice_kinds=[ADVICE_KIND_TECHNICAL]),
        held("missed", status=SESSION_STATUS_MISSED, techniques=[TECHNIQUE_OSKAR]),
        held("another mentor's", mentor=2, techniques=[TECHNIQUE_OSKAR]),
        held("before", starts_at_ms=at(2026, 2, 28), techniques=[TECHNIQUE_OSKAR]),
        held("after", starts_at_ms=at(2026, 4, 1), techniques=[TECHNIQUE_OSKAR]),
    ]
    response = await count_my_practice(mine(), reader(MENTOR, documents=documents))
    assert response.figures == PracticeFigures(
        sessions_held=3,
        minutes=105,
        techniques=[
            TechniqueCount(technique=TECHNIQUE_GROW, sessions=1),
            TechniqueCount(technique=TECHNIQUE_OPEN_QUESTIONS, sessions=2),
        ],
        guides=[GuideCount(guide_id="grow", sessions=2)],
        advice=[
            AdviceCount(kind=ADVICE_KIND_PASTORAL, pieces=2),
            AdviceCount(kind=ADVICE_KIND_TECHNICAL, pieces=1),
        ],
    )


MARCH = CountPracticeRequest(first_month="2026-03", last_month="2026-03")


async def test_the_provider_sees_what_five_mentors_and_five_learners_stand_behind(reader: Callable[..., Any]) -> None:
    documents = [
        *(held(f"g{number}", number, number, techniques=[TECHNIQUE_GROW], guide_id="grow") for number in range(5)),
        # Many times, and of one mentor; many mentors, and one learner; four people, each twice.
        *(held(f"o{number}", 1, number, techniques=[TECHNIQUE_OSKAR]) for number in range(9)),
        *(held(f"q{number}", number, 1, techniques=[TECHNIQUE_OPEN_QUESTIONS]) for number in range(9)),
        *(held(f"a{number}", number % 4, number % 4, advice_kinds=[ADVICE_KIND_PASTORAL]) for number in range(8)),
    ]
    response = await count_practice(MARCH, reader(MANAGER, documents=documents))
    assert response.least_people == 5
    assert response.figures == PracticeFigures(
        sessions_held=31,
        minutes=930,
        techniques=[TechniqueCount(technique=TECHNIQUE_GROW, sessions=5)],
        guides=[GuideCount(guide_id="grow", sessions=5)],
    )
    assert not any(f"{who}-" in str(response) for who in ("mentor", "learner"))


async def test_of_too_few_people_nothing_is_told(reader: Callable[..., Any]) -> None:
    documents = [held(f"s{number}", number, number, techniques=[TECHNIQUE_GROW]) for number in range(4)]
    assert (await count_practice(MARCH, reader(MANAGER, documents=documents))).figures == PracticeFigures()


async def test_the_provider_counts_whole_months_over_the_turn_of_a_year(reader: Callable[..., Any]) -> None:
    days = [(2025, 11, 30), (2025, 12, 1), (2025, 12, 31), (2026, 1, 31), (2026, 2, 1)]
    documents = [
        held(f"{place}-{number}", number, number, starts_at_ms=at(*day))
        for place, day in enumerate(days)
        for number in range(5)
    ]
    read = reader(MANAGER, documents=documents)
    for first, last, found in (("2025-12", "2025-12", 10), ("2025-12", "2026-01", 15), ("2026-02", "2026-02", 5)):
        request = CountPracticeRequest(first_month=first, last_month=last)
        assert (await count_practice(request, read)).figures.sessions_held == found


async def test_months_that_end_before_they_begin_are_refused(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await count_practice(CountPracticeRequest(first_month="2026-03", last_month="2026-02"), reader(MANAGER))
    assert (caught.value.code, caught.value.field) == ("ENDS_BEFORE_IT_BEGINS", "last_month")


async def test_two_months_less_one_tell_nothing_of_the_few_in_the_other(reader: Callable[..., Any]) -> None:
    february = [held(f"f{number}", number, number, starts_at_ms=at(2026, 2, 2)) for number in range(5)]
    read = reader(MANAGER, documents=[*february, held("m", 1, 1, duration_ms=3_600_000)])
    both, one = (
        CountPracticeRequest(first_month="2026-02", last_month="2026-03"),
        CountPracticeRequest(first_month="2026-02", last_month="2026-02"),
    )
    assert (await count_practice(both, read)).figures == (await count_practice(one, read)).figures
