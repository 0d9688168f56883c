"""What a mentor reads of their own development, and a manager of all mentors' skills."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.reading import Ask
from eventkernel.testing.scenario import person
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import Page, Sealed
from mentoring.sessions.v1.events_pb2 import (
    CURRENCY_PROOF_LICENCE,
    DEVELOPMENT_KIND_COURSE,
    DevelopmentRecorded,
    SkillKeptCurrent,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CURRENCY_CURRENT,
    CURRENCY_LAPSED,
    CURRENCY_LAPSING,
    CURRENCY_NOT_YET,
    Currency,
    GetDevelopmentEntryRequest,
    GetDevelopmentRequest,
    ListLapsingSkillsRequest,
)
from sessions.projections.mentor_skills import (
    MentorSkills,
    get_development,
    get_development_entry,
    kept_current,
    list_lapsing_skills,
    mentor_skills,
)
from sessions.service import self_

MENTOR, MANAGER = person("mentor-1", "mentor"), person("paula", "provider_manager")
META = Metadata("event-1", "type", "provider-1", "development-mentor-1", 1, datetime(2026, 3, 2, tzinfo=UTC))


def entry(entry_id: str, done_on: str, hours: int, reflection: str = "") -> DevelopmentRecorded:
    return DevelopmentRecorded(
        mentor_id="mentor-1",
        entry_id=entry_id,
        kind=DEVELOPMENT_KIND_COURSE,
        done_on=done_on,
        duration=Duration(seconds=3600 * hours),
        reflection=Sealed(to_be_sealed=reflection) if reflection else None,
    )


def skill(
    skill_id: str, valid_until: str, valid_from: str = "2020-01-01", mentor_id: str = "mentor-1"
) -> SkillKeptCurrent:
    return SkillKeptCurrent(
        mentor_id=mentor_id,
        skill_id=skill_id,
        valid_from=valid_from,
        valid_until=valid_until,
        proof=CURRENCY_PROOF_LICENCE,
    )


def projected(*events: SkillKeptCurrent) -> MentorSkills:
    document = mentor_skills.new(events[0].mentor_id)
    for event in events:
        kept_current(document, event, META)
    return MentorSkills.model_validate_json(document.model_dump_json())


async def read_own(reader: Callable[..., Any], on: str, *events: Any, notice_days: int = 0) -> Any:
    read = reader(MENTOR, streams={"development-mentor-1": list(events)})
    response = await get_development(GetDevelopmentRequest(mentor_id="mentor-1", on=on, notice_days=notice_days), read)
    assert read.opened == []
    return response


async def test_the_log_comes_newest_day_first_and_the_hours_are_those_of_a_year(reader: Callable[..., Any]) -> None:
    entries = [
        entry("old", "2025-03-02", 1),
        entry("first", "2025-03-03", 2),
        entry("last", "2026-03-02", 4),
        entry("next", "2026-03-03", 8),
    ]
    response = await read_own(reader, "2026-03-02", *entries)
    assert [one.entry_id for one in response.entries] == ["next", "last", "first", "old"]
    assert response.in_a_year == Duration(seconds=6 * 3600)


@pytest.mark.parametrize(("on", "hours"), [("2028-02-29", 3), ("2029-02-28", 6)])
async def test_a_year_before_the_29th_of_february_is_the_28th(reader: Callable[..., Any], on: str, hours: int) -> None:
    entries = [
        entry("a", "2027-02-28", 100),
        entry("b", "2027-03-01", 1),
        entry("c", "2028-02-28", 2),
        entry("d", "2028-02-29", 6 if on > "2029" else 0),
    ]
    assert (await read_own(reader, on, *entries)).in_a_year == Duration(seconds=hours * 3600)


@pytest.mark.parametrize(
    ("on", "currency", "days_left"),
    [
        ("2019-12-31", CURRENCY_NOT_YET, 2557),
        ("2020-01-01", CURRENCY_CURRENT, 2556),
        ("2026-10-01", CURRENCY_CURRENT, 91),
        ("2026-10-02", CURRENCY_LAPSING, 90),
        ("2026-12-31", CURRENCY_LAPSING, 0),
        ("2027-01-01", CURRENCY_LAPSED, -1),
    ],
)
async def test_a_skill_is_current_up_to_its_last_day_and_lapses_in_sight(
    reader: Callable[..., Any], on: str, currency: Currency.ValueType, days_left: int
) -> None:
    (found,) = (await read_own(reader, on, skill("bread-making", "2026-12-31"))).skills
    assert (found.currency, found.days_left) == (currency, days_left)
    assert (found.mentor_id, found.skill_id, found.valid_until) == ("mentor-1", "bread-making", "2026-12-31")


async def test_the_notice_is_the_callers_to_set(reader: Callable[..., Any]) -> None:
    (found,) = (await read_own(reader, "2026-12-01", skill("bread-making", "2026-12-31"), notice_days=7)).skills
    assert found.currency == CURRENCY_CURRENT


async def test_what_was_said_last_of_a_skill_counts(reader: Callable[..., Any]) -> None:
    (found,) = (
        await read_own(reader, "2026-12-01", skill("pastry", "2026-12-31"), skill("pastry", "2029-12-31"))
    ).skills
    assert (found.valid_until, found.currency) == ("2029-12-31", CURRENCY_CURRENT)


async def test_a_manager_sees_all_mentors_skills_that_lapse_the_nearest_end_first(reader: Callable[..., Any]) -> None:
    documents = [
        projected(skill("pastry", "2026-12-31"), skill("bread-making", "2029-12-31")),
        projected(
            skill("welding", "2026-11-30", mentor_id="mentor-2"), skill("bending", "2020-01-31", mentor_id="mentor-2")
        ),
    ]
    response = await list_lapsing_skills(
        ListLapsingSkillsRequest(on="2026-12-01"), reader(MANAGER, documents=documents)
    )
    assert [(one.mentor_id, one.skill_id, one.currency) for one in response.skills] == [
        ("mentor-2", "bending", CURRENCY_LAPSED),
        ("mentor-2", "welding", CURRENCY_LAPSED),
        ("mentor-1", "pastry", CURRENCY_LAPSING),
    ]
    first = await list_lapsing_skills(
        ListLapsingSkillsRequest(on="2026-12-01", page=Page(size=2)), reader(MANAGER, documents=documents)
    )
    rest = await list_lapsing_skills(
        ListLapsingSkillsRequest(on="2026-12-01", page=Page(cursor=first.next_cursor)),
        reader(MANAGER, documents=documents),
    )
    assert [*first.skills, *rest.skills] == list(response.skills)
    assert rest.next_cursor == ""


async def test_a_log_is_read_in_pages_and_its_year_is_always_whole(reader: Callable[..., Any]) -> None:
    read = reader(MENTOR, streams={"development-mentor-1": [entry(name, "2026-03-01", 1) for name in "abc"]})
    first = await get_development(GetDevelopmentRequest(mentor_id="mentor-1", on="2026-03-02", page=Page(size=2)), read)
    rest = await get_development(
        GetDevelopmentRequest(mentor_id="mentor-1", on="2026-03-03", page=Page(cursor=first.next_cursor)), read
    )
    assert [[one.entry_id for one in page.entries] for page in (first, rest)] == [["c", "b"], ["a"]]
    assert first.in_a_year == rest.in_a_year == Duration(seconds=3 * 3600)


async def test_an_entry_opens_its_own_reflection_and_no_other(reader: Callable[..., Any]) -> None:
    read = reader(
        MENTOR,
        streams={
            "development-mentor-1": [
                entry("a", "2026-01-01", 1, "mine"),
                entry("b", "2026-01-02", 1, "another"),
                entry("c", "2026-01-03", 1),
            ]
        },
    )
    response = await get_development_entry(GetDevelopmentEntryRequest(mentor_id="mentor-1", entry_id="a"), read)
    assert (response.entry.entry_id, response.reflection, read.opened) == ("a", "mine", ["reflection"])
    response = await get_development_entry(GetDevelopmentEntryRequest(mentor_id="mentor-1", entry_id="c"), read)
    assert (response.reflection, read.opened) == ("", ["reflection"])


async def test_an_entry_that_never_was_is_unknown(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await get_development_entry(GetDevelopmentEntryRequest(mentor_id="mentor-1", entry_id="x"), reader(MENTOR))
    assert (caught.value.code, caught.value.field) == ("ENTRY_UNKNOWN", "entry_id")


async def test_a_day_that_no_calendar_has_is_refused(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await read_own(reader, "2026-02-30")
    assert (caught.value.code, caught.value.field) == ("NO_SUCH_DAY", "on")


@pytest.mark.parametrize(("caller", "is_own"), [("mentor-1", True), ("mentor-2", False)])
async def test_a_log_is_its_mentors_alone(reader: Callable[..., Any], caller: str, is_own: bool) -> None:
    principal = person(caller, "mentor")
    assert await self_(Ask(principal, GetDevelopmentRequest(mentor_id="mentor-1"), reader(principal))) is is_own
