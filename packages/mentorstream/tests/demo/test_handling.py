"""The demo's checks of its safeguarding scene: what is as asked passes them, and each thing that differs is named."""

from datetime import date

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.notifications.v1.events_pb2 import OCCASION_CONCERN_TASK_GIVEN, Because, Occasion
from mentoring.notifications.v1.ledger_pb2 import GetMyLedgerResponse, LedgerEntry, LedgerNotice
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_TASK
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_ACKNOWLEDGED,
    CONCERN_STATUS_CLOSED,
    ChronologyEntry,
    ConcernSummary,
    GetConcernResponse,
)
from mentorstream.demo import cohort, handling
from mentorstream.demo.cohort import NAMING_THE_DSL, UNANSWERED
from mentorstream.demo.expected import told

LEARNERS = cohort.cohort()


def file(*without: int, status: int = CONCERN_STATUS_CLOSED) -> GetConcernResponse:
    """As the scene leaves it, but for these entries."""
    texts = [
        getattr(request, "text", "") or getattr(request, "reason", "") for _, request in handling.until_the_close()
    ]
    entries = [
        ChronologyEntry(what=f"mentoring.safeguarding.{what}", actor_id=who, text=text)
        for (what, who), text in zip(handling.HAPPENED, [*[""] * (len(handling.HAPPENED) - len(texts)), *texts], strict=True)
    ]  # fmt: skip
    kept = [entry for place, entry in enumerate(entries) if place not in without]
    return GetConcernResponse(concern=ConcernSummary(status=status), chronology=kept)  # type: ignore[arg-type]


def on_board(*ids: str) -> list[ConcernSummary]:
    return [
        ConcernSummary(concern_id=one, held_by_id=handling.HANDLER, due=CONCERN_DUE_TASK, due_at=Timestamp(seconds=place))
        for place, one in enumerate(ids, 1)
    ]  # fmt: skip


def as_told() -> GetMyLedgerResponse:
    mine = tuple(plan for plan in LEARNERS if plan.learner_id == UNANSWERED.person_at_risk_id)
    return GetMyLedgerResponse(
        entries=[
            LedgerEntry(
                occasion=Occasion.Value(f"OCCASION_{one.occasion}"), about_id=one.about_id,
                told=[LedgerNotice(recipient_id=one.recipient_id, because=Because.Value(f"BECAUSE_{one.because}"))],
            )
            for one in told(mine)
            if "CONCERN" not in one.occasion
        ]
    )  # fmt: skip


def test_what_is_as_asked_has_no_faults() -> None:
    assert handling.handling_faults(file()) == ()
    assert handling.board_faults(on_board(NAMING_THE_DSL.id, UNANSWERED.id), on_board(NAMING_THE_DSL.id)) == ()
    assert handling.ledger_faults(as_told(), LEARNERS) == ()
    assert len(as_told().entries) > 5


@pytest.mark.parametrize("place", range(len(handling.HAPPENED)))
def test_a_step_that_is_missing_is_named(place: int) -> None:
    what, who = handling.HAPPENED[place]
    assert f"{what} by {who} is not where it belongs" in handling.handling_faults(file(place))


def test_a_concern_that_is_not_closed_and_a_text_that_is_not_read_are_named() -> None:
    assert handling.handling_faults(file(status=CONCERN_STATUS_ACKNOWLEDGED)) == (
        "it is not closed, or something is still due",
    )
    unread = file()
    unread.chronology[-1].text = ""
    assert [fault.partition(":")[0] for fault in handling.handling_faults(unread)] == ["its handler does not read"]


def test_a_board_that_misses_one_keeps_one_or_is_in_another_order_is_named() -> None:
    both, other = on_board(NAMING_THE_DSL.id, UNANSWERED.id), on_board(NAMING_THE_DSL.id)
    nothing_due = on_board(NAMING_THE_DSL.id, UNANSWERED.id)
    nothing_due[1].due = 0  # type: ignore[assignment]
    for before, after in ((other, other), (both, both), (both[::-1], other), (nothing_due, other)):
        assert len(handling.board_faults(before, after)) == 1


def test_a_ledger_that_misses_one_or_tells_of_a_concern_is_named() -> None:
    less, more = as_told(), as_told()
    del less.entries[0]
    more.entries.add(occasion=OCCASION_CONCERN_TASK_GIVEN, about_id=UNANSWERED.id).told.add(recipient_id="deputy-2")
    assert [fault.partition(":")[0] for fault in handling.ledger_faults(less, LEARNERS)] == ["not in the ledger"]
    assert [fault.partition(":")[0] for fault in handling.ledger_faults(more, LEARNERS)] == [
        "in the ledger, and not expected"
    ]


def test_each_text_of_the_scene_has_the_mark_that_may_be_in_no_mail() -> None:
    acts = [*handling.before_the_board(date(2026, 3, 2)), *handling.until_the_close()]
    texts = [getattr(request, "text", "") or getattr(request, "reason", "") for _, request in acts[1:]]
    assert all(cohort.MARK in text for text in texts)
