"""One learner against every KSB of a standard, now or as it was known at a moment."""

from datetime import UTC, datetime

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.evidence_pb2 import (
    CarriedPiece,
    GetKsbProgressRequest,
    GetKsbProgressResponse,
    KsbProgress,
)
from mentoring.evidence.v1.learner_record_pb2 import GetLearnerRecordRequest
from mentoring.evidence.v1.progress_pb2 import GetGatewayReadinessRequest, GetKsbGapsRequest, GetPaceRequest

from evidence.domain.standard import Ksb, Version, standard
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_facts import progress_as_known
from evidence.projections.progress_figures import Figures, KsbFigures, figures_on, next_step, required_of

AskedOfLearner = (
    GetLearnerRecordRequest | GetKsbProgressRequest | GetKsbGapsRequest | GetGatewayReadinessRequest | GetPaceRequest
)


async def get_ksb_progress(request: GetKsbProgressRequest, read: Reader) -> GetKsbProgressResponse:
    """The learner against every KSB of the standard, in its order; zeros where nothing happened.

    Raises Refusal STANDARD_UNKNOWN, and NOT_KNOWN_YET for a moment that is still to come.
    """
    version = await version_of(request.standard, read)
    return progress_of(request.learner_id, request.standard, version, await figures_as_asked(request, read))


def progress_of(learner_id: str, on: StandardVersion, version: Version, figures: Figures) -> GetKsbProgressResponse:
    """These figures against every KSB of the version."""
    required = required_of(version)
    found = [(ksb, figures.ksbs.get(ksb.code, KsbFigures()), required[ksb.code]) for ksb in version.ksbs]
    return GetKsbProgressResponse(
        learner_id=learner_id,
        standard=on,
        ksbs=[_progress(*each) for each in found],
        mapped=sum(1 for _, one, _ in found if one.evidenced),
        signed_off=sum(1 for _, one, needed in found if one.is_signed_off(needed)),
        sampled=sum(1 for _, one, _ in found if one.sampled),
        practised_minutes=figures.practised_seconds // 60,
        off_the_job_minutes=figures.off_the_job_seconds // 60,
    )


async def figures_as_asked(request: AskedOfLearner, read: Reader) -> Figures:
    """The learner's figures on the standard, as they were known when the request says."""
    return figures_on(await progress_as_asked(request, read), request.standard.reference, request.standard.version)


async def progress_as_asked(request: AskedOfLearner, read: Reader) -> LearnerProgress:
    """What happened, as it was known when the request says; nothing where nothing is known."""
    if request.HasField("as_known_at"):
        return await progress_as_known(request.learner_id, moment(request, read), read)
    return await read.document(ksb_progress, request.learner_id) or ksb_progress.new(request.learner_id)


def moment(request: AskedOfLearner, read: Reader) -> datetime:
    """The moment that the request asks about; now where it names none. Raises Refusal NOT_KNOWN_YET."""
    if not request.HasField("as_known_at"):
        return read.now
    at = request.as_known_at.ToDatetime(UTC)
    if at > read.now:
        raise Refusal(
            "NOT_KNOWN_YET",
            "what will be known by then nobody can tell; give a moment that has passed, or none for now",
            field="as_known_at",
        )
    return at


async def version_of(asked: StandardVersion, read: Reader) -> Version:
    """The version that was imported. Raises Refusal STANDARD_UNKNOWN."""
    found = (await read.state(standard, f"standard-{asked.reference}")).find(asked.version)
    if found is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{asked.reference} {asked.version} is not known; import it first, with `mentorstream standard import` or ImportStandard, or "
            "name another version",
            field="standard",
        )
    return found


def time_of(ms: int) -> Timestamp | None:
    """A time of an answer; none where it never was."""
    found = Timestamp()
    found.FromMilliseconds(ms)
    return found if ms else None


def _progress(ksb: Ksb, figures: KsbFigures, required: int) -> KsbProgress:
    return KsbProgress(
        code=ksb.code,
        statement=ksb.statement,
        planned=figures.planned,
        practised=figures.practised,
        practised_minutes=figures.practised_seconds // 60,
        evidenced=figures.evidenced,
        assessed=figures.assessed,
        decided_by=figures.decided_by,
        next_step=next_step(figures, required),
        sampled=figures.sampled,
        required=required,
        last_touched_at=time_of(figures.last_touched_ms),
        decided_at=time_of(figures.decided_ms),
        carried=[
            CarriedPiece(
                evidence_id=evidence_id, standard=StandardVersion(reference=reference, version=version), code=code
            )
            for evidence_id, (reference, version, code) in sorted(figures.carried.items())
        ],
    )
