"""docs/first-hour.md is followed as it is written: each command works and answers what the document shows. Then the program of
docs/CONTRACTS.md runs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.typed import PORT, ended, read_until, started

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "first-hour.md").read_text()
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WITHIN = 60.0


def steps() -> Iterator[tuple[str, str]]:
    """What is typed at once, each with what the document shows of the answer."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    for place, (kind, text) in enumerate(blocks):
        if kind == "console":
            shown = blocks[place + 1] if place + 1 < len(blocks) else ("console", "")
            yield text, "" if shown[0] else shown[1]


def test_each_step_answers_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (prepare, _), *following = steps()
    assert len(following) > 8
    with started("up", "--data-dir", str(tmp_path / ".data")) as process:
        read_until(process, '"last_resort_id": "senior-lead-1"}')
        for text, shown in following:
            _type(prepare + text, shown, tmp_path)
        _see_the_mails(tmp_path / ".data" / "mail" / "new")
        _run_the_example(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def _type(text: str, shown: str, folder: Path) -> None:
    """Types it until it works and answers what is shown: services hear of each other within moments."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MENTORSTREAM_")}
    until = time.monotonic() + _WITHIN
    while True:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )  # fmt: skip
        if done.returncode == 0 and _timeless(shown) in _timeless(done.stdout):
            return
        assert time.monotonic() < until, f"{text}\nanswered {done.returncode}:\n{done.stdout}{done.stderr}"


def _see_the_mails(folder: Path) -> None:
    told = re.search(r"After these steps there are (\w+):", DOCUMENT)
    assert told is not None
    number, until = NUMBERS.index(told[1]), time.monotonic() + _WITHIN
    while len(list(folder.iterdir())) < number and time.monotonic() < until:
        time.sleep(0.2)
    assert len(list(folder.iterdir())) == number


def _run_the_example(folder: Path) -> None:
    """The program of docs/CONTRACTS.md sees the session that it has just planned, before the one that was held."""
    program = ROOT / "packages" / "contracts" / "example.py"
    for sessions in (2, 3):
        token = ended("token", "mentor-1", "--role", "mentor", "--data-dir", str(folder / ".data")).stdout.strip()
        done = subprocess.run(
            [sys.executable, program, f"127.0.0.1:{PORT}", token],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert len(done.stdout.splitlines()) == sessions, done.stdout
        assert done.stdout.splitlines()[-1].startswith("session-1 ")


def _timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d(T[0-9:.]+Z)?", "<time>", text)
