"""The evidence service with one read model, as a process: `python -m bench.rebuild_service`. All else is as it always runs."""

from dataclasses import replace

from eventkernel.runtime import main
from eventkernel.service import Service
from evidence.projections.ksb_progress import ksb_progress
from evidence.service import build


def build_with_one() -> Service:
    """A second read model that reads the same topics would end before this one, and what is measured would change half-way."""
    return replace(build(), projections=[ksb_progress])


if __name__ == "__main__":
    main(build_with_one)
