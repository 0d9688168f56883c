"""Ctrl-C while the program is still loading ends it without a word."""

import signal
import subprocess
import sys

# A person presses Ctrl-C in the moment in which the command line begins to load.
PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGINT, {handler})
class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == "mentorstream.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressed())
sys.argv = ["mentorstream", "--version"]
from mentorstream.entry import main
main()
"""


def started(handler: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(handler=handler)], capture_output=True, text=True, timeout=60, check=False
    )


def test_ctrl_c_while_it_loads_ends_it_quietly() -> None:
    done = started("signal.default_int_handler")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_where_ctrl_c_is_ignored_it_goes_on() -> None:
    done = started("signal.SIG_IGN")
    assert (done.returncode, done.stdout.split()[0]) == (0, "mentorstream")
