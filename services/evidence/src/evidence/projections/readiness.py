"""What is missing: the KSBs that are not signed off and why, and whether it is enough for the gateway."""

from datetime import datetime

from eventkernel.reading import Reader
from mentoring.evidence.v1 import progress_pb2 as pb
from mentoring.evidence.v1.progress_pb2 import (
    GAP_REASON_NOT_EVIDENCED,
    GAP_REASON_NOT_JUDGED,
    GAP_REASON_NOT_PRACTISED,
    GAP_REASON_NOTHING_PLANNED,
    GAP_REASON_REFERRED_BACK,
    GAP_REASON_TOO_FEW,
    GATEWAY_CODE_KSBS_SIGNED_OFF,
    GATEWAY_CODE_OFF_THE_JOB_HOURS,
    GATEWAY_CODE_REVIEWS_UP_TO_DATE,
    REQUIREMENT_STATUS_MET,
    REQUIREMENT_STATUS_NOT_KNOWN,
    REQUIREMENT_STATUS_NOT_MET,
    GapReason,
    GatewayRequirement,
    KsbGap,
)

from evidence.domain.standard import Version
from evidence.policy_defaults import MINIMUM_OFF_THE_JOB_SECONDS
from evidence.projections.learner_progress import figures_as_asked, moment, progress_as_asked, version_of
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_figures import (
    Figures,
    KsbFigures,
    figures_on,
    mentorship_on,
    next_step,
    required_of,
)


async def get_ksb_gaps(request: pb.GetKsbGapsRequest, read: Reader) -> pb.GetKsbGapsResponse:
    """The gaps in the standard's order. Raises Refusal STANDARD_UNKNOWN and NOT_KNOWN_YET."""
    version = await version_of(request.standard, read)
    return pb.GetKsbGapsResponse(gaps=gaps(await figures_as_asked(request, read), version))


async def get_gateway_readiness(request: pb.GetGatewayReadinessRequest, read: Reader) -> pb.GetGatewayReadinessResponse:
    """Each requirement, in a fixed order. Raises Refusal STANDARD_UNKNOWN and NOT_KNOWN_YET."""
    version = await version_of(request.standard, read)
    document = await progress_as_asked(request, read)
    figures = figures_on(document, request.standard.reference, version.version)
    requirements = [
        _ksbs_signed_off(figures, version),
        _off_the_job_hours(document, figures, request.standard.reference, version),
        _reviews_up_to_date(document, request.standard.reference, version, moment(request, read)),
    ]
    ready = all(one.status != REQUIREMENT_STATUS_NOT_MET for one in requirements)
    return pb.GetGatewayReadinessResponse(ready=ready, requirements=requirements)


def gaps(figures: Figures, version: Version) -> list[KsbGap]:
    """The KSBs that are not signed off, in the standard's order."""
    required = required_of(version)
    found = [(ksb, figures.ksbs.get(ksb.code, KsbFigures()), required[ksb.code]) for ksb in version.ksbs]
    return [
        KsbGap(
            code=ksb.code,
            statement=ksb.statement,
            reason=_reason(one),
            next_step=next_step(one, needed),
            required=needed,
            assessed=one.assessed,
            missing=needed - one.assessed,
        )
        for ksb, one, needed in found
        if not one.is_signed_off(needed)
    ]


def _reason(figures: KsbFigures) -> GapReason.ValueType:
    if figures.evidenced > figures.judged:
        return GAP_REASON_NOT_JUDGED
    if figures.assessed:
        return GAP_REASON_TOO_FEW
    if figures.evidenced:
        return GAP_REASON_REFERRED_BACK
    if figures.practised:
        return GAP_REASON_NOT_EVIDENCED
    return GAP_REASON_NOT_PRACTISED if figures.ahead else GAP_REASON_NOTHING_PLANNED


def _ksbs_signed_off(figures: Figures, version: Version) -> GatewayRequirement:
    missing = [gap.code for gap in gaps(figures, version)]
    return GatewayRequirement(
        code=GATEWAY_CODE_KSBS_SIGNED_OFF,
        status=REQUIREMENT_STATUS_NOT_MET if missing else REQUIREMENT_STATUS_MET,
        needed=len(version.ksbs),
        present=len(version.ksbs) - len(missing),
        ksb_codes=missing,
    )


def _off_the_job_hours(
    document: LearnerProgress, figures: Figures, reference: str, version: Version
) -> GatewayRequirement:
    found = mentorship_on(document, reference, version.version)
    own = document.minimum_seconds.get(found[0], 0) if found else 0
    needed = own or MINIMUM_OFF_THE_JOB_SECONDS
    is_enough = figures.off_the_job_seconds >= needed
    return GatewayRequirement(
        code=GATEWAY_CODE_OFF_THE_JOB_HOURS,
        status=REQUIREMENT_STATUS_MET if is_enough else REQUIREMENT_STATUS_NOT_MET,
        needed=needed // 60,
        present=figures.off_the_job_seconds // 60,
    )


def _reviews_up_to_date(
    document: LearnerProgress, reference: str, version: Version, at: datetime
) -> GatewayRequirement:
    found = mentorship_on(document, reference, version.version)
    late_ms = document.reviews_late_ms.get(found[0]) if found else None
    status = REQUIREMENT_STATUS_MET
    if late_ms is None:
        status = REQUIREMENT_STATUS_NOT_KNOWN
    elif late_ms and at.timestamp() * 1000 >= late_ms:
        status = REQUIREMENT_STATUS_NOT_MET
    return GatewayRequirement(code=GATEWAY_CODE_REVIEWS_UP_TO_DATE, status=status)
