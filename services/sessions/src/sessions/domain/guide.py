"""A guide in its versions: steps with prompts that a session may follow (K2, S2). A version, once set, never changes.

A guide that ships is version 1 of its id; what a provider sets under that id comes after it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.sessions.v1.guide_events_pb2 import GuideRetired, GuideSet, GuideStep
from mentoring.sessions.v1.guide_pb2 import RetireGuideRequest, SetGuideRequest
from mentoring.sessions.v1.session_parts_pb2 import GuideFollowed

from sessions.guide_defaults import SHIPPED


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and what a mentor may ask in it."""

    step_id: str
    title: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A guide as it was set once."""

    version: int
    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """The versions of one guide that its provider set, the oldest first."""

    own: tuple[Version, ...] = ()
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Followed:
    """Which guide a session followed, in which version, and which of its steps it covered."""

    guide_id: str
    version: int
    step_ids: tuple[str, ...]


guide = Aggregate("guide", initial=Guide())


@guide.decide
def set_guide(state: Guide, command: SetGuideRequest, _context: Context) -> list[GuideSet]:
    """Sets the next version; one that was retired is in use again."""
    versions = versions_of(state, command.guide_id)
    newest = versions[-1] if versions else Version(0, "", ())
    if not state.retired and (newest.title, newest.steps) == (command.title, _steps(command.steps)):
        return []
    faults = list(_faults(command.steps))
    if faults:
        raise Refusal("GUIDE_INVALID", f"{'; '.join(faults)}: mend all of it and send it again", field="steps")
    return [GuideSet(guide_id=command.guide_id, version=newest.version + 1, title=command.title, steps=command.steps)]


@guide.decide
def retire(state: Guide, command: RetireGuideRequest, _context: Context) -> list[GuideRetired]:
    """Takes it out of use."""
    if not versions_of(state, command.guide_id):
        raise unknown_guide(command.guide_id, "guide_id")
    return [] if state.retired else [GuideRetired(guide_id=command.guide_id)]


@guide.evolve
def was_set(state: Guide, event: GuideSet) -> Guide:
    """One version more."""
    return Guide((*state.own, _version(event)))


@guide.evolve
def was_retired(state: Guide, _event: GuideRetired) -> Guide:
    """It is followed no more."""
    return replace(state, retired=True)


def versions_of(state: Guide, guide_id: str) -> tuple[Version, ...]:
    """All versions of this guide, the oldest first, with the one that ships; none where there is no such guide."""
    shipped = SHIPPED.get(guide_id)
    return state.own if shipped is None else (_version(shipped), *state.own)


def followed(of: GuideFollowed) -> Followed | None:
    """What is said of a guide; None where none is named."""
    return Followed(of.guide_id, of.version, tuple(of.step_ids)) if of.guide_id else None


def guide_followed(of: Followed | None) -> GuideFollowed | None:
    """The same, as events tell it."""
    return None if of is None else GuideFollowed(guide_id=of.guide_id, version=of.version, step_ids=of.step_ids)


def refuse_wrong_guide(asked: Followed | None, state: Guide, field: str, *, known: Followed | None = None) -> None:
    """Raises Refusal where a record names a guide, version or step that is not there, or a guide out of use.

    `known`: what the record said before, which it may go on saying of a guide that was retired since.
    """
    if asked is None:
        return
    versions = versions_of(state, asked.guide_id)
    found = next((one for one in versions if one.version == asked.version), None)
    if not versions:
        raise unknown_guide(asked.guide_id, f"{field}.guide_id")
    if found is None:
        raise Refusal(
            "GUIDE_VERSION_UNKNOWN",
            f"guide {asked.guide_id} has no version {asked.version}; the newest is {versions[-1].version}",
            field=f"{field}.version",
        )
    if state.retired and (known is None or (known.guide_id, known.version) != (asked.guide_id, asked.version)):
        raise Refusal(
            "GUIDE_RETIRED",
            f"guide {asked.guide_id} was taken out of use; name one that ListGuides shows, or none",
            field=f"{field}.guide_id",
        )
    there = {step.step_id for step in found.steps}
    missing = [step_id for step_id in asked.step_ids if step_id not in there]
    if missing:
        raise Refusal(
            "GUIDE_STEP_UNKNOWN",
            f"{', '.join(missing)}: no step of {asked.guide_id} in version {asked.version}; "
            f"its steps are {', '.join(step.step_id for step in found.steps)}",
            field=f"{field}.step_ids",
        )


def unknown_guide(guide_id: str, field: str) -> Refusal:
    """What is said of a guide that is not there."""
    return Refusal("GUIDE_UNKNOWN", f"there is no guide {guide_id}; ListGuides shows those that there are", field=field)


def _faults(steps: Iterable[GuideStep]) -> Iterator[str]:
    """All that is wrong between the steps; what is wrong within one, the contract has told already."""
    seen: dict[tuple[str, str], int] = {}
    for index, step in enumerate(steps):
        for name, value in (("step_id", step.step_id), ("title", step.title.casefold())):
            if (first := seen.setdefault((name, value), index)) != index:
                yield f"steps[{index}].{name} is that of steps[{first}]"
        asked: dict[str, int] = {}
        for place, prompt in enumerate(step.prompts):
            if (first := asked.setdefault(prompt.casefold(), place)) != place:
                yield f"steps[{index}].prompts[{place}] is prompts[{first}] again"


def _steps(steps: Iterable[GuideStep]) -> tuple[Step, ...]:
    return tuple(Step(step.step_id, step.title, tuple(step.prompts)) for step in steps)


def _version(of: GuideSet) -> Version:
    return Version(of.version, of.title, _steps(of.steps))
