"""Starts one service as the suite's processes run it: `python -m tests.fault.process <service> [--roles ...]`.

The service is the product's own; what is wrapped around the seams of its kernel stands here and in `seams`, not in the product.
"""

import importlib
import os
import sys
from pathlib import Path

from eventkernel import runtime

from tests.fault import planted, seams
from tests.fault.switches import FOLDER, PROCESS, Switches


def main() -> None:
    """Runs the service named by the first argument, with the rest of the arguments as its own."""
    service = sys.argv.pop(1)
    switches = Switches(Path(os.environ[FOLDER]), os.environ[PROCESS])
    seams.install(switches)
    if os.environ.get(planted.VARIABLE):
        planted.install()
    runtime.main(importlib.import_module(f"{service}.service").build)


if __name__ == "__main__":
    main()
