"""What is added up of a learner's sessions, activities, evidence and samples, and what is missing."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from eventkernel.testing.scenario import NOON, person
from evidence.domain.standard import standard
from evidence.projections import progress_figures, readiness
from evidence.projections.progress_figures import Band, Figures, figures_on
from evidence.projections.readiness import gaps, get_gateway_readiness, get_ksb_gaps
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.evidence.v1.events_pb2 import DECISION_REFER
from mentoring.evidence.v1.evidence_pb2 import (
    NEXT_STEP_AWAIT_JUDGEMENT,
    NEXT_STEP_EVIDENCE,
    NEXT_STEP_NONE,
    NEXT_STEP_PLAN,
    NEXT_STEP_PRACTISE,
    NextStep,
)
from mentoring.evidence.v1.progress_pb2 import (
    GAP_REASON_NOT_EVIDENCED,
    GAP_REASON_NOT_JUDGED,
    GAP_REASON_NOT_PRACTISED,
    GAP_REASON_NOTHING_PLANNED,
    GAP_REASON_REFERRED_BACK,
    GAP_REASON_TOO_FEW,
    GATEWAY_CODE_KSBS_SIGNED_OFF,
    GATEWAY_CODE_OFF_THE_JOB_HOURS,
    GATEWAY_CODE_REVIEWS_UP_TO_DATE,
    REQUIREMENT_STATUS_MET,
    REQUIREMENT_STATUS_NOT_KNOWN,
    REQUIREMENT_STATUS_NOT_MET,
    GapReason,
    GetGatewayReadinessRequest,
    GetGatewayReadinessResponse,
    GetKsbGapsRequest,
    RequirementStatus,
)
from mentoring.evidence.v1.review_events_pb2 import ReviewDueSet
from mentoring.sessions.v1 import learning_plan_events_pb2 as plans
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipCompleted
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, MentorChanged

from .progress_stories import (
    BEGAN,
    CODES,
    LEARNER,
    ST0148,
    STREAMS,
    accepted,
    activity,
    counted,
    facts,
    held,
    hours,
    hours_instead,
    known,
    live,
    planned,
    referred,
    sampled,
    started,
    submitted,
)

MENTOR = person("mentor-1", "mentor")
VERSION = standard.fold(standard.initial, STREAMS["standard-ST0148"]).versions[0]


def documents(events: Sequence[Message]) -> Any:
    """The read model after these events, a day after each other."""
    return live(known(f"stream-{place}", 1, event, BEGAN + timedelta(days=place)) for place, event in enumerate(events))


def figures(*events: Message) -> Figures:
    return figures_on(documents(events), "ST0148", "1.0")


def test_an_activity_is_planned_practised_and_touched_by_its_reports() -> None:
    one = figures(activity("a1", "K1", "K2")).ksbs["K1"]
    assert (one.planned, one.ahead, one.practised) == (1, True, 0)
    shown = figures(activity("a1", "K1", "K2"), hours("r1", "a1", 90), hours("r2", "a1", 30))
    for code in ("K1", "K2"):
        one = shown.ksbs[code]
        assert (one.planned, one.ahead, one.practised, one.practised_seconds) == (1, False, 2, 120 * 60)
        assert one.last_touched_ms == int((BEGAN + timedelta(days=2)).timestamp() * 1000)
    assert (shown.practised_seconds, shown.held_seconds) == (120 * 60, 0), "each hour once, whatever it touched"


def test_an_activity_that_was_withdrawn_is_planned_no_more_and_stays_done() -> None:
    events = (
        activity("a1", "K1"),
        hours("r1", "a1", 90),
        plans.ActivityWithdrawn(learner_id=LEARNER, activity_id="a1"),
    )
    assert (figures(*events).ksbs["K1"].planned, figures(*events).ksbs["K1"].practised) == (0, 1)


def test_hours_were_done_on_what_the_activity_aimed_at_then() -> None:
    aimed = plans.ActivityChanged(
        learner_id=LEARNER, activity_id="a1", standard=ST0148, activity=plans.PlannedActivity(ksb_codes=["K2"])
    )
    shown = figures(activity("a1", "K1"), hours("r1", "a1", 30), aimed, hours("r2", "a1", 45))
    assert (shown.ksbs["K1"].planned, shown.ksbs["K1"].practised_seconds) == (0, 30 * 60)
    assert (shown.ksbs["K2"].planned, shown.ksbs["K2"].practised_seconds) == (1, 45 * 60)


def test_a_report_that_took_anothers_place_counts_alone_and_one_of_nothing_not_at_all() -> None:
    first = (activity("a1", "K1"), hours("r1", "a1", 90))
    assert figures(*first, hours_instead("r2", "r1", "a1", 30)).off_the_job_seconds == 30 * 60
    nothing = figures(*first, hours_instead("r2", "r1", "a1", 0))
    assert (nothing.practised_seconds, nothing.ksbs["K1"].practised, nothing.ksbs["K1"].ahead) == (0, 0, True)


def test_a_session_counts_once_and_off_the_job_where_that_was_said() -> None:
    session = (planned("s1", "K1"), held("s1", "K1", minutes=60))
    assert figures(*session).off_the_job_seconds == 0
    for events in ((*session, counted("s1")), (counted("s1"), *session)):
        shown = figures(*events)
        assert (shown.off_the_job_seconds, shown.practised_seconds) == (3600, 3600)
    on_the_job = figures(counted("s1"), *session, counted("s1", plans.JOB_TIME_ON_THE_JOB))
    assert on_the_job.off_the_job_seconds == 0
    on_it = figures(activity("a1", "K1"), hours("r1", "a1", 30, plans.JOB_TIME_ON_THE_JOB), hours("r2", "a1", 15))
    assert (on_it.off_the_job_seconds, on_it.practised_seconds) == (15 * 60, 45 * 60)


def test_sampled_counts_accepted_pieces_that_the_iqa_confirmed() -> None:
    piece = (submitted("e1", "K1", "K2"), accepted("e1", "K1", "K2"))
    assert figures(*piece).ksbs["K1"].sampled == 0
    # The sample's stream is another: it may come first, and twice from two plans.
    for events in ((*piece, sampled("e1", "K1")), (sampled("e1", "K1"), *piece, sampled("e1", "K1"))):
        assert [figures(*events).ksbs[code].sampled for code in ("K1", "K2")] == [1, 0]
    other = figures(*piece, submitted("e2", "K1"), referred("e2", "K1"), sampled("e2", "K1", decision=DECISION_REFER))
    assert other.ksbs["K1"].sampled == 0, "a referral that was confirmed is no progress"
    assert figures(submitted("e1", "K1"), sampled("e1", "K1")).ksbs["K1"].sampled == 0


def test_of_a_piece_that_was_referred_in_part_what_was_accepted_is_sampled() -> None:
    part = (submitted("e1", "K1", "K2"), accepted("e1", "K1"), referred("e1", "K2"))
    found = figures(*part, sampled("e1", "K1", decision=DECISION_REFER, among=("K1", "K2")))
    assert (found.ksbs["K1"].sampled, found.ksbs["K2"].sampled) == (1, 0)


def test_what_was_confirmed_of_a_decision_that_was_superseded_counts_no_more() -> None:
    first = (submitted("e1", "K1", "K2"), accepted("e1", "K1", "K2", number=1))
    confirmed = sampled("e1", "K1", "K2", among=("K1", "K2"), number=1)
    again = accepted("e1", "K1", by="assessor-2", number=2)
    for events in ((*first, confirmed, again), (confirmed, *first, again)):
        assert [figures(*events).ksbs[code].sampled for code in ("K1", "K2")] == [0, 1]
    assert figures(*first, confirmed, again, sampled("e1", "K1", among=("K1",), number=2)).ksbs["K1"].sampled == 1


@pytest.mark.parametrize(
    ("events", "band"),
    [
        ([], Band.NONE),
        ([planned("s1", "K1")], Band.PLANNED),
        ([planned("s1", "K1"), held("s1", "K1")], Band.PRACTISED),
        ([submitted("e1", "K1")], Band.EVIDENCED),
        ([submitted("e1", "K1"), referred("e1", "K1")], Band.EVIDENCED),
        ([submitted("e1", "K1"), accepted("e1", "K1")], Band.ASSESSED),
        ([planned("s1", "K1"), submitted("e1", "K1"), accepted("e1", "K1"), sampled("e1", "K1")], Band.SAMPLED),
    ],
)
def test_a_ksb_is_in_the_farthest_band_that_was_reached(events: list[Message], band: Band) -> None:
    assert figures(*events).ksb("K1").band == band


def test_the_next_session_is_the_first_that_is_still_to_come() -> None:
    days = [BEGAN + timedelta(days=day) for day in (1, 5, 3)]
    events = [planned(f"s{place}", "K1", at=day) for place, day in enumerate(days)]
    ahead = figures_on(documents(events), "ST0148", "1.0", int((BEGAN + timedelta(days=2)).timestamp() * 1000))
    assert ahead.next_session_ms == int(days[2].timestamp() * 1000)
    over = figures_on(documents([*events, held("s2", "K1")]), "ST0148", "1.0", int(days[0].timestamp() * 1000) + 1)
    assert over.next_session_ms == int(days[1].timestamp() * 1000)
    assert figures(*events, *[held(f"s{place}", "K1") for place in range(3)]).next_session_ms == 0


GAPS: list[tuple[list[Message], "GapReason.ValueType", "NextStep.ValueType"]] = [
    ([], GAP_REASON_NOTHING_PLANNED, NEXT_STEP_PLAN),
    ([planned("s1", "K1")], GAP_REASON_NOT_PRACTISED, NEXT_STEP_PRACTISE),
    ([planned("s1", "K1"), held("s1", "K1")], GAP_REASON_NOT_EVIDENCED, NEXT_STEP_EVIDENCE),
    ([submitted("e1", "K1")], GAP_REASON_NOT_JUDGED, NEXT_STEP_AWAIT_JUDGEMENT),
    ([submitted("e1", "K1"), referred("e1", "K1")], GAP_REASON_REFERRED_BACK, NEXT_STEP_EVIDENCE),
]


@pytest.mark.parametrize(("events", "reason", "step"), GAPS)
async def test_a_gap_says_why_it_is_one_and_what_closes_it(
    reader: Callable[..., Any], events: list[Message], reason: GapReason.ValueType, step: NextStep.ValueType
) -> None:
    read = reader(MENTOR, streams=STREAMS, documents=[documents(events)])
    answer = await get_ksb_gaps(GetKsbGapsRequest(learner_id=LEARNER, standard=ST0148), read)
    assert [gap.code for gap in answer.gaps] == list(CODES)
    gap = answer.gaps[0]
    assert (gap.reason, gap.next_step, gap.required, gap.assessed, gap.missing) == (reason, step, 1, 0, 1)
    assert gap.statement == "What K1 says"


async def test_a_ksb_that_is_signed_off_is_no_gap(reader: Callable[..., Any]) -> None:
    done = documents([submitted("e1", "K1", "K3"), accepted("e1", "K1", "K3")])
    read = reader(MENTOR, streams=STREAMS, documents=[done])
    answer = await get_ksb_gaps(GetKsbGapsRequest(learner_id=LEARNER, standard=ST0148), read)
    assert [gap.code for gap in answer.gaps] == ["K2", "K4"]


def test_fewer_pieces_than_required_are_a_gap_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "required_of", lambda version: dict.fromkeys(version.codes, 2))
    one = figures(submitted("e1", "K1"), accepted("e1", "K1"))
    gap = gaps(one, VERSION)[0]
    assert (gap.reason, gap.next_step, gap.missing) == (GAP_REASON_TOO_FEW, NEXT_STEP_EVIDENCE, 1)
    two = figures(submitted("e1", "K1"), accepted("e1", "K1"), submitted("e2", "K1"), accepted("e2", "K1"))
    assert [gap.code for gap in gaps(two, VERSION)] == ["K2", "K3", "K4"]
    assert progress_figures.next_step(two.ksbs["K1"], 2) == NEXT_STEP_NONE


def proposed(minimum_hours: int) -> plans.LearningPlanProposed:
    return plans.LearningPlanProposed(
        learner_id=LEARNER, mentorship_id="m1", minimum_off_the_job=Duration(seconds=3600 * minimum_hours)
    )


async def gateway(reader: Callable[..., Any], *events: Message) -> GetGatewayReadinessResponse:
    read = reader(MENTOR, streams=STREAMS, documents=[documents(events)])
    return await get_gateway_readiness(GetGatewayReadinessRequest(learner_id=LEARNER, standard=ST0148), read)


ALL_DONE = (submitted("e1", *CODES), accepted("e1", *CODES))


async def test_the_gateway_is_open_when_nothing_is_known_to_be_missed(reader: Callable[..., Any]) -> None:
    enough = (started(), proposed(2), activity("a1", "K1"), hours("r1", "a1", 120))
    answer = await gateway(reader, *ALL_DONE, *enough)
    assert [(one.code, one.status) for one in answer.requirements] == [
        (GATEWAY_CODE_KSBS_SIGNED_OFF, REQUIREMENT_STATUS_MET),
        (GATEWAY_CODE_OFF_THE_JOB_HOURS, REQUIREMENT_STATUS_MET),
        (GATEWAY_CODE_REVIEWS_UP_TO_DATE, REQUIREMENT_STATUS_NOT_KNOWN),
    ]
    assert answer.ready


async def test_the_gateway_is_shut_with_the_figures_of_what_is_missing(reader: Callable[..., Any]) -> None:
    events = (submitted("e1", "K1", "K3"), accepted("e1", "K1", "K3"), started(), activity("a1", "K1"))
    answer = await gateway(reader, *events, hours("r1", "a1", 60), proposed(2))
    ksbs, off_the_job, _ = answer.requirements
    assert (ksbs.status, ksbs.needed, ksbs.present) == (REQUIREMENT_STATUS_NOT_MET, 4, 2)
    assert list(ksbs.ksb_codes) == ["K2", "K4"]
    assert (off_the_job.status, off_the_job.needed, off_the_job.present) == (REQUIREMENT_STATUS_NOT_MET, 120, 60)
    assert not answer.ready


@pytest.mark.parametrize("missed", ["ksbs", "hours"])
async def test_one_requirement_that_is_missed_shuts_the_gateway(reader: Callable[..., Any], missed: str) -> None:
    enough = (started(), proposed(2), activity("a1", "K1"), hours("r1", "a1", 120 if missed == "ksbs" else 119))
    answer = await gateway(reader, *(() if missed == "ksbs" else ALL_DONE), *enough)
    assert not answer.ready


async def test_without_a_plan_the_default_minimum_holds(reader: Callable[..., Any]) -> None:
    answer = await gateway(reader, *ALL_DONE)
    assert answer.requirements[1].needed == 187 * 60


async def test_readiness_as_it_was_known_is_of_what_was_recorded_by_then(reader: Callable[..., Any]) -> None:
    history = [known(f"s{place}", 1, event, BEGAN + timedelta(days=place)) for place, event in enumerate(ALL_DONE)]
    for days, missing in ((0, 4), (1, 0)):
        request = GetKsbGapsRequest(learner_id=LEARNER, standard=ST0148)
        request.as_known_at.FromDatetime(BEGAN + timedelta(days=days))
        read = reader(MENTOR, streams=STREAMS, documents=facts(history))
        assert len((await get_ksb_gaps(request, read)).gaps) == missing


def test_a_learner_is_the_one_of_their_mentor_of_now() -> None:
    assert documents([started()]).mentor_ids == ["mentor-1"]
    changed = MentorChanged(learner_id=LEARNER, mentorship_id="m1", mentor_id="mentor-2")
    assert documents([started(), changed]).mentor_ids == ["mentor-2"]
    both = documents([started(), started("m2", mentor_id="mentor-3"), changed])
    assert both.mentor_ids == ["mentor-2", "mentor-3"]
    for ended in (MentorshipCancelled, MentorshipCompleted):
        assert documents([started(), ended(learner_id=LEARNER, mentorship_id="m1")]).mentor_ids == []


def test_a_learner_is_counted_with_their_employer_of_now() -> None:
    moved = EmployerChanged(learner_id=LEARNER, mentorship_id="m1", employer_id="employer-2", site_id="site-2")
    found = documents([started(employer_id="employer-1", site_id="site-1"), moved]).mentorships["m1"]
    assert (found.employer_id, found.site_id) == ("employer-2", "site-2")


def due(late: datetime | None, mentorship_id: str = "m1") -> ReviewDueSet:
    event = ReviewDueSet(learner_id=LEARNER, mentorship_id=mentorship_id)
    if late is not None:
        event.late_at.FromDatetime(late)
    return event


@pytest.mark.parametrize(
    ("reviews", "status"),
    [
        ([], REQUIREMENT_STATUS_NOT_KNOWN),
        ([due(NOON, "m2")], REQUIREMENT_STATUS_NOT_KNOWN),
        ([due(NOON + timedelta(seconds=1))], REQUIREMENT_STATUS_MET),
        ([due(NOON)], REQUIREMENT_STATUS_NOT_MET),
        ([due(NOON), due(NOON + timedelta(days=90))], REQUIREMENT_STATUS_MET),
        ([due(None)], REQUIREMENT_STATUS_MET),
    ],
)
async def test_a_review_that_is_missing_shuts_the_gateway(
    reader: Callable[..., Any], reviews: list[Message], status: RequirementStatus.ValueType
) -> None:
    enough = (started(), proposed(1), activity("a1", "K1"), hours("r1", "a1", 60))
    answer = await gateway(reader, *ALL_DONE, *enough, *reviews)
    assert answer.requirements[2].status == status
    assert answer.ready is (status != REQUIREMENT_STATUS_NOT_MET)
