"""The local copy of a standard's KSB codes, so that an unknown code is refused at once, without asking another service.

A version, once learnt, keeps its codes.
"""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.sessions.v1.events_pb2 import StandardLearnt
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the standard, and the codes of its KSBs in its order."""

    version: str
    ksb_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standard:
    """Every version of one standard that was heard of."""

    versions: tuple[Version, ...] = ()

    def codes_of(self, version: str) -> tuple[str, ...] | None:
        """The codes of one version; None where it was not heard of."""
        return next((known.ksb_codes for known in self.versions if known.version == version), None)


standard = Aggregate("standard", initial=Standard())


@standard.decide
def learn(state: Standard, command: LearnStandardRequest, _context: Context) -> list[StandardLearnt]:
    """Keeps a version's codes."""
    known = state.codes_of(command.standard.version)
    if known == tuple(command.ksb_codes):
        return []
    if known is not None:
        raise Refusal(
            "STANDARD_VERSION_EXISTS",
            f"{command.standard.reference} {command.standard.version} is known with other KSBs; "
            "publish the change under a new version",
            field="standard",
        )
    return [StandardLearnt(standard=command.standard, ksb_codes=command.ksb_codes)]


@standard.evolve
def learnt(state: Standard, event: StandardLearnt) -> Standard:
    """One version more."""
    return Standard((*state.versions, Version(event.standard.version, tuple(event.ksb_codes))))
