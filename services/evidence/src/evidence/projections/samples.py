"""Samples and how they stand, one document a sample; and which learners' samples are all done."""

from collections.abc import AsyncIterator, Mapping

from eventkernel.messages import Metadata
from eventkernel.paging import CursorInvalid, list_name, read_cursor, size_of, write_cursor
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Page, StandardVersion
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.events_pb2 import Decision, EvidenceKind
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_AWAITING,
    SAMPLE_STATUS_CONFIRMED,
    SampleActionAnswered,
    SampleActionClosed,
    SampleActionOverdue,
    SampleActionRequired,
    SampleConfirmed,
    SampleOpened,
    SampleStatus,
    SamplingRule,
    SamplingStage,
)
from pydantic import BaseModel

from evidence.projections.times import bounds, ms, stamp

# As many as a page may have.
_AT_ONCE = 500


class Sample(BaseModel):
    """One sample, named as in the contract's `SampleSummary`."""

    sample_id: str
    learner_id: str = ""
    evidence_id: str = ""
    assessor_id: str = ""
    iqa_id: str = ""
    plan_id: str = ""
    draw_id: str = ""
    stage: SamplingStage.ValueType = SamplingStage.SAMPLING_STAGE_UNSPECIFIED
    standard_reference: str = ""
    standard_version: str = ""
    kind: EvidenceKind.ValueType = EvidenceKind.EVIDENCE_KIND_UNSPECIFIED
    ksb_codes: list[str] = []
    rules: list[SamplingRule.ValueType] = []
    decision: Decision.ValueType = Decision.DECISION_UNSPECIFIED
    status: SampleStatus.ValueType = SAMPLE_STATUS_AWAITING
    due_on: str = ""
    overdue: bool = False
    answered: bool = False
    opened_ms: int = 0
    decided_ms: int = 0


samples = Projection(
    "samples",
    version=1,
    document=Sample,
    key="sample_id",
    indexes=(
        "plan_id",
        "draw_id",
        "assessor_id",
        "iqa_id",
        "learner_id",
        "standard_reference",
        "status",
        "opened_ms",
    ),
)


@samples.on
def opened(document: Sample, event: SampleOpened, meta: Metadata) -> None:
    """It waits for the IQA."""
    document.learner_id = event.learner_id
    document.evidence_id = event.evidence_id
    document.assessor_id = event.assessor_id
    document.iqa_id = event.iqa_id
    document.plan_id = event.plan_id
    document.draw_id = event.draw_id
    document.stage = event.stage
    document.standard_reference = event.standard.reference
    document.standard_version = event.standard.version
    document.kind = event.kind
    document.ksb_codes = list(event.ksb_codes)
    document.rules = list(event.rules)
    document.decision = event.decision
    document.opened_ms = ms(meta)


@samples.on
def confirmed(document: Sample, event: SampleConfirmed, meta: Metadata) -> None:
    """The assessment stands."""
    _decided(document, SAMPLE_STATUS_CONFIRMED, event.iqa_id, meta)


@samples.on
def action_required(document: Sample, event: SampleActionRequired, meta: Metadata) -> None:
    """The assessor has something to do."""
    _decided(document, SAMPLE_STATUS_ACTION_REQUIRED, event.iqa_id, meta)
    document.due_on = event.due_on


@samples.on
def action_answered(document: Sample, _event: SampleActionAnswered, _meta: Metadata) -> None:
    """The IQA may close it."""
    document.answered = True


@samples.on
def action_overdue(document: Sample, _event: SampleActionOverdue, _meta: Metadata) -> None:
    """Its day went by."""
    document.overdue = True


@samples.on
def action_closed(document: Sample, event: SampleActionClosed, meta: Metadata) -> None:
    """Nothing is open any more."""
    _decided(document, event.status, event.iqa_id, meta)


async def list_samples(request: views.ListSamplesRequest, read: Reader) -> views.ListSamplesResponse:
    """The samples that were asked for, the newest first. Raises Refusal NO_SUCH_DAY."""
    names = ("plan_id", "draw_id", "assessor_id", "iqa_id", "learner_id", "standard_reference", "status")
    asked = {name: getattr(request, name) for name in names}
    shown, cursor = await _page(read, request.page, asked, *bounds(request.first_day, request.last_day))
    return views.ListSamplesResponse(samples=map(summary, shown), next_cursor=cursor)


async def list_my_samples(request: views.ListMySamplesRequest, read: Reader) -> views.ListMySamplesResponse:
    """The samples of what the caller assessed, the newest first."""
    asked = {"assessor_id": read.principal.person_id, "status": request.status}
    shown, cursor = await _page(read, request.page, asked)
    return views.ListMySamplesResponse(samples=map(summary, shown), next_cursor=cursor)


async def list_learner_compliance(
    request: views.ListLearnerComplianceRequest, read: Reader
) -> views.ListLearnerComplianceResponse:
    """The learners of whom something was drawn under the plan, by their ids. Of the plan's samples a page reads its own learners' alone."""
    of, size = list_name("learner compliance", request.plan_id), size_of(request.page)
    of_learner = dict[str, list[SampleStatus.ValueType]]()
    cursor = ""
    async for one in _by_learner(read, request.plan_id, _reached(request.page.cursor, of)):
        if len(of_learner) == size and one.learner_id not in of_learner:
            cursor = write_cursor(list(of_learner)[-1:], of)
            break
        of_learner.setdefault(one.learner_id, []).append(one.status)
    return views.ListLearnerComplianceResponse(
        learners=[
            views.LearnerCompliance(
                learner_id=learner_id,
                compliant=not {SAMPLE_STATUS_AWAITING, SAMPLE_STATUS_ACTION_REQUIRED} & set(statuses),
                drawn=len(statuses),
                awaiting=statuses.count(SAMPLE_STATUS_AWAITING),
                action_required=statuses.count(SAMPLE_STATUS_ACTION_REQUIRED),
            )
            for learner_id, statuses in of_learner.items()
        ],
        next_cursor=cursor,
    )


def summary(one: Sample) -> views.SampleSummary:
    """A sample as it is listed."""
    return views.SampleSummary(
        **one.model_dump(exclude={"standard_reference", "standard_version", "opened_ms", "decided_ms"}),
        standard=StandardVersion(reference=one.standard_reference, version=one.standard_version),
        opened_at=stamp(one.opened_ms),
        decided_at=stamp(one.decided_ms),
    )


def _decided(document: Sample, status: SampleStatus.ValueType, iqa_id: str, meta: Metadata) -> None:
    document.status = status
    document.iqa_id = iqa_id
    document.decided_ms = ms(meta)
    document.due_on, document.overdue, document.answered = "", False, False


async def _page(
    read: Reader, page: Page, asked: Mapping[str, object], since: int | None = None, before: int | None = None
) -> tuple[list[Sample], str]:
    return await read.page(
        samples,
        page,
        order="opened_ms",
        descending=True,
        since=since,
        before=before,
        **{name: value for name, value in asked.items() if value},
    )


async def _by_learner(read: Reader, plan_id: str, reached: str | None) -> AsyncIterator[Sample]:
    """The samples of the learners behind the one that was reached, a learner's one after the other."""
    page = Page(size=_AT_ONCE)
    # No id has such a character, so all that begins there is behind all of this learner's.
    since = None if reached is None else f"{reached}\x00"
    while True:
        found, page.cursor = await read.page(
            samples, page, order="learner_id", descending=False, since=since, before=None, plan_id=plan_id
        )
        for one in found:
            yield one
        if not page.cursor:
            return


def _reached(cursor: str, of: str) -> str | None:
    if not cursor:
        return None
    match read_cursor(cursor, of):
        case [str(learner_id)]:
            return learner_id
    raise CursorInvalid
