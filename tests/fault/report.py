"""What a run says: while it runs, at its end, and in the documentation after a whole run."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.fault import planted
from tests.fault.checker.verdict import Verdict
from tests.fault.runner import INVARIANTS, Outcome

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "FAULTS.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
_SHOWN = 5
_LETTERS = 300


def say(text: str = "") -> None:
    """A line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show(outcome: Outcome, what: str) -> None:
    """One fault: what was injected, and of each invariant how much was checked and violated."""
    state = "skipped" if outcome.skipped else "held" if outcome.good else "VIOLATED"
    say(f"{outcome.name}: {state}   seed {outcome.seed}, {outcome.brokers} broker(s), {outcome.seconds:.0f} s   {what}")
    for text in outcome.injected:
        say(f"    injected   {text}")
    if outcome.skipped:
        say(f"    skipped    {outcome.skipped}")
        return
    counts = "   ".join(f"{one.invariant} {one.checked}/{len(one.violations)}" for one in outcome.verdicts)
    say(f"    checked/violated   {counts}")
    if outcome.remarks:
        say(f"    {'; '.join(outcome.remarks)}")
    if outcome.broken:
        say(f"    the run itself broke: {outcome.broken}")
    for verdict in outcome.verdicts:
        for text in verdict.violations[:_SHOWN]:
            say(f"    {verdict.invariant}: {text[:_LETTERS]}")
        if len(verdict.violations) > _SHOWN:
            say(f"    {verdict.invariant}: and {len(verdict.violations) - _SHOWN} more")


def show_planted(verdicts: Mapping[str, Sequence[Verdict]]) -> None:
    """What the checker said of each planted bug."""
    for name, bug in planted.BUGS.items():
        caught = [one for one in verdicts[name] if one.violations]
        state = "caught" if [one.invariant for one in caught] == [name] else "NOT CAUGHT AS THIS ALONE"
        say(f"planted against {name}, {bug}: {state}")
        for verdict in caught:
            say(f"    {verdict.invariant} {verdict.checked}/{len(verdict.violations)}   {verdict.violations[0]}")


def document(outcomes: Sequence[Outcome], seed: int, seconds: float) -> None:
    """Puts the results of a whole run into the documentation, between its markers."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    head = f"`make faults` of {_commit()} on {datetime.now(UTC):%Y-%m-%d}, seed {seed}, {seconds / 60:.0f} minutes."
    DOCUMENT.write_text(f"{before}{BEGIN}\n{head} Checked / violated:\n\n{table(outcomes)}\n{END}{after}")


def table(outcomes: Sequence[Outcome]) -> str:
    """A line a run: the invariants, and what some runs check beside them or did not come to."""
    lines = [
        "| Fault | Brokers | " + " | ".join(INVARIANTS) + " | Beside | Seconds |",
        "|---|---:|" + "---:|" * len(INVARIANTS) + "---|---:|",
    ]
    for outcome in outcomes:
        counts = {one.invariant: f"{one.checked} / {len(one.violations)}" for one in outcome.verdicts}
        cells = [counts.pop(invariant, "skipped" if outcome.skipped else "-") for invariant in INVARIANTS]
        beside = [f"`{name}` {count}" for name, count in counts.items()]
        beside += ["the run itself broke"] if outcome.broken else []
        lines.append(
            f"| {outcome.name} | {outcome.brokers} | {' | '.join(cells)} | {', '.join(beside)} | {outcome.seconds:.0f} |"
        )
    return "\n".join(lines)


def _commit() -> str:
    """What was run, as git names it."""
    try:
        named = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "no known commit"
    return f"commit {named}, with changes," if changed else f"commit {named}"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=DOCUMENT.parent, capture_output=True, text=True, check=True
    ).stdout.strip()
