"""Runs the notifications service: `python -m notifications`."""

from eventkernel.runtime import main

from notifications.service import build

if __name__ == "__main__":
    main(build)
