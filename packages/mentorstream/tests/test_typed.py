"""What commands say of themselves and of what they found, and where nobody is there to be asked."""

import re
from pathlib import Path

import pytest
from mentoring.evidence.v1.learner_record_pb2 import GetLearnerRecordResponse
from mentoring.operations.v1 import operations_pb2 as pb
from mentoring.sessions.v1.calendar_pb2 import GetCalendarResponse
from mentorstream import calendar_file
from mentorstream.cli import app
from mentorstream.operate import show, verify
from mentorstream.progress import commands
from rich.console import Console
from sessions.policy_defaults import CALENDAR_DAYS_BACK
from typer.testing import CliRunner

THERE = ["--address", "evidence=127.0.0.1:1", "--token", "any"]


def test_the_calendars_help_names_the_platforms_own_days() -> None:
    shown = " ".join(CliRunner().invoke(app, ["calendar", "--help"]).stdout.split())
    assert f"own {CALENDAR_DAYS_BACK} days" in shown.replace("│", "").replace("  ", " ")


def test_a_record_of_nothing_is_told_and_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "_called", lambda *_: GetLearnerRecordResponse(content=b"nothing"))
    typed = ["learner", "record", "learner-99", "--html", str(tmp_path / "record.html"), "--token", "any"]
    ended = CliRunner().invoke(app, typed)
    assert (ended.exit_code, "Nothing is known of that learner that you may see" in ended.stdout) == (0, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("calendar", "told"), [("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", True), ("BEGIN:VEVENT\r\n", False)]
)
def test_an_empty_calendar_is_told_beside_the_file(monkeypatch: pytest.MonkeyPatch, calendar: str, told: bool) -> None:
    async def answered(*_: object) -> GetCalendarResponse:
        return GetCalendarResponse(calendar=calendar)

    monkeypatch.setattr(calendar_file, "_calendar", answered)
    ended = CliRunner().invoke(app, ["calendar", "learner-99", "--address", "127.0.0.1:1", "--token", "any"])
    assert (ended.exit_code, ended.stdout_bytes) == (0, calendar.encode())
    assert ("No session is known of that person that you may see" in ended.stderr) is told


@pytest.mark.parametrize(
    "typed", [["rebuild", "evidence", "ksb_progress"], ["switch", "evidence", "ksb_progress"], ["drop", "evidence", "ksb_progress", "1"]]
)  # fmt: skip
def test_a_reason_that_nobody_can_be_asked_for_is_named_with_its_option(typed: list[str]) -> None:
    ended = CliRunner().invoke(app, ["projections", *typed, *THERE])
    assert (ended.exit_code, ended.stderr) == (2, "REASON_MISSING: give --reason with why this is done: it is kept\n")


def test_each_invariant_is_told_with_its_name_and_the_table_is_whole_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(show, "console", Console(force_terminal=False))
    verdicts = [pb.Verdict(invariant=name, checked=9_999_999, not_judged=10_000) for name in (*verify.NAMES, "I9")]
    verify.tell({"notifications": verify.Told(verdicts)})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (head,) = [line for line in lines if "Invariant" in line and "Service" in line]
    assert head.split() == ["Service", "Invariant", "Checked", "Violated", "Not", "judged"]
    for code, name in verify.NAMES.items():
        assert any(re.search(rf" {code} {name} +9999999 +0 +10000", line) for line in lines)
    assert any(re.search(" I9 +9999999", line) for line in lines)
