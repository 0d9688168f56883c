"""Runs the safeguarding service: `python -m safeguarding`."""

from eventkernel.runtime import main

from safeguarding.service import build

if __name__ == "__main__":
    main(build)
