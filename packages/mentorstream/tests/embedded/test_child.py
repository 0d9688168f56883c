"""A child never outlives its parent, and the terminal's Ctrl-C does not reach it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mentorstream.embedded.child import _DIE_WITH_PARENT, Child
from mentorstream.embedded.testing import Parent, eventually, is_alive

STARTS_A_CHILD = """
import pathlib, signal, sys, time
from mentorstream.embedded.child import Child
signal.signal(signal.SIGINT, lambda number, frame: print("interrupted", flush=True))
home = pathlib.Path(sys.argv[1])
program = "import time; print('up', flush=True); time.sleep(600)"
child = Child.start([sys.executable, "-c", program], log=home / "log", directory=home)
while child.tail() != "up":  # until then, the child would end because its wrapper finds the parent gone
    time.sleep(0.02)
print(child.pid, flush=True)
time.sleep(600)
"""
STARTS_A_PLAIN_PROCESS = """
import subprocess, sys, time
print(subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL).pid, flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")


def sleeping(home: Path, program: str = "import time; time.sleep(600)") -> Child:
    return Child.start([sys.executable, "-c", program], log=home / "log", directory=home)


@linux_only
async def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = await Parent.running(STARTS_A_CHILD, str(tmp_path))
    pid = int(await parent.line())
    assert is_alive(pid)

    parent.send(signal.SIGKILL)
    await parent.ended()

    assert await eventually(lambda: not is_alive(pid))


@linux_only
async def test_a_plain_process_outlives_its_killed_parent_so_the_test_above_proves_something() -> None:
    parent = await Parent.running(STARTS_A_PLAIN_PROCESS)
    pid = int(await parent.line())
    try:
        parent.send(signal.SIGKILL)
        await parent.ended()
        assert not await eventually(lambda: not is_alive(pid), seconds=1.0)
    finally:
        os.kill(pid, signal.SIGKILL)


async def test_ctrl_c_in_the_parents_terminal_does_not_reach_the_child(tmp_path: Path) -> None:
    parent = await Parent.running(STARTS_A_CHILD, str(tmp_path))
    pid = int(await parent.line())
    try:
        parent.send_to_group(signal.SIGINT)
        assert await parent.line() == "interrupted"
        assert not await eventually(lambda: not is_alive(pid), seconds=0.5)
    finally:
        parent.send(signal.SIGKILL)
        await parent.ended()


async def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path, no_orphans: None) -> None:
    child = sleeping(tmp_path, DEAF)
    assert await eventually(lambda: child.tail() == "deaf")

    await child.stop(grace=0.2)

    assert child.exit_code == -signal.SIGKILL


async def test_a_cancelled_stop_kills_at_once(tmp_path: Path, no_orphans: None) -> None:
    child = sleeping(tmp_path, DEAF)
    assert await eventually(lambda: child.tail() == "deaf")
    stopping = asyncio.create_task(child.stop(grace=600))
    await asyncio.sleep(0)

    stopping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert child.exit_code == -signal.SIGKILL


async def test_the_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    for word in ("first", "second"):
        assert await sleeping(tmp_path, f"print('{word}')").ended_within(20)

    assert (tmp_path / "log").read_text() == "second\n"
    assert (tmp_path / "log.previous").read_text() == "first\n"


async def test_the_tail_is_the_logs_last_lines(tmp_path: Path) -> None:
    child = sleeping(tmp_path, "print(*range(50000), sep='\\n')")
    assert await child.ended_within(20)

    assert child.tail().splitlines() == [str(number) for number in range(49980, 50000)]


def test_a_child_whose_parent_died_before_it_could_ask_for_the_signal_ends_by_itself() -> None:
    no_parent_of_ours = "1"
    ended = subprocess.run(
        [sys.executable, "-c", _DIE_WITH_PARENT, no_parent_of_ours, "/bin/sleep", "600"], timeout=30, check=False
    )
    assert ended.returncode == 1
