"""Ctrl-C while the program is still loading ends it without a word."""

import signal
import subprocess
import sys

import pytest

LOADED = ["mentorstream.cli", "mentorstream.token"]

# A person presses Ctrl-C in the moment in which the command line begins to load.
PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGINT, {handler})
class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == {loaded!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressed())
sys.argv = ["mentorstream", "token", "--help"]
from mentorstream.entry import main
main()
"""


def started(handler: str, loaded: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(handler=handler, loaded=loaded)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("loaded", LOADED)
def test_ctrl_c_while_it_loads_ends_it_quietly(loaded: str) -> None:
    done = started("signal.default_int_handler", loaded)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("loaded", LOADED)
def test_where_ctrl_c_is_ignored_it_goes_on(loaded: str) -> None:
    done = started("signal.SIG_IGN", loaded)
    assert (done.returncode, "Print a token" in done.stdout) == (0, True)


def test_a_command_is_loaded_without_what_it_does_not_need() -> None:
    """The drivers alone take longer to load than most commands to answer."""
    program = "import sys; import mentorstream.operate.parked, mentorstream.call; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not {"aiokafka", "pymongo", "faststream", "mentorstream.platform"} & {*done.stdout.split()}
