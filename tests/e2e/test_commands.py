"""The command line as a person types it: it starts, stops on Ctrl-C with no process left, keeps its data, and says what is wrong."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.typed import PORT, ended, read_until, started

pytestmark = pytest.mark.timeout(300)


def test_up_stops_on_ctrl_c_leaves_no_process_and_keeps_its_data(tmp_path: Path) -> None:
    first = _up_until_it_is_up(tmp_path)
    assert "call safeguarding SetRoutingPolicy" in first
    assert "ST0148 1.0: imported" in first
    keys = {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()}
    assert len(keys) == 4
    assert "ST0148 1.0: was there already" in _up_until_it_is_up(tmp_path)
    assert {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()} == keys


def test_a_demo_that_is_interrupted_leaves_no_process(tmp_path: Path) -> None:
    with started("demo", "--data-dir", str(tmp_path)) as process:
        read_until(process, "Mentorships start")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGINT
    assert _processes_of(tmp_path) == []


def test_a_port_in_use_is_named_with_what_to_set(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        done = ended("up", "--data-dir", str(tmp_path))
    assert done.returncode == 2
    assert f"PORT_IN_USE: Port {PORT} on 127.0.0.1" in done.stderr
    assert "MENTORSTREAM_PORT" in done.stderr
    assert _processes_of(tmp_path) == []


def test_a_malformed_standard_is_told_with_every_problem(tmp_path: Path) -> None:
    file = tmp_path / "standard.json"
    file.write_text(
        '{"reference": "ST0148", "version": "1.0", "title": "", "level": 3, "ksbs": [{"code": "K2", "kind": "skill", "statement": ""}]}'
    )
    done = ended("standard", "check", str(file))
    assert done.returncode == 2
    assert "STANDARD_FILE_MALFORMED" in done.stderr
    assert all(word in done.stderr for word in ("title", "ksbs", "K1", "statement"))


def test_a_token_is_made_in_local_mode_alone(tmp_path: Path) -> None:
    early = ended("token", "manager-1", "--role", "provider_manager", "--data-dir", str(tmp_path))
    assert early.returncode == 2
    assert "NO_PLATFORM_HERE" in early.stderr
    assert list(tmp_path.iterdir()) == []
    odd = ended("token", "manager 1", "--role", "provider_manager", "--data-dir", str(tmp_path))
    assert (odd.returncode, "ID_NOT_VALID: person is 'manager 1'" in odd.stderr) == (2, True)
    unknown = ended("token", "manager-1", "--role", "manager", "--data-dir", str(tmp_path))
    assert "provider_manager" in unknown.stderr
    refused = ended(
        "token", "manager-1", "--role", "provider_manager", "--data-dir", str(tmp_path), MENTORSTREAM_MODE="production"
    )
    assert refused.returncode == 2
    assert "LOCAL_ONLY" in refused.stderr


def test_a_service_without_settings_names_the_variables() -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(
        [sys.executable, "-m", "sessions"], env=bare, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "SETTINGS_INVALID" in done.stderr
    assert all(name in done.stderr for name in ("KAFKA_BOOTSTRAP", "MONGODB_URI", "KEY_FILE", "JWKS_FILE"))


def _up_until_it_is_up(folder: Path) -> str:
    with started("up", "--data-dir", str(folder)) as process:
        told = read_until(process, '"last_resort_id": "senior-lead-1"}')
        # Where it listens is remembered with its data.
        imported = ended("standard", "import", "--data-dir", str(folder), MENTORSTREAM_PORT=None)
        assert (imported.returncode, imported.stderr) == (0, "")
        made = ended("token", "manager-1", "--role", "provider_manager", "--data-dir", str(folder))
        assert (made.returncode, made.stdout.count(".")) == (0, 2)
        told += imported.stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert _processes_of(folder) == []
    return told


def _processes_of(folder: Path) -> list[str]:
    """Processes that name this folder, after those that are just ending have had their moment."""
    for _ in range(50):
        found = [line for line in _command_lines() if str(folder) in line and "pytest" not in line]
        if not found:
            return []
        time.sleep(0.1)
    return found


def _command_lines() -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        if re.fullmatch(r"[0-9]+", entry.name):
            with contextlib.suppress(OSError):
                environment = (entry / "environ").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace") + environment
