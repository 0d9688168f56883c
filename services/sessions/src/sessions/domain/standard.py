"""The local copy of a standard's KSB codes, so that an unknown code is refused at once, without asking another service.

A version, once learnt, keeps its codes.
"""

from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from mentoring.sessions.v1.events_pb2 import StandardLearnt
from mentoring.sessions.v1.following_pb2 import LearnRetirementRequest
from mentoring.sessions.v1.mentorship_events_pb2 import StandardRetirementLearnt
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the standard, and the codes of its KSBs in its order. `retired_from` is an ISO day."""

    version: str
    ksb_codes: tuple[str, ...]
    retired_from: str = ""


@dataclass(frozen=True, slots=True)
class Standard:
    """Every version of one standard that was heard of."""

    versions: tuple[Version, ...] = ()

    def codes_of(self, version: str) -> tuple[str, ...] | None:
        """The codes of one version; None where it was not heard of."""
        return next((known.ksb_codes for known in self.versions if known.version == version), None)

    def retired_from(self, version: str) -> str:
        """The first day on which no mentorship starts on it; empty where that was not heard of."""
        return next((known.retired_from for known in self.versions if known.version == version), "")


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


@standard.decide
def learn_retirement(
    state: Standard, command: LearnRetirementRequest, _context: Context
) -> list[StandardRetirementLearnt]:
    """Keeps the day. The version was learnt before: its events come in their order."""
    if state.codes_of(command.standard.version) is None:
        raise NotYet("STANDARD_UNKNOWN", "the version has not been learnt; try again after that")
    if state.retired_from(command.standard.version) == command.from_day:
        return []
    return [StandardRetirementLearnt(standard=command.standard, from_day=command.from_day)]


@standard.evolve
def retirement_learnt(state: Standard, event: StandardRetirementLearnt) -> Standard:
    """From that day on."""
    return Standard(
        tuple(
            replace(one, retired_from=event.from_day) if one.version == event.standard.version else one
            for one in state.versions
        )
    )
