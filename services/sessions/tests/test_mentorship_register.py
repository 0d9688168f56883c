"""What is read of mentorships, and by whom."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata, Principal
from eventkernel.reading import Ask
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page, Sealed
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest
from mentoring.sessions.v1.events_pb2 import (
    CANCEL_REASON_HEALTH,
    CANCEL_REASON_LEARNER_WITHDREW,
    CANCEL_REASON_UNSPECIFIED,
    BoundariesAgreed,
    BreakInLearningEnded,
    BreakInLearningStarted,
    MentorshipCancelled,
)
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, WithdrawalExplained
from mentoring.sessions.v1.mentorship_pb2 import (
    MENTORSHIP_STATUS_ACTIVE,
    MENTORSHIP_STATUS_CANCELLED,
    GetMentorshipRequest,
    GetMentorshipResponse,
    LearningBreak,
    ListMentorshipsRequest,
)
from mentoring.sessions.v1.session_lists_pb2 import ListMySessionsRequest
from sessions.projections.calendar import get_calendar
from sessions.projections.mentorship_register import (
    RegisteredMentorship,
    get_mentorship,
    list_mentorships,
    mentorship_register,
)
from sessions.projections.session_lists import list_my_sessions
from sessions.service import self_mentor_or_manager

from .running import Running
from .session_stories import plan
from .test_mentorship import agreed, cancelled, completed, started
from .test_mentorship_people import ANOTHER_MENTOR, ASSESSOR, CONTACT, MENTOR, NAMES, taken_over

LEARNER = person("learner-1", "learner")
MANAGER = person("paula", "provider_manager")
STRANGER = person("learner-2", "learner", "mentor")
ASKED = GetMentorshipRequest(**NAMES)
ANEW = BoundariesAgreed(
    **NAMES, boundaries=Sealed(to_be_sealed="No calls after four\nNo names"), content_digest="x", agreed_on="2026-06-01"
)
ELSEWHERE = EmployerChanged(
    **NAMES, mentor_id="mentor-1", employer_id="employer-2", site_id="site-2", parties=[ASSESSOR]
)
AWAY = BreakInLearningStarted(**NAMES, first_day="2026-03-02", expected_return="2026-05-01")
BACK = BreakInLearningEnded(**NAMES, returned_on="2026-05-02")
WITHDREW = MentorshipCancelled(**NAMES, reason=CANCEL_REASON_LEARNER_WITHDREW)
EXPLAINED = WithdrawalExplained(
    **NAMES, reason=Sealed(to_be_sealed="CANCEL_REASON_HEALTH"), detail=Sealed(to_be_sealed="An operation")
)
Read = Callable[..., Any]


def projected(*events: Message, mentorship_id: str = "mentorship-1") -> RegisteredMentorship:
    document = mentorship_register.new(f"learner-1.{mentorship_id}")
    for number, event in enumerate(events):
        meta = Metadata("e", "t", "provider-1", "s", number + 1, datetime(2026, 3, 1 + number, tzinfo=UTC))
        mentorship_register.folds[type(event)](document, event, meta)
    return RegisteredMentorship.model_validate_json(document.model_dump_json())


async def got(reader: Read, caller: Principal, *events: Message) -> tuple[GetMentorshipResponse, list[str]]:
    read = reader(caller, streams={"mentorships-learner-1": events})
    return await get_mentorship(ASKED, read), read.opened


def test_a_document_follows_the_mentorship() -> None:
    document = projected(started(), taken_over(), ELSEWHERE, AWAY)
    assert (document.mentor_id, document.employer_id, document.site_id) == ("mentor-2", "employer-2", "site-2")
    assert (document.status, document.on_break_since) == (MENTORSHIP_STATUS_ACTIVE, "2026-03-02")
    assert (document.standard_reference, document.standard_version) == ("ST0148", "1.0")
    ended = projected(started(), AWAY, BACK, WITHDREW)
    assert (ended.status, ended.on_break_since) == (MENTORSHIP_STATUS_CANCELLED, "")
    assert ended.ended_ms - ended.started_ms == 3 * 86_400_000


async def test_two_learners_whose_mentorships_share_an_id_are_both_there(tmp_path: Path) -> None:
    here = Running(tmp_path)
    both = ["learner-1", "learner-2"]
    for learner_id in both:
        await here.begin(learner_id=learner_id)
        await here.give(plan(session_id=f"with-{learner_id}", learner_id=learner_id), MENTOR)
    await here.carry()
    read = here.node.reader
    listed = await list_mentorships(ListMentorshipsRequest(), read(MANAGER))
    assert sorted(one.learner_id for one in listed.mentorships) == both
    assert {one.mentorship_id for one in listed.mentorships} == {"mentorship-1"}
    mine = await list_my_sessions(ListMySessionsRequest(mentor_id="mentor-1"), read(MENTOR))
    assert sorted(one.learner_id for one in mine.sessions) == both
    calendar = (await get_calendar(GetCalendarRequest(person_id="mentor-1"), read(MENTOR))).calendar
    assert all(f"UID:with-{learner_id}@" in calendar for learner_id in both)


async def test_a_manager_lists_in_pages_what_they_ask_for_the_latest_start_first(reader: Read) -> None:
    documents = [
        projected(started(f"mentorship-{number}"), mentorship_id=f"mentorship-{number}").model_copy(
            update={"started_ms": number, "mentor_id": f"mentor-{number % 2}", "employer_id": f"employer-{number % 3}"}
        )
        for number in range(6)
    ]
    read = reader(MANAGER, documents=documents)

    async def ids(**asked: Any) -> list[str]:
        request = ListMentorshipsRequest(page=Page(size=2), **asked)
        found: list[str] = []
        while True:
            answer = await list_mentorships(request, read)
            assert len(answer.mentorships) <= 2
            found += [one.mentorship_id[-1] for one in answer.mentorships]
            if not answer.next_cursor:
                return found
            request.page.cursor = answer.next_cursor

    assert await ids() == ["5", "4", "3", "2", "1", "0"]
    assert await ids(mentor_id="mentor-1") == ["5", "3", "1"]
    assert await ids(mentor_id="mentor-1", employer_id="employer-1") == ["1"]
    assert await ids(standard_reference="ST0148", status=MENTORSHIP_STATUS_ACTIVE) == ["5", "4", "3", "2", "1", "0"]
    assert await ids(standard_reference="ST9999") == []
    assert await ids(status=MENTORSHIP_STATUS_CANCELLED) == []
    assert read.opened == []


async def test_it_shows_how_it_came_to_be_as_it_is(reader: Read) -> None:
    answer, _ = await got(reader, LEARNER, started(), agreed(), AWAY, BACK, taken_over(), ELSEWHERE, ANEW)
    assert [one.mentor_id for one in answer.mentors] == ["mentor-1", "mentor-2"]
    assert answer.mentors[0].until == answer.mentors[1].since
    assert not answer.mentors[1].HasField("until")
    assert [(one.employer_id, one.site_id) for one in answer.employers] == [
        ("employer-1", "site-1"), ("employer-2", "site-2"),
    ]  # fmt: skip
    assert list(answer.parties) == [ASSESSOR]
    assert list(answer.breaks) == [
        LearningBreak(first_day="2026-03-02", expected_return="2026-05-01", returned_on="2026-05-02")
    ]
    assert (answer.mentorship.mentor_id, answer.mentorship.employer_id) == ("mentor-2", "employer-2")


async def test_new_boundaries_come_first_and_those_before_stay_readable(reader: Read) -> None:
    answer, _ = await got(reader, MENTOR, started(), agreed(), ANEW)
    assert [(list(one.boundaries), one.agreed_on, one.mentor_id) for one in answer.boundaries] == [
        (["No calls after four", "No names"], "2026-06-01", "mentor-1"),
        (["What is said stays here", "No calls after six"], "", "mentor-1"),
    ]


@pytest.mark.parametrize(
    ("caller", "opened"),
    [(LEARNER, ["boundaries"]), (MENTOR, ["boundaries"]), (MANAGER, []), (person("mentor-1", "provider_manager"), ["boundaries"])],
    ids=["learner", "mentor", "manager", "manager who is the mentor"],
)  # fmt: skip
async def test_boundaries_open_for_the_learner_and_the_mentor_alone(
    reader: Read, caller: Principal, opened: list[str]
) -> None:
    answer, found = await got(reader, caller, started(), agreed())
    assert (found, len(answer.boundaries)) == (opened, len(opened))
    assert list(answer.parties) == [ASSESSOR, CONTACT]


async def test_what_was_said_of_a_withdrawal_opens_for_the_learner_and_managers(reader: Read) -> None:
    for caller, expected in ((LEARNER, ["boundaries", "reason", "detail"]), (MANAGER, ["reason", "detail"])):
        answer, opened = await got(reader, caller, started(), agreed(), WITHDREW, EXPLAINED)
        assert opened == expected
        assert (answer.withdrawal_reason, answer.withdrawal_detail) == (CANCEL_REASON_HEALTH, "An operation")
        assert answer.mentorship.cancel_reason == CANCEL_REASON_LEARNER_WITHDREW
        assert answer.mentors[-1].until == answer.employers[-1].until == answer.mentorship.ended_at
    plain, _ = await got(reader, MANAGER, started(), agreed(), cancelled())
    assert plain.withdrawal_reason == CANCEL_REASON_LEARNER_WITHDREW
    going_on, _ = await got(reader, MENTOR, started(), agreed())
    assert going_on.withdrawal_reason == CANCEL_REASON_UNSPECIFIED


@pytest.mark.parametrize("events", [[], [started(), taken_over()], [started(), completed()]])
async def test_to_whoever_is_not_its_mentor_now_it_is_as_if_it_were_not_there(reader: Read, events: Any) -> None:
    with pytest.raises(Refusal) as caught:
        await got(reader, MENTOR, *events)
    assert (caught.value.code, "mentorship-1" in caught.value.text) == ("MENTORSHIP_UNKNOWN", True)


@pytest.mark.parametrize(
    ("caller", "may"),
    [(LEARNER, True), (MENTOR, False), (ANOTHER_MENTOR, True), (MANAGER, True), (STRANGER, False)],
)
async def test_who_may_ask(reader: Read, caller: Principal, may: bool) -> None:
    read = reader(caller, streams={"mentorships-learner-1": [started(), taken_over()]})
    assert await self_mentor_or_manager(Ask(caller, ASKED, read)) is may
