"""What becomes of a standard's versions: retired from a day on, and mapped to others that learners go on by."""

from collections.abc import Iterable
from dataclasses import replace

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping, StandardMapped, StandardRetired
from mentoring.evidence.v1.standard_pb2 import MapStandardRequest, RetireStandardRequest

from evidence.domain.days import day
from evidence.domain.standard import Standard, Version, VersionMapping, standard


@standard.decide
def retire(state: Standard, command: RetireStandardRequest, _context: Context) -> list[StandardRetired]:
    """No mentorship starts on it from that day on. Another day takes the place of the one before."""
    found = known_version(state, command.standard, "standard")
    day(command.from_day, "from_day")
    if found.retired_from == command.from_day:
        return []
    return [StandardRetired(standard=command.standard, from_day=command.from_day)]


@standard.decide
def map_to(state: Standard, command: MapStandardRequest, context: Context) -> list[StandardMapped]:
    """Says what each KSB becomes in another version. All that is wrong is told at once; a mapping that was set is never changed."""
    source = known_version(state, command.standard, "standard")
    target = known_version(context.state(Standard), command.to, "to")
    if command.standard == command.to:
        raise Refusal("SAME_STANDARD", "a version is not mapped to itself; name another", field="to")
    faults = mapping_faults(command.mapping, source, target)
    if faults:
        raise Refusal("MAPPING_NOT_WHOLE", "; ".join(faults), field="mapping")
    before = source.mapping_to(command.to.reference, command.to.version)
    if before is not None and (before.codes, before.succeeds) == (_codes(command.mapping), command.succeeds):
        return []
    return [
        StandardMapped(
            standard=command.standard,
            to=command.to,
            mapping=command.mapping,
            succeeds=command.succeeds,
            number=before.number + 1 if before else 1,
        )
    ]


def mapping_faults(mapping: Iterable[KsbMapping], source: Version, target: Version) -> list[str]:
    """Everything that is wrong with a mapping: each KSB of the one is named once, and becomes KSBs of the other or none."""
    named = [one.code for one in mapping]
    found = [f"{code} is mapped twice: leave it in once" for code in sorted({c for c in named if named.count(c) > 1})]
    found += [
        f"{ksb.code} is not mapped: name what it becomes, or give it no to_codes to drop it"
        for ksb in source.ksbs
        if ksb.code not in named
    ]
    found += [f"{code} is no KSB of {source.version}: leave it out" for code in named if code not in source.codes]
    found += [
        f"{one.code} becomes {code}, which is no KSB of {target.version}: name one that is"
        for one in mapping
        for code in one.to_codes
        if code not in target.codes
    ]
    return found


@standard.evolve
def retired(state: Standard, event: StandardRetired) -> Standard:
    """From that day on."""
    return _changed(state, event.standard, retired_from=event.from_day)


@standard.evolve
def mapped(state: Standard, event: StandardMapped) -> Standard:
    """One mapping more; those before stay readable."""
    found = state.find(event.standard.version)
    new = VersionMapping(event.to.reference, event.to.version, _codes(event.mapping), event.succeeds, event.number)
    return _changed(state, event.standard, mappings=(*(found.mappings if found else ()), new))


def known_version(state: Standard, asked: StandardVersion, field: str) -> Version:
    """The version. Raises Refusal STANDARD_UNKNOWN."""
    found = state.find(asked.version)
    if found is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{asked.reference} {asked.version} is not known; import it first, with `mentorstream standard import` or ImportStandard, or "
            "name another version",
            field=field,
        )
    return found


def _changed(state: Standard, whose: StandardVersion, **fields: object) -> Standard:
    return Standard(
        tuple(
            replace(one, **fields) if one.version == whose.version else one  # type: ignore[arg-type]
            for one in state.versions
        )
    )


def _codes(mapping: Iterable[KsbMapping]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((one.code, tuple(one.to_codes)) for one in mapping)
