"""The cohort without names, and a mentor's own learners."""

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import person
from evidence.projections.heat_map import get_heat_map
from evidence.projections.my_learners import list_my_learners
from evidence.projections.progress_document import LearnerProgress
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page, StandardVersion
from mentoring.evidence.v1.cohort_pb2 import (
    LEARNER_ORDER_LAST_TOUCHED,
    LEARNER_ORDER_LEARNER,
    LEARNER_ORDER_NEXT_SESSION,
    GetHeatMapRequest,
    GetHeatMapResponse,
    HeatMapRow,
    LearnerOrder,
    ListMyLearnersRequest,
    ListMyLearnersResponse,
)
from mentoring.evidence.v1.progress_pb2 import COLOUR_AMBER, COLOUR_GREEN, COLOUR_RED
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipCompleted, MentorshipStarted

from .progress_stories import (
    BEGAN,
    CODES,
    LEARNER,
    ST0148,
    STREAMS,
    accepted,
    held,
    known,
    live,
    planned,
    sampled,
    started,
    submitted,
)

MANAGER, MENTOR = person("manager-1", "provider_manager"), person("mentor-1", "mentor")
HALF_OVER = BEGAN + timedelta(days=182)
ENDED = MentorshipCompleted(learner_id=LEARNER, mentorship_id="m1")


def learner(number: int, *events: Message, at: tuple[str, str] = ("employer-1", "site-1")) -> LearnerProgress:
    """A learner in a mentorship at an employer's site, to whom this happened, a day after each other."""
    story = (started(employer_id=at[0], site_id=at[1]), *events)
    document = live(
        known(f"stream-{place}", 1, event, BEGAN + timedelta(days=place)) for place, event in enumerate(story)
    )
    return document.model_copy(update={"learner_id": f"learner-{number:03}"})


ASSESSED = (submitted("e1", "K1"), accepted("e1", "K1"))


async def heat(
    reader: Callable[..., Any], documents: Sequence[LearnerProgress], employer_id: str = "", site_id: str = ""
) -> GetHeatMapResponse:
    request = GetHeatMapRequest(standard=ST0148, employer_id=employer_id, site_id=site_id)
    return await get_heat_map(request, reader(MANAGER, streams=STREAMS, documents=documents, now=HALF_OVER))


async def test_each_learner_is_in_the_band_that_they_reached_and_counts_are_told_in_fives(
    reader: Callable[..., Any],
) -> None:
    cohort = [
        *(learner(number) for number in range(7)),
        *(learner(number, planned("s1", "K1")) for number in range(7, 15)),
        *(learner(number, planned("s1", "K1"), held("s1", "K1")) for number in range(15, 21)),
        *(learner(number, submitted("e1", "K1")) for number in range(21, 26)),
        *(learner(number, *ASSESSED) for number in range(26, 36)),
        *(learner(number, *ASSESSED, sampled("e1", "K1")) for number in range(36, 40)),
    ]
    found = await heat(reader, cohort)
    assert found.learners == 40
    assert [row.code for row in found.rows] == list(CODES)
    assert found.rows[0] == HeatMapRow(code="K1", planned=5, practised=5, evidenced=5, assessed=10, rest=15)
    assert found.rows[1] == HeatMapRow(code="K2", rest=40)
    assert "learner-" not in str(found)


async def test_a_filter_counts_an_employers_or_a_sites_learners_alone_and_tells_neither_their_number_nor_the_rest(
    reader: Callable[..., Any],
) -> None:
    places = [("employer-1", "site-1"), ("employer-1", "site-2"), ("employer-2", "site-1")]
    sizes = (12, 6, 20)
    cohort = [
        learner(100 * place + number, *ASSESSED, at=at)
        for place, (at, size) in enumerate(zip(places, sizes, strict=True))
        for number in range(size)
    ]
    for at, assessed in (
        (("employer-1",), 15),
        (places[0], 10),
        (places[1], 5),
        (places[2], 20),
        (("employer-2",), 20),
    ):
        found = await heat(reader, cohort, *at)
        assert found.rows[0] == HeatMapRow(code="K1", assessed=assessed), at
        assert (found.learners, found.colours.rest) == (0, 0)
    assert (await heat(reader, cohort)).rows[0] == HeatMapRow(code="K1", assessed=35)


async def test_an_employer_that_nobody_knows_is_answered_like_one_with_few_learners(reader: Callable[..., Any]) -> None:
    few = [learner(number, *ASSESSED) for number in range(4)]
    many = [learner(number, *ASSESSED, at=("employer-2", "site-1")) for number in range(10, 30)]
    unknown = await heat(reader, [*few, *many], "employer-9")
    assert await heat(reader, [*few, *many], "employer-1") == unknown
    assert await heat(reader, [*few, *many], "employer-1", "site-1") == unknown


async def test_of_all_employers_no_more_is_told_than_leaves_each_of_them_open(reader: Callable[..., Any]) -> None:
    cohort = [
        learner(10 * employer + number, *ASSESSED, at=(f"employer-{employer}", "site-1"))
        for employer in range(5)
        for number in range(4)
    ]
    found = await heat(reader, cohort)
    assert (found.learners, found.rows[0].assessed) == (20, 15)


async def test_a_cohort_under_five_is_told_nothing_of(reader: Callable[..., Any]) -> None:
    found = await heat(reader, [learner(number, *ASSESSED) for number in range(4)])
    assert found.learners == 0
    assert found.rows[0] == HeatMapRow(code="K1")
    assert (found.colours.amber, found.colours.red, found.colours.rest) == (0, 0, 0)


async def test_only_learners_in_an_active_mentorship_on_the_standard_are_counted(reader: Callable[..., Any]) -> None:
    over = [learner(number, *ASSESSED, ENDED) for number in range(10)]
    elsewhere = [
        live([known("m", 1, MentorshipStarted(learner_id=LEARNER, standard=StandardVersion(reference="ST0148", version="1.1")), BEGAN)])
    ] * 10  # fmt: skip
    found = await heat(reader, [*over, *elsewhere, *(learner(number, *ASSESSED) for number in range(20, 25))])
    assert (found.learners, found.rows[0].assessed) == (5, 5)


async def test_colours_are_told_but_for_the_green_ones_that_would_say_the_others(reader: Callable[..., Any]) -> None:
    half = (submitted("e1", "K1", "K2"), accepted("e1", "K1", "K2"))
    cohort = [
        *(learner(number) for number in range(6)),
        *(learner(number, *ASSESSED) for number in range(6, 16)),
        *(learner(number, *half) for number in range(16, 30)),
    ]
    found = await heat(reader, cohort)
    assert (found.colours.red, found.colours.amber, found.colours.rest) == (5, 10, 15)


async def test_more_learners_than_one_list_may_hold_are_counted(reader: Callable[..., Any]) -> None:
    one = learner(1, *ASSESSED)
    found = await heat(reader, [one] * 10_003)
    assert (found.learners, found.rows[0].assessed) == (10_000, 10_000)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (GetHeatMapRequest(standard=ST0148, site_id="site-1"), "SITE_WITHOUT_EMPLOYER"),
        (GetHeatMapRequest(standard=StandardVersion(reference="ST0148", version="9.0")), "STANDARD_UNKNOWN"),
    ],
)
async def test_what_cannot_be_counted_is_refused(
    reader: Callable[..., Any], request_: GetHeatMapRequest, code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        await get_heat_map(request_, reader(MANAGER, streams=STREAMS))
    assert caught.value.code == code


BEHIND = learner(1, planned("s1", "K1"), held("s1", "K1", minutes=50))
AHEAD = learner(
    2, submitted("e1", *CODES), accepted("e1", *CODES), planned("s1", "K1", at=HALF_OVER + timedelta(days=9))
)
BETWEEN = learner(3, *ASSESSED, planned("s1", "K2", at=HALF_OVER + timedelta(days=2)))
SILENT = learner(4)
GONE = learner(5, MentorshipCancelled(learner_id=LEARNER, mentorship_id="m1"))
THEIRS = live([known("m", 1, started(mentor_id="mentor-2"), BEGAN)])


async def mine(reader: Callable[..., Any], **asked: Any) -> ListMyLearnersResponse:
    documents = [BETWEEN, THEIRS, SILENT, BEHIND, GONE, AHEAD]
    read = reader(MENTOR, streams=STREAMS, documents=documents, now=HALF_OVER)
    return await list_my_learners(ListMyLearnersRequest(**asked), read)


def ids(found: ListMyLearnersResponse) -> list[str]:
    return [one.learner_id for one in found.learners]


async def test_a_mentor_sees_their_learners_of_now_and_nobody_elses(reader: Callable[..., Any]) -> None:
    found = await mine(reader)
    assert set(ids(found)) == {"learner-001", "learner-002", "learner-003", "learner-004"}
    one = next(each for each in found.learners if each.learner_id == "learner-003")
    assert (one.pace.colour, one.pace.behind, one.signed_off) == (COLOUR_AMBER, 25, 1)
    assert list(one.gaps) == ["K2", "K3", "K4"]
    assert one.next_session_at.ToDatetime(UTC) == HALF_OVER + timedelta(days=2)
    assert one.last_touched_at.ToDatetime(UTC) == BEGAN + timedelta(days=2)
    behind = next(each for each in found.learners if each.learner_id == "learner-001")
    assert (behind.practised_minutes, behind.HasField("next_session_at")) == (50, False)


@pytest.mark.parametrize(
    ("order", "learners"),
    [
        (0, [1, 4, 3, 2]),
        (LEARNER_ORDER_LAST_TOUCHED, [4, 1, 2, 3]),
        (LEARNER_ORDER_NEXT_SESSION, [3, 2, 1, 4]),
        (LEARNER_ORDER_LEARNER, [1, 2, 3, 4]),
    ],
)
async def test_they_come_in_the_order_that_was_asked_for_in_pages(
    reader: Callable[..., Any], order: LearnerOrder.ValueType, learners: list[int]
) -> None:
    told, cursor = list[str](), ""
    while True:
        found = await mine(reader, order=order, page=Page(size=3, cursor=cursor))
        told += ids(found)
        cursor = found.next_cursor
        if not cursor:
            break
    assert told == [f"learner-{number:03}" for number in learners]


async def test_they_are_filtered_by_colour_and_standard(reader: Callable[..., Any]) -> None:
    assert ids(await mine(reader, colours=[COLOUR_RED])) == ["learner-001", "learner-004"]
    assert ids(await mine(reader, colours=[COLOUR_GREEN, COLOUR_AMBER])) == ["learner-003", "learner-002"]
    assert len(ids(await mine(reader, standard=ST0148))) == 4
    assert ids(await mine(reader, standard=StandardVersion(reference="ST0148", version="1.1"))) == []


async def test_a_standard_that_was_not_imported_has_nothing_to_be_held_against(reader: Callable[..., Any]) -> None:
    read = reader(MENTOR, documents=[SILENT], now=HALF_OVER)
    (one,) = (await list_my_learners(ListMyLearnersRequest(), read)).learners
    assert (one.pace.colour, list(one.gaps)) == (0, [])


async def test_what_another_mentor_has_of_a_learner_is_not_told(reader: Callable[..., Any]) -> None:
    other = MentorshipStarted(
        learner_id=LEARNER,
        mentorship_id="m2",
        mentor_id="mentor-2",
        standard=StandardVersion(reference="ST0148", version="1.1"),
    )
    read = reader(MENTOR, streams=STREAMS, documents=[learner(1, other)], now=HALF_OVER)
    (one,) = (await list_my_learners(ListMyLearnersRequest(), read)).learners
    assert one.standard == ST0148
