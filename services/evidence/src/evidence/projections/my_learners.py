"""A mentor's own learners: how each goes, when they were last heard of, when they meet next, and what is missing."""

from collections.abc import Iterator

from eventkernel.paging import cut, list_name
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.cohort_pb2 import (
    LEARNER_ORDER_LAST_TOUCHED,
    LEARNER_ORDER_LEARNER,
    LEARNER_ORDER_NEXT_SESSION,
    LearnerOrder,
    ListMyLearnersRequest,
    ListMyLearnersResponse,
    MyLearner,
)

from evidence.domain.progress_policy import ProgressPolicy
from evidence.domain.standard import standard
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import time_of
from evidence.projections.pace_of_learner import current_policy, pace_on
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_figures import figures_on
from evidence.projections.readiness import gaps

# Behind any time that a session may have.
_NEVER = 1 << 62


async def list_my_learners(request: ListMyLearnersRequest, read: Reader) -> ListMyLearnersResponse:
    """Each learner once for each version of a standard on which the caller mentors them now."""
    policy = await current_policy(read)
    found = []
    for document in await read.documents(ksb_progress, mentor_ids=read.principal.person_id):
        for asked in _mentored_on(document, read.principal.person_id):
            if not request.HasField("standard") or asked == request.standard:
                shown = await _learner(document, asked, policy, read)
                if not request.colours or shown.pace.colour in request.colours:
                    found.append(shown)
    page, cursor = cut(
        found,
        request.page,
        key=lambda one: (*_place(one, request.order), one.learner_id, one.standard.reference, one.standard.version),
        of=list_name(
            "my learners", read.principal.person_id, request.standard.reference, request.standard.version,
            frozenset(request.colours), request.order,
        ),
    )  # fmt: skip
    return ListMyLearnersResponse(learners=page, next_cursor=cursor)


def _mentored_on(document: LearnerProgress, mentor_id: str) -> Iterator[StandardVersion]:
    known = {
        (one.reference, one.version)
        for one in document.mentorships.values()
        if one.active and one.mentor_id == mentor_id
    }
    for reference, version in sorted(known):
        yield StandardVersion(reference=reference, version=version)


async def _learner(document: LearnerProgress, on: StandardVersion, policy: ProgressPolicy, read: Reader) -> MyLearner:
    figures = figures_on(document, on.reference, on.version, int(read.now.timestamp() * 1000))
    shown = MyLearner(
        learner_id=document.learner_id,
        standard=on,
        last_touched_at=time_of(figures.last_touched_ms),
        next_session_at=time_of(figures.next_session_ms),
        practised_minutes=figures.practised_seconds // 60,
        off_the_job_minutes=figures.off_the_job_seconds // 60,
    )
    version = (await read.state(standard, f"standard-{on.reference}")).find(on.version)
    # A mentorship can be on a version that the provider has not imported: then there is nothing to hold it against.
    if version is not None:
        missing = gaps(figures, version)
        shown.gaps.extend(gap.code for gap in missing)
        shown.signed_off = len(version.ksbs) - len(missing)
        shown.pace.CopyFrom(pace_on(document, on.reference, version, figures, policy=policy, today=read.now.date()))
    return shown


def _place(one: MyLearner, order: LearnerOrder.ValueType) -> tuple[int, ...]:
    if order == LEARNER_ORDER_LEARNER:
        return ()
    if order == LEARNER_ORDER_LAST_TOUCHED:
        return (one.last_touched_at.ToMilliseconds(),)
    if order == LEARNER_ORDER_NEXT_SESSION:
        return (one.next_session_at.ToMilliseconds() or _NEVER,)
    return (-one.pace.behind,)
