"""The table of a whole run says all that was checked: the six invariants, what some runs check beside them, and what came to nothing."""

import subprocess
from pathlib import Path

import pytest

from tests.fault import report
from tests.fault.checker.verdict import Verdict
from tests.fault.runner import INVARIANTS, Outcome

SIX = [Verdict(name, number) for number, name in enumerate(INVARIANTS, 1)]


def outcome(name: str, **fields: object) -> Outcome:
    return Outcome(name, 7, 1, [], seconds=12.4, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            outcome("relay-paused", verdicts=SIX),
            "| relay-paused | 1 | 1 / 0 | 2 / 0 | 3 / 0 | 4 / 0 | 5 / 0 | 6 / 0 |  | 12 |",
        ),
        (
            outcome("poison", verdicts=[*SIX[:5], Verdict("I6", 6, ["late"]), Verdict("parked", 3, ["lost"])]),
            "| poison | 1 | 1 / 0 | 2 / 0 | 3 / 0 | 4 / 0 | 5 / 0 | 6 / 1 | `parked` 3 / 1 | 12 |",
        ),
        (
            outcome("burst", verdicts=[*SIX, Verdict("burst", 2), Verdict("settled", 1, ["on its way"])]),
            "| burst | 1 | 1 / 0 | 2 / 0 | 3 / 0 | 4 / 0 | 5 / 0 | 6 / 0 | `burst` 2 / 0, `settled` 1 / 1 | 12 |",
        ),
        (outcome("disk", skipped="no mounting"), "| disk | 1 |" + " skipped |" * 6 + "  | 12 |"),
        (outcome("clocks", broken="TimeoutError"), "| clocks | 1 |" + " - |" * 6 + " the run itself broke | 12 |"),
    ],
    ids=lambda value: value.name if isinstance(value, Outcome) else "",
)
def test_a_run_is_a_line_with_all_that_was_checked(given: Outcome, line: str) -> None:
    head, rule, shown = report.table([given]).splitlines()
    assert head == "| Fault | Brokers | I1 | I2 | I3 | I4 | I5 | I6 | Beside | Seconds |"
    assert rule.count("|") == head.count("|")
    assert shown == line


def test_the_document_names_the_commit_and_keeps_what_is_around_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "FAULTS.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    monkeypatch.setattr(report, "DOCUMENT", document)
    report.document([outcome("relay-paused", verdicts=SIX)], 7, 90.0)
    assert "of no known commit on" in document.read_text()
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "one")
    named = _git(tmp_path, "rev-parse", "--short", "HEAD")
    report.document([outcome("relay-paused", verdicts=SIX)], 7, 90.0)
    text = document.read_text()
    assert f"`make faults` of commit {named} on " in text
    assert (text.startswith("before\n"), text.endswith("\nafter\n"), "old" in text) == (True, True, False)
    report.document([outcome("relay-paused", verdicts=SIX)], 7, 90.0)
    assert f"of commit {named}, with changes, on " in document.read_text()


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
