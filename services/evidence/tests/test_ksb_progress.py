"""A learner's progress, folded event by event, and what is read of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import person
from evidence.projections.cohort_summary import get_cohort_summary
from evidence.projections.learner_progress import get_ksb_progress
from evidence.projections.progress_figures import Figures, KsbFigures, figures_on
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.evidence_pb2 import (
    NEXT_STEP_AWAIT_JUDGEMENT,
    NEXT_STEP_EVIDENCE,
    NEXT_STEP_NONE,
    NEXT_STEP_PLAN,
    NEXT_STEP_PRACTISE,
    GetCohortSummaryRequest,
    GetKsbProgressRequest,
    KsbProgress,
    NextStep,
)
from mentoring.sessions.v1.events_pb2 import (
    SessionHeld,
)
from mentoring.sessions.v1.session_parts_pb2 import KsbMinutes
from mentoring.sessions.v1.session_record_events_pb2 import FormerHeld, HeldRecord, SessionCorrected

from .ksb_stories import (
    LATER_VERSION,
    ST0148,
    STREAM,
    accepted,
    after,
    cancelled,
    figures,
    held,
    ksb,
    missed,
    on_day,
    planned,
    referred,
    resubmitted,
    shown,
    started,
    submitted,
    superseded,
    withdrawn,
)


async def test_where_nothing_happened_every_ksb_is_there_in_order_with_zeros(reader: Callable[..., Any]) -> None:
    response = await shown(reader)
    assert [(one.code, one.statement) for one in response.ksbs] == [
        ("K1", "What is known"),
        ("K2", "What else is known"),
        ("S1", "What is done"),
    ]
    assert response.ksbs[0] == KsbProgress(code="K1", statement="What is known", next_step=NEXT_STEP_PLAN, required=1)
    assert (response.mapped, response.signed_off, response.learner_id) == (0, 0, "learner-1")
    assert response.standard == ST0148


async def test_a_session_held_counts_with_its_whole_length_for_each_ksb(reader: Callable[..., Any]) -> None:
    events = (started(), planned("K1"), held("K1", "S1", minutes=45))
    for code, planned_for in (("K1", 1), ("S1", 0)):
        one = await ksb(reader, code, *events)
        assert (one.planned, one.practised, one.practised_minutes) == (planned_for, 1, 45)
        assert one.last_touched_at.ToDatetime(tzinfo=UTC) == on_day(3).at
    untouched = await ksb(reader, "K2", *events)
    assert (untouched.practised, untouched.HasField("last_touched_at")) == (0, False)


async def test_a_session_that_shares_out_its_minutes_counts_them_ksb_by_ksb(reader: Callable[..., Any]) -> None:
    shared = held("K1", "K2", "S1", minutes=45)
    shared.ksb_minutes.extend([KsbMinutes(ksb_code="K1", minutes=30), KsbMinutes(ksb_code="S1", minutes=5)])
    events = (planned("K1"), shared)
    shown = {code: await ksb(reader, code, *events) for code in ("K1", "K2", "S1")}
    assert {code: (one.practised, one.practised_minutes) for code, one in shown.items()} == {
        "K1": (1, 30),
        "K2": (1, 0),
        "S1": (1, 5),
    }
    assert figures(*events).held_seconds == 45 * 60


def corrected(
    former: SessionHeld | None, stands: SessionHeld | None, session_id: str = "session-1"
) -> SessionCorrected:
    """From one record to another; None: it was missed."""
    event = SessionCorrected(session_id=session_id, learner_id="learner-1", standard=ST0148)
    if stands is None:
        event.missed.SetInParent()
    else:
        event.held.MergeFrom(
            HeldRecord(duration=stands.duration, ksb_codes=stands.ksb_codes, ksb_minutes=stands.ksb_minutes)
        )
    if former is None:
        event.former.missed.SetInParent()
    else:
        event.former.held.MergeFrom(
            FormerHeld(duration=former.duration, ksb_codes=former.ksb_codes, ksb_minutes=former.ksb_minutes)
        )
    return event


def shared(*codes: str, minutes: int, **by_code: int) -> SessionHeld:
    event = held(*codes, minutes=minutes)
    event.ksb_minutes.extend(KsbMinutes(ksb_code=code, minutes=number) for code, number in by_code.items())
    return event


@pytest.mark.parametrize(
    ("first", "stands"),
    [
        (held("K1", "S1", minutes=45), held("K1", minutes=30)),
        (held("K1", minutes=45), shared("K1", "K2", minutes=45, K1=10, K2=35)),
        (shared("K1", "K2", minutes=45, K1=10, K2=35), held("S1", minutes=45)),
        (held("K1", minutes=45), None),
        (None, held("K1", "S1", minutes=45)),
        (None, None),
    ],
)
def test_a_corrected_session_counts_as_it_stands_and_not_as_it_was(
    first: SessionHeld | None, stands: SessionHeld | None
) -> None:
    other = (planned("K1", session_id="x"), held("K1", session_id="x", minutes=20))
    begun = planned("K1", "S1")
    right = figures(*other, begun, stands or missed())
    events: list[Message] = [begun, first or missed(), corrected(first, stands)]
    # Other streams of the learner come before, between and after.
    for place in range(4):
        shown = figures(*[(event, 1) for event in [*events[:place], *other, *events[place:]]])
        assert counted(shown) == counted(right)
    twice = figures(*other, *events, corrected(stands, first), corrected(first, stands))
    assert counted(twice) == counted(right)


def counted(shown: Figures) -> Figures:
    """All figures but times."""
    ksbs = {code: replace(one, last_touched_ms=0) for code, one in shown.ksbs.items()}
    return replace(shown, last_touched_ms=0, ksbs={code: one for code, one in ksbs.items() if one != KsbFigures()})


async def test_a_ksb_that_was_named_by_mistake_was_never_touched_unless_something_else_did(
    reader: Callable[..., Any],
) -> None:
    first, stands = held("K1", "S1"), held("K1", "K2")
    events = ((planned("K1"), 1), (first, 2), (corrected(first, stands), 5))
    touched = {code: await ksb(reader, code, *events) for code in ("K1", "K2", "S1")}
    assert touched["K1"].last_touched_at.ToDatetime(tzinfo=UTC) == on_day(2).at
    assert touched["K2"].last_touched_at.ToDatetime(tzinfo=UTC) == on_day(5).at
    assert not touched["S1"].HasField("last_touched_at")
    claimed = await ksb(
        reader, "S1", (planned("K1"), 1), (first, 2), (submitted("S1"), 3), (corrected(first, stands), 5)
    )
    assert claimed.last_touched_at.ToDatetime(tzinfo=UTC) == on_day(3).at


async def test_half_minutes_are_added_before_they_are_rounded(reader: Callable[..., Any]) -> None:
    events = (
        planned(session_id="a"),
        held("K1", session_id="a", minutes=30.5),
        planned(session_id="b"),
        held("K1", session_id="b", minutes=30.5),
    )
    assert (await ksb(reader, "K1", *events)).practised_minutes == 61


async def test_a_missed_session_was_planned_and_touched_nothing(reader: Callable[..., Any]) -> None:
    one = await ksb(reader, "K1", planned("K1"), missed())
    assert (one.planned, one.practised, one.HasField("last_touched_at")) == (1, 0, False)
    assert one.next_step == NEXT_STEP_PLAN


async def test_a_cancelled_session_counts_as_if_it_had_never_been_planned(reader: Callable[..., Any]) -> None:
    one = await ksb(reader, "K1", planned("K1", "S1"), cancelled())
    assert (one.planned, one.practised, one.HasField("last_touched_at")) == (0, 0, False)
    document = after(started(), planned("K1", "S1"), planned("K1", session_id="session-2"), cancelled())
    left = figures_on(document, "ST0148", "1.0")
    assert (left.sessions_planned, left.sessions_missed, list(document.sessions)) == (1, 0, ["session-2"])
    assert {code: one.planned for code, one in left.ksbs.items()} == {"K1": 1}


async def test_a_session_is_taken_from_the_version_on_which_it_was_planned(reader: Callable[..., Any]) -> None:
    one = await ksb(reader, "K1", planned("K1"), planned("K1", session_id="x", standard=LATER_VERSION), cancelled("x"))
    assert one.planned == 1


@pytest.mark.parametrize(
    ("events", "step"),
    [
        ([], NEXT_STEP_PLAN),
        ([planned("K1")], NEXT_STEP_PRACTISE),
        ([planned("K1"), missed()], NEXT_STEP_PLAN),
        ([planned("K1"), cancelled()], NEXT_STEP_PLAN),
        ([planned("K1", standard=LATER_VERSION)], NEXT_STEP_PLAN),
        ([planned("K1"), held("S1")], NEXT_STEP_PLAN),
        ([planned("K1"), missed(), planned("K1", session_id="session-2")], NEXT_STEP_PRACTISE),
        ([planned("K1"), held("K1")], NEXT_STEP_EVIDENCE),
        ([planned("K1"), held("K1"), submitted("K1")], NEXT_STEP_AWAIT_JUDGEMENT),
        ([submitted("K1")], NEXT_STEP_AWAIT_JUDGEMENT),
        ([submitted("K1"), referred("K1")], NEXT_STEP_EVIDENCE),
        ([submitted("K1"), referred("K1"), submitted("K1", piece="b")], NEXT_STEP_AWAIT_JUDGEMENT),
        ([submitted("K1"), referred("K1"), resubmitted("K1")], NEXT_STEP_AWAIT_JUDGEMENT),
        ([submitted("K1"), withdrawn("K1")], NEXT_STEP_PLAN),
        ([submitted("K1"), accepted("K1")], NEXT_STEP_NONE),
        ([submitted("K1"), accepted("K1"), superseded("K1"), referred("K1")], NEXT_STEP_EVIDENCE),
        ([submitted("K1"), accepted("K1"), submitted("K1", piece="b")], NEXT_STEP_NONE),
    ],
)
async def test_the_next_step_is_the_first_not_taken(
    reader: Callable[..., Any], events: list[Message], step: NextStep.ValueType
) -> None:
    assert (await ksb(reader, "K1", *events)).next_step == step


async def test_the_same_code_of_another_version_is_another_ksb(reader: Callable[..., Any]) -> None:
    one = await ksb(
        reader,
        "K1",
        started(LATER_VERSION),
        planned("K1", standard=LATER_VERSION),
        held("K1", standard=LATER_VERSION),
        submitted("K1", standard=LATER_VERSION),
    )
    assert (one.planned, one.practised, one.evidenced) == (0, 0, 0)


async def test_a_standard_that_is_not_known_is_refused(reader: Callable[..., Any]) -> None:
    unknown = StandardVersion(reference="ST0148", version="9.0")
    read = reader(person("manager-1", "provider_manager"), streams=STREAM)
    for asking in (
        get_ksb_progress(GetKsbProgressRequest(learner_id="learner-1", standard=unknown), read),
        get_cohort_summary(GetCohortSummaryRequest(standard=unknown), read),
    ):
        with pytest.raises(Refusal) as caught:
            await asking
        assert (caught.value.code, caught.value.field) == ("STANDARD_UNKNOWN", "standard")


async def test_the_cohort_is_summed_over_the_learners_of_the_version(reader: Callable[..., Any]) -> None:
    busy = after(
        started(),
        planned("K1"),
        held("K1", "S1", minutes=45),
        planned("K1", session_id="session-2"),
        missed("session-2"),
        planned("K1", session_id="session-3"),
        cancelled("session-3"),
        submitted("K1", piece="a"),
        accepted("K1", piece="a"),
        submitted("K2", piece="b"),
        referred("K2", piece="b"),
    )
    idle = after(started()).model_copy(update={"learner_id": "learner-2"})
    elsewhere = after(started(LATER_VERSION), submitted("K1", standard=LATER_VERSION)).model_copy(
        update={"learner_id": "learner-3"}
    )
    read = reader(person("manager-1", "provider_manager"), streams=STREAM, documents=[busy, idle, elsewhere])
    summary = await get_cohort_summary(GetCohortSummaryRequest(standard=ST0148), read)
    assert summary.learners == 2
    assert (summary.sessions_planned, summary.sessions_held, summary.sessions_missed) == (2, 1, 1)
    assert summary.minutes == 45, "a session that touched two KSBs counts its minutes once"
    assert (summary.evidence_submitted, summary.evidence_accepted, summary.evidence_referred) == (2, 1, 1)
    assert [(one.code, one.learners) for one in summary.assessed] == [("K1", 1), ("K2", 0), ("S1", 0)]
    assert "learner-" not in str(summary)
