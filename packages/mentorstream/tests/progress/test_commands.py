"""What is typed wrongly is told, before anything is asked."""

import pytest
from mentorstream.cli import app
from typer.testing import CliRunner


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (["learner", "show", "learner-01", "--standard", "ST0148"], "STANDARD_NOT_VALID"),
        (["cohort", "--standard", "ST0148/1"], "STANDARD_NOT_VALID"),
        (["learner", "show", "learner-01", "--as-known-at", "last week"], "MOMENT_NOT_VALID"),
        (["learner", "show", "learner-01", "--as-known-at", "2026-02-30"], "MOMENT_NOT_VALID"),
        (["learner", "record", "learner-01"], "NO_FILE"),
    ],
)
def test_what_is_typed_wrongly_is_told(typed: list[str], code: str) -> None:
    ended = CliRunner().invoke(app, [*typed, "--address", "127.0.0.1:1", "--token", "any"])
    assert ended.exit_code == 2
    assert code in ended.stderr
