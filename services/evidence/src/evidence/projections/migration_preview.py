"""What a migration would keep, move and lose of one learner, and what would still be required: the same figures as afterwards."""

from collections.abc import Iterable, Mapping

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping
from mentoring.evidence.v1.standard_pb2 import (
    MIGRATION_FATE_KEPT,
    MIGRATION_FATE_LOST,
    MIGRATION_FATE_MOVED,
    MigratedKsb,
    MigrationFate,
    PreviewMigrationRequest,
    PreviewMigrationResponse,
    RequiredKsb,
)

from evidence.domain.standard import Version, standard
from evidence.domain.standard_life import known_version, mapping_faults
from evidence.projections.carried_over import carried_over
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.progress_document import LearnerProgress, Way
from evidence.projections.progress_figures import KsbFigures, figures_on


async def preview_migration(request: PreviewMigrationRequest, read: Reader) -> PreviewMigrationResponse:
    """By the mapping of the request, else by the newest that was set. Raises Refusal STANDARD_UNKNOWN, NOT_MAPPED or MAPPING_NOT_WHOLE."""
    source = known_version(
        await read.state(standard, f"standard-{request.standard.reference}"), request.standard, "standard"
    )
    target = known_version(await read.state(standard, f"standard-{request.to.reference}"), request.to, "to")
    codes = _codes(request, source, target)
    document = await read.document(ksb_progress, request.learner_id) or ksb_progress.new(request.learner_id)
    way = Way(
        reference=request.standard.reference,
        version=request.standard.version,
        to_reference=request.to.reference,
        to_version=request.to.version,
        codes={code: list(to) for code, to in codes.items()},
    )
    after = document.model_copy(update={"ways": [*(one for one in document.ways if one.source != way.source), way]})
    return PreviewMigrationResponse(
        ksbs=list(_fates(document, request, source, codes)), required=list(_required(after, request, target, codes))
    )


def _codes(request: PreviewMigrationRequest, source: Version, target: Version) -> dict[str, tuple[str, ...]]:
    given: Iterable[KsbMapping] = request.mapping
    if faults := mapping_faults(given, source, target) if request.mapping else []:
        raise Refusal("MAPPING_NOT_WHOLE", "; ".join(faults), field="mapping")
    if request.mapping:
        return {one.code: tuple(one.to_codes) for one in given}
    found = source.mapping_to(request.to.reference, request.to.version)
    if found is None:
        raise Refusal("NOT_MAPPED", "there is no mapping between the two; give one, or set one first", field="mapping")
    return dict(found.codes)


def _fates(
    document: LearnerProgress, request: PreviewMigrationRequest, source: Version, codes: Mapping[str, tuple[str, ...]]
) -> Iterable[MigratedKsb]:
    asked = request.standard
    figures = figures_on(document, asked.reference, asked.version)
    pieces = carried_over(document, asked.reference, asked.version).pieces
    for ksb in source.ksbs:
        own = figures.ksbs.get(ksb.code, KsbFigures())
        yield MigratedKsb(
            code=ksb.code,
            to_codes=codes[ksb.code],
            fate=_fate(ksb.code, codes[ksb.code]),
            evidenced=own.evidenced,
            assessed=own.assessed,
            practised=own.practised,
            practised_minutes=own.practised_seconds // 60,
            evidence_ids=sorted(
                evidence_id
                for evidence_id, piece in pieces.items()
                if (piece.reference, piece.version) == (asked.reference, asked.version) and ksb.code in piece.claims
            ),
        )


def _required(
    after: LearnerProgress, request: PreviewMigrationRequest, target: Version, codes: Mapping[str, tuple[str, ...]]
) -> Iterable[RequiredKsb]:
    figures = figures_on(after, request.to.reference, request.to.version)
    for ksb in target.ksbs:
        yield RequiredKsb(
            code=ksb.code,
            required=ksb.required,
            assessed=figures.ksbs.get(ksb.code, KsbFigures()).assessed,
            from_codes=[code for code, to in codes.items() if ksb.code in to],
        )


def _fate(code: str, to: tuple[str, ...]) -> MigrationFate.ValueType:
    if not to:
        return MIGRATION_FATE_LOST
    return MIGRATION_FATE_KEPT if to == (code,) else MIGRATION_FATE_MOVED
