"""A learner's progress, folded event by event, and what is read of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import person
from evidence.projections.cohort_summary import get_cohort_summary
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import get_ksb_progress
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_figures import Figures, KsbFigures, figures_on
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    KSB_KIND_KNOWLEDGE,
    KSB_KIND_SKILL,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
    Ksb,
    StandardImported,
)
from mentoring.evidence.v1.evidence_pb2 import (
    NEXT_STEP_AWAIT_JUDGEMENT,
    NEXT_STEP_EVIDENCE,
    NEXT_STEP_NONE,
    NEXT_STEP_PLAN,
    NEXT_STEP_PRACTISE,
    GetCohortSummaryRequest,
    GetKsbProgressRequest,
    GetKsbProgressResponse,
    KsbProgress,
    NextStep,
)
from mentoring.evidence.v1.judging_events_pb2 import (
    EvidenceClaimsChanged,
    EvidenceDecisionSuperseded,
    EvidenceResubmitted,
    EvidenceWithdrawn,
)
from mentoring.sessions.v1.events_pb2 import (
    MentorshipStarted,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionPlanned,
)
from mentoring.sessions.v1.session_parts_pb2 import KsbMinutes
from mentoring.sessions.v1.session_record_events_pb2 import FormerHeld, HeldRecord, SessionCorrected

ST0148 = StandardVersion(reference="ST0148", version="1.0")
LATER_VERSION = StandardVersion(reference="ST0148", version="1.1")
STREAM = {
    "standard-ST0148": [
        StandardImported(
            standard=version,
            ksbs=[
                Ksb(code="K1", kind=KSB_KIND_KNOWLEDGE, statement="What is known"),
                Ksb(code="K2", kind=KSB_KIND_KNOWLEDGE, statement="What else is known"),
                Ksb(code="S1", kind=KSB_KIND_SKILL, statement="What is done"),
            ],
        )
        for version in (ST0148, LATER_VERSION)
    ]
}


def on_day(day: int) -> Metadata:
    return Metadata("event", "type", "provider-1", "stream", 1, datetime(2026, 3, day, 9, tzinfo=UTC))


def started(standard: StandardVersion = ST0148) -> MentorshipStarted:
    return MentorshipStarted(learner_id="learner-1", mentorship_id="mentorship-1", standard=standard)


def planned(*codes: str, session_id: str = "session-1", standard: StandardVersion = ST0148) -> SessionPlanned:
    return SessionPlanned(session_id=session_id, learner_id="learner-1", ksb_codes=codes, standard=standard)


def held(
    *codes: str, session_id: str = "session-1", minutes: float = 45, standard: StandardVersion = ST0148
) -> SessionHeld:
    return SessionHeld(
        session_id=session_id,
        learner_id="learner-1",
        ksb_codes=codes,
        duration=Duration(seconds=int(minutes * 60)),
        standard=standard,
    )


def missed(session_id: str = "session-1") -> SessionMissed:
    return SessionMissed(session_id=session_id, learner_id="learner-1")


def cancelled(session_id: str = "session-1") -> SessionCancelled:
    return SessionCancelled(session_id=session_id, learner_id="learner-1")


def submitted(*codes: str, piece: str = "evidence-1", standard: StandardVersion = ST0148) -> EvidenceSubmitted:
    return EvidenceSubmitted(evidence_id=piece, learner_id="learner-1", ksb_codes=codes, standard=standard)


def accepted(*codes: str, piece: str = "evidence-1", assessor_id: str = "assessor-1") -> EvidenceAccepted:
    return EvidenceAccepted(
        evidence_id=piece, learner_id="learner-1", ksb_codes=codes, assessor_id=assessor_id, standard=ST0148
    )


def referred(*codes: str, piece: str = "evidence-1") -> EvidenceReferred:
    return EvidenceReferred(
        evidence_id=piece, learner_id="learner-1", ksb_codes=codes, assessor_id="assessor-1", standard=ST0148
    )


def resubmitted(*codes: str, withdrawing: tuple[str, ...] = ()) -> EvidenceResubmitted:
    return EvidenceResubmitted(
        evidence_id="evidence-1",
        learner_id="learner-1",
        ksb_codes=codes,
        withdrawn_ksb_codes=withdrawing,
        standard=ST0148,
    )


def claims_changed(*codes: str, withdrawing: tuple[str, ...] = ()) -> EvidenceClaimsChanged:
    return EvidenceClaimsChanged(
        evidence_id="evidence-1",
        learner_id="learner-1",
        ksb_codes=codes,
        withdrawn_ksb_codes=withdrawing,
        standard=ST0148,
    )


def withdrawn(*codes: str) -> EvidenceWithdrawn:
    return EvidenceWithdrawn(evidence_id="evidence-1", learner_id="learner-1", ksb_codes=codes, standard=ST0148)


def superseded(*codes: str) -> EvidenceDecisionSuperseded:
    return EvidenceDecisionSuperseded(
        evidence_id="evidence-1", learner_id="learner-1", decision=1, ksb_codes=codes, standard=ST0148
    )


def after(*events: Message | tuple[Message, int]) -> LearnerProgress:
    """The document after these events, each on the day given, else on its place in the row; kept and loaded in between."""
    document = ksb_progress.new("learner-1")
    for place, item in enumerate(events):
        event, day = item if isinstance(item, tuple) else (item, place + 1)
        if type(event) not in ksb_progress.folds:
            continue
        ksb_progress.folds[type(event)](document, event, on_day(day))
        document = LearnerProgress.model_validate_json(document.model_dump_json())
    return document


def figures(*events: Message | tuple[Message, int]) -> Figures:
    return figures_on(after(*events), "ST0148", "1.0")


async def shown(reader: Callable[..., Any], *events: Message | tuple[Message, int]) -> GetKsbProgressResponse:
    read = reader(person("learner-1", "learner"), streams=STREAM, documents=[after(*events)] if events else [])
    return await get_ksb_progress(GetKsbProgressRequest(learner_id="learner-1", standard=ST0148), read)


async def ksb(reader: Callable[..., Any], code: str, *events: Message | tuple[Message, int]) -> KsbProgress:
    response = await shown(reader, *events)
    return next(one for one in response.ksbs if one.code == code)


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


async def test_mapped_and_signed_off_are_separate_figures(reader: Callable[..., Any]) -> None:
    response = await shown(reader, submitted("K1", "K2"), submitted("K2", "S1", piece="b"), accepted("K1", "K2"))
    assert (response.mapped, response.signed_off) == (3, 2)


async def test_who_accepted_last_is_who_decided_whatever_comes_in_first(reader: Callable[..., Any]) -> None:
    newest = (accepted("K1", piece="b", assessor_id="assessor-2"), 9)
    older = (accepted("K1", piece="a", assessor_id="assessor-1"), 4)
    one = await ksb(reader, "K1", (submitted("K1", piece="a"), 1), (submitted("K1", piece="b"), 2), newest, older)
    assert (one.evidenced, one.assessed, one.decided_by) == (2, 2, "assessor-2")
    assert one.last_touched_at.ToDatetime(tzinfo=UTC) == on_day(9).at


async def test_a_referral_assesses_nothing(reader: Callable[..., Any]) -> None:
    one = await ksb(reader, "K1", submitted("K1"), referred("K1"))
    assert (one.evidenced, one.assessed, one.decided_by) == (1, 0, "")


async def claims(reader: Callable[..., Any], *events: Message) -> dict[str, tuple[int, int, str]]:
    response = await shown(reader, *events)
    return {one.code: (one.evidenced, one.assessed, one.decided_by) for one in response.ksbs}


async def test_a_piece_that_was_accepted_in_part_counts_for_that_part(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2"), accepted("K1"), referred("K2"))
    assert await claims(reader, *events) == {"K1": (1, 1, "assessor-1"), "K2": (1, 0, ""), "S1": (0, 0, "")}
    found = figures(*events)
    assert (found.evidence_submitted, found.evidence_accepted, found.evidence_referred) == (1, 0, 1)


async def test_a_resubmitted_piece_is_still_one_piece(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2", "S1"), accepted("K1"), referred("K2", "S1"), resubmitted("K2", withdrawing=("S1",)))
    assert await claims(reader, *events) == {"K1": (1, 1, "assessor-1"), "K2": (1, 0, ""), "S1": (0, 0, "")}
    assert (await claims(reader, *events, accepted("K2")))["K2"] == (1, 1, "assessor-1")
    found = figures(*events)
    assert (found.evidence_submitted, found.evidence_accepted, found.evidence_referred) == (1, 0, 0)


async def test_claims_that_changed_count_as_they_are_now(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2"), claims_changed("K2", "S1", withdrawing=("K1",)))
    assert await claims(reader, *events) == {"K1": (0, 0, ""), "K2": (1, 0, ""), "S1": (1, 0, "")}


async def test_a_superseded_acceptance_counts_no_longer_and_an_older_one_is_who_decided(
    reader: Callable[..., Any],
) -> None:
    both = (
        submitted("K1", piece="a"),
        accepted("K1", piece="a", assessor_id="assessor-0"),
        submitted("K1"),
        accepted("K1"),
    )
    assert (await claims(reader, *both))["K1"] == (2, 2, "assessor-1")
    assert (await claims(reader, *both, superseded("K1"), referred("K1")))["K1"] == (2, 1, "assessor-0")


async def test_a_withdrawn_piece_counts_for_nothing(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2"), referred("K1", "K2"), withdrawn("K1", "K2"))
    assert (await claims(reader, *events))["K1"] == (0, 0, "")
    found = figures(*events)
    assert (found.evidence_submitted, found.evidence_accepted, found.evidence_referred) == (0, 0, 0)


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
