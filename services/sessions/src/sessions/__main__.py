"""Runs the sessions service: `python -m sessions --roles api,relay,projector,reactor`."""

from eventkernel.runtime import main

from sessions.service import build

main(build)
