"""Progress as the command line shows it: what is answered is told, within 80 columns, and plain where there is no terminal."""

import io
import re

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.cohort_pb2 import ColourCounts, GetHeatMapRequest, GetHeatMapResponse, HeatMapRow
from mentoring.evidence.v1.evidence_pb2 import (
    NEXT_STEP_AWAIT_JUDGEMENT,
    NEXT_STEP_NONE,
    GetKsbProgressResponse,
    KsbProgress,
)
from mentoring.evidence.v1.progress_pb2 import (
    COLOUR_AMBER,
    GAP_REASON_NOT_JUDGED,
    GATEWAY_CODE_KSBS_SIGNED_OFF,
    GATEWAY_CODE_OFF_THE_JOB_HOURS,
    GATEWAY_CODE_REVIEWS_UP_TO_DATE,
    REQUIREMENT_STATUS_MET,
    REQUIREMENT_STATUS_NOT_KNOWN,
    REQUIREMENT_STATUS_NOT_MET,
    GatewayRequirement,
    GetGatewayReadinessResponse,
    GetKsbGapsResponse,
    KsbGap,
    Pace,
)
from mentorstream.progress.shown import Learner, show_cohort, show_learner
from rich.console import Console

ST0148 = StandardVersion(reference="ST0148", version="1.0")
TOUCHED = Timestamp(seconds=1_772_442_000)
LEARNER = Learner(
    progress=GetKsbProgressResponse(
        learner_id="learner-01",
        standard=ST0148,
        ksbs=[
            KsbProgress(
                code="K1", statement="What is known", planned=120, practised=118, practised_minutes=12345, evidenced=12,
                assessed=10, sampled=3, required=2, decided_by="an-assessor-with-a-long-name-of-fifty-letters-in-all",
                last_touched_at=TOUCHED, next_step=NEXT_STEP_NONE,
            ),
            KsbProgress(code="K11", evidenced=1, required=1, next_step=NEXT_STEP_AWAIT_JUDGEMENT),
        ],
        mapped=2, signed_off=1, sampled=1, practised_minutes=12345, off_the_job_minutes=61,
    ),
    gaps=GetKsbGapsResponse(
        gaps=[KsbGap(code="K11", statement="A statement that goes on, " * 9, reason=GAP_REASON_NOT_JUDGED, missing=1)]
    ),
    gateway=GetGatewayReadinessResponse(
        requirements=[
            GatewayRequirement(code=GATEWAY_CODE_KSBS_SIGNED_OFF, status=REQUIREMENT_STATUS_NOT_MET, needed=2, present=1),
            GatewayRequirement(
                code=GATEWAY_CODE_OFF_THE_JOB_HOURS, status=REQUIREMENT_STATUS_MET, needed=60, present=61
            ),
            GatewayRequirement(code=GATEWAY_CODE_REVIEWS_UP_TO_DATE, status=REQUIREMENT_STATUS_NOT_KNOWN),
        ]
    ),
    pace=Pace(
        colour=COLOUR_AMBER, started_on="2026-01-05", ends_on="2027-01-05", days_over=182, days_in_all=365, expected_percent=49,
        signed_off_percent=25, behind=25, green_until=10, amber_until=25,
    ),
    as_known_at=TOUCHED,
)  # fmt: skip
HEAT = GetHeatMapResponse(
    learners=10_000,
    rows=[
        HeatMapRow(code="K1", planned=10_000, practised=5, evidenced=5, assessed=10, sampled=5),
        HeatMapRow(code="S11", rest=10_000),
    ],
    colours=ColourCounts(amber=1000, rest=9000),
)


def printed(terminal: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80, force_terminal=terminal, color_system="truecolor" if terminal else None), out


def learner_shown() -> str:
    console, out = printed()
    show_learner(console, LEARNER)
    return out.getvalue()


def cohort_shown(*, terminal: bool = False, **asked: str) -> str:
    console, out = printed(terminal)
    show_cohort(console, GetHeatMapRequest(standard=ST0148, **asked), HEAT)
    return out.getvalue()


def test_a_learner_is_shown_with_figures_pace_gateway_and_gaps() -> None:
    shown = re.sub(r" +", " ", learner_shown())
    for told in (
        "learner-01 on ST0148 1.0, as known at 2026-03-02 09:00 UTC",
        "K1 120 118 12345 12 10/2 3 2026-03-02",
        "K11 · · · 1 0/1 · judgement",
        "mapped 2, signed off 1, confirmed by the IQA 1, of 2 KSBs\n205 h 45 min in all, 1 h 01 min off the job\n",
        "pace: amber, 25 points behind (green until 10, amber until 25)",
        "expected 49 %, signed off 25 %: day 182 of 365, 0 days of breaks",
        "from 2026-01-05 to 2027-01-05, by the usual length",
        "gateway: shut",
        "KSBS_SIGNED_OFF: missing, 1 of 2",
        "OFF_THE_JOB_HOURS: met, 1 h 01 min of 1 h 00 min",
        "REVIEWS_UP_TO_DATE: not known here",
        "K11 1 not judged A statement that goes on",
    ):
        assert told in shown, told


def test_a_learner_without_a_mentorship_has_no_pace() -> None:
    console, out = printed()
    show_learner(console, Learner(LEARNER.progress, LEARNER.gaps, LEARNER.gateway, Pace()))
    assert "pace: no active mentorship on this standard" in out.getvalue()
    assert "as known" not in out.getvalue()


def test_of_a_learner_who_is_not_known_no_figures_are_shown() -> None:
    console, out = printed()
    nothing = GetKsbProgressResponse(
        learner_id="learner-99", standard=ST0148, ksbs=[KsbProgress(code="K1", required=1)]
    )
    show_learner(console, Learner(nothing, LEARNER.gaps, LEARNER.gateway, Pace()))
    assert "Nothing is known of that learner that you may see" in out.getvalue()
    assert "0 h" not in out.getvalue()
    started = Pace(colour=COLOUR_AMBER)
    assert Learner(nothing, LEARNER.gaps, LEARNER.gateway, started).is_known


def test_a_cohort_is_shown_with_few_as_under_five() -> None:
    shown = re.sub(r" +", " ", cohort_shown())
    for told in (
        "All learners on ST0148 1.0",
        "K1 · 10000 5 5 10 5",
        "S11 10000 · · · · ·",
        "red under 5, amber 1000, others 9000 of 10000 learners",
    ):
        assert told in shown, told


def test_a_filter_shows_neither_the_rest_nor_how_many_there_are() -> None:
    shown = re.sub(r" +", " ", cohort_shown(employer_id="foundry", site_id="riverside"))
    assert "foundry riverside on ST0148 1.0" in shown
    assert "K1 10000 5 5 10 5" in shown
    assert "others" not in shown


@pytest.mark.parametrize("shown", [learner_shown(), cohort_shown()])
def test_nothing_is_wider_than_80_columns_and_nothing_is_coloured_without_a_terminal(shown: str) -> None:
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "\x1b" not in shown
    assert "…" not in shown


def test_a_terminal_gets_colours() -> None:
    assert "\x1b[" in cohort_shown(terminal=True)


def test_a_requirement_without_figures_is_met_or_missing() -> None:
    for status, told in ((REQUIREMENT_STATUS_MET, "met"), (REQUIREMENT_STATUS_NOT_MET, "missing")):
        reviews = GatewayRequirement(code=GATEWAY_CODE_REVIEWS_UP_TO_DATE, status=status)
        console, out = printed()
        gateway = GetGatewayReadinessResponse(requirements=[reviews], ready=True)
        show_learner(console, Learner(LEARNER.progress, LEARNER.gaps, gateway, Pace()))
        assert f"REVIEWS_UP_TO_DATE: {told}\n" in out.getvalue()
        assert "gateway: open" in out.getvalue()
