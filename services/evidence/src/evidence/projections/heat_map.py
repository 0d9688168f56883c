"""How far a cohort has come with each KSB, without names; nothing that tells of fewer than five."""

from collections import defaultdict
from collections.abc import Mapping

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from mentoring.evidence.v1.cohort_pb2 import ColourCounts, GetHeatMapRequest, GetHeatMapResponse, HeatMapRow
from mentoring.evidence.v1.progress_pb2 import COLOUR_AMBER, COLOUR_RED

from evidence.domain.disclosure import LEAST, Place, published
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import version_of
from evidence.projections.pace_of_learner import current_policy, pace_on
from evidence.projections.progress_figures import Band, KsbFigures, figures_on, mentorship_on

# What is counted: a KSB's code and a band, or a colour.
Cell = tuple[str, int]
_COLOUR = ""


async def get_heat_map(request: GetHeatMapRequest, read: Reader) -> GetHeatMapResponse:
    """The learners in an active mentorship on the standard, of all employers, of one, or of one of its sites.

    Raises Refusal STANDARD_UNKNOWN, and SITE_WITHOUT_EMPLOYER: sites belong to employers, and what is told of each holds within that order only.
    """
    if request.site_id and not request.employer_id:
        raise Refusal(
            "SITE_WITHOUT_EMPLOYER", "a site is one of an employer; give the employer's id too", field="employer_id"
        )
    version = await version_of(request.standard, read)
    counts, learners = await _counted(request, read)
    place = Place(request.employer_id or None, request.site_id or None)
    told = {cell: published(at).get(place, 0) for cell, at in counts.items()}
    of_all = learners - learners % LEAST if place == Place() else 0
    return GetHeatMapResponse(
        learners=of_all,
        rows=[_row(ksb.code, told, of_all) for ksb in version.ksbs],
        colours=_colours(told, of_all),
    )


async def _counted(request: GetHeatMapRequest, read: Reader) -> tuple[Mapping[Cell, Mapping[Place, int]], int]:
    """How many learners are in each cell at each site, and how many there are in all."""
    asked = request.standard
    version, policy = await version_of(asked, read), await current_policy(read)
    counts: defaultdict[Cell, defaultdict[Place, int]] = defaultdict(lambda: defaultdict(int))
    sites, learners = set[Place](), 0
    async for document in read.each(ksb_progress):
        found = mentorship_on(document, asked.reference, asked.version)
        if found is None or not found[1].active:
            continue
        learners += 1
        site = Place(found[1].employer_id, found[1].site_id)
        sites.add(site)
        figures = figures_on(document, asked.reference, asked.version)
        for ksb in version.ksbs:
            counts[ksb.code, figures.ksbs.get(ksb.code, KsbFigures()).band][site] += 1
        pace = pace_on(document, asked.reference, version, figures, policy=policy, today=read.now.date())
        counts[_COLOUR, pace.colour][site] += 1
    return {cell: {site: at[site] for site in sites} for cell, at in counts.items()}, learners


def _row(code: str, told: Mapping[Cell, int], learners: int) -> HeatMapRow:
    bands = {band.name.lower(): told.get((code, band), 0) for band in Band if band != Band.NONE}
    return HeatMapRow(code=code, rest=max(0, learners - sum(bands.values())), **bands)


def _colours(told: Mapping[Cell, int], learners: int) -> ColourCounts:
    amber, red = told.get((_COLOUR, COLOUR_AMBER), 0), told.get((_COLOUR, COLOUR_RED), 0)
    return ColourCounts(amber=amber, red=red, rest=max(0, learners - amber - red))
