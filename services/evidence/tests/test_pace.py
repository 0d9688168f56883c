"""Red, amber and green, with the figures that they follow from; what a provider and a mentor set for it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from eventkernel.messages import Metadata, Recorded
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import given, person
from evidence.domain.pace import Away, Pace, pace_of
from evidence.domain.planned_end import planned_end
from evidence.domain.progress_policy import ProgressPolicy, progress_policy
from evidence.domain.standard import standard
from evidence.policy_defaults import PROGRESS
from evidence.projections.pace_of_learner import get_pace, get_progress_policy
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.progress_events_pb2 import PlannedEndSet, ProgressPolicySet
from mentoring.evidence.v1.progress_pb2 import (
    COLOUR_AMBER,
    COLOUR_GREEN,
    COLOUR_RED,
    COLOUR_UNSPECIFIED,
    Colour,
    GetPaceRequest,
    GetProgressPolicyRequest,
    SetPlannedEndRequest,
    SetProgressPolicyRequest,
)
from mentoring.sessions.v1.events_pb2 import BreakInLearningEnded, BreakInLearningStarted, MentorshipCompleted

from .progress_stories import BEGAN, LEARNER, ST0148, STREAMS, accepted, facts, live, started, story, submitted

MENTOR, MANAGER = person("mentor-1", "mentor"), person("manager-1", "provider_manager")
POLICY = ProgressPolicy(green_until=10, amber_until=25, programme_days=100)
START = date(2026, 1, 1)


def pace(day: int, signed_off: int, *breaks: Away, ends: date | None = None, ksbs: int = 20) -> Pace:
    return pace_of(
        started_on=START, planned_end=ends, breaks=breaks, today=START + timedelta(days=day), signed_off=signed_off, ksbs=ksbs,
        policy=POLICY,
    )  # fmt: skip


def away(first: int, back: int | None = None) -> Away:
    return Away(START + timedelta(days=first), None if back is None else START + timedelta(days=back))


@pytest.mark.parametrize(
    ("signed_off", "colour", "behind"),
    [(20, COLOUR_GREEN, 0), (10, COLOUR_GREEN, 0), (8, COLOUR_GREEN, 10), (7, COLOUR_AMBER, 15), (5, COLOUR_AMBER, 25), (4, COLOUR_RED, 30)],
)  # fmt: skip
def test_the_colour_is_of_the_points_behind_the_share_of_days_over(
    signed_off: int, colour: Colour.ValueType, behind: int
) -> None:
    found = pace(50, signed_off)
    assert (found.colour, found.behind) == (colour, behind)
    assert (found.expected_percent, found.signed_off_percent) == (50, 5 * signed_off)
    assert (found.days_over, found.days_in_all, found.ends_on) == (50, 100, START + timedelta(days=100))


def test_rounding_makes_no_colour() -> None:
    # 11 of 100 days, 0 of 3 KSBs: 11 points behind. 34 days, 1 KSB: 0.67 behind, told as 1.
    assert (pace(11, 0, ksbs=3).colour, pace(11, 0, ksbs=3).behind) == (COLOUR_AMBER, 11)
    assert (pace(34, 1, ksbs=3).colour, pace(34, 1, ksbs=3).behind) == (COLOUR_GREEN, 1)
    # 43.34 expected against 33.34 is over ten by nothing; one day more is over it.
    assert pace(43, 1, ksbs=3).colour == COLOUR_GREEN
    assert (pace(44, 1, ksbs=3).colour, pace(44, 1, ksbs=3).behind) == (COLOUR_AMBER, 11)


def test_a_break_stops_the_clock_and_puts_the_end_off() -> None:
    found = pace(50, 4, away(10, 40))
    assert (found.days_over, found.break_days, found.expected_percent) == (20, 30, 20)
    assert (found.colour, found.ends_on) == (COLOUR_GREEN, START + timedelta(days=130))
    assert pace(50, 4).colour == COLOUR_RED


@pytest.mark.parametrize(
    ("breaks", "days"),
    [
        ([away(40)], 10),
        ([away(50)], 0),
        ([away(60, 70)], 0),
        ([away(-20, 5)], 5),
        ([away(10, 20), away(15, 30)], 20),
        ([away(10, 30), away(15, 20)], 20),
        ([away(45, 90)], 5),
    ],
)
def test_a_day_of_a_break_counts_once_and_only_until_today(breaks: list[Away], days: int) -> None:
    assert (pace(50, 0, *breaks).break_days, pace(50, 0, *breaks).days_over) == (days, 50 - days)


def test_the_clock_neither_begins_before_the_start_nor_runs_past_the_end() -> None:
    assert (pace(-5, 0).days_over, pace(-5, 0).colour) == (0, COLOUR_GREEN)
    assert (pace(400, 20).days_over, pace(400, 20).colour) == (100, COLOUR_GREEN)
    assert pace(400, 0).behind == 100


def test_the_end_that_was_planned_holds() -> None:
    assert pace(50, 0, ends=START + timedelta(days=500)).expected_percent == 10
    assert pace(50, 0, ends=START).expected_percent == 100


AFTER_YEARS_HALF = BEGAN + timedelta(days=182)
MENTORSHIP = (started(), BEGAN)


async def asked(reader: Callable[..., Any], *events: Any, streams: Any = None, request: Any = None) -> Any:
    history = story("mentorships-learner-1", MENTORSHIP, *events)
    read = reader(
        MENTOR, streams={**STREAMS, **(streams or {})}, documents=[live(history), *facts(history)], now=AFTER_YEARS_HALF
    )
    return (await get_pace(request or GetPaceRequest(learner_id=LEARNER, standard=ST0148), read)).pace


async def test_pace_is_explained_by_its_figures(reader: Callable[..., Any]) -> None:
    done = ((submitted("e1", "K1"), BEGAN), (accepted("e1", "K1"), BEGAN))
    found = await asked(reader, *done)
    assert (found.colour, found.behind) == (COLOUR_AMBER, 25)
    assert (found.started_on, found.ends_on, found.end_planned) == ("2026-01-05", "2027-01-05", False)
    assert (found.days_over, found.days_in_all, found.break_days) == (182, 365, 0)
    assert (found.expected_percent, found.signed_off_percent) == (49, 25)
    assert (found.green_until, found.amber_until) == (PROGRESS["green_until"], PROGRESS["amber_until"])


async def test_breaks_and_the_planned_end_come_from_what_happened(reader: Callable[..., Any]) -> None:
    away_for_a_while = (
        (BreakInLearningStarted(learner_id=LEARNER, mentorship_id="m1", first_day="2026-02-01"), BEGAN),
        (BreakInLearningEnded(learner_id=LEARNER, mentorship_id="m1", returned_on="2026-02-11"), BEGAN),
        (BreakInLearningStarted(learner_id=LEARNER, mentorship_id="m1", first_day="2026-07-05"), BEGAN),
        (PlannedEndSet(learner_id=LEARNER, standard=ST0148, ends_on="2027-07-05"), BEGAN),
    )
    found = await asked(reader, *away_for_a_while)
    assert (found.break_days, found.days_over, found.days_in_all, found.end_planned) == (11, 171, 546, True)


async def test_who_is_not_on_the_standard_has_no_colour(reader: Callable[..., Any]) -> None:
    ended = await asked(reader, (MentorshipCompleted(learner_id=LEARNER, mentorship_id="m1"), BEGAN))
    assert (ended.colour, ended.days_in_all) == (COLOUR_UNSPECIFIED, 0)
    read = reader(MENTOR, streams=STREAMS)
    nobody = (await get_pace(GetPaceRequest(learner_id="learner-9", standard=ST0148), read)).pace
    assert nobody == ended


async def test_a_provider_judges_by_its_own_policy(reader: Callable[..., Any]) -> None:
    policy = {"progress-policy": [ProgressPolicySet(green_until=60, amber_until=80, programme_days=365)]}
    assert (await asked(reader, streams=policy)).colour == COLOUR_GREEN
    read = reader(MANAGER, streams=policy)
    assert (await get_progress_policy(GetProgressPolicyRequest(), read)).amber_until == 80
    nothing_set = await get_progress_policy(GetProgressPolicyRequest(), reader(MANAGER))
    assert (nothing_set.green_until, nothing_set.amber_until, nothing_set.programme_days) == (10, 25, 365)


class PolicyOfJune(LaidDown):
    """Its policy was set on the first of June."""

    async def history(self, stream: str) -> list[Recorded]:
        event = ProgressPolicySet(green_until=60, amber_until=80, programme_days=365)
        at = datetime(2026, 6, 1, tzinfo=UTC)
        return [Recorded(event, Metadata("id", "type", "provider-1", stream, 1, at))]


async def test_the_past_is_judged_as_of_its_day_by_the_policy_of_its_day() -> None:
    for month, colour in ((5, COLOUR_RED), (6, COLOUR_GREEN)):
        request = GetPaceRequest(learner_id=LEARNER, standard=ST0148)
        request.as_known_at.FromDatetime(datetime(2026, month, 1, tzinfo=UTC))
        found = await asked(PolicyOfJune, request=request)
        assert (found.colour, found.days_over) == (colour, (date(2026, month, 1) - BEGAN.date()).days)


SET = SetProgressPolicyRequest(green_until=5, amber_until=15, programme_days=450)


def test_a_policy_is_set_whole_and_a_repeat_changes_nothing() -> None:
    done = given(progress_policy).when(SET).then(ProgressPolicySet(green_until=5, amber_until=15, programme_days=450))
    done.when(SET).then_nothing()
    assert done.state == ProgressPolicy(5, 15, 450)
    given(progress_policy).when(SetProgressPolicyRequest(**PROGRESS)).then_nothing()


def test_amber_does_not_end_before_green() -> None:
    refused = given(progress_policy).when(SetProgressPolicyRequest(green_until=20, amber_until=19, programme_days=1))
    assert refused.then_refused("AMBER_BEFORE_GREEN").field == "amber_until"
    given(progress_policy).when(SetProgressPolicyRequest(green_until=20, amber_until=20, programme_days=1)).after()


KNOWN = standard.fold(standard.initial, STREAMS["standard-ST0148"])
END = SetPlannedEndRequest(learner_id=LEARNER, standard=ST0148, ends_on="2027-01-31")
ENDS = PlannedEndSet(learner_id=LEARNER, standard=ST0148, ends_on="2027-01-31")


def test_a_mentor_plans_the_end_and_plans_it_anew() -> None:
    planned = given(planned_end).beside(KNOWN).when(END, by=MENTOR).then(ENDS)
    planned.when(END, by=MENTOR).then_nothing()
    later = SetPlannedEndRequest(learner_id=LEARNER, standard=ST0148, ends_on="2027-02-28")
    planned.when(later, by=MENTOR).then(PlannedEndSet(learner_id=LEARNER, standard=ST0148, ends_on="2027-02-28"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ends_on": "2027-02-30"}, "NO_SUCH_DAY"),
        ({"standard": StandardVersion(reference="ST0148", version="9.0")}, "STANDARD_UNKNOWN"),
        ({"learner_id": "mentor-1"}, "OWN_PLANNED_END"),
    ],
)
def test_an_end_that_cannot_be_planned_is_refused(change: dict[str, Any], code: str) -> None:
    request = SetPlannedEndRequest()
    request.CopyFrom(END)
    request.MergeFrom(SetPlannedEndRequest(**change))
    given(planned_end).beside(KNOWN).when(request, by=MENTOR).then_refused(code)
