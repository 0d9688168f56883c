"""Issues as the command line shows them: a line each, within 80 columns; whose view it is has to be said."""

import io
import re

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.issue_events_pb2 import ISSUE_KIND_PROGRESS, ISSUE_KIND_WELL_BEING
from mentoring.sessions.v1.issue_pb2 import (
    REFERRAL_STATUS_ACCEPTED,
    REFERRAL_STATUS_DECLINED,
    REFERRAL_STATUS_WAITING,
    IssueReferral,
    IssueSummary,
)
from mentorstream import issue_list
from mentorstream.cli import app
from rich.console import Console
from typer.testing import CliRunner

LONG = "a-referred-colleague-with-a-name-of-sixty-letters-or-more-in-all"


def issue(issue_id: str, **more: object) -> IssueSummary:
    fields: dict[str, object] = {
        "learner_id": "learner-1",
        "kind": ISSUE_KIND_PROGRESS,
        "raised_at": Timestamp(seconds=1),
    }
    return IssueSummary(**{"issue_id": issue_id, **fields, **more})  # type: ignore[arg-type]


def shown(monkeypatch: pytest.MonkeyPatch, *found: IssueSummary) -> list[str]:
    console = Console(width=80, record=True, file=io.StringIO())
    monkeypatch.setattr("mentorstream.operate.show.console", console)
    monkeypatch.setattr(issue_list, "console", console)
    issue_list.show_issues(found)
    return console.export_text().splitlines()


def test_a_line_says_whose_it_is_of_which_kind_and_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    referrals = [
        IssueReferral(referred_to_id="ada", status=REFERRAL_STATUS_ACCEPTED),
        IssueReferral(referred_to_id="paula", status=REFERRAL_STATUS_WAITING),
        IssueReferral(referred_to_id="emma", status=REFERRAL_STATUS_DECLINED),
    ]
    lines = shown(
        monkeypatch, issue("issue-1", referrals=referrals), issue("issue-2", kind=ISSUE_KIND_WELL_BEING, idle=True)
    )
    one, other = [re.split(r"\s{2,}", line.strip()) for line in lines if "issue-" in line]
    assert (one[:3], one[4:]) == (["issue-1", "learner-1", "progress"], ["ada, paula?"])
    assert (other[:3], other[4:]) == (["issue-2", "learner-1", "well-being"], ["yes"])


def test_whatever_ids_are_like_a_table_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    referrals = [IssueReferral(referred_to_id=LONG, status=REFERRAL_STATUS_WAITING)] * 3
    lines = shown(monkeypatch, issue(LONG, learner_id=LONG, referrals=referrals, kind=ISSUE_KIND_WELL_BEING))
    assert lines
    assert max(map(len, lines)) <= 80


def test_where_there_are_none_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch) == ["no open issues"]


def test_whose_view_it_is_has_to_be_said() -> None:
    ended = CliRunner().invoke(app, ["issues", "--learner", "learner-1"], env={"MENTORSTREAM_TOKEN": ""})
    assert ended.exit_code == 2
    assert "CALLER_MISSING" in ended.stderr
