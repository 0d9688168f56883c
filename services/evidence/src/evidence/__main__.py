"""Runs the evidence service: `python -m evidence --roles api,relay,projector,reactor`."""

from eventkernel.runtime import main

from evidence.service import build

main(build)
