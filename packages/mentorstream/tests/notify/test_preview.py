"""A message as it would be sent: shown without a platform, within 80 columns, for everything that can be told."""

import re
from pathlib import Path

import pytest
from mentoring.notifications.v1.events_pb2 import Occasion
from mentorstream.cli import app
from notifications.preview import occasions, told_of
from typer.testing import CliRunner, Result

PREVIEW = ["notify", "preview"]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def asked(*typed: str) -> Result:
    ended = CliRunner().invoke(app, [*PREVIEW, *typed])
    assert max(map(len, ended.stdout.splitlines()), default=0) <= 80
    return ended


def test_without_an_occasion_all_are_listed_with_those_who_are_told() -> None:
    listed = asked().stdout
    names = re.findall(r"^ ?([a-z_]+)  ", listed, re.MULTILINE)
    assert set(names) == {Occasion.Name(one).removeprefix("OCCASION_").lower() for one in Occasion.values() if one}
    assert re.search(r"session_planned +learner, mentor, employer_contact\s+\(outline\), guardian", listed)
    assert "guardian (outline, under 18)" in listed


@pytest.mark.parametrize("occasion", sorted(occasions()))
def test_everything_that_is_told_can_be_shown(occasion: str) -> None:
    ended = asked("--occasion", occasion, "--language", "cy")
    assert ended.exit_code == 0, ended.output
    # In the mail and in the brief form; a digest's mail says it of each of its three notices too.
    assert ended.stdout.count("Rydych yn cael gwybod hyn am") == (5 if occasion == "digest" else 2)
    assert f"mail to {next(iter(told_of(occasions()[occasion])))}" in ended.stdout


def test_one_is_shown_as_those_hear_it_who_are_told_in_outline() -> None:
    full = asked("--occasion", "SESSION-MOVED", "--as", "learner").stdout
    outline = asked("--occasion", "session_moved", "--as", "employer-contact").stdout
    assert "mail to learner" in full
    assert "A planned mentoring session was moved." in full
    assert "mail to employer_contact (outline)" in outline
    assert "moved" not in outline


def test_whom_to_call_is_shown_with_made_up_numbers() -> None:
    assert "Emergency services: 999" in asked("--occasion", "concern_received_immediate_danger").stdout


def test_the_html_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "mail.html"
    assert asked("--occasion", "session_planned", "--language", "cy", "--html", str(file)).exit_code == 0
    assert '<html lang="cy"' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--occasion", "party"], "OCCASION_UNKNOWN: --occasion is 'party'"),
        (["--occasion", "session_planned", "--as", "assessor"], "learner, mentor, employer_contact, guardian"),
        (["--language", "fr"], "LANGUAGE_UNKNOWN: --language is 'fr': there are words in en, cy"),
    ],
)
def test_what_is_typed_wrongly_is_told_with_what_would_be_accepted(typed: list[str], said: str) -> None:
    ended = CliRunner().invoke(app, [*PREVIEW, *typed])
    assert ended.exit_code == 2
    assert said in ended.stderr
