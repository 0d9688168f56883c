"""Concerns as the command line shows them: within 80 columns, who has which and by when, and no text unless it was asked for."""

import hashlib
import io
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.safeguarding.v1.events_pb2 import (
    ASSIGNEE_ROLE_DEPUTY_DSL,
    CONCERN_CATEGORY_MENTAL_HEALTH_AND_SELF_HARM,
    SEVERITY_IMMEDIATE_DANGER,
)
from mentoring.safeguarding.v1.export_pb2 import ConcernExport
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_ANSWER_TO_REFERRAL, PART_IN_CONCERN_AT_RISK
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    CONCERN_STATUS_REFERRED,
    ChronologyEntry,
    ConcernSummary,
    ConcernTask,
    GetConcernResponse,
    LinkedPerson,
)
from mentorstream.cli import app
from mentorstream.concern.shown import show_board, show_concern
from mentorstream.safeguarding_calls import Caller
from rich.console import Console
from typer.testing import CliRunner, Result

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
LONG = "z" * 64
TEN, EVENING = Timestamp(seconds=1_772_445_600), Timestamp(seconds=1_772_478_000)


def concern(concern_id: str, **more: object) -> ConcernSummary:
    fields: dict[str, object] = {
        "category": CONCERN_CATEGORY_MENTAL_HEALTH_AND_SELF_HARM, "severity": SEVERITY_IMMEDIATE_DANGER,
        "status": CONCERN_STATUS_REFERRED, "held_by_id": "dsl-1",
    }  # fmt: skip
    return ConcernSummary(**{"concern_id": concern_id, **fields, **more})  # type: ignore[arg-type]


WAITS = concern("c-1", status=CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT, acknowledge_by=TEN)
REFERRED = concern(
    "c-2", due_at=EVENING, due=CONCERN_DUE_ANSWER_TO_REFERRAL, left_alone=True, passed_on_to_id="deputy-1"
)
FILE = GetConcernResponse(
    concern=WAITS, raiser_id="mentor-1", person_at_risk_id="learner-1",
    people=[LinkedPerson(person_id="learner-1", part=PART_IN_CONCERN_AT_RISK), LinkedPerson(person_id="uncle")],
    due=[ConcernTask(due_id="t-1", due_at=EVENING, kind=CONCERN_DUE_ANSWER_TO_REFERRAL, assignee_id="deputy-1")],
    chronology=[
        ChronologyEntry(at=TEN, actor_id="mentor-1", what="mentoring.safeguarding.concern-raised"),
        ChronologyEntry(
            at=EVENING, actor_id="system", what="mentoring.safeguarding.concern-assigned", assignee_id="deputy-1",
            assignee_role=ASSIGNEE_ROLE_DEPUTY_DSL,
        ),
    ],
)  # fmt: skip


def board(*found: ConcernSummary, width: int = 80) -> str:
    out = io.StringIO()
    show_board(Console(file=out, width=width), found, NOW)
    return out.getvalue()


def file(found: GetConcernResponse, width: int = 80) -> str:
    out = io.StringIO()
    show_concern(Console(file=out, width=width), found)
    return out.getvalue()


def test_a_line_says_what_it_is_who_has_it_what_is_due_and_whether_it_was_left_alone_or_passed_on() -> None:
    lines = board(WAITS, REFERRED, width=160).splitlines()
    one, other = [re.split(r"\s{2,}", line.strip()) for line in lines if "c-" in line]
    kind = "mental health and self harm, immediate danger"
    assert one == ["c-1", kind, "dsl-1?", "2026-03-02 10:00"]
    assert other == ["c-2", kind, "dsl-1", "2026-03-02 19:00"]
    below = [
        re.split(r"\s{2,}", line.strip()) for line in lines if not re.search("c-|Concern|─", line) and line.strip()
    ]
    assert below[1:5] == [["acknowledge"], ["late"], ["left alone", "answer to referral"], ["passed to deputy-1"]]


def test_an_id_that_the_platform_makes_is_whole_so_that_it_can_be_copied() -> None:
    made = "f8643589-c557-5ae3-b494-37ba2aa465d7"
    found = concern(
        made, passed_on_to_id="deputy-1", left_alone=True, due_at=EVENING, due=CONCERN_DUE_ANSWER_TO_REFERRAL
    )
    assert made in board(found)


def test_a_question_mark_is_explained_where_there_is_one() -> None:
    assert "has not acknowledged it" in board(WAITS)
    assert "has not acknowledged it" not in board(REFERRED)


def test_nobody_and_nothing_are_said_and_so_is_that_there_are_none() -> None:
    assert re.search(r"c-3 .* nobody +nothing", board(concern("c-3", held_by_id=""), width=160))
    assert board().strip() == "no open concerns"


def test_whatever_ids_are_like_both_fit_80_columns_and_cut_nothing() -> None:
    wide = concern(
        LONG, held_by_id=LONG, passed_on_to_id=LONG, due_at=EVENING, due=CONCERN_DUE_ANSWER_TO_REFERRAL, left_alone=True
    )
    entry = ChronologyEntry(at=TEN, actor_id=LONG, what="mentoring.safeguarding.concern-assigned", assignee_id=LONG)
    shown = GetConcernResponse(concern=wide, raiser_id=LONG, chronology=[entry])
    for text, times in ((board(wide, WAITS), 3), (file(shown), 6)):
        assert max(map(len, text.splitlines())) <= 80
        assert text.count("z") == times * len(LONG)


def test_a_file_says_that_its_raiser_is_known_to_its_handlers_alone() -> None:
    anonymous = GetConcernResponse(concern=WAITS, raiser_id="learner-2", raiser_anonymous=True)
    assert "Raised by: learner-2 (anonymous: known to its handlers alone)\n" in file(anonymous)
    assert "Raised by: mentor-1\n" in file(FILE)


def test_a_file_says_who_is_in_it_as_what_what_is_due_and_what_happened_in_order() -> None:
    text = file(FILE)
    assert "In it: learner-1 (at risk); uncle (named)" in text
    assert "Due: 2026-03-02 19:00 answer to referral, by deputy-1" in text
    told = re.findall(r"^ ?(2026-03-02 \d\d:\d\d) +(\S+) +(.+?) *$", text, re.MULTILINE)
    assert told == [
        ("2026-03-02 10:00", "mentor-1", "raised"),
        ("2026-03-02 19:00", "system", "assigned, to deputy-1 (deputy dsl)"),
    ]


def test_texts_are_shown_as_they_were_written_where_they_were_asked_for() -> None:
    assert "Narrative" not in file(FILE)
    told = GetConcernResponse()
    told.CopyFrom(FILE)
    told.narrative = "[bold]he[/bold] said"
    told.chronology[1].text = "the [red] door"
    assert "[bold]he[/bold] said" in file(told)
    assert "the [red] door" in file(told)


@pytest.mark.parametrize("typed", [["board"], ["board", "--all"], ["show", "c-1"]])
def test_whose_view_it_is_has_to_be_said(typed: list[str]) -> None:
    ended = CliRunner().invoke(app, ["concern", *typed], env={"MENTORSTREAM_TOKEN": ""})
    assert ended.exit_code == 2
    assert "CALLER_MISSING" in ended.stderr


def test_a_service_that_is_not_there_is_told() -> None:
    ended = CliRunner().invoke(app, ["concern", "board", "--token", "any", "--address", "127.0.0.1:1"])
    assert (ended.exit_code, "UNAVAILABLE" in ended.stderr) == (2, True)


def test_what_is_merged_is_shown_with_its_leading_concern() -> None:
    leading = concern("c-1", merged_ids=["c-2", "c-3"])
    lines = [re.split(r"\s{2,}", line.strip())[0] for line in board(leading, width=160).splitlines()]
    assert [line for line in lines if "c-" in line] == ["c-1", "+ c-2", "+ c-3"]
    assert "Merged into it: c-2, c-3" in file(GetConcernResponse(concern=leading))
    assert "Merged into: c-1" in file(GetConcernResponse(concern=concern("c-2", merged_into_id="c-1")))


def test_an_export_needs_a_reason_and_writes_over_nothing(tmp_path: Path) -> None:
    there = tmp_path / "there.pdf"
    there.write_bytes(b"kept")
    new = tmp_path / "new.pdf"
    reach = ["--token", "any", "--address", "127.0.0.1:1"]
    for typed, code in (
        (["--to", str(there), "--reason", "court"], "FILE_EXISTS"),
        (["--to", str(new)], "REASON_MISSING"),
        (["--to", str(new), "--reason", "court"], "UNAVAILABLE"),
    ):
        ended = CliRunner().invoke(app, ["concern", "export", "c-1", *typed, *reach])
        assert (ended.exit_code, code in ended.stderr) == (2, True), code
    assert there.read_bytes() == b"kept"
    assert not new.exists()


def exported(monkeypatch: pytest.MonkeyPatch, to: Path, *, sha256: bytes) -> tuple[Result, list[tuple[int, int]]]:
    """How it ended with this hash told, and the file's mode and size whenever the service was called."""
    seen: list[tuple[int, int]] = []

    def asks(_caller: Caller, _call: object) -> tuple[ConcernExport, bytes]:
        found = to.stat()
        seen.append((stat.S_IMODE(found.st_mode), found.st_size))
        return ConcernExport(version=7, sha256=sha256), b"%PDF"

    monkeypatch.setattr(Caller, "asks", asks)
    return CliRunner().invoke(app, ["concern", "export", "c-1", "--to", str(to), "--reason", "court"]), seen


def test_an_export_is_asked_for_once_there_is_a_file_that_nobody_else_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    to = tmp_path / "new.pdf"
    ended, seen = exported(monkeypatch, to, sha256=hashlib.sha256(b"%PDF").digest())
    assert (ended.exit_code, seen) == (0, [(0o600, 0)])
    assert to.read_bytes() == b"%PDF"


def test_where_no_file_can_be_an_export_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ended, seen = exported(monkeypatch, tmp_path / "nowhere" / "new.pdf", sha256=b"")
    assert (ended.exit_code, seen) == (2, [])
    assert "FILE_NOT_WRITTEN" in ended.stderr


def test_of_an_export_that_came_damaged_no_file_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    to = tmp_path / "new.pdf"
    ended, seen = exported(monkeypatch, to, sha256=b"of another")
    assert (ended.exit_code, len(seen), to.exists()) == (2, 1, False)
    assert "DOCUMENT_DAMAGED" in ended.stderr
