"""The ledger as the command line shows it: within 80 columns, newest first, and with what was typed wrongly told."""

import io
import re

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import INFORMATION_KIND_ISSUE_WELL_BEING, INFORMATION_KIND_PROGRESS
from mentoring.notifications.v1.events_pb2 import (
    BECAUSE_EMPLOYER_CONTACT,
    BECAUSE_GUARDIAN,
    BECAUSE_MENTOR,
    DETAIL_FULL,
    DETAIL_OUTLINE,
    OCCASION_SESSION_PLANNED,
    OUTCOME_NEED_ENDED,
    OUTCOME_SENT,
)
from mentoring.notifications.v1.ledger_pb2 import LedgerEntry, LedgerNotice
from mentorstream.cli import app
from mentorstream.ledger.shown import show_ledger
from rich.console import Console
from typer.testing import CliRunner

AT, LATER = Timestamp(seconds=1_772_442_000), Timestamp(seconds=1_772_442_060)
ENTRIES = [
    LedgerEntry(
        happened_at=AT, kind=INFORMATION_KIND_ISSUE_WELL_BEING, occasion=OCCASION_SESSION_PLANNED, about_id="session-" + "7" * 56,
        told=[
            LedgerNotice(
                recipient_id="employer-contact-with-a-long-id-of-fifty-letters-00", because=BECAUSE_EMPLOYER_CONTACT, detail=DETAIL_OUTLINE,
                rule="issue-well-being/employer-contact/learner-agrees", policy_version=12, asked_at=AT,
                outcome=OUTCOME_NEED_ENDED, settled_at=LATER,
            ),
            LedgerNotice(recipient_id="mia", because=BECAUSE_MENTOR, detail=DETAIL_FULL, rule="part/owns-the-action", asked_at=AT),
        ],
    ),
    LedgerEntry(
        happened_at=AT, kind=INFORMATION_KIND_PROGRESS, or_kind=INFORMATION_KIND_ISSUE_WELL_BEING,
        told=[LedgerNotice(recipient_id="mum", because=BECAUSE_GUARDIAN, detail=DETAIL_OUTLINE, outcome=OUTCOME_SENT, settled_at=LATER)],
    ),
]  # fmt: skip


def shown(entries: list[LedgerEntry], *, is_all: bool = True, width: int = 80) -> str:
    out = io.StringIO()
    show_ledger(Console(file=out, width=width), entries, is_all=is_all)
    return out.getvalue()


def test_a_ledger_fits_80_columns_and_cuts_nothing_of_an_id_or_a_rule() -> None:
    text = shown(ENTRIES)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    wide = shown(ENTRIES, width=250)
    for told in (
        "session planned", "session-7777", "issue-well-being/employer-contact/learner-agrees v12", "need ended", "outline",
        "mia", "part/owns-the-action ", "full", "on its way", "something of progress or issue well being", "mum", "guardian", "sent",
    ):  # fmt: skip
        assert told in wide
    assert "\x1b" not in text


def test_the_newest_entry_comes_first_and_its_notices_below_it_with_when_they_were_settled() -> None:
    lines = [re.sub(r" +", " ", line).strip() for line in shown(ENTRIES, width=250).splitlines()]
    places = [
        next(place for place, line in enumerate(lines) if start in line)
        for start in ("session planned", " employer-contact", "mia", "something")
    ]
    assert places == sorted(places)
    assert lines[places[0]].startswith("2026-03-02 09:00")
    assert lines[places[1]].startswith("2026-03-02 09:01")


def test_that_there_is_more_is_told_and_that_there_is_nothing() -> None:
    assert "--most" in shown(ENTRIES, is_all=False)
    assert "--most" not in shown(ENTRIES)
    assert shown([]).strip() == "nothing was told"


@pytest.mark.parametrize(
    ("typed", "code"), [([], "LEARNER_MISSING"), (["--learner", "ada", "--token", "any", "--address", "127.0.0.1:1"], "UNAVAILABLE")]
)  # fmt: skip
def test_what_is_typed_wrongly_and_a_service_that_is_not_there_are_told(typed: list[str], code: str) -> None:
    ended = CliRunner().invoke(app, ["ledger", *typed])
    assert ended.exit_code == 2
    assert code in ended.stderr
