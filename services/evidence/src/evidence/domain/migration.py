"""A learner's way from one version or standard to another: nothing that was done is rewritten, and each migration keeps its mapping."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping, LearnerMigrated
from mentoring.evidence.v1.standard_pb2 import MigrateLearnerRequest

from evidence.domain.standard import Standard
from evidence.domain.standard_life import known_version


@dataclass(frozen=True, slots=True)
class Migrations:
    """Each as from, to, and the number of the mapping: a reference and a version each. Of those from one version the newest holds."""

    all: tuple[tuple[tuple[str, str], tuple[str, str], int], ...] = ()

    @property
    def holding(self) -> dict[tuple[str, str], tuple[tuple[str, str], int]]:
        """Where each version leads to now, and by which mapping."""
        return {before: (after, number) for before, after, number in self.all}


migrations = Aggregate("migrations", initial=Migrations())


@migrations.decide
def migrate(state: Migrations, command: MigrateLearnerRequest, context: Context) -> list[LearnerMigrated]:
    """By the newest mapping of the two. A repeat changes nothing; after a newer mapping, or to another version, it puts the migration right.

    Back to where the learner came from it does not go: what came over would be carried in a circle. And one from which the learner went on
    is put right only by a newer mapping: led elsewhere, it would leave what followed without what it was built on.
    """
    source = known_version(context.state(Standard), command.standard, "standard")
    mapping = source.mapping_to(command.to.reference, command.to.version)
    if mapping is None:
        raise Refusal(
            "NOT_MAPPED",
            f"there is no mapping from {command.standard.reference} {command.standard.version} to "
            f"{command.to.reference} {command.to.version}; set one with MapStandard first",
            field="to",
        )
    before, after = _place(command.standard), _place(command.to)
    led_to, number = state.holding.get(before, (after, 0))
    if (led_to, number) == (after, mapping.number):
        return []
    if led_to != after and led_to in state.holding:
        raise Refusal(
            "MIGRATED_ON",
            f"the learner went from there to {' '.join(led_to)}, and on from that; migrate them from where they are now",
            field="standard",
        )
    if before in _reached(state, after):
        raise Refusal(
            "MIGRATED_IN_A_CIRCLE",
            "the learner came from there, directly or by another version; put that migration right with a newer mapping",
            field="to",
        )
    return [
        LearnerMigrated(
            learner_id=command.learner_id,
            standard=command.standard,
            to=command.to,
            mapping=[KsbMapping(code=code, to_codes=codes) for code, codes in mapping.codes],
            mapping_number=mapping.number,
        )
    ]


@migrations.evolve
def migrated(state: Migrations, event: LearnerMigrated) -> Migrations:
    """One more."""
    return Migrations((*state.all, (_place(event.standard), _place(event.to), event.mapping_number)))


def _reached(state: Migrations, place: tuple[str, str]) -> set[tuple[str, str]]:
    """Where a learner who stands at this place was brought from there, step by step."""
    if place not in state.holding:
        return set()
    after, _ = state.holding[place]
    return {after} | _reached(state, after)


def _place(of: StandardVersion) -> tuple[str, str]:
    return of.reference, of.version
