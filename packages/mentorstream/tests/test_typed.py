"""What commands say of themselves, and where nobody is there to be asked."""

import pytest
from mentorstream.cli import app
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
