"""The provider's learners on one version of a standard, in sums."""

from eventkernel.reading import Reader
from mentoring.evidence.v1.evidence_pb2 import GetCohortSummaryRequest, GetCohortSummaryResponse, KsbCount

from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import version_of
from evidence.projections.progress_figures import figures_on, is_on, required_of

_SUMMED = (
    "sessions_planned",
    "sessions_held",
    "sessions_missed",
    "evidence_submitted",
    "evidence_accepted",
    "evidence_referred",
)


async def get_cohort_summary(request: GetCohortSummaryRequest, read: Reader) -> GetCohortSummaryResponse:
    """Exact figures, also of a few learners: whoever may ask may read each learner's progress by name.

    Raises Refusal STANDARD_UNKNOWN.
    """
    asked = request.standard
    required = required_of(await version_of(asked, read))
    sums, seconds, learners = dict.fromkeys(_SUMMED, 0), 0, 0
    assessed = dict.fromkeys(required, 0)
    async for document in read.each(ksb_progress):
        if not is_on(document, asked.reference, asked.version):
            continue
        figures = figures_on(document, asked.reference, asked.version)
        learners, seconds = learners + 1, seconds + figures.held_seconds
        for name in _SUMMED:
            sums[name] += getattr(figures, name)
        for code, needed in required.items():
            assessed[code] += code in figures.ksbs and figures.ksbs[code].is_signed_off(needed)
    return GetCohortSummaryResponse(
        learners=learners,
        minutes=seconds // 60,
        assessed=[KsbCount(code=code, learners=count) for code, count in assessed.items()],
        **sums,
    )
