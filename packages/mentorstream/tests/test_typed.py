"""What commands say of themselves and of what they found, and where nobody is there to be asked."""

import re

import pytest
from mentoring.operations.v1 import operations_pb2 as pb
from mentorstream.cli import app
from mentorstream.operate import show, verify
from rich.console import Console
from sessions.policy_defaults import CALENDAR_DAYS_BACK
from typer.testing import CliRunner

THERE = ["--address", "evidence=127.0.0.1:1", "--token", "any"]


def test_the_calendars_help_names_the_platforms_own_days() -> None:
    shown = " ".join(CliRunner().invoke(app, ["calendar", "--help"]).stdout.split())
    assert f"own {CALENDAR_DAYS_BACK} days" in shown.replace("│", "").replace("  ", " ")


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
